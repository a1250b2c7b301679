package binread

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestAtRefuses(t *testing.T) {
	r := strings.NewReader("0123456789")
	for _, c := range []struct{ off, n, limit int64 }{
		{0, -1, 0}, {0, 11, 0}, {5, 6, 0}, {-1, 1, 0}, {0, 5, 4}, {0, MaxAlloc + 1, 0}, {math.MaxInt64, 1, 0},
	} {
		_, err := At(r, "x", c.off, c.n, c.limit)
		var fe *FormatError
		if !errors.As(err, &fe) || fe.Offset != c.off {
			t.Errorf("At(%d, %d, %d) = %v, want a FormatError at %d", c.off, c.n, c.limit, err, c.off)
		}
	}
	if b, err := At(r, "x", 2, 3, 3); err != nil || string(b) != "234" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestBufIsSticky(t *testing.T) {
	b := Buf{B: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	if b.LE16(0) != 0x0201 || b.BE32(4) != 0x05060708 || b.LE64(0) != 0x0807060504030201 || b.Over() {
		t.Fatal("wrong value")
	}
	if b.LE32(5) != 0 || !b.Over() {
		t.Fatal("past the end must give zero and set Over")
	}
	if b.Bytes(math.MaxInt, 2) != nil || b.Bytes(-1, 1) != nil {
		t.Fatal("out of range must be nil")
	}
}
