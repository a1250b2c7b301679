package double

import "slices"

// find returns the first element that fits, or nil.
func find[T any](list []*T, fits func(*T) bool) *T {
	if i := slices.IndexFunc(list, fits); i >= 0 {
		return list[i]
	}
	return nil
}

func (a *Account) user(name string) *User {
	return find(a.Users, func(u *User) bool { return u.Name == name })
}

func (a *Account) group(name string) *Group {
	return find(a.Groups, func(g *Group) bool { return g.Name == name })
}

func (a *Account) role(name string) *Role {
	return find(a.Roles, func(r *Role) bool { return r.Name == name })
}

func (a *Account) policy(name string) *Policy {
	return find(a.Policies, func(p *Policy) bool { return p.Name == name })
}

func (d *Directory) folder(id string) *Folder {
	return find(d.Folders, func(f *Folder) bool { return f.ID == id })
}

func (d *Directory) member(id string) *Member {
	return find(d.Members, func(m *Member) bool { return m.Account == id })
}

func (d *Directory) policy(id string) *Policy {
	return find(d.Policies, func(p *Policy) bool { return p.ID == id })
}

func (r *Region) image(id string) *Image {
	return find(r.Images, func(i *Image) bool { return i.ID == id })
}

func (r *Region) instance(id string) *Instance {
	return find(r.Instances, func(i *Instance) bool { return i.ID == id })
}

func (r *Region) keyPair(name string) *KeyPair {
	return find(r.KeyPairs, func(k *KeyPair) bool { return k.Name == name })
}
