package ntfs

import "errors"

// XPRESS with Huffman codes ([MS-XCA] 2.1.4.3 and 2.2.4).
const (
	xpressSymbols = 512 // 256 bytes, 256 pairs of a length and the bits of a distance
	xpressTable   = xpressSymbols / 2
	xpressLongest = 15 // bits of a code
	xpressMinimum = 3  // bytes of a match
)

var errXpress = errors.New("damaged XPRESS data")

// A xpress unpacks chunk after chunk; its table is used again.
type xpress struct {
	codes [1 << xpressLongest]uint16 // symbol<<4 | bits, by the next 15 bits
}

// unpack fills out from one chunk.
func (x *xpress) unpack(out, in []byte) error {
	if len(in) < xpressTable || !x.table(in[:xpressTable]) {
		return errXpress
	}
	r := xpressReader{in: in[xpressTable:]}
	r.bits = uint32(r.word())<<16 | uint32(r.word())
	r.extra = 16
	for n := 0; n < len(out); {
		c := x.codes[r.bits>>(32-xpressLongest)]
		if c == 0 {
			return errXpress
		}
		r.drop(int(c & 15))
		symbol := int(c >> 4)
		if symbol < 256 {
			out[n] = byte(symbol)
			n++
			continue
		}
		length, ok := r.length(symbol & 15)
		width := (symbol - 256) >> 4
		distance := 1<<width | int(r.bits>>(32-width))
		r.drop(width)
		if !ok || distance > n || r.over() {
			return errXpress
		}
		for ; length > 0 && n < len(out); length-- { // one by one: a match may reach into itself
			out[n] = out[n-distance]
			n++
		}
	}
	if r.over() {
		return errXpress
	}
	return nil
}

// table makes the canonical code of the lengths in b, four bits each, the low
// ones first. It reports whether every 15 bits begin at most one code.
func (x *xpress) table(b []byte) bool {
	next := 0
	for bits := 1; bits <= xpressLongest; bits++ {
		for symbol := range xpressSymbols {
			if int(b[symbol/2]>>(4*(symbol%2))&15) != bits {
				continue
			}
			end := next + 1<<(xpressLongest-bits)
			if end > len(x.codes) {
				return false
			}
			for i := next; i < end; i++ {
				x.codes[i] = uint16(symbol<<4 | bits)
			}
			next = end
		}
	}
	clear(x.codes[next:])
	return next > 0
}

// A xpressReader reads bits in words of 16 and, between them, whole bytes.
type xpressReader struct {
	in    []byte
	at    int
	bits  uint32 // the next ones first
	extra int    // of bits that are there beyond 16
}

// word is the next word; behind the end there are zeros.
func (r *xpressReader) word() uint16 {
	var w uint16
	if r.at+2 <= len(r.in) {
		w = le.Uint16(r.in[r.at:])
	}
	r.at += 2
	return w
}

// over reports whether more was taken than there is: the last words may be
// looked at before they are needed.
func (r *xpressReader) over() bool { return r.at > len(r.in)+4 }

func (r *xpressReader) drop(n int) {
	r.bits <<= n
	if r.extra -= n; r.extra < 0 {
		r.bits |= uint32(r.word()) << -r.extra
		r.extra += 16
	}
}

// length is that of a match, from the four bits in its symbol and bytes behind
// what was taken of the bits.
func (r *xpressReader) length(short int) (int, bool) {
	if short < 15 {
		return short + xpressMinimum, true
	}
	if r.at >= len(r.in) {
		return 0, false
	}
	n := int(r.in[r.at]) + 15
	r.at++
	if n == 255+15 {
		if r.at+2 > len(r.in) {
			return 0, false
		}
		if n = int(r.word()); n < 15 {
			return 0, false
		}
	}
	return n + xpressMinimum, true
}
