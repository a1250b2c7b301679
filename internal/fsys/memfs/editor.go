package memfs

import (
	"errors"
	"slices"

	"assay/internal/fsys"
)

// An Editor edits a tree in memory as an fsys.Editor does a volume. KeepNames
// makes Remove fail with ErrCannot, as on file systems that can only empty.
type Editor struct {
	*FS
	KeepNames bool
	Spare     int64 // bytes of room beyond a file's size
}

var _ fsys.Editor = (*Editor)(nil)

func (e *Editor) regular(n fsys.Node) (*node, error) {
	x, err := e.node(n)
	if err != nil {
		return nil, err
	}
	if x.Meta.Kind != fsys.Regular {
		return nil, fsys.ErrNotFile
	}
	if x.Meta.Flags&fsys.Verity != 0 {
		return nil, fsys.ErrCannot
	}
	return x, nil
}

func (x *node) set(b []byte) {
	x.Data, x.Size, x.Meta.Size = string(b), int64(len(b)), int64(len(b))
}

// Blank implements fsys.Editor.
func (e *Editor) Blank(n fsys.Node) error {
	x, err := e.regular(n)
	if err == nil {
		x.set(nil)
	}
	return err
}

// Remove implements fsys.Editor.
func (e *Editor) Remove(dir fsys.Node, name string) error {
	d, err := e.node(dir)
	if err != nil {
		return err
	}
	kid, ok := d.kids[name]
	if !ok {
		return fsys.ErrNotExist
	}
	if len(e.nodes[kid].names) > 0 {
		return errors.New("directory is not empty")
	}
	if e.KeepNames {
		return fsys.ErrCannot
	}
	delete(d.kids, name)
	d.names = slices.DeleteFunc(slices.Clone(d.names), func(n string) bool { return n == name })
	return nil
}

// Replace implements fsys.Editor.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	x, err := e.regular(n)
	if err != nil {
		return err
	}
	if int64(len(content)) > x.Size+e.Spare {
		return fsys.ErrNoRoom
	}
	x.set(content)
	return nil
}

// Room implements fsys.Editor.
func (e *Editor) Room(n fsys.Node) (int64, error) {
	x, err := e.regular(n)
	if err != nil {
		return 0, err
	}
	return x.Size + e.Spare, nil
}

// Overwrite implements fsys.Editor.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	x, err := e.regular(n)
	if err != nil {
		return err
	}
	if x.Data == "" || off < 0 || off > int64(len(x.Data)-len(b)) {
		return fsys.ErrCannot
	}
	x.set(slices.Concat([]byte(x.Data[:off]), b, []byte(x.Data[off+int64(len(b)):])))
	return nil
}

// Clear implements fsys.Editor.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	x, err := e.regular(n)
	if err != nil || x.Data == "" {
		return err
	}
	return e.Overwrite(n, off, make([]byte, length))
}

// Commit implements fsys.Editor.
func (e *Editor) Commit() (fsys.Report, error) { return fsys.Report{}, nil }

// Scrub implements fsys.Editor: memory has no remnants.
func (e *Editor) Scrub() (fsys.Report, error) { return fsys.Report{}, nil }
