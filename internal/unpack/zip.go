package unpack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"assay/internal/binread"
)

// Offsets in this file are those of PKWARE's APPNOTE.TXT, version 6.3.10,
// section 4.3.
const (
	sigLocal   = 0x04034b50
	sigDesc    = 0x08074b50
	sigCentral = 0x02014b50
	sigEnd     = 0x06054b50
	sigEnd64   = 0x06064b50
	sigLoc64   = 0x07064b50

	endLen     = 22
	loc64Len   = 20
	localLen   = 30
	centralLen = 46
)

// maxZipEntries bounds the list of one archive's entries in memory
// (12 MiB); zipStep is for how many there is room at a time.
const (
	maxZipEntries = 256 << 10
	zipStep       = 1024
)

var errNoEnd = errors.New("no end of central directory")

// A zipFile is an archive whose central directory was found.
type zipFile struct {
	w        *walker
	s        *source
	base     int64 // of the archive in the file, after a stub
	dir, end int64 // the central directory
	comment  int64 // after the last record
	count    uint64
	list     []zipSpan
	held     int64 // memory for list
}

// A zipSpan is one entry: where its local header is, where its bytes end at
// least, and where it stands in the central directory.
type zipSpan struct{ off, end, dir int64 }

// hasZipEnd tells a program or script with a zip after it from one without.
func (w *walker) hasZipEnd(s *source) Format {
	if s.at == nil || s.size < endLen || s.pos() != 0 {
		return Plain
	}
	b, err := binread.At(s.at, "zip", s.size-endLen, endLen, 0)
	if err != nil || binary.LittleEndian.Uint32(b) != sigEnd || binary.LittleEndian.Uint16(b[20:]) != 0 {
		return Plain
	}
	z := zipFile{w: w, s: s}
	if err := z.find(); err != nil || z.count == 0 {
		return Plain
	}
	b, err = binread.At(s.at, "zip", z.dir, 4, 0)
	if err != nil || binary.LittleEndian.Uint32(b) != sigCentral {
		return Plain
	}
	return Zip
}

// openZip reads the entries that the central directory names, in the order in
// which they lie in the file, and what lies between them: entries that the
// directory does not name, and bytes of no entry.
func openZip(w *walker, s *source) error {
	done, err := w.hold(s)
	defer done()
	if errors.Is(err, errLimit) {
		return w.zipStream(s)
	}
	if err != nil {
		return err
	}
	z := zipFile{w: w, s: s}
	defer func() { w.give(z.held) }()
	if err := z.find(); err != nil {
		w.gap(s.path, Corrupt, s.pos(), "zip: %v; read from its front", err)
		return w.zipStream(s)
	}
	if err := z.entries(); err != nil {
		return err
	}
	if err := z.all(); err != nil {
		return err
	}
	return s.skip(s.size - s.pos())
}

// find reads the end of central directory record (4.3.16), and that of zip64
// (4.3.14).
func (z *zipFile) find() error {
	tail := min(z.s.size, endLen+math.MaxUint16)
	b, err := binread.At(z.s.at, "zip", z.s.size-tail, tail, 0)
	if err != nil {
		return err
	}
	i := len(b) - endLen
	for ; i >= 0; i-- {
		if binary.LittleEndian.Uint32(b[i:]) == sigEnd && int(binary.LittleEndian.Uint16(b[i+20:])) <= len(b)-i-endLen {
			break
		}
	}
	if i < 0 {
		return errNoEnd
	}
	at := z.s.size - tail + int64(i)
	b = b[i:]
	z.count = uint64(binary.LittleEndian.Uint16(b[10:]))
	size, off := uint64(binary.LittleEndian.Uint32(b[12:])), uint64(binary.LittleEndian.Uint32(b[16:]))
	z.end, z.comment = at, at+endLen
	if l, err := binread.At(z.s.at, "zip", at-loc64Len, loc64Len, 0); err == nil && binary.LittleEndian.Uint32(l) == sigLoc64 {
		rec, err := binread.At(z.s.at, "zip", int64(binary.LittleEndian.Uint64(l[8:])&math.MaxInt64), 56, 0)
		if err != nil || binary.LittleEndian.Uint32(rec) != sigEnd64 {
			return binread.Errorf("zip", at-loc64Len, "the zip64 record is not where it is said to be")
		}
		z.end = int64(binary.LittleEndian.Uint64(l[8:]))
		z.count = binary.LittleEndian.Uint64(rec[32:])
		size, off = binary.LittleEndian.Uint64(rec[40:]), binary.LittleEndian.Uint64(rec[48:])
	}
	if size > uint64(z.end) || off > uint64(z.end)-size {
		return binread.Errorf("zip", at, "a central directory of %d bytes at %d", size, off)
	}
	z.dir = z.end - int64(size)
	z.base = z.dir - int64(off)
	return nil
}

