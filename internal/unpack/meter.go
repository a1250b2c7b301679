package unpack

import (
	"errors"
	"hash/crc32"
	"io"

	"assay/internal/binread"
	"assay/internal/unpack/xz"

	"github.com/klauspost/compress/zstd"
)

// reason sorts an error.
func reason(err error) GapKind {
	var u *binread.UnsupportedError
	switch {
	case errors.As(err, &u) && u.Encrypted:
		return Encrypted
	case errors.As(err, &u):
		return Unsupported
	case errors.Is(err, errLimit), errors.Is(err, xz.ErrMemory), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return Limit
	}
	return Corrupt
}

// A meter stands after a decoder that can give more than it takes: it holds
// the limits, and makes gaps of the decoder's errors so that they are reported
// once, at the level where they arose.
type meter struct {
	w      *walker
	s      *source // what the decoder reads
	path   string  // what is named in a gap
	format Format
	r      io.Reader
	start  int64 // s.pos when the decoder began
	out    int64
	in     int64 // bytes it takes, where it reads them at random
	err    error
	crc    uint32 // of out, when sum is wanted
	sum    func(crc uint32, n int64) error
}

func (w *walker) meter(s *source, f Format, r io.Reader) *meter {
	return &meter{w: w, s: s, path: s.path, format: f, r: r, start: s.pos()}
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err == nil {
		m.err = m.w.check()
	}
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(p)
	m.out += int64(n)
	m.w.left -= int64(n)
	if m.sum != nil {
		m.crc = crc32.Update(m.crc, crc32.IEEETable, p[:n])
		if err == io.EOF {
			if serr := m.sum(m.crc, m.out); serr != nil {
				err = serr
			}
		}
	}
	in := m.in + m.s.pos() - m.start
	switch {
	case m.w.left < 0:
		m.w.gap(m.path, Limit, m.start, "%s: the file holds more than the walk may unpack; the rest was not read", m.format)
		m.err, m.w.stop = errReported, errSpent
	case m.out > m.w.lim.Floor && m.out/m.w.lim.Ratio > in:
		m.w.gap(m.path, Limit, m.start, "%s: %d bytes became more than %d; the rest was not read", m.format, in, m.out)
		m.err = errReported
	case err == io.EOF:
		m.err = io.EOF
	case err != nil:
		if stop := m.w.faultAt(m.path, m.s.pos(), m.format, err); stop != nil {
			m.err = stop
		} else {
			m.err = errReported
		}
	}
	return n, m.err
}

// expand opens what a decoder gives, as the same file.
func (w *walker) expand(s *source, f Format, r io.Reader) error {
	m := w.meter(s, f, r)
	c := w.child(s, f, "", m, -1)
	err := w.open(c)
	if err == nil && m.err == nil {
		_, err = io.Copy(io.Discard, m) // to find what follows
	}
	w.release(c)
	if err == nil && m.err != io.EOF {
		err = m.err
	}
	return err
}
