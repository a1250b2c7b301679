package guest

import (
	"cmp"
	"encoding/binary"
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
// in walk order: a directory comes right before all that is below it, names of
// one directory are sorted.
type Index struct {
	Dirs   []string // paths of directories
	Files  []Indexed
	Faults []finding.Gap // what the walk could not read
	byName []int32       // indices into Files, by name and then in walk order
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
	return x.at(x.hits(nil, literal(name)))
}

// Like returns the files whose name matches one of the path.Match patterns,
// each once, in walk order. Patterns that begin with letters, and those of the
// form "*.ext", are cheap.
func (x *Index) Like(patterns ...string) []Indexed {
	return x.at(x.like(patterns))
}

// like returns indices into Files in walk order.
func (x *Index) like(patterns []string) []int32 {
	var hits []int32
	for _, p := range patterns {
		hits = x.hits(hits, compile(p))
	}
	slices.Sort(hits)
	return slices.Compact(hits)
}

func (x *Index) at(hits []int32) []Indexed {
	out := make([]Indexed, len(hits))
	for i, h := range hits {
		out[i] = x.Files[h]
	}
	return out
}

// hits appends the files that p matches. Only the names that begin like p are
// looked at; a name that occurs often is matched once.
func (x *Index) hits(out []int32, p namePattern) []int32 {
	from, _ := slices.BinarySearchFunc(x.byName, p.prefix, func(i int32, s string) int { return strings.Compare(x.Files[i].Name, s) })
	last, yes := "", false
	for _, i := range x.byName[from:] {
		name := x.Files[i].Name
		if !strings.HasPrefix(name, p.prefix) {
			break
		}
		if name != last { // names are never empty
			last, yes = name, p.match(name)
		}
		if yes {
			out = append(out, i)
		}
	}
	return out
}

// A namePattern is a path.Match pattern for one name, with what can be told
// without running it.
type namePattern struct {
	prefix string // what every match begins with
	match  func(name string) bool
}

func literal(name string) namePattern {
	return namePattern{name, func(s string) bool { return s == name }}
}

func compile(p string) namePattern {
	i := strings.IndexAny(p, `*?[\`)
	if i < 0 {
		return literal(p)
	}
	prefix, rest := p[:i], p[i:]
	if end, ok := strings.CutPrefix(rest, "*"); ok && !strings.ContainsAny(end, `*?[\`) {
		return namePattern{prefix, func(s string) bool { return len(s) >= len(prefix)+len(end) && strings.HasSuffix(s, end) }}
	}
	return namePattern{prefix, func(s string) bool { ok, err := path.Match(p, s); return err == nil && ok }}
}

// pseudo are directories that the running kernel fills; in an image they hold
// nothing of the kind, and a check of leftovers below mount points reads them
// by name.
var pseudo = []string{"/proc", "/sys", "/dev", "/run"}

// pseudo reports whether walks leave out what is below the directory.
func (g *Guest) pseudo(dir string) bool { return g.Live && slices.Contains(pseudo, dir) }

func (g *Guest) readIndex() *Index {
	x := &Index{Dirs: []string{"/"}}
	dirs := map[string]int32{"/": 0}
	last, d := "/", int32(0) // the directory of the file before
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
		if dir := name[:max(1, len(name)-len(e.Name)-1)]; dir != last {
			var ok bool
			if d, ok = dirs[dir]; !ok {
				d = int32(len(x.Dirs))
				x.Dirs, dirs[dir] = append(x.Dirs, dir), d
			}
			last = dir
		}
		x.Files = append(x.Files, Indexed{d, int16(p.Mount), e.Kind, e.Name, p.Node})
		if g.pseudo(name) {
			return skipDir
		}
		return nil
	})
	if err != nil {
		fault("/", finding.GapCorrupt, "%v", err)
	}
	x.byName = sortedByName(x.Files)
	return x
}

// sortedByName returns the positions of files in order of their names, equal
// names in walk order. It compares the first eight bytes as one number before
// it looks at the names: the profile of an image with 200,000 files showed a
// third of the whole inspection in string comparisons here.
func sortedByName(files []Indexed) []int32 {
	type keyed struct {
		head uint64
		at   int32
	}
	ks := make([]keyed, len(files))
	for i, f := range files {
		var b [8]byte
		copy(b[:], f.Name)
		ks[i] = keyed{binary.BigEndian.Uint64(b[:]), int32(i)}
	}
	slices.SortFunc(ks, func(a, b keyed) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return cmp.Or(strings.Compare(files[a.at].Name, files[b.at].Name), cmp.Compare(a.at, b.at))
	})
	out := make([]int32, len(ks))
	for i, k := range ks {
		out[i] = k.at
	}
	return out
}
