package fat

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	entrySize = 32
	maxLong   = 20 // long-name entries before a short one

	attrReadOnly  = 0x01
	attrLabel     = 0x08
	attrDirectory = 0x10
	attrLong      = 0x0f // of the low six bits
	deleted       = 0xe5
)

// An entry is a short directory entry.
type entry struct {
	at   int64 // byte offset on the volume
	raw  [entrySize]byte
	name string // long name if there is a valid one

	// parts is where the entries of its long name are; it is valid only while
	// the entry is visited.
	parts []int64
}

func (e *entry) buf() *binread.Buf { return &binread.Buf{B: e.raw[:]} }
func (e *entry) attr() byte        { return e.raw[11] }
func (e *entry) dir() bool         { return e.attr()&attrDirectory != 0 }
func (e *entry) size() int64       { return int64(e.buf().LE32(28)) }

// first is the first cluster; FAT12 and FAT16 use the upper half for other
// things.
func (e *entry) first(g *geometry) uint32 {
	lo := uint32(e.buf().LE16(26))
	if g.bits == 32 {
		return (uint32(e.buf().LE16(20))<<16 | lo) & 0x0fffffff
	}
	return lo
}

// raws calls visit for each 32-byte entry of a directory, up to the one that
// ends it.
func (f *FS) raws(dir fsys.Node, visit func(at int64, b []byte) error) error {
	places, broken := f.places(dir)
	buf := make([]byte, min(f.g.cluster, pageSize))
	for _, p := range places {
		for done := int64(0); done < p.Len; done += int64(len(buf)) {
			part := buf[:min(int64(len(buf)), p.Len-done)]
			if err := binread.Full(f.r, format, part, p.Physical+done); err != nil {
				return err
			}
			for k := 0; k+entrySize <= len(part); k += entrySize {
				if part[k] == 0 {
					return nil
				}
				if err := visit(p.Physical+done+int64(k), part[k:k+entrySize]); err != nil {
					return err
				}
			}
		}
	}
	return broken
}

// places lists the extents of a directory, whose chain may be broken.
func (f *FS) places(dir fsys.Node) ([]fsys.Extent, error) {
	if dir == rootNode {
		if f.g.bits != 32 {
			return []fsys.Extent{{Physical: f.g.root, Len: f.g.rootLen}}, nil
		}
		runs, err := f.t.runs(f.g.rootAt, 44, maxDir)
		return f.extents(runs), err
	}
	e, err := f.entry(dir)
	if err != nil {
		return nil, err
	}
	if !e.dir() {
		return nil, fsys.ErrNotDir
	}
	runs, err := f.t.runs(e.first(f.g), e.at+26, maxDir)
	return f.extents(runs), err
}

// entries calls visit for each file of a directory with its name. Names that
// cannot be are left out, and the first of them is the error at the end.
func (f *FS) entries(dir fsys.Node, visit func(*entry) error) error {
	var long longName
	var parts []int64
	var bad error
	err := f.raws(dir, func(at int64, b []byte) error {
		if b[0] == deleted {
			long.remaining = -1
			return nil
		}
		if b[11]&0x3f == attrLong {
			if long.add(b); b[0]&0x40 != 0 {
				parts = parts[:0]
			}
			if len(parts) < maxLong {
				parts = append(parts, at)
			}
			return nil
		}
		e := entry{at: at}
		copy(e.raw[:], b)
		name, ok := long.name(b)
		if long.remaining = -1; ok {
			e.parts = parts
		}
		short := string(b[:11])
		if b[11]&attrLabel != 0 || short == ".          " || short == "..         " {
			return nil
		}
		if e.name = name; !ok || !validName(name) {
			e.name = shortName(b)
		}
		if !validName(e.name) {
			if bad == nil {
				bad = binread.Errorf(format, at, "%q cannot be the name of a file", e.name)
			}
			return nil
		}
		return visit(&e)
	})
	if err != nil {
		return err
	}
	return bad
}

// A longName collects the entries of a long name, which come before the short
// one, the last part first.
type longName struct {
	units     [maxLong * 13]uint16
	parts     int
	remaining int // parts still to come; -1 when what came is of no use
	sum       byte
}

