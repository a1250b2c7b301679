package fsys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"assay/internal/binread"
)

var errPathLong = errors.New("path too long")

// Bounds on what one guest may cost.
const (
	maxLinks      = 40       // symbolic links in one lookup, as Linux' MAXSYMLINKS
	maxPath       = 64 << 10 // bytes of one path; Linux allows 4096 a call, but trees can be deeper
	maxDepth      = 1024     // directories below each other in one walk
	maxCached     = 2 << 20  // directory entries kept in memory
	maxDirEntries = 4 << 20  // entries of one directory before it is cut with an error
)

// A Mount is one file system at one absolute path of a Tree.
type Mount struct {
	Path string // clean, absolute
	Name string // volume name for Where.Volume
	FS   FS
	Root Node // usually FS.Root(); a btrfs subvolume has its own
}

// A Tree is one machine's name space: file systems mounted over each other.
// Paths are bytes with "/" between names. It is safe for concurrent use.
type Tree struct {
	mounts []Mount // longest path first

	mu     sync.Mutex
	dirs   map[Place][]Entry // sorted by name
	cached int
	faults []Fault
	faulty map[string]bool // paths in faults
}

// A Place is one file of one mounted file system.
type Place struct {
	Mount int // index into the tree's mounts
	Node  Node
}

// NewTree mounts the given file systems. One of them must be at "/".
func NewTree(mounts ...Mount) (*Tree, error) {
	t := &Tree{dirs: map[Place][]Entry{}}
	root := false
	for _, m := range mounts {
		m.Path = path.Clean("/" + m.Path)
		root = root || m.Path == "/"
		t.mounts = append(t.mounts, m)
	}
	if !root {
		return nil, errors.New("no file system is mounted at /")
	}
	slices.SortStableFunc(t.mounts, func(a, b Mount) int { return len(b.Path) - len(a.Path) })
	return t, nil
}

// Mounts returns the mounts, longest path first.
func (t *Tree) Mounts() []Mount { return t.mounts }

// VolumeOf returns the volume name of the file at p.
func (t *Tree) VolumeOf(p Place) string { return t.mounts[p.Mount].Name }

func (t *Tree) mountAt(clean string) (Place, bool) {
	for i, m := range t.mounts {
		if m.Path == clean {
			return Place{i, m.Root}, true
		}
	}
	return Place{}, false
}

