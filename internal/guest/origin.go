package guest

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"assay/internal/artefact/sysusers"
)

// A maker is who declares an account.
type maker struct {
	origin Origin
	name   string
}

// setOrigins fills Origin and Maker of accounts and groups. A name is not
// enough to be the distribution's, and an id alone never says anything: people
// make accounts with low ids too.
func (g *Guest) setOrigins(a *Accounts) {
	baseUsers, baseGroups := g.base()
	users, groups := map[string]maker{}, map[string]maker{}
	if u := g.cloudConfig().defaultUser; u != "" {
		users[u] = maker{CloudInit, "cloud.cfg"}
	}
	declare := func(n sysusers.Names, by string) {
		for _, u := range n.Users {
			put(users, u, maker{Package, by})
		}
		for _, gr := range n.Groups {
			put(groups, gr, maker{Package, by})
		}
	}
	g.eachSysusers(declare)
	unknown := func(u Account) bool {
		_, ok := users[u.Name]
		return !ok && !baseUsers[idName{u.Name, u.UID}]
	}
	if slices.ContainsFunc(a.Users, unknown) {
		g.Packages().eachScript(declare)
	}
	for name, agent := range byAgents {
		if slices.Contains(g.FirstBoot().Agents, agent) {
			put(users, name, maker{Package, agent})
			put(groups, name, maker{Package, agent})
		}
	}
	for i := range a.Users {
		u := &a.Users[i]
		if baseUsers[idName{u.Name, u.UID}] {
			u.Origin, u.Maker = Distribution, g.OS().ID
		} else if m, ok := users[u.Name]; ok && (u.UID != 0 || u.Name == "root") {
			u.Origin, u.Maker = m.origin, m.name
		}
	}
	for i := range a.Groups {
		gr := &a.Groups[i]
		own := slices.IndexFunc(a.Users, func(u Account) bool { return u.Name == gr.Name && u.GID == gr.GID })
		switch m, ok := groups[gr.Name]; {
		case baseGroups[idName{gr.Name, gr.GID}]:
			gr.Origin = Distribution
		case ok:
			gr.Origin = m.origin
		case own >= 0:
			gr.Origin = a.Users[own].Origin
		}
	}
}

// put keeps the first maker of a name.
func put(m map[string]maker, name string, by maker) {
	if _, ok := m[name]; !ok {
		m[name] = by
	}
}

type idName struct {
	name string
	id   uint32
}

// base returns what the base system of this distribution is delivered with.
func (g *Guest) base() (users, groups map[idName]bool) {
	os := g.OS()
	for _, id := range append([]string{os.ID}, os.Like...) {
		if b, ok := base[families[id]]; ok {
			return ids(b.users), ids(b.groups)
		}
	}
	return map[idName]bool{{"root", 0}: true, {"nobody", 65534}: true}, map[idName]bool{{"root", 0}: true}
}

func ids(s string) map[idName]bool {
	m := map[idName]bool{}
	for _, f := range strings.Fields(s) {
		name, id, _ := strings.Cut(f, ":")
		v, _ := strconv.ParseUint(id, 10, 32) // our own data
		m[idName{name, uint32(v)}] = true
	}
	return m
}

// eachSysusers reads the sysusers.d files that packages own. Where there is no
// package database, the vendor's folder is taken at its word.
func (g *Guest) eachSysusers(fn func(sysusers.Names, string)) {
	p := g.Packages()
	for _, dir := range []string{"/usr/lib/sysusers.d", "/etc/sysusers.d"} {
		es, _ := g.Tree.ReadDir(dir) // Index reports a directory that cannot be read
		for _, e := range es {
			name := path.Join(dir, e.Name)
			if !strings.HasSuffix(e.Name, ".conf") {
				continue
			}
			by, owned := p.Owner(name)
			if !owned && (p.System != "" || dir == "/etc/sysusers.d") {
				continue
			}
			if b, err := g.Read(name); err == nil {
				fn(sysusers.Parse(b), cmp.Or(by.Package, name))
			}
		}
	}
}
