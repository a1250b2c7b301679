package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"assay/internal/binread"
)

// object makes one object of the format.
func object(kind, flags byte, head int, payload string) []byte {
	b := make([]byte, (head+len(payload)+7)&^7)
	b[0], b[1] = kind, flags
	binary.LittleEndian.PutUint64(b[8:], uint64(head+len(payload)))
	copy(b[head:], payload)
	return b
}

func file(flags byte, objects ...[]byte) []byte {
	b := make([]byte, 264)
	copy(b, "LPKSHHRH")
	b[12] = flags
	binary.LittleEndian.PutUint64(b[88:], 264)
	for _, o := range objects {
		b = append(b, o...)
	}
	return b
}

func fields(t testing.TB, b []byte) (out []string, bad []error) {
	f, err := Open(bytes.NewReader(b), int64(len(b)), func(c Compression, src []byte, size, limit int64) ([]byte, error) {
		if c == Zstd {
			return nil, errors.New("no")
		}
		return append([]byte{'0' + byte(c), '='}, src...), nil
	})
	if err != nil {
		return nil, []error{err}
	}
	err = f.Data(func(off int64, p []byte) error { out = append(out, string(p)); return nil }, func(err error) { bad = append(bad, err) })
	if err != nil {
		t.Error(err)
	}
	return out, bad
}

// The whole is judged by journalctl in the tests of unpack; here is what goes
// on after damage.
func TestData(t *testing.T) {
	a, b, c := object(1, 0, 64, "A=1"), object(1, 0, 64, "B=22222222"), object(1, 0, 64, "C=3")
	entry := object(3, 0, 64, "0123456789abcdef")
	lie := object(1, 0, 64, "L=1")
	binary.LittleEndian.PutUint64(lie[8:], 120)
	for name, tc := range map[string]struct {
		in   []byte
		want int
		bad  int
	}{
		"plain":     {file(0, a, entry, b, c), 3, 0},
		"space":     {file(0, a, make([]byte, 64), b, make([]byte, 5000)), 2, 0},
		"compact":   {file(16, object(1, 0, 72, "A=1")), 1, 0},
		"packed":    {file(1, object(1, 1, 64, "x"), object(1, 2, 64, "\x05\x00\x00\x00\x00\x00\x00\x00x"), object(1, 4, 64, "x")), 2, 1},
		"rubbish":   {file(0, a, bytes.Repeat([]byte{0xff}, 64), b), 2, 1},
		"long lie":  {file(0, a, lie, b, c), 3, 1},
		"cut":       {file(0, a, b)[:264+72+70], 1, 1},
		"no header": {[]byte("LPKSHHRH"), 0, 1},
		"flags":     {file(64, a), 0, 1},
	} {
		got, bad := fields(t, tc.in)
		if len(got) != tc.want || len(bad) != tc.bad {
			t.Errorf("%s: %q %v", name, got, bad)
		}
	}
	var u *binread.UnsupportedError
	if _, err := Open(bytes.NewReader(file(64)), 264, nil); !errors.As(err, &u) {
		t.Error(err)
	}
	if _, err := Open(bytes.NewReader([]byte("no")), 2, nil); err != binread.ErrNotMine {
		t.Error(err)
	}
}

func FuzzData(f *testing.F) {
	f.Add(file(0, object(1, 0, 64, "A=1"), object(3, 0, 64, "0123456789abcdef"), object(1, 4, 64, "x")))
	f.Add(file(16, object(1, 0, 72, "A=1"), make([]byte, 40), object(1, 2, 72, "\x05\x00\x00\x00\x00\x00\x00\x00x")))
	f.Fuzz(func(t *testing.T, b []byte) { fields(t, b) })
}
