package ntfs

import (
	"encoding/binary"

	"assay/internal/binread"
)

var le = binary.LittleEndian

// stride is the distance of the protected places: always 512 bytes, whatever
// the sector size (SEQUENCE_NUMBER_STRIDE).
const stride = 512

// Flags of an MFT record.
const (
	recordInUse     = 0x0001
	recordDirectory = 0x0002
)

// unprotect undoes the update sequence of a record of the kind magic: the last
// two bytes of each 512 are those in the array at its head. at is for errors.
func unprotect(b []byte, magic string, at int64) error {
	if string(b[:4]) != magic {
		return binread.Errorf(format, at, "%q instead of %q", b[:4], magic)
	}
	off, n := int(le.Uint16(b[4:])), int(le.Uint16(b[6:]))
	if n != len(b)/stride+1 || off < 0x18 || off%2 != 0 || off+2*n > stride-2 {
		return binread.Errorf(format, at+4, "an update sequence of %d at %d", n, off)
	}
	for i := 1; i < n; i++ {
		end := i*stride - 2
		if le.Uint16(b[end:]) != le.Uint16(b[off:]) {
			return binread.Errorf(format, at+int64(end), "a write was torn: update sequence %#x instead of %#x", le.Uint16(b[end:]), le.Uint16(b[off:]))
		}
		copy(b[end:end+2], b[off+2*i:])
	}
	return nil
}

// protect returns a copy of an unprotected record as it goes to the volume,
// with the next update sequence number.
func protect(b []byte) []byte {
	out := append([]byte(nil), b...)
	off, n := int(le.Uint16(out[4:])), int(le.Uint16(out[6:]))
	usn := le.Uint16(out[off:]) + 1
	if usn == 0 || usn == 0xffff {
		usn = 1
	}
	le.PutUint16(out[off:], usn)
	for i := 1; i < n; i++ {
		end := i*stride - 2
		copy(out[off+2*i:off+2*i+2], out[end:end+2])
		le.PutUint16(out[end:], usn)
	}
	return out
}

// A record is one record of the MFT, unprotected (struct MFT_RECORD).
type record struct {
	no uint64
	at int64 // on the volume, where it begins
	b  []byte
}

func (r *record) seq() uint16       { return le.Uint16(r.b[0x10:]) }
func (r *record) flags() uint16     { return le.Uint16(r.b[0x16:]) }
func (r *record) used() int         { return int(le.Uint32(r.b[0x18:])) }
func (r *record) base() uint64      { return le.Uint64(r.b[0x20:]) }
func (r *record) inUse() bool       { return r.flags()&recordInUse != 0 }
func (r *record) first() int        { return int(le.Uint16(r.b[0x14:])) }
func (r *record) ref() uint64       { return r.no | uint64(r.seq())<<48 }
func number(ref uint64) uint64      { return ref & (1<<48 - 1) }
func sequence(ref uint64) uint16    { return uint16(ref >> 48) }
func (r *record) where(o int) int64 { return r.at + int64(o) }

// check looks at the header of an unprotected record.
func (r *record) check() error {
	if u := r.used(); u > len(r.b) || u < r.first()+4 || r.first() < 0x28 || r.first()%8 != 0 {
		return binread.Errorf(format, r.where(0x14), "MFT record %d has attributes from %d to %d of %d", r.no, r.first(), u, len(r.b))
	}
	return nil
}

// Types of attributes.
const (
	typeStandard  = 0x10
	typeList      = 0x20
	typeName      = 0x30
	typeVolName   = 0x60
	typeVolInfo   = 0x70
	typeData      = 0x80
	typeIndexRoot = 0x90
	typeIndex     = 0xA0
	typeBitmap    = 0xB0
	typeReparse   = 0xC0
	typeEnd       = 0xFFFFFFFF
)

// Flags of an attribute.
const (
	attrMethod     = 0x00FF // of compression; 1 is LZNT1
	attrCompressed = 0x0001
	attrEncrypted  = 0x4000
	attrSparse     = 0x8000
)

