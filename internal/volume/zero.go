package volume

import (
	"bytes"
	"errors"
	"io"

	"assay/internal/span"
)

// Bounds on how much is read to say that a volume is empty.
const (
	zeroWhole  = 64 << 20 // volumes with no more data than this are read whole
	zeroPieces = 512      // pieces read of larger ones, evenly spread, and the end
	zeroPiece  = 64 << 10
)

// empty reports whether a volume is all zero, so far as read. What its disk
// knows to be zero counts as read.
func (s *scanner) empty(v *Volume) bool {
	if len(v.Map) == 0 || len(v.Map) > zeroPieces {
		return s.zeroIn(v, span.Set{{Off: 0, Len: v.Size}})
	}
	for _, g := range v.Map {
		if !s.zero(g.Disk, g.DiskOffset, g.Len) {
			return false
		}
	}
	return true
}

// zero does the same for a range of one disk.
func (s *scanner) zero(disk int, off, n int64) bool {
	d := s.layout.Disks[disk]
	data := span.Make([]span.Span{{Off: off, Len: n}})
	if k, ok := d.ReaderAt.(dataer); ok {
		if known, err := k.Data(); err == nil {
			data = known.Intersect(data)
		}
	}
	return s.zeroIn(d, data)
}

// zeroIn reads all of small ranges and samples of large ones. When a scan has
// read too much in this way, nothing more is known to be zero.
func (s *scanner) zeroIn(r io.ReaderAt, data span.Set) bool {
	step := int64(zeroPiece)
	if total := data.Total(); total > zeroWhole {
		step = total / zeroPieces
	}
	buf := make([]byte, zeroPiece)
	skip := int64(0) // bytes until the next piece
	for _, x := range data {
		for ; skip < x.Len; skip += step {
			if !s.zeroAt(r, buf[:min(zeroPiece, x.Len-skip)], x.Off+skip) {
				return false
			}
		}
		skip -= x.Len
		if step == zeroPiece {
			skip = 0
		}
	}
	if len(data) == 0 {
		return true
	}
	last := data[len(data)-1]
	n := min(zeroPiece, last.Len)
	return s.zeroAt(r, buf[:n], last.End()-n)
}

func (s *scanner) zeroAt(r io.ReaderAt, b []byte, off int64) bool {
	if s.zeros -= int64(len(b)); s.zeros < 0 {
		return false
	}
	n, err := r.ReadAt(b, off)
	if n < len(b) && !errors.Is(err, io.EOF) {
		return false // what cannot be read is not known to be empty
	}
	return len(bytes.TrimLeft(b[:n], "\x00")) == 0
}
