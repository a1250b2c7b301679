package vmdk

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"

	"assay/internal/binread"
)

// pool holds what would else be allocated for every grain.
type pool struct{ zlib sync.Pool }

// inflated returns grain i, whose compressed form starts at the sector e with
// a grain marker: its first sector in the disk (8 bytes), the length of the
// data (4 bytes), then a zlib stream (RFC 1950).
func (s *sparse) inflated(e uint32, i int64) (io.ReaderAt, error) {
	b, err := s.grains.Get(place{s.part, int64(e)}, func() ([]byte, error) {
		at := int64(e) * sector
		m, err := binread.At(s.r, format, at, 12, 12)
		if err != nil {
			return nil, err
		}
		h := binread.Buf{B: m}
		if lba := h.LE64(0); lba > uint64(s.size) || int64(lba)*sector != i*s.grain {
			return nil, binread.Errorf(format, at, "the grain marker is of sector %d, not of grain %d", lba, i)
		}
		n := int64(h.LE32(8))
		if n > s.grain+s.grain/8+1024 { // zlib's worst case is far less
			return nil, binread.Errorf(format, at+8, "%d bytes of compressed data for a grain of %d", n, s.grain)
		}
		src, err := binread.At(s.r, format, at+12, n, 0)
		if err != nil {
			return nil, err
		}
		out := make([]byte, s.grain)
		if err := s.pool.inflate(out, src); err != nil {
			return nil, binread.Errorf(format, at, "a compressed grain is broken: %v", err)
		}
		return out, nil
	})
	return bytes.NewReader(b), err
}

// inflate fills out from a zlib stream. The last grain of a disk may hold
// less than a grain: the rest is zero.
func (p *pool) inflate(out, src []byte) error {
	var z io.ReadCloser
	var err error
	if old, ok := p.zlib.Get().(io.ReadCloser); ok {
		z, err = old, old.(zlib.Resetter).Reset(bytes.NewReader(src), nil)
	} else {
		z, err = zlib.NewReader(bytes.NewReader(src))
	}
	if err != nil {
		return err
	}
	defer p.zlib.Put(z)
	for n := 0; err == nil; {
		var k int
		if n < len(out) {
			k, err = z.Read(out[n:])
		} else if k, err = z.Read(make([]byte, 1)); k > 0 { // must be the end: the checksum was right
			return errors.New("it holds more than a grain")
		}
		n += k
	}
	if err == io.EOF {
		return nil
	}
	return err
}
