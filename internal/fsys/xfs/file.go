package xfs

import (
	"io"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// A file is the content of a regular file.
type file struct {
	fs   *FS
	size int64
	exts []extent // written ones, in logical order
}

// Open opens a regular file.
func (fs *FS) Open(n fsys.Node) (fsys.File, error) {
	i, err := fs.inode(uint64(n))
	if err != nil {
		return nil, err
	}
	if i.kind() != fsys.Regular {
		return nil, fsys.ErrNotFile
	}
	list, err := i.dataFork().extentList()
	if err != nil {
		return nil, err
	}
	f := &file{fs: fs, size: i.size(), exts: list[:0]}
	for _, e := range list {
		if !e.unwritten {
			f.exts = append(f.exts, e)
		}
	}
	return f, nil
}

// Size is the length of the file in bytes.
func (f *file) Size() int64 { return f.size }

// ReadAt implements io.ReaderAt; holes and unwritten extents read as zero.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, -1, "negative offset in a file")
	}
	if off >= f.size {
		return 0, io.EOF
	}
	want := len(p)
	if int64(want) > f.size-off {
		p = p[:f.size-off]
	}
	n, err := readExtents(f.fs.dev, f.exts, p, off)
	if err == nil && n < want {
		err = io.EOF
	}
	return n, err
}

// readExtents fills p from off of a fork, with zero where nothing is mapped.
func readExtents(dev io.ReaderAt, exts []extent, p []byte, off int64) (int, error) {
	k := extentAt(exts, off)
	done := 0
	for done < len(p) {
		at, rest := off+int64(done), p[done:]
		if k == len(exts) || exts[k].logical-at >= int64(len(rest)) {
			clear(rest)
			return len(p), nil
		}
		e := exts[k]
		if gap := e.logical - at; gap > 0 {
			clear(rest[:gap])
			done += int(gap)
			continue
		}
		n := min(int64(len(rest)), e.end()-at)
		if err := binread.Full(dev, format, rest[:n], e.physical+at-e.logical); err != nil {
			return done, err
		}
		done += int(n)
		k++
	}
	return done, nil
}