// A zipEntry is one record of the central directory (4.3.12).
type zipEntry struct {
	name          string
	flags, method uint16
	crc           uint32
	csize, size   int64
	off           int64 // of the local header in the file
	next          int64 // of the next record
}

// entry reads the record at an offset.
func (z *zipFile) entry(at int64) (e zipEntry, err error) {
	if at > z.end-centralLen {
		return e, binread.Errorf("zip", at, "the central directory ends in the middle of an entry")
	}
	b, err := binread.At(z.s.at, "zip", at, centralLen, 0)
	if err != nil {
		return e, err
	}
	if binary.LittleEndian.Uint32(b) != sigCentral {
		return e, binread.Errorf("zip", at, "not an entry of the central directory")
	}
	u16 := func(i int) uint16 { return binary.LittleEndian.Uint16(b[i:]) }
	u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
	e.flags, e.method, e.crc = u16(8), u16(10), u32(16)
	n, x, c := int64(u16(28)), int64(u16(30)), int64(u16(32))
	e.next = at + centralLen + n + x + c
	if e.next > z.end {
		return e, binread.Errorf("zip", at, "an entry runs over the central directory")
	}
	v, err := binread.At(z.s.at, "zip", at+centralLen, n+x, 0)
	if err != nil {
		return e, err
	}
	e.name = string(v[:min(n, maxName+1)])
	csize, size, off := uint64(u32(20)), uint64(u32(24)), uint64(u32(42))
	zip64(v[n:], &size, &csize, &off)
	if csize > uint64(z.s.size) || off > uint64(z.s.size) || size > math.MaxInt64 {
		return e, binread.Errorf("zip", at, "%d bytes at %d", csize, off)
	}
	e.csize, e.size, e.off = int64(csize), int64(size), z.base+int64(off)
	return e, nil
}

// zip64 reads the values that did not fit their 32 bits from the extra field 1
// (4.5.3), in the order of the arguments.
func zip64(extra []byte, values ...*uint64) {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			return
		}
		if id == 1 {
			f := extra[:n]
			for _, v := range values {
				if *v == math.MaxUint32 && len(f) >= 8 {
					*v, f = binary.LittleEndian.Uint64(f), f[8:]
				}
			}
			return
		}
		extra = extra[n:]
	}
}

