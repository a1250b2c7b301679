package span

import (
	"math/rand/v2"
	"testing"
)

// bits is the slow reference: one bool a byte.
func bits(s Set, n int64) []bool {
	b := make([]bool, n)
	for _, x := range s {
		for i := x.Off; i < x.End() && i < n; i++ {
			b[i] = true
		}
	}
	return b
}

func random(r *rand.Rand) Set {
	var s []Span
	for range r.IntN(8) {
		s = append(s, Span{r.Int64N(60), r.Int64N(12) - 1})
	}
	return Make(s)
}

func TestAgainstBits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 80
	for range 5000 {
		a, b := random(r), random(r)
		and, sub, inv := bits(a.Intersect(b), n), bits(a.Subtract(b), n), bits(a.Invert(n), n)
		x, y := bits(a, n), bits(b, n)
		total := int64(0)
		for i := range x {
			if x[i] {
				total++
			}
			if and[i] != (x[i] && y[i]) || sub[i] != (x[i] && !y[i]) || inv[i] == x[i] {
				t.Fatalf("byte %d differs for %v and %v", i, a, b)
			}
		}
		if total != a.Total() {
			t.Fatalf("total of %v is %d, want %d", a, a.Total(), total)
		}
	}
}
