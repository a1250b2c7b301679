package ext4

import (
	"bytes"
	"io"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// inlineTail finds the part of inline content that is behind i_block: the
// value of the attribute system.data in the inode. There may be none.
func (f *FS) inlineTail(in inode) (b []byte, at int64, err error) {
	err = f.bodyXattrs(in, func(e xattrEntry) error {
		if e.index != xattrSystem || e.name != "data" {
			return nil
		}
		if e.valueIno != 0 {
			return binread.Errorf(format, e.at, "inline content of inode %d is in another inode", in.ino)
		}
		if b, err = f.xattrValue(e); err != nil {
			return err
		}
		at = e.tableAt + int64(e.valueOff)
		return fsys.ErrStop
	})
	if err == fsys.ErrStop {
		err = nil
	}
	return b, at, err
}

// An inlineFile is the content of an inline inode. What its size has over the
// stored bytes reads as zero: mke2fs -d makes such files of holes.
type inlineFile struct {
	b    []byte
	size int64
}

func (f *FS) inlineContent(in inode) (fsys.File, error) {
	tail, _, err := f.inlineTail(in)
	if err != nil {
		return nil, err
	}
	x := &inlineFile{append(bytes.Clone(in.iblock()), tail...), f.size(in)}
	x.b = x.b[:min(x.size, int64(len(x.b)))]
	return x, nil
}

// Size implements fsys.File.
func (x *inlineFile) Size() int64 { return x.size }

// ReadAt implements io.ReaderAt.
func (x *inlineFile) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, off, "negative offset")
	}
	n := int(min(int64(len(p)), max(x.size-off, 0)))
	got := 0
	if off < int64(len(x.b)) {
		got = copy(p[:n], x.b[off:])
	}
	clear(p[got:n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// inlineExtents says where in the inode inline content is.
func (f *FS) inlineExtents(in inode) ([]fsys.Extent, error) {
	tail, at, err := f.inlineTail(in)
	if err != nil {
		return nil, err
	}
	head := int64(len(in.iblock()))
	size := min(f.size(in), head+int64(len(tail)))
	var out []fsys.Extent
	if size > 0 {
		out = append(out, fsys.Extent{Physical: in.off + 0x28, Len: min(size, head), State: fsys.Packed})
	}
	if size > head {
		out = append(out, fsys.Extent{Logical: head, Physical: at, Len: size - head, State: fsys.Packed})
	}
	return out, nil
}
