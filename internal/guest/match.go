package guest

import (
	"path"
	"slices"
	"strings"

	"assay/internal/fsys"
)

// A Match is one file that a pattern names.
type Match struct {
	Path  string // absolute, as reached; links in directories are resolved
	Place fsys.Place
	Meta  fsys.Meta // of the file itself, not of what a link points to
	User  string    // whose home it lies in, for patterns that start with "~/"
	Skel  bool      // lies in /etc/skel
}

// maxMatches bounds what one call of Match returns.
const maxMatches = 200_000

// Match returns every file that one of the patterns names, each once, in order
// of the patterns and then of names. A pattern is a path whose components may
// hold the wildcards of path.Match (they match names with a leading dot too);
// "**" as a component matches any number of directories, itself included, and
// as the last component all that is below. "~/" at the start stands for every
// home of Homes. Links are followed inside the guest in all components but the
// last. The flag is false when the result was cut.
func (g *Guest) Match(patterns ...string) ([]Match, bool) {
	m := matcher{g: g, seen: map[string]bool{}}
	for _, p := range patterns {
		if rest, ok := strings.CutPrefix(p, "~/"); ok {
			for _, h := range g.Homes() {
				m.user, m.skel = h.User(), h.Skel
				m.expand(h.Path, h.Place, strings.Split(rest, "/"))
			}
			m.user, m.skel = "", false
			continue
		}
		root, _, err := g.Tree.Lookup("/", true)
		if err == nil {
			m.expand("/", root, strings.Split(strings.TrimPrefix(p, "/"), "/"))
		}
	}
	return m.out, !m.cut
}

type matcher struct {
	g    *Guest
	seen map[string]bool
	out  []Match
	user string
	skel bool
	cut  bool
}

func (m *matcher) expand(dir string, at fsys.Place, parts []string) {
	if m.cut {
		return
	}
	part, rest := parts[0], parts[1:]
	if part == "**" {
		m.below(dir, at, rest)
		return
	}
	if !strings.ContainsAny(part, `*?[\`) {
		m.one(path.Join(dir, part), rest)
		return
	}
	fold := m.fold(at)
	part = fold(part)
	es, _ := m.g.Tree.ReadDir(dir) // what a damaged directory still gives is matched; the walk of Index reports the damage
	for _, e := range es {
		if ok, err := path.Match(part, fold(e.Name)); err == nil && ok {
			m.one(strings.TrimSuffix(dir, "/")+"/"+e.Name, rest)
		}
	}
}

// fold makes names comparable that mean the same file in the directory at: on
// most file systems only equal ones do.
func (m *matcher) fold(at fsys.Place) func(string) string {
	if f, ok := m.g.Tree.Mounts()[at.Mount].FS.(fsys.Folder); ok {
		return f.Fold
	}
	return func(s string) string { return s }
}

// one goes on with the file at name: adds it, or descends into it.
func (m *matcher) one(name string, rest []string) {
	if len(rest) == 0 {
		p, resolved, err := m.g.Tree.Lookup(name, false)
		if err == nil {
			m.add(resolved, p)
		}
		return
	}
	p, resolved, err := m.g.Tree.Lookup(name, true)
	if err != nil {
		return
	}
	if meta, err := m.g.Tree.Meta(p); err == nil && meta.Kind == fsys.Directory {
		m.expand(resolved, p, rest)
	}
}

// below matches rest in dir and in every directory under it. A single name is
// looked up in the index: walking a whole tree for each pattern is slow.
func (m *matcher) below(dir string, at fsys.Place, rest []string) {
	if len(rest) == 1 && rest[0] != "**" {
		m.named(dir, at, rest[0])
		return
	}
	if len(rest) > 0 {
		m.expand(dir, at, rest)
	}
	_ = m.g.Tree.Walk(dir, func(name string, p fsys.Place, e fsys.Entry, err error) error {
		switch {
		case m.cut:
			return fsys.ErrStop
		case err != nil: // reported by Index
		case len(rest) == 0:
			m.add(name, p)
		case e.Kind == fsys.Directory && !m.g.pseudo(name):
			m.expand(name, p, rest)
		}
		if m.g.pseudo(name) {
			return skipDir
		}
		return nil
	})
}

// named adds the files below dir whose name matches.
func (m *matcher) named(dir string, at fsys.Place, pattern string) {
	x := m.g.Index()
	prefix := strings.TrimSuffix(dir, "/") + "/"
	hits := x.like([]string{pattern})
	if _, folds := m.g.Tree.Mounts()[at.Mount].FS.(fsys.Folder); folds {
		fold := m.fold(at)
		pattern = fold(pattern)
		hits = x.indicesBy(func(name string) bool { ok, err := path.Match(pattern, fold(name)); return err == nil && ok })
	}
	for _, i := range hits {
		f := x.Files[i]
		if in := x.Dirs[f.Dir]; !m.cut && (in == dir || strings.HasPrefix(in, prefix)) {
			m.add(x.Path(f), f.Place())
		}
	}
}

func (m *matcher) add(name string, p fsys.Place) {
	if m.seen[name] {
		return
	}
	meta, err := m.g.Tree.Meta(p)
	if err != nil {
		m.g.Tree.Note(name, p, err)
		return
	}
	if len(m.out) >= maxMatches {
		m.cut = true
		return
	}
	m.seen[name] = true
	m.out = append(m.out, Match{name, p, meta, m.user, m.skel})
}

// Files is Match, with only the regular files that are not empty.
func (g *Guest) Files(patterns ...string) []Match {
	all, _ := g.Match(patterns...)
	return slices.DeleteFunc(all, func(m Match) bool { return m.Meta.Kind != fsys.Regular || m.Meta.Size == 0 })
}
