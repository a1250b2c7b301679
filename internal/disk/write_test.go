package disk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/disk"
	"assay/internal/disk/disktest"
	"assay/internal/disk/overlay"
	"assay/internal/need"
)

// output is a kind of file that Write makes, and QEMU's name for it.
type output struct {
	format, compress, qemu string
	check                  bool // qemu-img check knows it
}

func outputs() []output {
	return []output{
		{"raw", "", "raw", false},
		{"qcow2", "", "qcow2", true},
		{"qcow2", "zlib", "qcow2", true},
		{"qcow2", "zstd", "qcow2", true},
		{"vhd", "", "vpc", false},
		{"vhd-fixed", "", "vpc", false},
	}
}

func (o output) String() string { return o.format + o.compress }

// changed lays random changes over a pattern of size bytes.
func changed(t testing.TB, size int64, seed uint64) *overlay.Overlay {
	t.Helper()
	base := open(t, disktest.Pattern(t, size, seed), disk.Options{Format: "raw"})
	o := overlay.New(base, overlay.Options{MemLimit: 64 << 10, Spill: func() (overlay.SpillFile, error) {
		return os.Create(filepath.Join(t.TempDir(), "spill"))
	}})
	t.Cleanup(func() { o.Close() })
	r := rand.New(rand.NewPCG(seed, 5))
	for range r.IntN(40) {
		off := r.Int64N(size)
		n := 1 + r.Int64N(min(size-off, 1<<(4+r.IntN(17))))
		if r.IntN(2) == 0 {
			if err := o.Zero(off, n); err != nil {
				t.Fatal(err)
			}
		} else if _, err := o.WriteAt(bytes.Repeat([]byte{byte(r.Uint32()) | 1, 0, 7}, int(n))[:n], off); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// writeImage makes the file and returns its path.
func writeImage(t testing.TB, img disk.Image, o disk.WriteOptions) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out."+o.Format))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := disk.Write(context.Background(), f, img, o); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// TestWriteAgainstQemu writes random disks with random changes in every
// format, and lets qemu-img say what is in the files.
func TestWriteAgainstQemu(t *testing.T) {
	need.Tool(t, "qemu-img")
	for _, out := range outputs() {
		t.Run(out.String(), func(t *testing.T) {
			for seed := range uint64(8) {
				size := []int64{512, 64 << 10, 9<<20 + 512, 4 << 20, 2<<20 - 512, 17<<20 + 512*77, 5 << 20, 1<<20 + 4096}[seed]
				img := changed(t, size, seed)
				path := writeImage(t, img, disk.WriteOptions{Format: out.format, Compress: out.compress, Workers: 1 + int(seed%3)})
				if out.check {
					need.Run(t, "qemu-img", "check", "-f", out.qemu, path)
				}
				want := disktest.Raw(t, path, "-f", out.qemu)
				disktest.Same(t, img, want)
				disktest.Same(t, open(t, path, disk.Options{Format: strings.TrimSuffix(out.format, "-fixed")}), want)
			}
		})
	}
}

// TestWriteOddSize: a raw file keeps a size that is no multiple of 512; other
// formats count in sectors, and the disk ends with zeros.
func TestWriteOddSize(t *testing.T) {
	need.Tool(t, "qemu-img")
	for _, out := range outputs() {
		t.Run(out.String(), func(t *testing.T) {
			const size = 3<<20 + 12345
			img := changed(t, size, 11)
			if _, err := img.WriteAt([]byte("the end"), size-7); err != nil {
				t.Fatal(err)
			}
			path := writeImage(t, img, disk.WriteOptions{Format: out.format, Compress: out.compress})
			want := make([]byte, (size+511)&^511)
			if _, err := img.ReadAt(want[:size], 0); err != nil {
				t.Fatal(err)
			}
			if out.check {
				need.Run(t, "qemu-img", "check", "-f", out.qemu, path)
			}
			got, err := os.ReadFile(disktest.Raw(t, path, "-f", out.qemu))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("qemu-img reads %d other bytes (%v)", len(got), err)
			}
			if fi, err := os.Stat(path); out.format == "raw" && (err != nil || fi.Size() != size) {
				t.Errorf("a size of %d, %v", fi.Size(), err)
			}
		})
	}
}

// TestWriteTwice: the same disk gives the same file, whatever the number of
// workers.
func TestWriteTwice(t *testing.T) {
	img := changed(t, 30<<20, 8)
	for _, out := range outputs() {
		t.Run(out.String(), func(t *testing.T) {
			var files [2][]byte
			for i := range files {
				var err error
				files[i], err = os.ReadFile(writeImage(t, img, disk.WriteOptions{Format: out.format, Compress: out.compress, Workers: 1 + 4*i}))
				if err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(files[0], files[1]) {
				t.Error("the files differ")
			}
		})
	}
}

// tapped collects what a Tap sees.
type tapped struct {
	next int64
	b    []byte
	err  error
}

func (d *tapped) tap(off int64, b []byte) error {
	if off < d.next {
		d.err = fmt.Errorf("byte %d comes after byte %d", off, d.next)
	}
	d.next = off + int64(len(b))
	copy(d.b[off:], b)
	return d.err
}

// TestTap: a tap sees everything that is not zero, once and in order, and
// progress comes to its end.
func TestTap(t *testing.T) {
	for _, out := range outputs() {
		t.Run(out.String(), func(t *testing.T) {
			const size = 21<<20 + 512
			img := changed(t, size, 77)
			d := &tapped{b: make([]byte, size)}
			var done, total int64
			writeImage(t, img, disk.WriteOptions{Format: out.format, Compress: out.compress, Workers: 3, Tap: d.tap,
				Progress: func(n, of int64) {
					if n <= done || total != 0 && of != total {
						t.Errorf("progress goes from %d of %d to %d of %d", done, total, n, of)
					}
					done, total = n, of
				}})
			want := make([]byte, size)
			if _, err := img.ReadAt(want, 0); err != nil || !bytes.Equal(d.b, want) {
				t.Errorf("the tap saw another disk (%v)", err)
			}
			if done != total || total == 0 {
				t.Errorf("progress ended at %d of %d", done, total)
			}
		})
	}
}

// TestWriteStops: an error of the tap, of the image or of the context ends the
// writing and is what Write returns.
func TestWriteStops(t *testing.T) {
	stop := errors.New("found something")
	for _, out := range outputs() {
		t.Run(out.String(), func(t *testing.T) {
			img := changed(t, 40<<20, 5)
			try := func(ctx context.Context, img disk.Image, o disk.WriteOptions, want error) {
				t.Helper()
				f, err := os.Create(filepath.Join(t.TempDir(), "out"))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				o.Format, o.Compress, o.Workers = out.format, out.compress, 2
				if err := disk.Write(ctx, f, img, o); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
			bg := context.Background()
			n := 0
			try(bg, img, disk.WriteOptions{Tap: func(int64, []byte) error {
				if n++; n == 5 {
					return stop
				}
				return nil
			}}, stop)
			ctx, cancel := context.WithCancel(bg)
			try(ctx, img, disk.WriteOptions{Progress: func(int64, int64) { cancel() }}, context.Canceled)
			try(bg, broken{img, 10 << 20, stop}, disk.WriteOptions{}, stop)
		})
	}
}

// broken is an image that cannot be read from one byte on.
type broken struct {
	disk.Image
	from int64
	err  error
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, b.err
	}
	return b.Image.ReadAt(p, off)
}

func TestWriteRefuses(t *testing.T) {
	img := changed(t, 1<<20, 1)
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, o := range []disk.WriteOptions{{}, {Format: "vmdk"}, {Format: "raw", Compress: "zlib"}, {Format: "qcow2", Compress: "lz4"}} {
		if err := disk.Write(context.Background(), f, img, o); err == nil {
			t.Errorf("%+v is written", o)
		}
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := disk.Write(context.Background(), f, img, disk.WriteOptions{Format: "raw"}); err == nil {
		t.Error("a file that is not empty is written over")
	}
}
