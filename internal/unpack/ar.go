package unpack

import (
	"bytes"
	"io"
	"strconv"
	"strings"

	"assay/internal/binread"
)

// openAr reads the archives of ar(5), and so .deb packages (deb(5)): entries
// of 60 bytes of header, padded to 2.
func openAr(w *walker, s *source) error {
	if err := s.skip(8); err != nil {
		return err
	}
	var names []byte // GNU's table of long names
	for {
		if err := w.entry(s); err != nil {
			return err
		}
		h, err := s.buf.Peek(60)
		if len(h) == 0 {
			return nil
		}
		if len(h) < 60 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		size, err := strconv.ParseInt(strings.TrimRight(string(h[48:58]), " "), 10, 64)
		if err != nil || size < 0 || h[58] != '`' || h[59] != '\n' {
			return binread.Errorf("ar", s.offset(), "not the header of an entry")
		}
		name := strings.TrimRight(string(h[:16]), " ")
		if err := s.skip(60); err != nil {
			return err
		}
		body := s.pos()
		var wanted bool
		switch {
		case name == "//" && size <= 1<<20:
			names = make([]byte, size)
			if _, err := io.ReadFull(s.buf, names); err != nil {
				return io.ErrUnexpectedEOF
			}
			size = 0
		case name == "/" || name == "/SYM64/" || name == "__.SYMDEF": // tables of symbols
		default:
			wanted = true
			if name, size, err = arName(s, name, names, size); err != nil {
				return err
			}
		}
		if err := w.inline(s, Ar, name, size, wanted); err != nil {
			return err
		}
		if b, _ := s.buf.Peek(1); len(b) > 0 {
			if err := s.align(body, 2); err != nil {
				return err
			}
		}
	}
}

// arName resolves a long name: GNU's, "/" and an offset in the table, or
// BSD's, "#1/" and a length, which stands before the bytes.
func arName(s *source, name string, names []byte, size int64) (string, int64, error) {
	if n, ok := strings.CutPrefix(name, "#1/"); ok {
		k, err := strconv.ParseInt(n, 10, 64)
		if err != nil || k < 0 || k > size || k > 1<<16 {
			return "", 0, binread.Errorf("ar", s.offset(), "a name of %q bytes", n)
		}
		b := make([]byte, k)
		if _, err := io.ReadFull(s.buf, b); err != nil {
			return "", 0, io.ErrUnexpectedEOF
		}
		return strings.TrimRight(string(b), "\x00"), size - k, nil
	}
	if n, ok := strings.CutPrefix(name, "/"); ok {
		if at, err := strconv.Atoi(n); err == nil && at >= 0 && at < len(names) {
			end := bytes.IndexByte(names[at:], '\n')
			if end < 0 {
				end = len(names) - at
			}
			name = string(names[at : at+end])
		}
	}
	return strings.TrimSuffix(name, "/"), size, nil
}
