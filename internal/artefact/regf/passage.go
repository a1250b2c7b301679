package regf

import "unicode/utf16"

// A Passage is text in the data of a value, or in bytes that a deleted one left.
type Passage struct {
	Off  int  // of its first byte in the data
	Wide bool // UTF-16, two bytes a unit; else one byte a character
	Text string
}

// minPassage is how many printable characters in binary data are text: less
// happens by chance.
const minPassage = 8

// Span is the place in the data of the bytes from:to of p.Text.
func (p Passage) Span(from, to int) (off, n int) {
	if !p.Wide {
		return p.Off + from, to - from
	}
	units := func(s string) int { return len(utf16.Encode([]rune(s))) }
	return p.Off + 2*units(p.Text[:from]), 2 * units(p.Text[from:to])
}

// Passages returns the text in the data of v: the strings of a text value, also
// those behind its end, and what is printable in data of other types.
func (v Value) Passages() []Passage {
	switch v.Type() {
	case DWORD, DWORDBE, QWORD:
		return nil
	case SZ, ExpandSZ, MultiSZ, Link:
		return strings16(v.Data())
	}
	return Printable(v.Data())
}

// strings16 cuts UTF-16 at its NULs.
func strings16(b []byte) (out []Passage) {
	start := 0
	cut := func(end int) {
		if end > start {
			out = append(out, Passage{start, true, utf16Text(b[start:end])})
		}
		start = end + 2
	}
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			cut(i)
		}
	}
	cut(len(b) &^ 1)
	return out
}

// Printable returns the runs of printable ASCII in b, of UTF-16 at even and odd
// places and of single bytes, in no order of place.
func Printable(b []byte) (out []Passage) {
	for _, first := range []int{0, 1} {
		out = append(out, runs(b, first, 2)...)
	}
	return append(out, runs(b, 0, 1)...)
}

// runs finds printable characters that stand width bytes apart, zeros between
// them.
func runs(b []byte, first, width int) (out []Passage) {
	start := -1
	end := func(i int) {
		if start >= 0 && (i-start)/width >= minPassage {
			text := make([]byte, 0, (i-start)/width)
			for j := start; j < i; j += width {
				text = append(text, b[j])
			}
			out = append(out, Passage{start, width == 2, string(text)})
		}
		start = -1
	}
	i := first
	for ; i+width <= len(b); i += width {
		c := b[i]
		if !(c >= ' ' && c < 0x7f || c == '\t' || c == '\n' || c == '\r') || width == 2 && b[i+1] != 0 {
			end(i)
		} else if start < 0 {
			start = i
		}
	}
	end(i)
	return out
}

// Free calls fn with the bytes of each unallocated cell and their offset in the
// file: deleted keys and values lie there.
func (h *Hive) Free(fn func(off int64, b []byte)) {
	for off := uint32(0); off < h.size; {
		size, ok := h.bin(off)
		if !ok {
			off += binAlign
			continue
		}
		h.eachCell(off, size, func(at uint32, cell int64) bool {
			if p := baseLen + int64(at); cell > 4 {
				fn(p+4, h.b[p+4:p+cell])
			}
			return true
		})
		off += size
	}
}
