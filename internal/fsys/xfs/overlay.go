package xfs

import (
	"errors"
	"io"

	"assay/internal/binread"
)

const (
	pageSize   = 4096
	maxOverlay = 256 << 20 // bytes of replayed metadata kept in memory
)

var errOverlayFull = errors.New("the log changes more metadata than is kept in memory")

// An overlay is a volume with some pages replaced in memory. It is written
// during recovery only; afterwards concurrent reads are safe.
type overlay struct {
	base  io.ReaderAt
	size  int64
	pages map[int64][]byte // by page number
}

// ReadAt implements io.ReaderAt.
func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.base.ReadAt(p, off)
	if len(o.pages) == 0 || n <= 0 {
		return n, err
	}
	for at := off &^ (pageSize - 1); at < off+int64(n); at += pageSize {
		page, ok := o.pages[at/pageSize]
		if !ok {
			continue
		}
		from := max(0, off-at)
		copy(p[at+from-off:n], page[from:])
	}
	return n, err
}

// patch replaces bytes. The range MUST be inside the volume.
func (o *overlay) patch(off int64, b []byte) error {
	if off < 0 || off > o.size-int64(len(b)) {
		return binread.Errorf(format, off, "a write of %d bytes in the log outside of the volume", len(b))
	}
	for len(b) > 0 {
		num, in := off/pageSize, off%pageSize
		page, ok := o.pages[num]
		if !ok {
			if int64(len(o.pages)+1)*pageSize > maxOverlay {
				return errOverlayFull
			}
			page = make([]byte, pageSize)
			if err := binread.Full(o.base, format, page[:min(pageSize, o.size-num*pageSize)], num*pageSize); err != nil {
				return err
			}
			o.pages[num] = page
		}
		n := copy(page[in:], b)
		off, b = off+int64(n), b[n:]
	}
	return nil
}
