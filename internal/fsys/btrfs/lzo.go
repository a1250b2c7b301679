package btrfs

import (
	"encoding/binary"
	"errors"
)

var (
	errLZOShort = errors.New("LZO: the stream ends early")
	errLZOLong  = errors.New("LZO: the stream makes more than it should")
	errLZOBack  = errors.New("LZO: a copy from before the start")
)

// lzo1x appends what an LZO1X stream decompresses to, as described in the
// kernel's Documentation/staging/lzo.rst (bitstream version 0). dst grows to
// limit bytes at most; copies reach back to where dst ended before.
func lzo1x(dst, src []byte, limit int) ([]byte, error) {
	d := lzoReader{src: src, dst: dst, base: len(dst), limit: limit}
	// state is the number of literals that the last instruction carried: 0 to
	// 3 after a copy, 4 after a run of literals.
	state := 0
	if first := d.peek(); first > 17 {
		d.next()
		n := int(first) - 17
		d.literals(n)
		state = min(n, 4)
	}
	for d.err == nil {
		t := int(d.next())
		length, dist := 0, 0
		switch {
		case t >= 64:
			state = t & 3
			length, dist = t>>5+1, t>>2&7+int(d.next())<<3+1
		case t >= 32:
			length = d.length(t&31, 31) + 2
			w := d.word()
			state, dist = w&3, w>>2+1
		case t >= 16:
			length = d.length(t&7, 7) + 2
			w := d.word()
			state, dist = w&3, t&8<<11+w>>2
			if dist == 0 {
				return d.dst, d.err // the end marker
			}
			dist += 0x4000
		case state == 0:
			d.literals(d.length(t, 15) + 3)
			state = 4
			continue
		case state == 4:
			length, dist = 3, t>>2+int(d.next())<<2+0x801
			state = t & 3
		default:
			length, dist = 2, t>>2+int(d.next())<<2+1
			state = t & 3
		}
		d.copy(dist, length)
		d.literals(state)
	}
	return d.dst, d.err
}

// An lzoReader has the steps of lzo1x; err is sticky.
type lzoReader struct {
	src, dst    []byte
	base, limit int
	err         error
}

func (d *lzoReader) peek() byte {
	if len(d.src) == 0 {
		return 0
	}
	return d.src[0]
}

func (d *lzoReader) next() byte {
	if len(d.src) == 0 {
		d.err = errLZOShort
		return 0
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b
}

func (d *lzoReader) word() int {
	if len(d.src) < 2 {
		d.err = errLZOShort
		return 0
	}
	w := binary.LittleEndian.Uint16(d.src)
	d.src = d.src[2:]
	return int(w)
}

// length completes a length whose bits in the instruction were n: zero means
// that most, and bytes that follow, add to it.
func (d *lzoReader) length(n, most int) int {
	if n != 0 {
		return n
	}
	n = most
	for d.err == nil {
		b := d.next()
		if b != 0 {
			return n + int(b)
		}
		if n += 255; n > d.limit {
			d.err = errLZOLong
		}
	}
	return 0
}

func (d *lzoReader) literals(n int) {
	switch {
	case d.err != nil:
	case n > len(d.src):
		d.err = errLZOShort
	case n > d.limit-len(d.dst):
		d.err = errLZOLong
	default:
		d.dst = append(d.dst, d.src[:n]...)
		d.src = d.src[n:]
	}
}

func (d *lzoReader) copy(dist, n int) {
	switch from := len(d.dst) - dist; {
	case d.err != nil:
	case from < d.base:
		d.err = errLZOBack
	case n > d.limit-len(d.dst):
		d.err = errLZOLong
	case dist >= n:
		d.dst = append(d.dst, d.dst[from:from+n]...)
	default: // the copy feeds itself
		for i := range n {
			d.dst = append(d.dst, d.dst[from+i])
		}
	}
}
