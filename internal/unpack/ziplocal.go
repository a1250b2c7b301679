package unpack

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"assay/internal/binread"
	"assay/internal/unpack/xz"
)

// zipMethod opens the bytes of an entry, compressed by a method of 4.4.5. sum
// checks what came out and may be nil.
func (w *walker) zipMethod(raw *source, method uint16, size int64, sum func(uint32, int64) error) error {
	r, done, err := w.zipDecoder(raw, method, size)
	if err != nil {
		return err
	}
	defer done()
	m := w.meter(raw, Zip, r)
	m.sum = sum
	c := &source{path: raw.path, via: raw.via, depth: raw.depth, size: size}
	c.under = counter{r: m}
	w.buffer(c)
	err = w.open(c)
	w.release(c)
	return err
}

func (w *walker) zipDecoder(raw *source, method uint16, size int64) (io.Reader, func(), error) {
	switch method {
	case 8:
		z := w.inflater(raw.buf)
		return z, func() { w.pool.flate = append(w.pool.flate, z) }, nil
	case 12:
		if w.take(bzip2Memory) {
			return bzip2.NewReader(raw.buf), func() { w.give(bzip2Memory) }, nil
		}
		return nil, nil, noMemory("bzip2", bzip2Memory)
	case 14: // 5.8.8: a version, the length of the properties, the properties
		h := make([]byte, 9)
		if _, err := io.ReadFull(raw.buf, h); err != nil || h[2] != 5 || h[3] != 0 {
			return nil, nil, binread.Errorf("zip", 0, "broken LZMA properties")
		}
		a, err := xz.NewRaw(raw.buf, h[4:], size, w.take)
		if err != nil {
			return nil, nil, err
		}
		return a, func() { w.give(a.Held()) }, nil
	case 93:
		return w.zstd(raw)
	case 95:
		x := xz.NewReader(raw.buf, w.take)
		return x, func() { w.give(x.Held()) }, nil
	}
	return nil, nil, binread.Unsupported("zip", "method %d", method)
}

// zipRest reads what the directory of an archive does not name: the entries
// that have local headers all the same, and bytes.
func (w *walker) zipRest(c *source) error {
	if b, _ := c.buf.Peek(28); len(b) == 28 { // the data descriptor of the entry before
		for _, n := range []int{12, 16, 20, 24} {
			if binary.LittleEndian.Uint32(b[n:]) == sigLocal {
				_ = c.skip(int64(n))
				break
			}
		}
	}
	if b, _ := c.buf.Peek(4); len(b) == 4 && binary.LittleEndian.Uint32(b) == sigLocal {
		if stop := w.fault(c, Zip, w.zipStream(c)); stop != nil {
			return stop
		}
	}
	if more, stop := w.zeros(c); !more {
		return stop
	}
	return w.part(c, Raw)
}

// zipStream reads the local headers one after the other, for an archive
// without directory or one that cannot be held. What follows the last is left.
func (w *walker) zipStream(s *source) error {
	for {
		if err := w.entry(s); err != nil {
			return err
		}
		b, err := s.buf.Peek(localLen)
		if len(b) < 4 || binary.LittleEndian.Uint32(b) != sigLocal {
			return w.zipSkipDir(s)
		}
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		e := zipEntry{off: s.offset(), flags: binary.LittleEndian.Uint16(b[6:]), method: binary.LittleEndian.Uint16(b[8:]), crc: binary.LittleEndian.Uint32(b[14:])}
		csize, usize := uint64(binary.LittleEndian.Uint32(b[18:])), uint64(binary.LittleEndian.Uint32(b[22:]))
		n, x := int(binary.LittleEndian.Uint16(b[26:])), int(binary.LittleEndian.Uint16(b[28:]))
		v := make([]byte, localLen+n+x)
		if _, err := io.ReadFull(s.buf, v); err != nil {
			return io.ErrUnexpectedEOF
		}
		e.name = string(v[localLen : localLen+min(n, maxName+1)])
		zip64(v[localLen+n:], &usize, &csize)
		if csize > math.MaxInt64 || usize > math.MaxInt64 {
			return binread.Errorf("zip", e.off, "%d bytes in an entry", csize)
		}
		e.csize, e.size = int64(csize), int64(usize)
		if err := w.zipLocal(s, e); err != nil {
			return err
		}
	}
}