// entries returns the sorted entries of a directory, from the cache or read
// now. With an error it still returns what could be read.
func (t *Tree) entries(p Place) ([]Entry, error) {
	t.mu.Lock()
	es, ok := t.dirs[p]
	t.mu.Unlock()
	if ok {
		return es, nil
	}
	err := t.mounts[p.Mount].FS.ReadDir(p.Node, func(e Entry) error {
		if len(es) >= maxDirEntries {
			return binread.Errorf(t.mounts[p.Mount].Name, -1, "a directory has more than %d entries", maxDirEntries)
		}
		es = append(es, e)
		return nil
	})
	slices.SortStableFunc(es, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	if err != nil {
		return es, err
	}
	t.mu.Lock()
	if t.cached+len(es) < maxCached {
		t.dirs[p] = es
		t.cached += len(es)
	}
	t.mu.Unlock()
	return es, nil
}

func (t *Tree) child(dir Place, name string) (Entry, error) {
	es, err := t.entries(dir)
	i, ok := slices.BinarySearchFunc(es, name, func(e Entry, n string) int { return strings.Compare(e.Name, n) })
	if ok {
		return es[i], nil
	}
	if f, folds := t.mounts[dir.Mount].FS.(Folder); folds {
		want := f.Fold(name)
		for _, e := range es {
			if f.Fold(e.Name) == want {
				return e, nil
			}
		}
	}
	if err != nil {
		return Entry{}, err
	}
	return Entry{}, ErrNotExist
}

// Lookup finds the file at an absolute path. Symbolic links on the way are
// followed inside the guest; the last one only if follow is set. It returns
// the path with links resolved and, where the file system is a Folder, with
// each name as the directory spells it.
func (t *Tree) Lookup(name string, follow bool) (Place, string, error) {
	if len(name) > maxPath {
		return Place{}, "", pathError(name[:64]+"…", errPathLong)
	}
	at, _ := t.mountAt("/")
	done := []Place{at} // place of "/", then of each resolved component
	var names []string
	todo := split(name)
	links := 0
	for len(todo) > 0 {
		n := todo[0]
		todo = todo[1:]
		switch n {
		case "", ".":
			continue
		case "..":
			if len(names) > 0 {
				names, done = names[:len(names)-1], done[:len(done)-1]
			}
			continue
		}
		dir := done[len(done)-1]
		here := "/" + strings.Join(append(slices.Clone(names), n), "/")
		if p, ok := t.mountAt(here); ok {
			names, done = append(names, n), append(done, p)
			continue
		}
		e, kind, err := t.step(dir, n)
		if err != nil {
			t.Note(here, dir, err)
			return Place{}, "", pathError(name, err)
		}
		p := Place{dir.Mount, e.Node}
		if kind == Symlink && (follow || len(todo) > 0) {
			if links++; links > maxLinks {
				return Place{}, "", pathError(name, ErrLoop)
			}
			target, err := t.mounts[p.Mount].FS.Readlink(p.Node)
			if err != nil {
				t.Note(here, p, err)
				return Place{}, "", pathError(name, err)
			}
			if len(target) > maxPath {
				return Place{}, "", pathError(name, errPathLong)
			}
			if strings.HasPrefix(target, "/") {
				names, done = nil, done[:1]
			}
			todo = append(split(target), todo...)
			if len(todo) > maxPath {
				return Place{}, "", pathError(name, ErrLoop)
			}
			continue
		}
		if len(todo) > 0 && kind != Directory {
			return Place{}, "", pathError(name, ErrNotDir)
		}
		names, done = append(names, e.Name), append(done, p)
	}
	return done[len(done)-1], "/" + strings.Join(names, "/"), nil
}

func (t *Tree) step(dir Place, name string) (Entry, Kind, error) {
	e, err := t.child(dir, name)
	if err != nil {
		return e, Unknown, err
	}
	if e.Kind != Unknown {
		return e, e.Kind, nil
	}
	m, err := t.mounts[dir.Mount].FS.Stat(e.Node)
	return e, m.Kind, err
}

func split(p string) []string { return strings.Split(p, "/") }

func pathError(name string, err error) error {
	return &fs.PathError{Op: "lookup", Path: name, Err: err}
}

// Meta returns the metadata of the file at p.
func (t *Tree) Meta(p Place) (Meta, error) { return t.mounts[p.Mount].FS.Stat(p.Node) }

// Stat returns the metadata of the file at name, following links.
func (t *Tree) Stat(name string) (Meta, error) { return t.stat(name, true) }

// Lstat is Stat, but does not follow a link at the end.
func (t *Tree) Lstat(name string) (Meta, error) { return t.stat(name, false) }

func (t *Tree) stat(name string, follow bool) (Meta, error) {
	p, _, err := t.Lookup(name, follow)
	if err != nil {
		return Meta{}, err
	}
	m, err := t.Meta(p)
	if err != nil {
		t.Note(name, p, err)
		return m, pathError(name, err)
	}
	return m, nil
}

// Readlink returns the target of the link at name.
func (t *Tree) Readlink(name string) (string, error) {
	p, _, err := t.Lookup(name, false)
	if err != nil {
		return "", err
	}
	return t.mounts[p.Mount].FS.Readlink(p.Node)
}

// Xattrs returns the extended attributes of the file at p.
func (t *Tree) Xattrs(p Place) ([]Xattr, error) { return t.mounts[p.Mount].FS.Xattrs(p.Node) }

// ReadDir returns the entries of the directory at name, sorted. Mount points
// below it are not marked, and there even if the directory has no such entry.
// With an error it still returns what could be read.
func (t *Tree) ReadDir(name string) ([]Entry, error) {
	p, resolved, err := t.Lookup(name, true)
	if err != nil {
		return nil, err
	}
	m, err := t.Meta(p)
	if err != nil {
		return nil, pathError(name, err)
	}
	if m.Kind != Directory {
		return nil, pathError(name, ErrNotDir)
	}
	es, err := t.entries(p)
	t.Note(resolved, p, err)
	return t.withMounts(resolved, slices.Clone(es)), err
}

// withMounts adds the mount points right below dir that are not among its
// entries: init systems make a missing one when they mount, so what is mounted
// there must be seen. es must be the caller's own when something is added.
func (t *Tree) withMounts(dir string, es []Entry) []Entry {
	for _, m := range t.mounts {
		if m.Path == "/" || path.Dir(m.Path) != dir {
			continue
		}
		name := path.Base(m.Path)
		i, found := slices.BinarySearchFunc(es, name, func(e Entry, n string) int { return strings.Compare(e.Name, n) })
		if !found {
			es = slices.Insert(slices.Clip(es), i, Entry{name, m.Root, Directory})
		}
	}
	return es
}

// Open opens the regular file at name, following links.
func (t *Tree) Open(name string) (File, error) {
	p, _, err := t.Lookup(name, true)
	if err != nil {
		return nil, err
	}
	f, err := t.OpenAt(p)
	t.Note(name, p, err)
	return f, err
}

// OpenAt opens the regular file at p.
func (t *Tree) OpenAt(p Place) (File, error) { return t.mounts[p.Mount].FS.Open(p.Node) }

// ReadFile reads the file at name if it has at most limit bytes; a larger one
// gives its first limit bytes and ErrTooLarge.
func (t *Tree) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := Content(f, limit)
	if err != nil {
		if !errors.Is(err, ErrTooLarge) {
			p, _, _ := t.Lookup(name, true)
			t.Note(name, p, err)
		}
		return b, pathError(name, err)
	}
	return b, nil
}