// An attr is one attribute record, or one piece of an attribute that lies in
// several MFT records (struct ATTR_RECORD).
type attr struct {
	rec      *record
	off, len int // in rec.b
	typ      uint32
	flags    uint16
	resident bool
	name     []byte // UTF-16LE

	valueOff, valueLen int // resident: in rec.b

	lowest, highest   int64 // clusters of the stream in this piece
	pairs             int   // mapping pairs, in rec.b
	unit              uint8 // clusters of a compression unit, as an exponent
	alloc, size, init int64 // of the stream; in the piece with lowest 0
}

func (a *attr) value() []byte { return a.rec.b[a.valueOff : a.valueOff+a.valueLen] }
func (a *attr) where() int64  { return a.rec.where(a.off) }

// is compares type and name, which is ASCII.
func (a *attr) is(typ uint32, name string) bool {
	if a.typ != typ || len(a.name) != 2*len(name) {
		return false
	}
	for i := range len(name) {
		if a.name[2*i] != name[i] || a.name[2*i+1] != 0 {
			return false
		}
	}
	return true
}

// each calls visit for the attributes of a record.
func (r *record) each(visit func(a *attr) error) error {
	if err := r.check(); err != nil {
		return err
	}
	for off := r.first(); ; {
		if off+4 > r.used() {
			return binread.Errorf(format, r.where(off), "the attributes of MFT record %d do not end", r.no)
		}
		if le.Uint32(r.b[off:]) == typeEnd {
			return nil
		}
		a, err := r.attr(off)
		if err != nil {
			return err
		}
		if err := visit(a); err != nil {
			return err
		}
		off += a.len
	}
}

// attr parses the attribute at off.
func (r *record) attr(off int) (*attr, error) {
	bad := func(what string, v int64) (*attr, error) {
		return nil, binread.Errorf(format, r.where(off), "MFT record %d has an attribute with %s of %d", r.no, what, v)
	}
	if off+0x18 > r.used() {
		return bad("room", int64(r.used()-off))
	}
	b := r.b[off:r.used()]
	n := int(le.Uint32(b[4:]))
	if n < 0x18 || n > len(b) || n%8 != 0 {
		return bad("a length", int64(n))
	}
	b = b[:n]
	a := &attr{rec: r, off: off, len: n, typ: le.Uint32(b), flags: le.Uint16(b[12:]), resident: b[8] == 0}
	head := 0x18
	if !a.resident {
		head = 0x40
	}
	nameOff, nameLen := int(le.Uint16(b[10:])), 2*int(b[9])
	if n < head || nameLen > 0 && (nameOff < head || nameOff+nameLen > n) {
		return bad("a name offset", int64(nameOff))
	}
	if nameLen > 0 {
		a.name = b[nameOff : nameOff+nameLen]
	}
	if a.resident {
		o, l := int(le.Uint16(b[0x14:])), le.Uint32(b[0x10:])
		if o < head || o > n || l > uint32(n-o) {
			return bad("a value length", int64(l))
		}
		a.valueOff, a.valueLen = off+o, int(l)
		a.size = int64(l)
		return a, nil
	}
	return a, a.mapped(b)
}

// mapped parses the rest of a non-resident attribute.
func (a *attr) mapped(b []byte) error {
	a.lowest, a.highest = int64(le.Uint64(b[0x10:])), int64(le.Uint64(b[0x18:]))
	pairs := int(le.Uint16(b[0x20:]))
	a.unit = b[0x22]
	if pairs < 0x40 || pairs >= len(b) {
		return binread.Errorf(format, a.where()+0x20, "mapping pairs at %d of %d", pairs, len(b))
	}
	a.pairs = a.off + pairs
	if a.lowest != 0 {
		return nil
	}
	a.alloc, a.size, a.init = int64(le.Uint64(b[0x28:])), int64(le.Uint64(b[0x30:])), int64(le.Uint64(b[0x38:]))
	if a.alloc < 0 || a.size < 0 || a.init < 0 || a.size > a.alloc {
		return binread.Errorf(format, a.where()+0x28, "a stream of %d bytes, %d of them valid, in %d", a.size, a.init, a.alloc)
	}
	return nil
}
