package credfile

import (
	"path"
	"slices"
	"strings"

	"assay/internal/fsys"
	"assay/internal/guest"
)

// Targets returns the regular files with content that the patterns reach, each
// once. A link at the end of a path is followed inside the guest; the match
// then has the path of the file itself.
func Targets(g *guest.Guest, patterns ...string) (out []guest.Match) {
	all, _ := g.Match(patterns...)
	seen := map[fsys.Place]bool{}
	for _, m := range all {
		if m.Meta.Kind == fsys.Symlink {
			p, resolved, err := g.Tree.Lookup(m.Path, true)
			if err != nil {
				continue
			}
			meta, err := g.Tree.Meta(p)
			if err != nil {
				continue
			}
			m.Place, m.Path, m.Meta = p, resolved, meta
		}
		if m.Meta.Kind == fsys.Regular && m.Meta.Size > 0 && !seen[m.Place] {
			seen[m.Place] = true
			out = append(out, m)
		}
	}
	return out
}

// Named returns the regular files with content, anywhere in the tree, that
// have one of the names; "*.ext" means every name with that ending after its
// last dot, in any case. What packages own is left out, but for configuration
// files, and so is what lies under pseudo file systems or in libraries.
func Named(g *guest.Guest, names ...string) []guest.Match {
	exts, exact := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		if e, ok := strings.CutPrefix(n, "*."); ok {
			exts[e] = true
			continue
		}
		exact[n] = true
	}
	return NamedBy(g, func(name string) bool {
		if exact[name] {
			return true
		}
		i := strings.LastIndexByte(name, '.')
		return i >= 0 && len(exts) > 0 && exts[strings.ToLower(name[i+1:])]
	})
}

// NamedBy is Named for any question about a name. It asks of every distinct
// name of the tree once, so the question must be quick.
func NamedBy(g *guest.Guest, want func(name string) bool) (out []guest.Match) {
	x := g.Index()
	for _, f := range x.NamedBy(want) {
		if f.Kind != fsys.Regular && f.Kind != fsys.Unknown {
			continue
		}
		name := x.Path(f)
		if Pseudo(name) || Library(name) || Vendor(g, name) {
			continue
		}
		meta, err := g.Tree.Meta(f.Place())
		g.Tree.Note(name, f.Place(), err)
		if err == nil && meta.Kind == fsys.Regular && meta.Size > 0 {
			out = append(out, guest.Match{Path: name, Place: f.Place(), Meta: meta, User: UserOf(g, name)})
		}
	}
	return out
}

// Pseudo reports whether a path lies where the running kernel mounts its own
// file systems.
func Pseudo(name string) bool {
	for _, p := range []string{"/proc/", "/sys/", "/dev/", "/run/"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// Library reports whether a path lies where the package managers of languages
// unpack what they download. Its test data is full of sample states, keys and
// password files; the scan of contents still reads it.
func Library(name string) bool {
	for _, d := range []string{"/go/pkg/mod/", "/node_modules/", "/site-packages/", "/dist-packages/", "/.cargo/registry/"} {
		if strings.Contains(name, d) {
			return true
		}
	}
	return false
}

// Vendor reports whether a package brought the file and nobody is expected to
// change it.
func Vendor(g *guest.Guest, name string) bool {
	f, ok := g.Packages().Owner(name)
	return ok && !f.Config
}

// UserOf returns whose home a path lies in, "" for none.
func UserOf(g *guest.Guest, name string) string {
	for _, h := range g.Homes() {
		if h.Path != "/" && Under(name, h.Path) {
			return h.User()
		}
	}
	return ""
}

// Under reports whether a clean path is dir or lies below it.
func Under(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// UnderAny is Under for one of several directories.
func UnderAny(name string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return Under(name, d) })
}

// Ext returns the ending of a name after its last dot, in lower case.
func Ext(name string) string { return strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")) }
