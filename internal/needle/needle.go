package needle

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Min and Max bound a needle, in bytes. A shorter one occurs by chance; of a
// longer one its middle is searched for: the ends of keys are armour.
const (
	Min = 12
	Max = 48
)

// window is how many bytes are looked up at once, at every window-th offset: a
// needle is found at any place through one of its first window windows.
const window = 4

// A Set searches for many needles at once. Its zero value is not usable.
type Set struct {
	needles [][]byte
	first   []int64 // offset of the first hit, -1 for none
	bits    [1 << 13]uint64
	windows map[uint32][]place
	last    []byte // the end of the bytes before
	at      int64  // offset behind them
	join    []byte
}

// A place is one window of one needle.
type place struct{ needle, shift int }

// New makes a set. Needles shorter than Min are never found; the caller's
// slices are not kept.
func New(needles [][]byte) *Set {
	s := &Set{windows: map[uint32][]place{}, at: -1}
	for i, n := range needles {
		n = middle(n)
		s.needles, s.first = append(s.needles, n), append(s.first, -1)
		if len(n) < Min {
			continue
		}
		for shift := range window {
			w := binary.LittleEndian.Uint32(n[shift:])
			if places := s.windows[w]; !slices.Contains(places, place{i, shift}) {
				s.windows[w] = append(places, place{i, shift})
			}
			h := hash(w)
			s.bits[h>>6] |= 1 << (h & 63)
		}
	}
	return s
}

func middle(n []byte) []byte {
	if len(n) > Max {
		at := (len(n) - Max) / 2
		n = n[at : at+Max]
	}
	return bytes.Clone(n)
}

// hash spreads a window over 19 bits.
func hash(w uint32) uint32 { return w * 2654435761 >> 13 }

// Empty reports whether there is nothing to search for.
func (s *Set) Empty() bool { return len(s.windows) == 0 }

// Search reads b, which lies at off. Offsets must ascend; bytes that are left
// out between two calls count as something else.
func (s *Set) Search(off int64, b []byte) {
	if s.Empty() || len(b) == 0 {
		return
	}
	if off == s.at { // a needle may lie across the border
		head := min(len(b), Max-1)
		s.join = append(append(s.join[:0], s.last...), b[:head]...)
		s.scan(off-int64(len(s.last)), s.join)
	}
	s.scan(off, b)
	keep := min(len(b), Max-1)
	if off == s.at && keep < Max-1 {
		s.last = append(s.last, b...)
		s.last = s.last[max(0, len(s.last)-(Max-1)):]
	} else {
		s.last = append(s.last[:0], b[len(b)-keep:]...)
	}
	s.at = off + int64(len(b))
}

func (s *Set) scan(off int64, b []byte) {
	for i := 0; i+window <= len(b); i += window {
		w := binary.LittleEndian.Uint32(b[i:])
		if h := hash(w); s.bits[h>>6]&(1<<(h&63)) != 0 {
			s.verify(off, b, i, w)
		}
	}
}

func (s *Set) verify(off int64, b []byte, i int, w uint32) {
	for _, p := range s.windows[w] {
		n, at := s.needles[p.needle], i-p.shift
		if at >= 0 && at+len(n) <= len(b) && bytes.Equal(b[at:at+len(n)], n) {
			if was := s.first[p.needle]; was < 0 || was > off+int64(at) {
				s.first[p.needle] = off + int64(at)
			}
		}
	}
}

// Found returns where the i-th needle was seen first, -1 for nowhere.
func (s *Set) Found(i int) int64 { return s.first[i] }
