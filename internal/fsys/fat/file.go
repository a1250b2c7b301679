package fat

import (
	"io"
	"sort"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// A file reads a regular file by its runs.
type file struct {
	fs     *FS
	size   int64
	runs   []run
	broken error // why the chain ends before the size does
}

// Open implements fsys.FS. A file whose chain is broken can be read up to
// there; then ReadAt returns the error that says where.
func (f *FS) Open(n fsys.Node) (fsys.File, error) {
	if n == rootNode {
		return nil, fsys.ErrNotFile
	}
	e, err := f.entry(n)
	if err != nil {
		return nil, err
	}
	if e.dir() {
		return nil, fsys.ErrNotFile
	}
	out := &file{fs: f, size: e.size()}
	out.runs, out.broken = f.fileRuns(e)
	if out.broken != nil && len(out.runs) == 0 {
		return nil, out.broken
	}
	return out, nil
}

func (f *file) Size() int64 { return f.size }

// ReadAt implements io.ReaderAt.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, off, "negative offset")
	}
	if off >= f.size {
		return 0, io.EOF
	}
	cluster := f.fs.g.cluster
	want := int(min(int64(len(b)), f.size-off))
	done := 0
	k := sort.Search(len(f.runs), func(i int) bool {
		return (int64(f.runs[i].logical)+int64(f.runs[i].count))*cluster > off
	})
	for ; done < want && k < len(f.runs); k++ {
		r := f.runs[k]
		in := off + int64(done) - int64(r.logical)*cluster
		n := int(min(int64(want-done), int64(r.count)*cluster-in))
		if err := binread.Full(f.fs.r, format, b[done:done+n], f.fs.g.offset(r.first)+in); err != nil {
			return done, err
		}
		done += n
	}
	switch {
	case done < want:
		return done, f.broken
	case done < len(b):
		return done, io.EOF
	}
	return done, nil
}
