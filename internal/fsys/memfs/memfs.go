package memfs

import (
	"bytes"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"assay/internal/fsys"
)

// A File is one file to plant. Parents are made as needed, mode 0755.
type File struct {
	Path string // absolute
	Data string
	Link string // target; makes a symbolic link
	Size int64  // makes a regular file of this many zero bytes when Data is ""
	Meta fsys.Meta
	Attr []fsys.Xattr
	Err  error // what Open and Readlink fail with
}

type node struct {
	File
	names []string
	kids  map[string]fsys.Node
}

// FS is a tree in memory.
type FS struct {
	nodes []*node
	desc  fsys.Description
}

// New plants files. A file whose Meta.Kind is Unknown becomes a directory if
// its path ends in "/", a symbolic link if Link is set, else a regular file.
// Mode 0 means 0755 for directories, 0644 for files.
func New(files ...File) *FS {
	f := &FS{desc: fsys.Description{Type: "mem", BlockSize: 4096}}
	f.add(File{Path: "/", Meta: fsys.Meta{Kind: fsys.Directory}})
	for _, x := range files {
		f.plant(x)
	}
	return f
}

// Tree mounts files as a machine's root.
func Tree(files ...File) *fsys.Tree {
	m := New(files...)
	t, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "mem", FS: m, Root: m.Root()})
	if err != nil {
		panic(err) // cannot be: "/" is mounted
	}
	return t
}

func (f *FS) add(x File) fsys.Node {
	m := &x.Meta
	if m.Mode == 0 {
		m.Mode = 0o644
		if m.Kind == fsys.Directory {
			m.Mode = 0o755
		}
	}
	if m.Nlink == 0 {
		m.Nlink = 1
	}
	if x.Size == 0 {
		x.Size = int64(len(x.Data) + len(x.Link))
	}
	m.Size, m.Inode = x.Size, uint64(len(f.nodes)+1)
	f.nodes = append(f.nodes, &node{File: x, kids: map[string]fsys.Node{}})
	return fsys.Node(len(f.nodes) - 1)
}

func (f *FS) plant(x File) {
	dir := strings.HasSuffix(x.Path, "/")
	x.Path = path.Clean("/" + x.Path)
	if x.Meta.Kind == fsys.Unknown {
		x.Meta.Kind = fsys.Regular
		if dir {
			x.Meta.Kind = fsys.Directory
		}
		if x.Link != "" {
			x.Meta.Kind = fsys.Symlink
		}
	}
	at := fsys.Node(0)
	parts := strings.Split(strings.Trim(x.Path, "/"), "/")
	for i, p := range parts {
		n := f.nodes[at]
		kid, ok := n.kids[p]
		last := i == len(parts)-1
		if last && ok && x.Meta.Kind == fsys.Directory { // made before as a parent: give it its meta
			keep := f.nodes[kid]
			x.Meta.Inode = keep.Meta.Inode
			keep.Meta = x.Meta
			if keep.Meta.Mode == 0 {
				keep.Meta.Mode = 0o755
			}
			return
		}
		if !ok || last {
			y := File{Path: "/" + strings.Join(parts[:i+1], "/"), Meta: fsys.Meta{Kind: fsys.Directory}}
			if last {
				y = x
			}
			kid = f.add(y)
			if !ok {
				n.names = append(n.names, p)
			}
			n.kids[p] = kid
		}
		at = kid
	}
}

var errNode = errors.New("no such node")

func (f *FS) node(n fsys.Node) (*node, error) {
	if n >= fsys.Node(len(f.nodes)) {
		return nil, errNode
	}
	return f.nodes[n], nil
}

// Describe implements fsys.FS.
func (f *FS) Describe() fsys.Description { return f.desc }

// Root implements fsys.FS.
func (f *FS) Root() fsys.Node { return 0 }

// Stat implements fsys.FS.
func (f *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	x, err := f.node(n)
	if err != nil {
		return fsys.Meta{}, err
	}
	return x.Meta, nil
}

// ReadDir implements fsys.FS.
func (f *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	x, err := f.node(n)
	if err != nil {
		return err
	}
	if x.Meta.Kind != fsys.Directory {
		return fsys.ErrNotDir
	}
	if x.Err != nil {
		return x.Err
	}
	for _, name := range x.names {
		kid := x.kids[name]
		err := yield(fsys.Entry{Name: name, Node: kid, Kind: f.nodes[kid].Meta.Kind})
		if errors.Is(err, fsys.ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Open implements fsys.FS.
func (f *FS) Open(n fsys.Node) (fsys.File, error) {
	x, err := f.node(n)
	if err != nil {
		return nil, err
	}
	if x.Meta.Kind != fsys.Regular {
		return nil, fsys.ErrNotFile
	}
	if x.Err != nil {
		return nil, x.Err
	}
	if x.Data == "" {
		return io.NewSectionReader(zeros{}, 0, x.Size), nil
	}
	return bytes.NewReader([]byte(x.Data)), nil
}

type zeros struct{}

func (zeros) ReadAt(b []byte, _ int64) (int, error) { clear(b); return len(b), nil }

// Readlink implements fsys.FS.
func (f *FS) Readlink(n fsys.Node) (string, error) {
	x, err := f.node(n)
	if err != nil {
		return "", err
	}
	if x.Meta.Kind != fsys.Symlink {
		return "", fsys.ErrNotFile
	}
	return x.Link, x.Err
}

// Xattrs implements fsys.FS.
func (f *FS) Xattrs(n fsys.Node) ([]fsys.Xattr, error) {
	x, err := f.node(n)
	if err != nil {
		return nil, err
	}
	return slices.Clone(x.Attr), nil
}
