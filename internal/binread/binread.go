package binread

import (
	"encoding/binary"
	"errors"
	"io"
	"math"
)

// MaxAlloc bounds one allocation made because a header asked for it, unless
// the caller gives a smaller bound.
const MaxAlloc = 64 << 20

// At reads exactly n bytes at off. It fails with a FormatError naming format
// and off when n is negative or over limit (0 means MaxAlloc), when the range
// overflows, or when r ends early.
func At(r io.ReaderAt, format string, off, n, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = MaxAlloc
	}
	if n < 0 || n > limit {
		return nil, Errorf(format, off, "a length of %d bytes is over the bound of %d", n, limit)
	}
	if off < 0 || off > math.MaxInt64-n {
		return nil, Errorf(format, off, "offset out of range")
	}
	b := make([]byte, n)
	if err := Full(r, format, b, off); err != nil {
		return nil, err
	}
	return b, nil
}

// Full fills b from off or fails with a FormatError (when r ends early) or
// with r's own error.
func Full(r io.ReaderAt, format string, b []byte, off int64) error {
	if off < 0 {
		return Errorf(format, off, "negative offset")
	}
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return Errorf(format, off, "ends after %d of %d bytes", n, len(b))
	}
	return err
}

// A Buf gives bounds-checked little- and big-endian access to a slice: reads
// past the end give zero and set a sticky flag, as bufio.Scanner does.
type Buf struct {
	B    []byte
	over bool
}

// Over reports whether any access went past the end.
func (b *Buf) Over() bool { return b.over }

// Bytes returns n bytes at off, or nil past the end. The result aliases B.
func (b *Buf) Bytes(off, n int) []byte {
	if off < 0 || n < 0 || off > len(b.B) || n > len(b.B)-off {
		b.over = true
		return nil
	}
	return b.B[off : off+n : off+n]
}

// U8 returns the byte at off.
func (b *Buf) U8(off int) uint8 {
	if s := b.Bytes(off, 1); s != nil {
		return s[0]
	}
	return 0
}

// LE16 returns the little-endian uint16 at off.
func (b *Buf) LE16(off int) uint16 {
	if s := b.Bytes(off, 2); s != nil {
		return binary.LittleEndian.Uint16(s)
	}
	return 0
}

// LE32 returns the little-endian uint32 at off.
func (b *Buf) LE32(off int) uint32 {
	if s := b.Bytes(off, 4); s != nil {
		return binary.LittleEndian.Uint32(s)
	}
	return 0
}

// LE64 returns the little-endian uint64 at off.
func (b *Buf) LE64(off int) uint64 {
	if s := b.Bytes(off, 8); s != nil {
		return binary.LittleEndian.Uint64(s)
	}
	return 0
}

// BE16 returns the big-endian uint16 at off.
func (b *Buf) BE16(off int) uint16 {
	if s := b.Bytes(off, 2); s != nil {
		return binary.BigEndian.Uint16(s)
	}
	return 0
}

// BE32 returns the big-endian uint32 at off.
func (b *Buf) BE32(off int) uint32 {
	if s := b.Bytes(off, 4); s != nil {
		return binary.BigEndian.Uint32(s)
	}
	return 0
}

// BE64 returns the big-endian uint64 at off.
func (b *Buf) BE64(off int) uint64 {
	if s := b.Bytes(off, 8); s != nil {
		return binary.BigEndian.Uint64(s)
	}
	return 0
}
