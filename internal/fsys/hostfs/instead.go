package hostfs

import (
	"assay/finding"
	"assay/internal/fsys"
)

// An Instead is an FS in which some files have other contents than on the
// disk, and some names are left out: files that the running system keeps to
// itself, and what the reader made meanwhile. It is filled before it is read.
type Instead struct {
	*FS
	files    map[fsys.Node]fsys.File
	hidden   map[fsys.Node]bool
	problems []fsys.Problem
}

// NewInstead makes an Instead of f that differs in nothing yet.
func NewInstead(f *FS) *Instead {
	return &Instead{FS: f, files: map[fsys.Node]fsys.File{}, hidden: map[fsys.Node]bool{}}
}

// Put gives the regular file n the content of c.
func (x *Instead) Put(n fsys.Node, c fsys.File) { x.files[n] = c }

// Hide leaves n out of its directory.
func (x *Instead) Hide(n fsys.Node) { x.hidden[n] = true }

// Tell adds a problem to the description.
func (x *Instead) Tell(kind finding.GapKind, name, detail string) {
	x.problems = append(x.problems, fsys.Problem{Kind: kind, Path: name, Detail: detail})
}

// Describe implements fsys.FS.
func (x *Instead) Describe() fsys.Description {
	d := x.FS.Describe()
	d.Problems = append(d.Problems, x.problems...)
	return d
}

// Stat implements fsys.FS.
func (x *Instead) Stat(n fsys.Node) (fsys.Meta, error) {
	m, err := x.FS.Stat(n)
	if c := x.files[n]; c != nil && err == nil {
		m.Size = c.Size()
	}
	return m, err
}

// ReadDir implements fsys.FS.
func (x *Instead) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	return x.FS.ReadDir(n, func(e fsys.Entry) error {
		if x.hidden[e.Node] {
			return nil
		}
		return yield(e)
	})
}

// Open implements fsys.FS.
func (x *Instead) Open(n fsys.Node) (fsys.File, error) {
	if c := x.files[n]; c != nil {
		return c, nil
	}
	return x.FS.Open(n)
}
