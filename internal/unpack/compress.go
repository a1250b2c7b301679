package unpack

import (
	"compress/bzip2"
	"fmt"
	"io"

	"assay/internal/unpack/lz4"
	"assay/internal/unpack/xz"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A pool keeps decoders for the next stream of their kind.
type pool struct {
	gzip  []*gzip.Reader
	flate []io.ReadCloser
}

func (w *walker) inflater(r io.Reader) (z io.ReadCloser) {
	if n := len(w.pool.flate); n > 0 {
		z, w.pool.flate = w.pool.flate[n-1], w.pool.flate[:n-1]
		_ = z.(flate.Resetter).Reset(r, nil)
		return z
	}
	return flate.NewReader(r)
}

// openGzip reads one or more members (RFC 1952, 2.2).
func openGzip(w *walker, s *source) error {
	var z *gzip.Reader
	if n := len(w.pool.gzip); n > 0 {
		z, w.pool.gzip = w.pool.gzip[n-1], w.pool.gzip[:n-1]
	} else {
		z = new(gzip.Reader)
	}
	err := w.expand(s, Gzip, &members{w: w, s: s, z: z})
	w.pool.gzip = append(w.pool.gzip, z)
	return err
}

// members reads the members of a gzip file one after the other.
type members struct {
	w    *walker
	s    *source
	z    *gzip.Reader
	open bool
}

func (m *members) Read(p []byte) (int, error) {
	for {
		if err := m.w.check(); err != nil {
			return 0, err
		}
		if !m.open {
			if err := m.z.Reset(m.s.buf); err != nil {
				return 0, err
			}
			m.z.Multistream(false)
			m.open = true
		}
		n, err := m.z.Read(p)
		if err != io.EOF {
			return n, err
		}
		m.open = false
		if b, _ := m.s.buf.Peek(SniffLen); Sniff(b) != Gzip {
			return n, io.EOF
		}
		if n > 0 {
			return n, nil
		}
	}
}

func noMemory(what string, n int64) error {
	return fmt.Errorf("%w: %s needs %d bytes of memory", errLimit, what, n)
}

// bzip2Memory is what the decoder has: 900,000 words of 4 bytes, and tables.
const bzip2Memory = 4 << 20

// openBzip2 reads one or more streams.
func openBzip2(w *walker, s *source) error {
	if !w.take(bzip2Memory) {
		return noMemory("bzip2", bzip2Memory)
	}
	defer w.give(bzip2Memory)
	return w.expand(s, Bzip2, bzip2.NewReader(s.buf))
}

func openXZ(w *walker, s *source) error {
	x := xz.NewReader(s.buf, w.take)
	err := w.expand(s, XZ, x)
	w.give(x.Held())
	return err
}

func openLZMA(w *walker, s *source) error {
	a, err := xz.NewLZMA(s.buf, w.take)
	if err != nil {
		return err
	}
	err = w.expand(s, LZMA, a)
	w.give(a.Held())
	return err
}

func openLZ4(w *walker, s *source) error {
	if !w.take(lz4.Memory) {
		return noMemory("lz4", lz4.Memory)
	}
	defer w.give(lz4.Memory)
	return w.expand(s, LZ4, lz4.NewReader(s.buf))
}

func openZstd(w *walker, s *source) error {
	r, done, err := w.zstd(s)
	if err != nil {
		return err
	}
	defer done()
	return w.expand(s, Zstd, r)
}

// zstd reads frames, skippable ones too (RFC 8878). The decoder allocates the
// window that a frame declares: one with more than the first frame, or than
// 8 MiB, is over the limit.
func (w *walker) zstd(s *source) (io.Reader, func(), error) {
	window := int64(8 << 20)
	var h zstd.Header
	if b, _ := s.buf.Peek(zstd.HeaderMaxSize); h.Decode(b) == nil && !h.Skippable {
		if h.SingleSegment {
			h.WindowSize = h.FrameContentSize
		}
		window = max(window, int64(min(h.WindowSize, 1<<40)))
	}
	need := window + 1<<20
	if !w.take(need) {
		return nil, nil, noMemory("zstd", need)
	}
	z, err := zstd.NewReader(s.buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(window)), zstd.WithDecoderMaxMemory(uint64(w.lim.Total)))
	if err != nil {
		w.give(need)
		return nil, nil, err
	}
	return z, func() { z.Close(); w.give(need) }, nil
}
