package ext4

import (
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

// inlineData returns the content of an inline inode.
func (f *FS) inlineData(in inode) ([]byte, error) {
	tail, _, err := f.inlineTail(in)
	if err != nil {
		return nil, err
	}
	size := f.size(in)
	head := in.iblock()
	if size > int64(len(head)+len(tail)) {
		return nil, binread.Errorf(format, in.off+4, "inline inode %d claims %d bytes, but has %d", in.ino, size, len(head)+len(tail))
	}
	b := make([]byte, 0, len(head)+len(tail))
	b = append(append(b, head...), tail...)
	return b[:size], nil
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
