package guest

import (
	"path"
	"slices"
	"strings"

	"assay/internal/fsys"
)

// noHomes are directories that passwd names for want of a better one. What
// lies below them is not one person's.
var noHomes = []string{"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib32", "/lib64", "/media", "/mnt", "/nonexistent",
	"/opt", "/proc", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/cache", "/var/lib", "/var/log", "/var/run",
	"/var/spool", "/var/tmp", "/var/mail", "/var/spool/mail"}

// noHomesBelow are directories below which the kernel, not a person, keeps
// files.
var noHomesBelow = []string{"/dev/", "/proc/", "/sys/"}

type homes struct {
	g   *Guest
	out []Home
}

func (g *Guest) readHomes() []Home {
	if w := g.Windows(); w != nil {
		return w.homes()
	}
	h := homes{g: g}
	accounts, _ := g.Accounts() // the error is a gap of whoever lists accounts; homes in /home are found below even so
	for _, a := range accounts.Users {
		h.add(a.Home, a.Name)
	}
	h.add("/root", "")
	h.orphans()
	h.skel()
	return h.out
}

// add adds the home at name, or another user to it.
func (h *homes) add(name, user string) bool {
	if !strings.HasPrefix(name, "/") || notHome(path.Clean(name)) {
		return false
	}
	p, resolved, err := h.g.Tree.Lookup(name, true)
	if err != nil || notHome(resolved) {
		return false
	}
	if m, err := h.g.Tree.Meta(p); err != nil || m.Kind != fsys.Directory {
		return false
	}
	if strings.HasPrefix(resolved, "/usr/") && !h.dotted(resolved) {
		return false
	}
	i := slices.IndexFunc(h.out, func(x Home) bool { return x.Path == resolved })
	if i < 0 {
		i = len(h.out)
		h.out = append(h.out, Home{Path: resolved, Place: p})
	}
	if user != "" && !slices.Contains(h.out[i].Users, user) {
		h.out[i].Users = append(h.out[i].Users, user)
	}
	return true
}

func notHome(clean string) bool {
	return slices.Contains(noHomes, clean) || slices.ContainsFunc(noHomesBelow, func(p string) bool { return strings.HasPrefix(clean, p) })
}

// dotted reports whether a directory holds a name with a leading dot. System
// accounts name program folders below /usr as home; one in which somebody
// worked has dot files.
func (h *homes) dotted(dir string) bool {
	es, _ := h.g.Tree.ReadDir(dir)
	return slices.ContainsFunc(es, func(e fsys.Entry) bool { return e.Name[0] == '.' })
}

// orphans adds the directories in /home that no account names, and those one
// level deeper that look lived in: domain members have /home/DOMAIN/USER.
func (h *homes) orphans() {
	named := slices.Clone(h.out)
	es, _ := h.g.Tree.ReadDir("/home") // the walk of Index reports what cannot be read
	for _, e := range es {
		dir := "/home/" + e.Name
		if e.Name == "lost+found" || e.Name == ".snapshots" || !h.add(dir, "") {
			continue
		}
		if slices.ContainsFunc(named, func(x Home) bool { return x.Path == dir }) {
			continue
		}
		sub, _ := h.g.Tree.ReadDir(dir)
		for _, s := range sub {
			if s.Name[0] != '.' && (s.Kind == fsys.Directory || s.Kind == fsys.Unknown) && h.dotted(dir+"/"+s.Name) {
				h.add(dir+"/"+s.Name, "")
			}
		}
	}
}

func (h *homes) skel() {
	if h.add("/etc/skel", "") {
		_, resolved, _ := h.g.Tree.Lookup("/etc/skel", true)
		for i := range h.out {
			h.out[i].Skel = h.out[i].Skel || h.out[i].Path == resolved
		}
	}
}
