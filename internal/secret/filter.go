package secret

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A filter finds all keywords of a set of rules at once. It looks at the three
// bytes at every second position: a keyword of four bytes or more has a
// trigram there wherever it starts. A table of bits says which hashes of
// trigrams occur in a keyword at offset 0 or 1 (4 KiB: it stays in the first
// cache); a second table of the keywords' first four bytes throws out nearly
// all of the rest; what is left is compared.
//
// Case is folded by setting bit 5 of every byte, which also takes "@" for "`"
// and the like; the comparison is exact.
type filter struct {
	tri   [1 << (triBits - 3)]uint8
	quad  [1 << (quadBits - 3)]uint8
	start [1<<triBits + 1]uint16 // entries of a trigram's hash
	entry []entry
	words []word
}

type entry struct {
	quad uint32 // first four bytes, folded
	off  uint8  // of the trigram in the keyword
	word uint16
}

// A word is a keyword and the rules that it wakes.
type word struct {
	text  string // in lower case unless exact
	exact bool
	rules []*rule
}

// A hit is a keyword in the window.
type hit struct {
	at   int32
	word uint16
}

const (
	triBits  = 15
	quadBits = 17
	minWord  = 4
	stripe   = 96 // bytes looked at between two looks at the result
)

const fold32, fold64 = 0x20202020, 0x2020202020202020

func triHash(x uint32) uint32  { return (x << 8) * 0x9E3779B1 >> (32 - triBits) }
func quadHash(x uint32) uint32 { return x * 0x85EBCA6B >> (32 - quadBits) }

func newFilter(rules []*rule, want func(*rule) bool) *filter {
	f := &filter{}
	index := map[string]int{}
	for _, r := range rules {
		if !want(r) {
			continue
		}
		for _, k := range r.keywords {
			id := k.text
			if k.exact {
				id = "=" + id
			}
			i, ok := index[id]
			if !ok {
				i = len(f.words)
				index[id] = i
				f.words = append(f.words, word{text: k.text, exact: k.exact})
			}
			f.words[i].rules = append(f.words[i].rules, r)
		}
	}
	type keyed struct {
		hash uint32
		entry
	}
	var list []keyed
	for i, w := range f.words {
		q := binary.LittleEndian.Uint32([]byte(w.text[:4])) | fold32
		f.quad[quadHash(q)>>3] |= 1 << (quadHash(q) & 7)
		for off := range 2 {
			t := triHash(q >> (8 * off))
			f.tri[t>>3] |= 1 << (t & 7)
			list = append(list, keyed{t, entry{q, uint8(off), uint16(i)}})
		}
	}
	slices.SortStableFunc(list, func(a, b keyed) int { return int(a.hash) - int(b.hash) })
	at := 0
	for h := range f.start {
		for at < len(list) && list[at].hash < uint32(h) {
			at++
		}
		f.start[h] = uint16(at)
	}
	for _, k := range list {
		f.entry = append(f.entry, k.entry)
	}
	return f
}

// find appends to hits the keywords that start in b[from:to]. There must be
// front readable bytes before from and tailPad after to.
func (f *filter) find(b []byte, from, to, end int, hits []hit) []hit {
	for at := from; at < to+1; at += stripe {
		w := b[at : at+stripe+8]
		var acc uint64
		for j := 0; j < stripe; j += 6 {
			x := binary.LittleEndian.Uint64(w[j:j+8]) | fold64
			h0 := uint32(x<<8) * 0x9E3779B1 >> (32 - triBits)
			h1 := uint32(x>>8) &^ 0xff * 0x9E3779B1 >> (32 - triBits)
			h2 := uint32(x>>24) &^ 0xff * 0x9E3779B1 >> (32 - triBits)
			acc = acc<<3 | uint64(f.tri[h0>>3]>>(h0&7)&1) | uint64(f.tri[h1>>3]>>(h1&7)&1)<<1 | uint64(f.tri[h2>>3]>>(h2&7)&1)<<2
		}
		for acc != 0 {
			t := 63 - bits.LeadingZeros64(acc)
			acc &^= 1 << t
			hits = f.verify(b, at+(15-t/3)*6+(t%3)*2, from, to, end, hits)
		}
	}
	return hits
}

// verify appends the keywords whose trigram stands at b[pos:].
func (f *filter) verify(b []byte, pos, from, to, end int, hits []hit) []hit {
	x := binary.LittleEndian.Uint64(b[pos-1:]) | fold64
	q1, q0 := uint32(x), uint32(x>>8)
	a0, a1 := quadHash(q0), quadHash(q1)
	if (f.quad[a0>>3]>>(a0&7)|f.quad[a1>>3]>>(a1&7))&1 == 0 {
		return hits
	}
	h := triHash(q0)
	for _, e := range f.entry[f.start[h]:f.start[h+1]] {
		if e.off == 0 && q0 != e.quad || e.off == 1 && q1 != e.quad {
			continue
		}
		s := pos - int(e.off)
		w := &f.words[e.word]
		if s < from || s >= to || s+len(w.text) > end || !w.at(b[s:]) {
			continue
		}
		hits = append(hits, hit{int32(s), e.word})
	}
	return hits
}

// at reports whether b starts with the word.
func (w *word) at(b []byte) bool {
	if len(b) < len(w.text) {
		return false
	}
	for i := range len(w.text) {
		c := b[i]
		if !w.exact && c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != w.text[i] {
			return false
		}
	}
	return true
}
