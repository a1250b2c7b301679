package assay

import (
	"assay/internal/disk"
	"assay/internal/guest"
	"assay/internal/report"
	"assay/internal/span"
	"assay/internal/volume"
)

// inventory tells what the target is, once it is assembled; g may be nil.
func (r *run) inventory(g *guest.Guest) {
	if g != nil {
		for _, m := range g.Tree.Mounts() {
			for i := range r.inv.Volumes {
				if r.inv.Volumes[i].Name == m.Name && r.inv.Volumes[i].Mount == "" {
					r.inv.Volumes[i].Mount = m.Path
				}
			}
		}
		r.inv.System = system(g)
	}
	r.send(report.Message{Inventory: &r.inv})
}

func system(g *guest.Guest) *report.System {
	os, boot := g.OS(), g.FirstBoot()
	s := &report.System{Family: string(os.Family), ID: os.ID, Version: os.Version, Name: os.Name,
		Packages: g.Packages().Count, Agents: boot.Agents, HostKeys: boot.HostKeys}
	acc, err := g.Accounts()
	if err != nil {
		return s // the check of accounts reports it
	}
	s.Accounts = len(acc.Users)
	for _, a := range acc.Users {
		if a.Login() {
			s.Logins = append(s.Logins, report.Login{User: a.Name, UID: a.UID, Password: string(a.Password),
				Origin: string(a.Origin), Sudo: len(a.Sudo) > 0})
		}
	}
	return s
}

// dataOf tells which bytes of a volume may be other than zero, from what its
// disks' containers know.
func dataOf(v *volume.Volume, images []*disk.File) func() (span.Set, error) {
	return func() (span.Set, error) {
		var out []span.Span
		for _, m := range v.Map {
			all, err := images[m.Disk].Data()
			if err != nil {
				return nil, err
			}
			for _, s := range all.Intersect(span.Set{{Off: m.DiskOffset, Len: m.Len}}) {
				out = append(out, span.Span{Off: s.Off - m.DiskOffset + m.Offset, Len: s.Len})
			}
		}
		return span.Make(out), nil
	}
}
