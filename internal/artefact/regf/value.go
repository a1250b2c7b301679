package regf

import (
	"strings"
	"unicode/utf16"
)

// Layout of a value (CM_KEY_VALUE) and of big data (CM_BIG_DATA).
const (
	vkHead    = 20
	vkNameLen = 2
	vkSize    = 4
	vkData    = 8
	vkType    = 12
	vkFlags   = 16

	valueCompName = 1       // the name is Latin-1, else UTF-16
	inline        = 1 << 31 // of the size: up to 4 bytes of data stand in the field of their offset

	dbHead     = 8
	dbCount    = 2
	dbList     = 4
	segmentLen = 16344 // data in one segment of big data, which hives from 1.4 on have
)

// MaxValue bounds the data of one value.
const MaxValue = 64 << 20

// A Type is the type of a value's data. Some keys, such as those of the SAM's
// names, use it to hold a number of their own.
type Type uint32

// The types.
const (
	None     Type = 0
	SZ       Type = 1
	ExpandSZ Type = 2
	Binary   Type = 3
	DWORD    Type = 4
	DWORDBE  Type = 5
	Link     Type = 6
	MultiSZ  Type = 7
	QWORD    Type = 11
)

// A Value is one value of a key. The zero Value has no name and no data.
type Value struct {
	h   *Hive
	off uint32
}

// Exists reports whether v is a value.
func (v Value) Exists() bool { return v.h != nil }

// record returns the content of the value at off, or nil.
func (h *Hive) record(off uint32) []byte {
	c := h.cell(off)
	if c == nil {
		return nil
	}
	if len(c) < vkHead || string(c[:2]) != "vk" || int(le.Uint16(c[vkNameLen:])) > len(c)-vkHead {
		h.fault(off, "no sound value")
		return nil
	}
	return c
}

func (v Value) record() []byte {
	if v.h == nil {
		return nil
	}
	return v.h.record(v.off)
}

// Values returns the values of k in the order of the hive. A damaged one is
// left out, with a fault.
func (k Key) Values() []Value {
	c := k.node()
	if c == nil {
		return nil
	}
	var out []Value
	for _, off := range k.h.valueList(c, k.off) {
		if k.h.record(off) != nil {
			out = append(out, Value{k.h, off})
		}
	}
	return out
}

// valueList returns the offsets of the values of the key node c at off.
func (h *Hive) valueList(c []byte, off uint32) []uint32 {
	n := le.Uint32(c[nkValues:])
	if n == 0 || le.Uint16(c[nkFlags:])&keyPredefined != 0 {
		return nil
	}
	l := h.cell(le.Uint32(c[nkValueList:]))
	if int64(n) > int64(len(l)/4) {
		h.fault(off, "a key of %d values has a list of %d bytes", n, len(l))
		n = uint32(len(l) / 4)
	}
	return h.distinct(offsets(l[:4*n], 4), off)
}

// Value finds a value of k by name, without regard to case; "" is the key's
// default value.
func (k Key) Value(name string) Value {
	for _, v := range k.Values() {
		if strings.EqualFold(v.Name(), name) {
			return v
		}
	}
	return Value{}
}

// Name is the value's name, "" for the default value of a key.
func (v Value) Name() string {
	c := v.record()
	if c == nil {
		return ""
	}
	return text(c[vkHead:vkHead+int(le.Uint16(c[vkNameLen:]))], le.Uint16(c[vkFlags:])&valueCompName != 0)
}

// Type is the type of the data.
func (v Value) Type() Type {
	if c := v.record(); c != nil {
		return Type(le.Uint32(c[vkType:]))
	}
	return None
}

// Size is the length of the data in bytes, as the value claims it.
func (v Value) Size() int64 {
	if c := v.record(); c != nil {
		return int64(le.Uint32(c[vkSize:]) &^ inline)
	}
	return 0
}

// Data returns the value's bytes, which must not be changed: nil with a fault
// when they are damaged or longer than MaxValue.
func (v Value) Data() []byte {
	parts, ok := v.parts()
	if !ok || len(parts) == 0 {
		return nil
	}
	if len(parts) == 1 {
		return parts[0]
	}
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// parts returns the bytes of the data where they lie in the hive, and whether
// they are complete.
func (v Value) parts() ([][]byte, bool) {
	c := v.record()
	if c == nil {
		return nil, false
	}
	size := le.Uint32(c[vkSize:])
	n := int(size &^ inline)
	switch {
	case size&inline != 0 && n <= 4:
		return [][]byte{c[vkData : vkData+n : vkData+n]}, true
	case n == 0:
		return nil, true
	case n > MaxValue:
		v.h.fault(v.off, "a value of %d bytes (the bound is %d)", n, MaxValue)
		return nil, false
	}
	off := le.Uint32(c[vkData:])
	d := v.h.cell(off)
	if d == nil {
		return nil, false
	}
	if v.h.isBig(d, n) {
		return v.segments(d, n)
	}
	if n > len(d) {
		v.h.fault(v.off, "a value of %d bytes in a cell of %d", n, len(d))
		return nil, false
	}
	return [][]byte{d[:n:n]}, true
}

// isBig reports whether d, the data cell of a value of n bytes, is the head of
// big data.
func (h *Hive) isBig(d []byte, n int) bool {
	return h.minor >= 4 && n > segmentLen && len(d) >= dbHead && string(d[:2]) == "db"
}

// segmentList returns the offsets of the segments of big data.
func (h *Hive) segmentList(d []byte) []uint32 {
	l := h.cell(le.Uint32(d[dbList:]))
	return offsets(l[:4*min(len(l)/4, int(le.Uint16(d[dbCount:])))], 4)
}

func (v Value) segments(d []byte, n int) (out [][]byte, ok bool) {
	for _, off := range v.h.segmentList(d) {
		want := min(n, segmentLen)
		s := v.h.cell(off)
		if want == 0 || len(s) < want {
			break
		}
		out = append(out, s[:want:want])
		n -= want
	}
	if n > 0 {
		v.h.fault(v.off, "big data lacks %d bytes", n)
	}
	return out, n == 0
}

// Text is the data of a text up to the first NUL, the first of several texts,
// and "" for all else.
func (v Value) Text() string {
	switch v.Type() {
	case SZ, ExpandSZ, Link, MultiSZ:
		s, _, _ := strings.Cut(utf16Text(v.Data()), "\x00")
		return s
	}
	return ""
}

// Texts are the strings of a MultiSZ, or the one text of others.
func (v Value) Texts() (out []string) {
	if v.Type() != MultiSZ {
		if s := v.Text(); s != "" {
			out = append(out, s)
		}
		return out
	}
	for s := range strings.SplitSeq(utf16Text(v.Data()), "\x00") {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// Uint is the number of a DWORD or QWORD, in either byte order.
func (v Value) Uint() (n uint64, ok bool) {
	b := v.Data()
	switch t := v.Type(); {
	case t == DWORD && len(b) == 4:
		return uint64(le.Uint32(b)), true
	case t == DWORDBE && len(b) == 4:
		return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3]), true
	case t == QWORD && len(b) == 8:
		return le.Uint64(b), true
	}
	return 0, false
}

// Text is the text of the value name of k, "" when there is none.
func (k Key) Text(name string) string { return k.Value(name).Text() }

// Uint is the number of the value name of k.
func (k Key) Uint(name string) (uint64, bool) { return k.Value(name).Uint() }

// UTF16 encodes s as the data of a text value, without a NUL at the end.
func UTF16(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = le.AppendUint16(b, u)
	}
	return b
}
