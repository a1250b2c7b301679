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
// in walk order: a directory comes right before all that is below it, names of
// one directory are sorted.
type Index struct {
	Dirs   []string // paths of directories
	Files  []Indexed
	Faults []finding.Gap // what the walk could not read
	// names are the distinct names, sorted; byName[from[i]:from[i+1]] are the
	// indices into Files of names[i], in walk order.
	names  []string
	from   []int32
	byName []int32
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

// NamedBy returns the files whose name pleases want, in walk order. It asks of
// each distinct name once.
func (x *Index) NamedBy(want func(name string) bool) []Indexed { return x.at(x.indicesBy(want)) }

// indicesBy returns indices into Files in walk order.
func (x *Index) indicesBy(want func(name string) bool) []int32 {
	var hits []int32
	for i, n := range x.names {
		if want(n) {
			hits = append(hits, x.byName[x.from[i]:x.from[i+1]]...)
		}
	}
	slices.Sort(hits)
	return hits
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
// looked at.
func (x *Index) hits(out []int32, p namePattern) []int32 {
	first, _ := slices.BinarySearch(x.names, p.prefix)
	for i := first; i < len(x.names) && strings.HasPrefix(x.names[i], p.prefix); i++ {
		if p.match(x.names[i]) {
			out = append(out, x.byName[x.from[i]:x.from[i+1]]...)
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
			if len(x.Faults) < maxFaults {
				x.Faults = append(x.Faults, fsys.Gap(g.Where(name, 0), err))
			}
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
	x.sortNames()
	return x
}

// sortNames fills names, from and byName: it numbers the distinct names, sorts
// only those, and then counts the files into their places. The profile of an
// image with 200,000 files had shown a third of the whole inspection in
// comparing the names of all files.
func (x *Index) sortNames() {
	number := make(map[string]int32, len(x.Files)/2)
	of := make([]int32, len(x.Files))
	for i, f := range x.Files {
		n, ok := number[f.Name]
		if !ok {
			n = int32(len(x.names))
			number[f.Name] = n
			x.names = append(x.names, f.Name)
		}
		of[i] = n
	}
	slices.Sort(x.names)
	place := make([]int32, len(x.names)) // of a name by its number
	for i, n := range x.names {
		place[number[n]] = int32(i)
	}
	x.from = make([]int32, len(x.names)+1)
	for i := range of {
		of[i] = place[of[i]]
		x.from[of[i]+1]++
	}
	for i := range x.names {
		x.from[i+1] += x.from[i]
	}
	next := slices.Clone(x.from)
	x.byName = make([]int32, len(x.Files))
	for i, n := range of {
		x.byName[next[n]] = int32(i)
		next[n]++
	}
}
