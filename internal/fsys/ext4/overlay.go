package ext4

import (
	"io"
	"sort"
)

// A patch says that block blk of the volume is to be read from block from,
// which lies in the journal. Escaped blocks had the journal's magic number in
// front, which was zeroed in the journal.
type patch struct {
	blk, from int64
	escaped   bool
}

// An overlay is the volume with a journal replayed over it. It keeps block
// numbers only; the bytes are read from the journal when they are asked for.
type overlay struct {
	r       io.ReaderAt
	bs      int64
	patches []patch // sorted by blk, one a block
}

// ReadAt implements io.ReaderAt.
func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.r.ReadAt(p, off)
	if len(o.patches) == 0 || off < 0 {
		return n, err
	}
	end := off + int64(n)
	i := sort.Search(len(o.patches), func(i int) bool { return o.patches[i].blk >= off/o.bs })
	for ; i < len(o.patches) && o.patches[i].blk*o.bs < end; i++ {
		x := o.patches[i]
		lo, hi := max(off, x.blk*o.bs), min(end, (x.blk+1)*o.bs)
		in := lo - x.blk*o.bs // bytes into the block
		to := p[lo-off : hi-off]
		if m, err := o.r.ReadAt(to, x.from*o.bs+in); m < len(to) {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return int(lo - off), err
		}
		if x.escaped && in < 4 {
			var head [4]byte
			be.PutUint32(head[:], journalMagic)
			copy(to, head[in:])
		}
	}
	return n, err
}
