package xz

import (
	"encoding/binary"
	"errors"
)

var errCorrupt = errors.New("broken LZMA data")

const (
	probInit  = 1024 // one half of 11 bits
	numStates = 12
	padding   = 64 // zeros after the input: one symbol reads at most 21 bytes
)

// A lenCoder decodes the length of a match.
type lenCoder struct {
	choice, choice2 uint16
	low, mid        [16][8]uint16
	high            [256]uint16
}

// An lzma is the state of the LZMA decoder: the range coder, the models and
// the last distances.
type lzma struct {
	in        []byte // with padding zeros after end
	ip, end   int
	rng, code uint32

	lc             uint
	lpMask, pbMask uint32
	state          uint32
	rep            [4]uint32
	pending        int // bytes of a match that did not fit before limit

	isMatch, isRep0Long             [numStates << 4]uint16
	isRep, isRepG0, isRepG1, isRep2 [numStates]uint16
	slot                            [4][64]uint16
	special                         [128]uint16
	align                           [16]uint16
	matchLen, repLen                lenCoder
	literal                         []uint16
}

func fill(p []uint16) {
	for i := range p {
		p[i] = probInit
	}
}

func (l *lenCoder) reset() {
	l.choice, l.choice2 = probInit, probInit
	for i := range l.low {
		fill(l.low[i][:])
		fill(l.mid[i][:])
	}
	fill(l.high[:])
}

// props sets lc, lp and pb from their byte.
func (d *lzma) props(b byte) error {
	if b >= 9*5*5 {
		return errCorrupt
	}
	lc, lp, pb := uint(b%9), uint(b/9%5), uint(b/45)
	if lc+lp > 4 {
		return errCorrupt // allowed by old LZMA alone; no encoder writes it
	}
	d.lc, d.lpMask, d.pbMask = lc, 1<<lp-1, 1<<pb-1
	if n := 0x300 << (lc + lp); cap(d.literal) < n {
		d.literal = make([]uint16, n)
	} else {
		d.literal = d.literal[:n]
	}
	return nil
}

// reset starts anew with the models, as each state reset does.
func (d *lzma) reset() {
	d.state, d.rep, d.pending = 0, [4]uint32{}, 0
	fill(d.isMatch[:])
	fill(d.isRep0Long[:])
	fill(d.isRep[:])
	fill(d.isRepG0[:])
	fill(d.isRepG1[:])
	fill(d.isRep2[:])
	for i := range d.slot {
		fill(d.slot[i][:])
	}
	fill(d.special[:])
	fill(d.align[:])
	d.matchLen.reset()
	d.repLen.reset()
	fill(d.literal)
}

// start reads the range coder's first five bytes.
func (d *lzma) start() error {
	if d.end-d.ip < 5 || d.in[d.ip] != 0 {
		return errCorrupt
	}
	d.code = binary.BigEndian.Uint32(d.in[d.ip+1:])
	d.rng = 0xffffffff
	d.ip += 5
	return nil
}

// A symbol's bits depend on each other, so what a bit costs is the length of
// that chain: range and code travel in registers, and the first bit of a pair
// is chosen by a mask where it cannot be guessed (in trees and literals).

// toZero rounds as the model of a 0 does: v + (2048-v)>>5 is v - (v+toZero)>>5.
const toZero = 1<<32 + 31 - 2048

// choose decodes one bit by its model v without a branch: the new range, code
// and model, and all ones for the bit 0, else 0.
func choose(rng, code, v uint32) (uint32, uint32, uint32, uint32) {
	bound := (rng >> 11) * v
	zero := uint32((int64(code) - int64(bound)) >> 63)
	rng -= bound
	return rng ^ (rng^bound)&zero, code - bound&^zero, v - uint32(int32(v+zero&toZero)>>5), zero
}

// feed brings the next byte of the input into the code.
func feed(rng, code uint32, in []byte, ip int) (uint32, uint32, int) {
	if rng < 1<<24 {
		return rng << 8, code<<8 | uint32(in[ip]), ip + 1
	}
	return rng, code, ip
}

// bit decodes one bit by its model.
func (d *lzma) bit(p *uint16) uint32 {
	v := uint32(*p)
	bound := (d.rng >> 11) * v
	var b uint32
	if d.code < bound {
		d.rng = bound
		*p = uint16(v + (2048-v)>>5)
	} else {
		d.rng -= bound
		d.code -= bound
		*p = uint16(v - v>>5)
		b = 1
	}
	if d.rng < 1<<24 {
		d.rng <<= 8
		d.code = d.code<<8 | uint32(d.in[d.ip])
		d.ip++
	}
	return b
}

// tree decodes n bits, the highest first.
func (d *lzma) tree(p []uint16, n uint) uint32 {
	rng, code, in, ip := d.rng, d.code, d.in, d.ip
	m := uint32(1)
	for m < 1<<n {
		var v, zero uint32
		rng, code, v, zero = choose(rng, code, uint32(p[m]))
		p[m] = uint16(v)
		m = m<<1 + 1 + zero
		rng, code, ip = feed(rng, code, in, ip)
	}
	d.rng, d.code, d.ip = rng, code, ip
	return m - 1<<n
}