// entries lists the central directory, sorted by place, without the entries
// that lie in another one: those are how a small archive becomes endless.
func (z *zipFile) entries() error {
	at := z.dir
	for n := uint64(0); at < z.end; n++ {
		if n%zipStep == 0 {
			if z.w.check() != nil {
				return z.w.stop
			}
			if n >= maxZipEntries || !z.w.take(2*zipStep*24) {
				z.w.gap(z.s.path, Limit, at, "zip: no memory for more than %d entries; the rest was not read", n)
				break
			}
			z.held += 2 * zipStep * 24
		}
		e, err := z.entry(at)
		if err != nil {
			if err := z.w.fault(z.s, Zip, err); err != nil {
				return err
			}
			break // what the directory does not name is met between the entries
		}
		z.list = append(z.list, zipSpan{e.off, e.off + localLen + e.csize, at})
		at = e.next
	}
	slices.SortFunc(z.list, func(a, b zipSpan) int {
		if a.off != b.off {
			return int(min(max(a.off-b.off, -1), 1))
		}
		return int(min(max(a.dir-b.dir, -1), 1))
	})
	kept, end, refused, first := z.list[:0], int64(0), 0, int64(0)
	for _, e := range z.list {
		if e.off < end || e.off < 0 || e.end > z.dir {
			if refused++; refused == 1 {
				first = e.dir
			}
			continue
		}
		end = e.end
		kept = append(kept, e)
	}
	z.list = kept
	if refused > 0 {
		z.w.gap(z.s.path, Limit, first, "zip: %s refused: the bytes are those of another entry, or outside of the archive", entries(refused))
	}
	return nil
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// all reads the listed entries and what lies between them.
func (z *zipFile) all() error {
	at, locked, firstLocked := int64(0), 0, int64(0)
	for _, sp := range z.list {
		if err := z.w.entry(z.s); err != nil {
			return err
		}
		e, err := z.entry(sp.dir)
		if err != nil {
			return err
		}
		if err := z.between(at, e.off); err != nil {
			return err
		}
		at = sp.end
		body, err := z.body(e)
		if err == nil && e.flags&1 != 0 {
			if locked++; locked == 1 {
				firstLocked = e.off
			}
		}
		if err == nil {
			at = body + e.csize
		}
		if err == nil && e.flags&1 == 0 && e.csize > 0 {
			err = z.extract(e, body)
		}
		if err != nil {
			if err := z.w.faultAt(z.s.path+"!/"+short(e.name), e.off, Zip, err); err != nil {
				return err
			}
		}
	}
	if locked > 0 {
		z.w.gap(z.s.path, Encrypted, firstLocked, "zip: %s encrypted", entries(locked))
	}
	if err := z.between(at, z.dir); err != nil {
		return err
	}
	return z.region(z.comment, z.s.size, 0)
}

// body finds where the bytes of an entry begin: after its local header
// (4.3.7), whose name and extra field have lengths of their own.
func (z *zipFile) body(e zipEntry) (int64, error) {
	b, err := binread.At(z.s.at, "zip", e.off, localLen, 0)
	if err != nil {
		return 0, err
	}
	if binary.LittleEndian.Uint32(b) != sigLocal {
		return 0, binread.Errorf("zip", e.off, "no local header")
	}
	if m := binary.LittleEndian.Uint16(b[8:]); m != e.method {
		z.w.gap(z.s.path+"!/"+short(e.name), Corrupt, e.off, "zip: method %d in the directory and %d in the local header; read by the directory", e.method, m)
	}
	at := e.off + localLen + int64(binary.LittleEndian.Uint16(b[26:])) + int64(binary.LittleEndian.Uint16(b[28:]))
	if at > z.dir-e.csize {
		return 0, binread.Errorf("zip", e.off, "an entry runs into the central directory")
	}
	return at, nil
}

// extract opens one entry.
func (z *zipFile) extract(e zipEntry, at int64) error {
	raw := z.w.section(z.s, Zip, e.name, at, e.csize)
	if raw == nil {
		return io.ErrUnexpectedEOF
	}
	defer z.w.release(raw)
	if e.method == 0 {
		return z.w.open(raw)
	}
	return z.w.zipMethod(raw, e.method, e.size, func(crc uint32, n int64) error {
		if crc != e.crc || n != e.size {
			return fmt.Errorf("%d bytes with checksum %08x, not %d with %08x", n, crc, e.size, e.crc)
		}
		return nil
	})
}

// between gives the bytes from one entry's end to the next one's header, where
// they are more than a data descriptor (4.3.9).
func (z *zipFile) between(from, to int64) error { return z.region(from, to, 24) }

func (z *zipFile) region(from, to, least int64) error {
	if to-from <= least || z.w.check() != nil {
		return z.w.stop
	}
	c := z.w.section(z.s, Zip, "", from, to-from)
	if c == nil {
		return nil
	}
	defer z.w.release(c)
	c.origin = from
	return z.w.zipRest(c)
}