func (l *longName) add(b []byte) {
	n := int(b[0] & 0x3f)
	if b[0]&0x40 != 0 {
		l.parts, l.remaining, l.sum = n, n, b[13]
	}
	if n < 1 || n > maxLong || n != l.remaining || b[13] != l.sum {
		l.remaining = -1
		return
	}
	l.remaining--
	buf := binread.Buf{B: b}
	for i := range 13 {
		at := 1 + 2*i
		switch {
		case i >= 11:
			at = 28 + 2*(i-11)
		case i >= 5:
			at = 14 + 2*(i-5)
		}
		l.units[(n-1)*13+i] = buf.LE16(at)
	}
}

// name returns the long name of the short entry b, if it is complete and its
// checksum says that it belongs to it.
func (l *longName) name(b []byte) (string, bool) {
	if l.parts == 0 || l.remaining != 0 || checksum(b[:11]) != l.sum {
		return "", false
	}
	units := l.units[:l.parts*13]
	for i, u := range units {
		if u == 0 {
			units = units[:i]
			break
		}
	}
	return string(utf16.Decode(units)), true
}

// checksum is that of a short name in the entries of its long one.
func checksum(short []byte) byte {
	s := byte(0)
	for _, c := range short {
		s = s>>1 + s<<7 + c
	}
	return s
}

// shortName decodes a name of 8+3 bytes. Windows NT keeps in byte 12 whether
// either part is in lower case.
func shortName(b []byte) string {
	raw := [11]byte(b[:11])
	if raw[0] == 0x05 { // stands for a byte that would mean "deleted"
		raw[0] = deleted
	}
	name, ext := decodeOEM(raw[:8]), decodeOEM(raw[8:])
	if b[12]&0x08 != 0 {
		name = strings.Map(unicode.ToLower, name)
	}
	if b[12]&0x10 != 0 {
		ext = strings.Map(unicode.ToLower, ext)
	}
	if ext == "" {
		return name
	}
	return name + "." + ext
}

// cp437 is the upper half of the code page.
const cp437 = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0"

func decodeOEM(b []byte) string {
	var out, high []rune
	for _, c := range b {
		if c < 0x80 {
			out = append(out, rune(c))
			continue
		}
		if high == nil {
			high = []rune(cp437)
		}
		out = append(out, high[c-0x80])
	}
	return strings.TrimRight(string(out), " ")
}

func validName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/\x00")
}

// stamp converts a date and a time with its hundredths. A date that cannot be
// is one that was not recorded.
func stamp(date, clock uint16, hundredths byte) fsys.Time {
	month, day := time.Month(date>>5&0xf), int(date&0x1f)
	if month < 1 || month > 12 || day < 1 {
		return fsys.Time{}
	}
	t := time.Date(1980+int(date>>9), month, day, int(clock>>11), int(clock>>5&0x3f), int(clock&0x1f)*2, 0, time.UTC)
	h := int64(min(hundredths, 199))
	return fsys.Time{Sec: t.Unix() + h/100, Nsec: uint32(h%100) * 1e7}
}

// entry reads the short entry at a node.
func (f *FS) entry(n fsys.Node) (*entry, error) {
	at := int64(n)
	inRoot := f.g.bits != 32 && at >= f.g.root && at < f.g.root+f.g.rootLen
	inData := at >= f.g.data && (at-f.g.data)/f.g.cluster < int64(f.g.clusters)
	if at%entrySize != 0 || !inRoot && !inData {
		return nil, fsys.ErrNotExist
	}
	e := &entry{at: at}
	if err := binread.Full(f.r, format, e.raw[:], at); err != nil {
		return nil, err
	}
	if e.raw[0] == 0 || e.raw[0] == deleted || e.attr()&attrLabel != 0 {
		return nil, fsys.ErrNotExist
	}
	return e, nil
}

// volumeLabel is that of the root directory, "" when there is none.
func (f *FS) volumeLabel() string {
	label := ""
	err := f.raws(rootNode, func(_ int64, b []byte) error {
		if b[0] == deleted || b[11]&0x3f == attrLong || b[11]&(attrLabel|attrDirectory) != attrLabel {
			return nil
		}
		raw := [11]byte(b[:11])
		if raw[0] == 0x05 {
			raw[0] = deleted
		}
		label = decodeOEM(raw[:])
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		return ""
	}
	return label
}
