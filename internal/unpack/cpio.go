package unpack

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"

	"assay/internal/binread"
)

// The formats are those of cpio(5) of libarchive and of the kernel's
// initramfs, buffer-format.rst.
const (
	newcLen = 110
	odcLen  = 76
	oldLen  = 26
)

// isCpio knows an ASCII header by its digits.
func isCpio(b []byte) bool {
	switch {
	case len(b) >= newcLen && (string(b[:6]) == "070701" || string(b[:6]) == "070702"):
		return digits(b[6:newcLen], 16)
	case len(b) >= odcLen && string(b[:6]) == "070707":
		return digits(b[6:odcLen], 8)
	case len(b) >= 14 && string(b[:6]) == "07070X": // rpm's, for large files: an index of a file in the header
		return digits(b[6:14], 16)
	}
	return false
}

func digits(b []byte, base int) bool {
	for _, c := range b {
		if c < '0' || c > '7' && base == 8 || c > '9' && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// isOldCpio knows a binary header (of either byte order) by its magic and by
// values that must fit: a name with its NUL, a known file type.
func isOldCpio(b []byte) bool {
	h, ok := oldHeader(b)
	return ok && h.name > 1 && h.name <= 1024 && len(b) > oldLen && b[oldLen] != 0 && (h.regular() || h.mode&0170000 == 0040000)
}

type cpioHeader struct {
	mode       uint64
	name, size int64
	header     int64
	pad        int64 // name and body end at a multiple of this
}

func (h cpioHeader) regular() bool { return h.mode&0170000 == 0100000 }

func oldHeader(b []byte) (h cpioHeader, ok bool) {
	if len(b) < oldLen {
		return h, false
	}
	var o binary.ByteOrder = binary.LittleEndian
	if b[0] == 0x71 {
		o = binary.BigEndian
	}
	size := int64(o.Uint16(b[22:]))<<16 | int64(o.Uint16(b[24:]))
	h = cpioHeader{uint64(o.Uint16(b[6:])), int64(o.Uint16(b[20:])), size, oldLen, 2}
	return h, o.Uint16(b) == 070707
}

// cpioNext reads a header at b, which may be shorter than SniffLen at the end.
func cpioNext(b []byte) (h cpioHeader, ok bool) {
	number := func(at, n, base int) uint64 {
		v, err := strconv.ParseUint(string(b[at:at+n]), base, 64)
		ok = ok && err == nil
		return v
	}
	switch ok = true; {
	case len(b) >= newcLen && (string(b[:6]) == "070701" || string(b[:6]) == "070702"):
		h = cpioHeader{number(14, 8, 16), int64(number(94, 8, 16)), int64(number(54, 8, 16)), newcLen, 4}
	case len(b) >= odcLen && string(b[:6]) == "070707":
		h = cpioHeader{number(18, 6, 8), int64(number(59, 6, 8)), int64(number(65, 11, 8)), odcLen, 1}
	default:
		return oldHeader(b)
	}
	return h, ok
}

// openCpio reads entries up to the trailer.
func openCpio(w *walker, s *source) error {
	for {
		if err := w.entry(s); err != nil {
			return err
		}
		start := s.pos()
		b, err := s.buf.Peek(newcLen)
		if len(b) == 0 {
			return io.ErrUnexpectedEOF // there must be a trailer
		}
		h, ok := cpioNext(b)
		if !ok || h.name > 1<<16 {
			if bytes.HasPrefix(b, []byte("07070X")) {
				return binread.Unsupported("cpio", "rpm's form for files of 4 GiB and more")
			}
			if err != nil && err != io.EOF {
				return err
			}
			return binread.Errorf("cpio", s.offset(), "not the header of an entry")
		}
		if err := s.skip(h.header); err != nil {
			return err
		}
		name := make([]byte, h.name)
		if _, err := io.ReadFull(s.buf, name); err != nil {
			return io.ErrUnexpectedEOF
		}
		name = bytes.TrimRight(name, "\x00")
		if err := s.align(start, h.pad); err != nil {
			return err
		}
		if string(name) == "TRAILER!!!" {
			return s.skip(h.size)
		}
		body := s.pos()
		if err := w.inline(s, Cpio, string(name), h.size, h.regular()); err != nil {
			return err
		}
		if err := s.align(body, h.pad); err != nil {
			return err
		}
	}
}

// align skips to a multiple of n after start. For newc, header and name
// together are padded to 4, and so is the start of each entry.
func (s *source) align(start, n int64) error {
	if over := (s.pos() - start) % n; over > 0 {
		return s.skip(n - over)
	}
	return nil
}

// inline opens an entry whose bytes come next in s, and passes them.
func (w *walker) inline(s *source, f Format, name string, size int64, wanted bool) error {
	if size < 0 {
		return errNegative
	}
	if !wanted || size == 0 {
		return s.skip(size)
	}
	lr := &io.LimitedReader{R: s.buf, N: size}
	c := w.section(s, f, name, s.pos(), size)
	if c == nil {
		c = w.child(s, f, name, lr, size)
	}
	err := w.open(c)
	w.release(c)
	if err != nil {
		return err
	}
	return s.skip(lr.N)
}
