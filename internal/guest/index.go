package guest

import (
	"path"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/fsys"
)

// Bounds of the index.
const (
	maxIndexed = 4 << 20 // files
	maxFaults  = 1000    // gaps kept from one walk
)

// An Index is every file of the tree but what lies under pseudo file systems,
// in walk order: the files of one directory follow each other.
type Index struct {
	Dirs   []string // paths of directories
	Files  []Indexed
	Faults []finding.Gap // what the walk could not read
	names  map[string][]int32
}

// An Indexed is one name. Its metadata is read with Tree.Meta when needed.
type Indexed struct {
	Dir   int32 // index into Dirs
	Mount int16
	Kind  fsys.Kind
	Name  string
	Node  fsys.Node
}

// Path is the file's absolute path.
func (x *Index) Path(f Indexed) string { return strings.TrimSuffix(x.Dirs[f.Dir], "/") + "/" + f.Name }

// Place is the file's place in the tree.
func (f Indexed) Place() fsys.Place { return fsys.Place{Mount: int(f.Mount), Node: f.Node} }

// Named returns the files with exactly this name, in walk order.
func (x *Index) Named(name string) []Indexed {
	var out []Indexed
	for _, i := range x.names[name] {
		out = append(out, x.Files[i])
	}
	return out
}

// Like returns the files whose name matches one of the path.Match patterns, in
// walk order. Patterns of the form "*.ext" are cheap.
func (x *Index) Like(patterns ...string) []Indexed {
	var hits []int32
	for name, at := range x.names {
		if slices.ContainsFunc(patterns, func(p string) bool { return likeName(p, name) }) {
			hits = append(hits, at...)
		}
	}
	slices.Sort(hits)
	out := make([]Indexed, 0, len(hits))
	for _, i := range hits {
		out = append(out, x.Files[i])
	}
	return out
}

func likeName(pattern, name string) bool {
	if ext, ok := strings.CutPrefix(pattern, "*"); ok && !strings.ContainsAny(ext, `*?[\`) {
		return strings.HasSuffix(name, ext)
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// pseudo are directories that the running kernel fills; in an image they hold
// nothing of the kind, and a check of leftovers below mount points reads them
// by name.
var pseudo = []string{"/proc", "/sys", "/dev", "/run"}

func (g *Guest) readIndex() *Index {
	x := &Index{Dirs: []string{"/"}, names: map[string][]int32{}}
	dirs := map[string]int32{"/": 0}
	fault := func(name string, kind finding.GapKind, format string, args ...any) {
		if len(x.Faults) < maxFaults {
			x.Faults = append(x.Faults, finding.NewGap(kind, g.Where(name, 0), format, args...))
		}
	}
	err := g.Tree.Walk("/", func(name string, p fsys.Place, e fsys.Entry, err error) error {
		if err != nil {
			fault(name, finding.GapCorrupt, "%v", err)
			return nil
		}
		if len(x.Files) >= maxIndexed {
			fault("/", finding.GapLimit, "more than %d files: the rest is not listed", maxIndexed)
			return fsys.ErrStop
		}
		dir := path.Dir(name)
		d, ok := dirs[dir]
		if !ok {
			d = int32(len(x.Dirs))
			x.Dirs, dirs[dir] = append(x.Dirs, dir), d
		}
		x.names[e.Name] = append(x.names[e.Name], int32(len(x.Files)))
		x.Files = append(x.Files, Indexed{d, int16(p.Mount), e.Kind, e.Name, p.Node})
		if g.Live && slices.Contains(pseudo, name) {
			return skipDir
		}
		return nil
	})
	if err != nil {
		fault("/", finding.GapCorrupt, "%v", err)
	}
	return x
}