// ErrTooLarge says that a file has more bytes than the caller wanted to read.
var ErrTooLarge = errors.New("file is larger than the limit")

// Content reads at most limit bytes of f, with ErrTooLarge when there are more.
func Content(f File, limit int64) ([]byte, error) {
	n := min(f.Size(), limit)
	b := make([]byte, 0, min(n, 1<<20))
	for int64(len(b)) < n { // grow as bytes arrive, not as the size claims
		step := min(n-int64(len(b)), 1<<20)
		b = slices.Grow(b, int(step))
		m, err := f.ReadAt(b[len(b):len(b)+int(step)], int64(len(b)))
		b = b[:len(b)+m]
		if err != nil && (!errors.Is(err, io.EOF) || int64(len(b)) < n) {
			return b, err
		}
		if m == 0 {
			return b, io.ErrUnexpectedEOF
		}
	}
	if f.Size() > limit {
		return b, ErrTooLarge
	}
	return b, nil
}

// A WalkFunc is called for every file below the start, directories before what
// they contain. Returning fs.SkipDir for a directory skips what is below it;
// ErrStop ends the walk without an error; any other error ends it.
// err is set when the file or directory could not be read: the walk goes on
// if the function returns nil.
type WalkFunc func(name string, p Place, e Entry, err error) error

// Walk visits everything below root, in sorted order, without following links
// (root itself is followed) and across mounts. A directory loop made by a
// broken file system is cut with an error.
func (t *Tree) Walk(root string, fn WalkFunc) error {
	p, resolved, err := t.Lookup(root, true)
	if err != nil {
		return err
	}
	w := walker{t: t, fn: fn, open: map[Place]bool{}}
	err = w.dir(resolved, p, 0)
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

type walker struct {
	t    *Tree
	fn   WalkFunc
	open map[Place]bool // the directories between root and here
}

func (w *walker) dir(name string, p Place, depth int) error {
	self := Entry{Name: path.Base(name), Node: p.Node, Kind: Directory}
	if w.open[p] {
		return w.fn(name, p, self, binread.Errorf(w.t.VolumeOf(p), -1, "directory loop at inode %d", p.Node))
	}
	if depth > maxDepth {
		return w.fn(name, p, self, fmt.Errorf("more than %d directories below each other", maxDepth))
	}
	w.open[p] = true
	defer delete(w.open, p)
	es, err := w.t.entries(p)
	if err != nil {
		if err := w.fn(name, p, self, err); err != nil {
			return skip(err)
		}
	}
	prefix := strings.TrimSuffix(name, "/") + "/"
	for _, e := range w.t.withMounts(name, es) {
		child, cp := prefix+e.Name, Place{p.Mount, e.Node}
		if mp, ok := w.t.mountAt(child); ok {
			cp, e = mp, Entry{e.Name, mp.Node, Directory}
		}
		var err error
		if e.Kind == Unknown {
			var m Meta
			m, err = w.t.Meta(cp)
			e.Kind = m.Kind
		}
		if err = w.fn(child, cp, e, err); err == nil && e.Kind == Directory {
			err = w.dir(child, cp, depth+1)
		}
		if skip(err) != nil {
			return err
		}
	}
	return nil
}

func skip(err error) error {
	if errors.Is(err, fs.SkipDir) {
		return nil
	}
	return err
}