// zipLocal reads the entry whose local header was just read.
func (w *walker) zipLocal(s *source, e zipEntry) error {
	path := s.path + "!/" + short(e.name)
	if e.flags&1 != 0 {
		w.gap(path, Encrypted, e.off, "zip: 1 entry encrypted")
	}
	known := e.flags&8 == 0 || e.csize > 0
	if !known {
		if e.flags&1 != 0 || e.method != 8 {
			return binread.Errorf("zip", e.off, "the length of an entry is in the directory only")
		}
		z := w.inflater(s.buf)
		m := w.meter(s, Zip, z)
		m.path = path
		c := w.child(s, Zip, e.name, m, -1)
		err := w.open(c)
		if err == nil && m.err == nil {
			_, err = io.Copy(io.Discard, m)
		}
		w.release(c)
		if err == nil && m.err != io.EOF {
			err = m.err
		}
		w.pool.flate = append(w.pool.flate, z)
		if err != nil {
			return err
		}
		return zipDescriptor(s)
	}
	lr := &io.LimitedReader{R: s.buf, N: e.csize}
	if e.flags&1 == 0 && e.csize > 0 {
		raw := w.section(s, Zip, e.name, s.pos(), e.csize)
		if raw == nil {
			raw = w.child(s, Zip, e.name, lr, e.csize)
		}
		var err error
		if e.method == 0 {
			err = w.open(raw)
		} else {
			err = w.zipMethod(raw, e.method, e.size, nil)
		}
		stop := w.faultAt(path, e.off, Zip, err)
		w.release(raw)
		if stop != nil {
			return stop
		}
	}
	if err := s.skip(lr.N); err != nil {
		return err
	}
	if e.flags&8 != 0 {
		return zipDescriptor(s)
	}
	return nil
}

// zipDescriptor passes a data descriptor (4.3.9): with or without signature,
// with sizes of 4 or 8 bytes. The next signature shows its length.
func zipDescriptor(s *source) error {
	b, _ := s.buf.Peek(28)
	for _, n := range []int{16, 24, 12, 20} {
		if len(b) >= n+4 && b[n] == 'P' && b[n+1] == 'K' && (bytes.HasPrefix(b, []byte("PK\x07\x08")) == (n == 16 || n == 24)) {
			return s.skip(int64(n))
		}
	}
	if len(b) < 28 {
		return nil
	}
	return fmt.Errorf("no header after an entry")
}

// zipSkipDir passes the central directory and the end of an archive that was
// read from its front.
func (w *walker) zipSkipDir(s *source) error {
	for {
		b, _ := s.buf.Peek(centralLen)
		if len(b) < endLen {
			return nil
		}
		u16 := func(i int) int64 { return int64(binary.LittleEndian.Uint16(b[i:])) }
		switch sig := binary.LittleEndian.Uint32(b); {
		case sig == sigCentral && len(b) == centralLen:
			if err := s.skip(centralLen + u16(28) + u16(30) + u16(32)); err != nil {
				return err
			}
		case sig == sigEnd64 || sig == sigLoc64 || sig == sigDesc:
			n := int64(loc64Len)
			if sig == sigEnd64 {
				n = 56
			} else if sig == sigDesc {
				n = 16
			}
			if err := s.skip(n); err != nil {
				return err
			}
		case sig == sigEnd:
			return s.skip(endLen) // the comment is what follows
		default:
			return nil
		}
		if err := w.check(); err != nil {
			return err
		}
	}
}
