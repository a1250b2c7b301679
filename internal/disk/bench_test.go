package disk_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"assay/internal/disk"
	"assay/internal/disk/disktest"
	"assay/internal/need"
)

// BenchmarkReadAgainstQemu reads a disk through our reader, with one and with
// two readers (QEMU decompresses in threads), and runs "qemu-img convert -O
// raw" on the same file in the same run. qemu-img writes what it read to a
// file with holes; the "copy" rows do the same.
func BenchmarkReadAgainstQemu(b *testing.B) {
	need.Tool(b, "qemu-img")
	const size = 512 << 20
	raw := disktest.Pattern(b, size, 9)
	for _, v := range []variant{
		{"raw", "raw", "", false},
		{"qcow2", "qcow2", "cluster_size=64k", false},
		{"qcow2", "qcow2", "compression_type=zlib", true},
		{"qcow2", "qcow2", "compression_type=zstd", true},
		{"vpc", "vhd", "subformat=dynamic,force_size=on", false},
		{"vhdx", "vhdx", "subformat=dynamic", false},
		{"vmdk", "vmdk", "subformat=monolithicSparse", false},
		{"vmdk", "vmdk", "subformat=streamOptimized", false},
		{"vdi", "vdi", "static=off", false},
	} {
		b.Run(v.String(), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "disk")
			args := []string{"convert", "-O", v.qemu}
			if v.opts != "" {
				args = append(args, "-o", v.opts)
			}
			if v.compress {
				args = append(args, "-c")
			}
			need.Run(b, "qemu-img", append(args, raw, path)...)
			out := filepath.Join(b.TempDir(), "out.raw")
			b.Run("qemu-img", func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					need.Run(b, "qemu-img", "convert", "-O", "raw", "-f", v.qemu, path, out)
				}
			})
			for _, r := range []struct {
				name    string
				readers int
				out     string
			}{{"read", 1, ""}, {"read2", 2, ""}, {"copy", 1, out}, {"copy2", 2, out}} {
				b.Run(r.name, func(b *testing.B) {
					b.SetBytes(size)
					for b.Loop() {
						pass(b, path, r.out, r.readers)
					}
				})
			}
		})
	}
}

// pass reads all data of the image at path in pieces of 1 MiB and, when out is
// set, writes it there.
func pass(b testing.TB, path, out string, readers int) {
	f, err := disk.Open(path, disk.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	var w *os.File
	if out != "" {
		if w, err = os.Create(out); err == nil {
			err = w.Truncate(f.Size())
		}
		if err != nil {
			b.Fatal(err)
		}
		defer w.Close()
	}
	data, err := f.Data()
	if err != nil {
		b.Fatal(err)
	}
	type piece struct{ off, n int64 }
	pieces := make(chan piece, 64)
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			buf := make([]byte, 1<<20)
			for p := range pieces {
				n, err := f.ReadAt(buf[:p.n], p.off)
				if err != nil && !errors.Is(err, io.EOF) {
					b.Error(err)
				}
				if w != nil {
					if _, err := w.WriteAt(buf[:n], p.off); err != nil {
						b.Error(err)
					}
				}
			}
		})
	}
	for _, s := range data {
		for off := s.Off; off < s.End(); off += 1 << 20 {
			pieces <- piece{off, min(1<<20, s.End()-off)}
		}
	}
	close(pieces)
	wg.Wait()
}

// TestOpenIsFast guards against work at Open that grows with the disk.
func TestOpenIsFast(t *testing.T) {
	need.Tool(t, "qemu-img")
	path := filepath.Join(t.TempDir(), "big.qcow2")
	need.Run(t, "qemu-img", "create", "-f", "qcow2", path, "40T")
	start := need.CPU()
	f := open(t, path, disk.Options{})
	if s, err := f.Data(); err != nil || len(s) != 0 {
		t.Fatalf("Data of an empty disk: %v, %v", s, err)
	}
	if d := need.CPU() - start; d > time.Second {
		t.Fatalf("opening took %v", d)
	}
}
