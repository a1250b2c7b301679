package crypt

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// sm3 is the hash function of GB/T 32905-2016.
type sm3 struct {
	v    [8]uint32
	tail [64]byte
	n    uint64 // bytes written
}

var sm3IV = [8]uint32{0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e}

func newSM3() hash.Hash { return &sm3{v: sm3IV} }

func (d *sm3) Size() int      { return 32 }
func (d *sm3) BlockSize() int { return 64 }
func (d *sm3) Reset()         { *d = sm3{v: sm3IV} }

func (d *sm3) Write(p []byte) (int, error) {
	total := len(p)
	at := int(d.n % 64)
	d.n += uint64(total)
	for len(p) > 0 {
		k := copy(d.tail[at:], p)
		p = p[k:]
		if at += k; at == 64 {
			d.block()
			at = 0
		}
	}
	return total, nil
}

func (d *sm3) Sum(out []byte) []byte {
	c := *d
	length := c.n * 8
	pad := make([]byte, 1, 72)
	pad[0] = 0x80
	for (c.n+uint64(len(pad)))%64 != 56 {
		pad = append(pad, 0)
	}
	c.Write(binary.BigEndian.AppendUint64(pad, length))
	for _, x := range c.v {
		out = binary.BigEndian.AppendUint32(out, x)
	}
	return out
}

func (d *sm3) block() {
	var w [68]uint32
	for i := range 16 {
		w[i] = binary.BigEndian.Uint32(d.tail[4*i:])
	}
	for i := 16; i < 68; i++ {
		x := w[i-16] ^ w[i-9] ^ bits.RotateLeft32(w[i-3], 15)
		w[i] = x ^ bits.RotateLeft32(x, 15) ^ bits.RotateLeft32(x, 23) ^ bits.RotateLeft32(w[i-13], 7) ^ w[i-6]
	}
	a, b, c, e, f, g := d.v[0], d.v[1], d.v[2], d.v[4], d.v[5], d.v[6]
	dd, hh := d.v[3], d.v[7]
	for i := range 64 {
		t := uint32(0x79cc4519)
		ff, gg := a^b^c, e^f^g
		if i >= 16 {
			t = 0x7a879d8a
			ff, gg = a&b|a&c|b&c, e&f|^e&g
		}
		ss1 := bits.RotateLeft32(bits.RotateLeft32(a, 12)+e+bits.RotateLeft32(t, i%32), 7)
		tt1 := ff + dd + (ss1 ^ bits.RotateLeft32(a, 12)) + (w[i] ^ w[i+4])
		tt2 := gg + hh + ss1 + w[i]
		dd, c, b, a = c, bits.RotateLeft32(b, 9), a, tt1
		hh, g, f, e = g, bits.RotateLeft32(f, 19), e, tt2^bits.RotateLeft32(tt2, 9)^bits.RotateLeft32(tt2, 17)
	}
	for i, x := range [8]uint32{a, b, c, dd, e, f, g, hh} {
		d.v[i] ^= x
	}
}
