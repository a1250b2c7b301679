package unpack

import (
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
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
