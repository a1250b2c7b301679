package qcow2

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"assay/internal/binread"
)

// compressedRange decodes the descriptor of a compressed cluster: where its
// bytes start in the file and how many there can be. They are counted in
// 512-byte sectors, so the last sector may hold the start of another cluster
// or end past the file's end.
func (im *Image) compressedRange(desc int64) (off, n int64) {
	shift := 62 - (im.h.clusterBits - 8)
	off = desc & (1<<shift - 1)
	sectors := desc>>shift + 1
	return off, sectors*512 - off%512
}

// inflated returns the cluster that the descriptor names, of exactly the
// cluster size whatever the compressed bytes say.
func (im *Image) inflated(desc int64) ([]byte, error) {
	return im.clusters.Get(desc, func() ([]byte, error) {
		off, n := im.compressedRange(desc)
		n = min(n, im.fileSize-off)
		if n <= 0 {
			return nil, binread.Errorf(format, off, "a compressed cluster starts past the file's end at %d", im.fileSize)
		}
		in := im.pools.inputs.Get().(*[]byte)
		defer im.pools.inputs.Put(in)
		if int64(cap(*in)) < n {
			*in = make([]byte, n) // at most 2 MiB + 512 by the descriptor's width
		}
		src := (*in)[:n]
		if err := binread.Full(im.r, format, src, off); err != nil {
			return nil, err
		}
		out := make([]byte, im.h.clusterSize())
		inflate := im.pools.inflateDeflate
		if im.h.compression == 1 {
			inflate = im.pools.inflateZstd
		}
		if err := inflate(out, src); err != nil {
			return nil, binread.Errorf(format, off, "a compressed cluster is broken: %v", err)
		}
		return out, nil
	})
}

// pools hold what would else be allocated for every cluster.
type pools struct{ inputs, deflate, zstd sync.Pool }

func newPools() *pools {
	p := &pools{}
	p.inputs.New = func() any { return new([]byte) }
	p.deflate.New = func() any { return flate.NewReader(nil) }
	p.zstd.New = func() any {
		// No goroutines, no more output than asked for. The options are
		// constant, so NewReader cannot fail.
		d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
		return d
	}
	return p
}

// inflateDeflate fills out from a raw deflate stream (RFC 1951).
func (p *pools) inflateDeflate(out, src []byte) error {
	z := p.deflate.Get().(io.ReadCloser)
	defer p.deflate.Put(z)
	if err := z.(flate.Resetter).Reset(bytes.NewReader(src), nil); err != nil {
		return err
	}
	_, err := io.ReadFull(z, out)
	return err
}

// inflateZstd fills out from a zstd frame (RFC 8878).
func (p *pools) inflateZstd(out, src []byte) error {
	n, err := frameLen(src)
	if err != nil {
		return err
	}
	d := p.zstd.Get().(*zstd.Decoder)
	defer p.zstd.Put(d)
	b, err := d.DecodeAll(src[:n], out[:0])
	if err != nil {
		return err
	}
	if len(b) != len(out) {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// frameLen returns the length of the zstd frame that src starts with, which
// the file does not tell but the decoder wants to know.
func frameLen(src []byte) (int, error) {
	var h zstd.Header
	if err := h.Decode(src); err != nil {
		return 0, err
	}
	if h.Skippable {
		return 0, zstd.ErrMagicMismatch
	}
	at := h.HeaderSize
	for last := false; !last; {
		if at < 0 || at > len(src)-3 {
			return 0, io.ErrUnexpectedEOF
		}
		// RFC 8878, 3.1.1.2: last-block bit, 2 bits of type, 21 bits of size.
		b := int(src[at]) | int(src[at+1])<<8 | int(src[at+2])<<16
		last = b&1 != 0
		size := b >> 3
		if b>>1&3 == 1 { // RLE: one byte, repeated
			size = 1
		}
		at += 3 + size
	}
	if h.HasCheckSum {
		at += 4
	}
	if at > len(src) {
		return 0, io.ErrUnexpectedEOF
	}
	return at, nil
}
