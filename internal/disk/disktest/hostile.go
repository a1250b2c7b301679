package disktest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

// An OpenFunc opens an image as a format package does.
type OpenFunc func(r io.ReaderAt, size int64) (image.Image, error)

// Torment opens sample cut at many lengths and with bytes flipped, reads what
// opens, and fails on a panic, when one try is slow or when memory grows. hot
// names ranges [from, to) of the sample where structures lie; flips go there.
func Torment(t *testing.T, open OpenFunc, sample []byte, hot [][2]int, rounds int) {
	t.Helper()
	for n := 0; n < len(sample); n += 1 + n/13 {
		Poke(t, open, sample[:n])
	}
	r := rand.New(rand.NewPCG(7, uint64(len(sample))))
	special := []byte{0, 1, 0x7f, 0x80, 0xff}
	opened := 0
	for range rounds {
		b := bytes.Clone(sample)
		for range 1 + r.IntN(6) {
			h := hot[r.IntN(len(hot))]
			at := h[0] + r.IntN(h[1]-h[0])
			switch r.IntN(3) {
			case 0:
				b[at] ^= 1 << r.IntN(8)
			case 1:
				b[at] = special[r.IntN(len(special))]
			case 2: // a field of four or eight bytes
				v := special[r.IntN(len(special))]
				for i := at &^ 3; i < min(at&^3+4<<r.IntN(2), len(b)); i++ {
					b[i] = v
				}
			}
		}
		if Poke(t, open, b) {
			opened++
		}
	}
	t.Logf("%d of %d mutants open", opened, rounds)
}

// Poke opens b and reads pieces of it and its Data. It reports whether b
// opened. It fails when that takes over 5 seconds or over 200 MB.
func Poke(t testing.TB, open OpenFunc, b []byte) bool {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	img, err := open(bytes.NewReader(b), int64(len(b)))
	if err == nil {
		read(img)
	} else {
		classified(t, err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("one image of %d bytes took %v", len(b), d)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 400<<20 {
		t.Errorf("one image of %d bytes allocated %d MB", len(b), n>>20)
	}
	return err == nil
}

// classified fails unless err is one of the kinds that a reader may return.
func classified(t testing.TB, err error) {
	t.Helper()
	var f *binread.FormatError
	var u *binread.UnsupportedError
	if !errors.Is(err, binread.ErrNotMine) && !errors.As(err, &f) && !errors.As(err, &u) {
		t.Errorf("an error of no kind: %v", err)
	}
}

// read touches an image all over. Errors are fine.
func read(img image.Image) {
	size := img.Size()
	b := make([]byte, 100_000)
	for _, off := range []int64{0, 1, 511, 65535, size / 3, size / 2, size - 1, size - 70_000, size} {
		img.ReadAt(b, off)
	}
	for i := range int64(64) {
		img.ReadAt(b[:3000], size/64*i)
	}
	img.Data()
	img.Info()
	if u, ok := img.(interface{ Unreferenced() (span.Set, error) }); ok {
		u.Unreferenced()
	}
}