// reverse decodes n bits, the lowest first.
func (d *lzma) reverse(p []uint16, n uint) uint32 {
	rng, code, in, ip := d.rng, d.code, d.in, d.ip
	m, out := uint32(1), uint32(0)
	for i := range n {
		var v, zero uint32
		rng, code, v, zero = choose(rng, code, uint32(p[m]))
		p[m] = uint16(v)
		m = m<<1 + 1 + zero
		out |= (1 + zero) << i
		rng, code, ip = feed(rng, code, in, ip)
	}
	d.rng, d.code, d.ip = rng, code, ip
	return out
}

// direct decodes n bits without a model.
func (d *lzma) direct(n uint) uint32 {
	rng, code, in, ip := d.rng, d.code, d.in, d.ip
	var v uint32
	for range n {
		rng >>= 1
		code -= rng
		t := 0 - code>>31
		code += rng & t
		v = v<<1 + t + 1
		rng, code, ip = feed(rng, code, in, ip)
	}
	d.rng, d.code, d.ip = rng, code, ip
	return v
}

func (d *lzma) length(l *lenCoder, posState uint32) int {
	switch {
	case d.bit(&l.choice) == 0:
		return 2 + int(d.tree(l.low[posState][:], 3))
	case d.bit(&l.choice2) == 0:
		return 10 + int(d.tree(l.mid[posState][:], 3))
	}
	return 18 + int(d.tree(l.high[:], 8))
}

func (d *lzma) distance(length int) uint32 {
	slot := d.tree(d.slot[min(length-2, 3)][:], 6)
	if slot < 4 {
		return slot
	}
	n := uint(slot>>1 - 1)
	dist := (2 | slot&1) << n
	if slot < 14 {
		return dist + d.reverse(d.special[dist-slot:], n)
	}
	dist += d.direct(n-4) << 4
	return dist + d.reverse(d.align[:], 4)
}

// literalByte decodes a literal after the byte prev; match is the byte at the
// last distance, which counts after a match only.
func (d *lzma) literalByte(pos uint32, prev, match byte) byte {
	at := (pos&d.lpMask)<<d.lc + uint32(prev)>>(8-d.lc)
	p := (*[0x300]uint16)(d.literal[0x300*at:])
	rng, code, in, ip := d.rng, d.code, d.in, d.ip
	sym, v, zero := uint32(1), uint32(0), uint32(0)
	if d.state >= 7 {
		// While the bits agree with the match's, the models are others.
		offset, m := uint32(0x100), uint32(match)
		for sym < 0x100 {
			m <<= 1
			want := m & offset
			k := (offset + want + sym) & 0x3ff
			rng, code, v, zero = choose(rng, code, uint32(p[k]))
			p[k] = uint16(v)
			sym = sym<<1 + 1 + zero
			offset &= want ^ zero
			rng, code, ip = feed(rng, code, in, ip)
		}
	} else {
		for sym < 0x100 {
			rng, code, v, zero = choose(rng, code, uint32(p[sym]))
			p[sym] = uint16(v)
			sym = sym<<1 + 1 + zero
			rng, code, ip = feed(rng, code, in, ip)
		}
	}
	d.rng, d.code, d.ip = rng, code, ip
	d.state = afterLiteral[d.state]
	return byte(sym)
}

// afterLiteral is the state after a literal.
var afterLiteral = [numStates]uint32{0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5}

// match decodes a match or a repeated one: its length, or 0 for the end
// marker.
func (d *lzma) match(posState uint32) int {
	late := d.state >= 7
	pick := func(early, then uint32) uint32 {
		if late {
			return then
		}
		return early
	}
	if d.bit(&d.isRep[d.state]) == 0 {
		n := d.length(&d.matchLen, posState)
		d.state = pick(7, 10)
		d.rep = [4]uint32{d.distance(n), d.rep[0], d.rep[1], d.rep[2]}
		if d.rep[0] == 0xffffffff {
			return 0
		}
		return n
	}
	if d.bit(&d.isRepG0[d.state]) == 0 {
		if d.bit(&d.isRep0Long[d.state<<4+posState]) == 0 {
			d.state = pick(9, 11)
			return 1
		}
	} else {
		r := &d.rep
		switch {
		case d.bit(&d.isRepG1[d.state]) == 0:
			*r = [4]uint32{r[1], r[0], r[2], r[3]}
		case d.bit(&d.isRep2[d.state]) == 0:
			*r = [4]uint32{r[2], r[0], r[1], r[3]}
		default:
			*r = [4]uint32{r[3], r[0], r[1], r[2]}
		}
	}
	n := d.length(&d.repLen, posState)
	d.state = pick(8, 11)
	return n
}
