package unpack

import (
	"encoding/binary"
	"io"

	"assay/internal/binread"
)

// openRPM reads a package (rpm's docs/manual/format_v4.md): a lead of 96
// bytes, the signature header padded to 8, the header, which comes as raw
// bytes (it holds the scripts), and the payload, which is a compressed cpio.
func openRPM(w *walker, s *source) error {
	if err := s.skip(96); err != nil {
		return err
	}
	sig, err := rpmHeader(s)
	if err != nil {
		return err
	}
	if err := s.skip(sig + (8-sig%8)%8); err != nil {
		return err
	}
	n, err := rpmHeader(s)
	if err != nil {
		return err
	}
	at := s.pos()
	lr := &io.LimitedReader{R: s.buf, N: n}
	h := w.child(s, RPM, "", lr, n)
	h.origin = at
	err = w.part(h, Raw)
	w.release(h)
	if err != nil {
		return err
	}
	if err := s.skip(lr.N); err != nil {
		return err
	}
	size := int64(-1)
	if s.size >= 0 {
		size = s.size - s.pos()
	}
	p := w.child(s, RPM, "", s.buf, size)
	p.origin = s.pos()
	err = w.open(p)
	w.release(p)
	return err
}

// rpmHeader returns the length of the header that comes next: an intro of 16
// bytes, an index of 16 bytes an entry, a store.
func rpmHeader(s *source) (int64, error) {
	b, err := s.buf.Peek(16)
	if err != nil {
		return 0, io.ErrUnexpectedEOF
	}
	if string(b[:3]) != "\x8e\xad\xe8" {
		return 0, binread.Errorf("rpm", s.offset(), "no header")
	}
	n, store := int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:]))
	if n > 1<<20 || store > 1<<30 {
		return 0, binread.Errorf("rpm", s.offset(), "a header of %d entries and %d bytes", n, store)
	}
	return 16 + 16*n + store, nil
}
