package disktest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/disk/image"
	"assay/internal/need"
	"assay/internal/span"
)

// Pattern writes a raw disk of size bytes into the test's folder and returns
// its path: holes, zeros that are no holes, text that compresses and noise, in
// ranges that start and end at odd places, the same for the same seed.
func Pattern(t testing.TB, size int64, seed uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pattern.raw")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 42))
	src := rand.NewChaCha8([32]byte{byte(seed)})
	for off := int64(0); off < size; {
		n := min(1+r.Int64N(max(size/24, 2)), size-off)
		b := make([]byte, n)
		switch r.IntN(5) {
		case 0, 1: // a hole
			off += n
			continue
		case 2:
			src.Read(b)
		case 3:
			for i := range b {
				b[i] = "all work and no play "[int(r.Uint32()>>28)+i%5]
			}
		}
		if _, err := f.WriteAt(b, off); err != nil {
			t.Fatal(err)
		}
		off += n
	}
	return path
}

// Raw converts the image at path to a raw file with qemu-img, which is the
// oracle, and returns that file's path. opts come before the path, such as
// "-f", "vpc".
func Raw(t testing.TB, path string, opts ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "oracle.raw")
	need.Run(t, "qemu-img", append(append([]string{"convert", "-O", "raw"}, opts...), path, out)...)
	return out
}

// Same compares img with the raw file at want: the size, all bytes in reads of
// uneven length, 1,000 random reads, the ends, and that Data leaves out
// nothing but zeros.
func Same(t testing.TB, img image.Image, want string) {
	t.Helper()
	f, err := os.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	size := fi.Size()
	if img.Size() != size {
		t.Fatalf("the size is %d, want %d", img.Size(), size)
	}
	if got, want := Sum(t, img, size), Sum(t, f, size); got != want {
		t.Fatalf("the disk has sha256 %x, want %x; first difference at %d", got, want, difference(t, img, f, size))
	}
	r := rand.New(rand.NewPCG(1, uint64(size)))
	for range 1000 {
		off := r.Int64N(size + 1)
		n := 1 + r.IntN(1<<r.IntN(18))
		a, b := make([]byte, n), make([]byte, n)
		an, aerr := img.ReadAt(a, off)
		bn, berr := f.ReadAt(b, off)
		if an != bn || aerr != berr || !bytes.Equal(a[:an], b[:bn]) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v, want %d, %v (or the bytes differ)", n, off, an, aerr, bn, berr)
		}
	}
	edges(t, img, size)
	holes(t, img, f, size)
}

// Sum is the SHA-256 of r's first size bytes, read in pieces of odd length.
func Sum(t testing.TB, r io.ReaderAt, size int64) [32]byte {
	t.Helper()
	h := sha256.New()
	b := make([]byte, 1<<20+511)
	for off := int64(0); off < size; off += int64(len(b)) {
		n, err := r.ReadAt(b[:min(int64(len(b)), size-off)], off)
		if err != nil && err != io.EOF {
			t.Fatalf("ReadAt(%d): %v", off, err)
		}
		h.Write(b[:n])
	}
	return [32]byte(h.Sum(nil))
}

func difference(t testing.TB, a, b io.ReaderAt, size int64) int64 {
	x, y := make([]byte, 512), make([]byte, 512)
	for off := int64(0); off < size; off += 512 {
		n, _ := a.ReadAt(x, off)
		m, _ := b.ReadAt(y, off)
		if !bytes.Equal(x[:n], y[:m]) {
			return off
		}
	}
	return -1
}

func edges(t testing.TB, img image.Image, size int64) {
	t.Helper()
	b := make([]byte, 10)
	if n, err := img.ReadAt(b, size); n != 0 || err != io.EOF {
		t.Fatalf("ReadAt at the end = %d, %v", n, err)
	}
	if n, err := img.ReadAt(b, size+1<<40); n != 0 || err != io.EOF {
		t.Fatalf("ReadAt past the end = %d, %v", n, err)
	}
	if n, err := img.ReadAt(b, size-4); n != 4 || err != io.EOF {
		t.Fatalf("ReadAt across the end = %d, %v", n, err)
	}
	if n, err := img.ReadAt(b[:4], size-4); n != 4 || (err != nil && err != io.EOF) {
		t.Fatalf("ReadAt up to the end = %d, %v", n, err)
	}
	if n, err := img.ReadAt(nil, 0); n != 0 || err != nil {
		t.Fatalf("ReadAt of nothing = %d, %v", n, err)
	}
	if _, err := img.ReadAt(b, -1); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("ReadAt(-1) = %v", err)
	}
}

// holes checks that Data is a Set within the disk, and that what it leaves out
// is zero.
func holes(t testing.TB, img image.Image, f io.ReaderAt, size int64) {
	t.Helper()
	s, err := img.Data()
	if err != nil {
		t.Fatalf("Data: %v", err)
	}
	end := int64(-1)
	for _, x := range s {
		if x.Off <= end || x.Len <= 0 || x.End() > size {
			t.Fatalf("Data is no Set within the disk of %d bytes: %v", size, x)
		}
		end = x.End()
	}
	for _, x := range s.Invert(size) {
		b := make([]byte, x.Len)
		if _, err := f.ReadAt(b, x.Off); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if i := bytes.IndexFunc(b, func(r rune) bool { return r != 0 }); i >= 0 {
			t.Fatalf("Data leaves out byte %d, which is not zero", x.Off+int64(i))
		}
	}
}

// Covers fails when Data of img holds more bytes than limit: a map that calls
// everything data is right but of no use.
func Covers(t testing.TB, img image.Image, limit int64) span.Set {
	t.Helper()
	s, err := img.Data()
	if err != nil {
		t.Fatal(err)
	}
	if s.Total() > limit {
		t.Fatalf("Data covers %d bytes, want at most %d", s.Total(), limit)
	}
	return s
}

// QemuIO runs qemu-io commands on the image. A command "abort" ends qemu-io
// as a crash would, so its failing is no failure.
func QemuIO(t testing.TB, path, format string, commands ...string) {
	t.Helper()
	args := []string{"-f", format}
	crash := false
	for _, c := range commands {
		args = append(args, "-c", c)
		crash = crash || c == "abort"
	}
	out, err := exec.Command(need.Tool(t, "qemu-io"), append(args, path)...).CombinedOutput()
	if (err != nil && !crash) || bytes.Contains(out, []byte("failed:")) {
		t.Fatalf("qemu-io %q: %v\n%s", commands, err, out)
	}
}
