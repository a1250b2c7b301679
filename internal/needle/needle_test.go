package needle

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestAgainstIndex holds the search to bytes.Index at random places, chunk
// borders included.
func TestAgainstIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		hay := make([]byte, 2000+r.IntN(4000))
		for i := range hay {
			hay[i] = "abAB01\x00"[r.IntN(7)]
		}
		var needles [][]byte
		for range 1 + r.IntN(20) {
			n := make([]byte, Min+r.IntN(60))
			for i := range n {
				n[i] = byte('a' + r.IntN(26))
			}
			needles = append(needles, n)
			if r.IntN(2) == 0 {
				at := r.IntN(len(hay) - len(n))
				copy(hay[at:], n)
			}
		}
		s := New(needles)
		for off := 0; off < len(hay); {
			n := min(1+r.IntN(900), len(hay)-off)
			s.Search(int64(off), hay[off:off+n])
			off += n
		}
		for i, n := range needles {
			if want := int64(bytes.Index(hay, middle(n))); s.Found(i) != want {
				t.Fatalf("needle %d of %d bytes: found at %d, want %d", i, len(n), s.Found(i), want)
			}
		}
	}
}

// TestGap shows that bytes on both sides of a hole are no needle.
func TestGap(t *testing.T) {
	s := New([][]byte{[]byte("0123456789abcdef")})
	s.Search(0, []byte("01234567"))
	s.Search(4096, []byte("89abcdef"))
	if s.Found(0) >= 0 {
		t.Error("found across a hole")
	}
}

func BenchmarkSearch(b *testing.B) {
	r := rand.NewChaCha8([32]byte{})
	hay := make([]byte, 1<<20)
	r.Read(hay)
	var needles [][]byte
	for range 200 {
		n := make([]byte, 32)
		r.Read(n)
		needles = append(needles, n)
	}
	s := New(needles)
	b.SetBytes(int64(len(hay)))
	for b.Loop() {
		s.at = -1
		s.Search(0, hay)
	}
}
