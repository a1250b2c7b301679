package disk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/internal/binread"
	"assay/internal/disk"
	"assay/internal/disk/disktest"
	"assay/internal/disk/overlay"
	"assay/internal/need"
)

// TestWriteFullDisk: no room on the host is an error that says so and where.
func TestWriteFullDisk(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	need.Run(t, "mount", "-t", "tmpfs", "-o", "size=4m", "none", dir)
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	img := changed(t, 40<<20, 3)
	for _, out := range outputs() {
		t.Run(out.String(), func(t *testing.T) {
			f, err := os.Create(filepath.Join(dir, "out"))
			if err != nil {
				t.Fatal(err)
			}
			defer os.Remove(f.Name())
			defer f.Close()
			err = disk.Write(context.Background(), f, img, disk.WriteOptions{Format: out.format, Compress: out.compress})
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), f.Name()) {
				t.Errorf("got %v", err)
			}
			if format := strings.TrimSuffix(out.format, "-fixed"); format != "raw" { // what is there is no image
				if _, err := disk.Open(f.Name(), disk.Options{Format: format}); err == nil {
					t.Error("half an image opens")
				}
			}
		})
	}
}

// TestWriteHuge writes disks whose size says nothing about what they hold.
func TestWriteHuge(t *testing.T) {
	need.Tool(t, "qemu-img")
	for _, c := range []struct {
		output
		size int64
	}{
		{output{"raw", "", "raw", false}, 8 << 40},
		{output{"qcow2", "", "qcow2", true}, 8<<40 + 512},
		{output{"qcow2", "zlib", "qcow2", true}, 8 << 40},
		{output{"vhd", "", "vpc", false}, 2040 << 30},
		{output{"vhd-fixed", "", "vpc", false}, 2040 << 30},
	} {
		t.Run(c.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "base.raw")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			err = f.Truncate(c.size)
			need.That(t, err == nil, "the host's file system knows no such files: %v", err)
			img := overlay.New(open(t, path, disk.Options{Format: "raw"}), overlay.Options{})
			for _, off := range []int64{0, 512<<20 - 100, 4 << 30, c.size / 3, c.size - 5000} {
				b := []byte(strings.Repeat("what a disk holds ", 200))
				for _, w := range []interface {
					WriteAt([]byte, int64) (int, error)
				}{img, f} {
					if _, err := w.WriteAt(b, off); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := img.Zero(c.size/2, c.size/4); err != nil {
				t.Fatal(err)
			}
			out := writeImage(t, img, disk.WriteOptions{Format: c.format, Compress: c.compress})
			if c.check {
				need.Run(t, "qemu-img", "check", "-f", c.qemu, out)
			}
			if c.qemu != "raw" {
				need.Run(t, "qemu-img", "compare", "-f", "raw", "-F", c.qemu, path, out)
				info := need.Run(t, "qemu-img", "info", "--output=json", "-f", c.qemu, out)
				if !strings.Contains(info, fmt.Sprintf("\"virtual-size\": %d,", c.size)) {
					t.Errorf("qemu-img says %s", info)
				}
			}
			got := open(t, out, disk.Options{Format: strings.TrimSuffix(c.format, "-fixed")})
			s := disktest.Covers(t, got, 12<<20)
			if got.Size() != c.size || len(s) < 5 {
				t.Errorf("%d bytes, data in %v", got.Size(), s)
			}
			var st syscall.Stat_t
			if err := syscall.Stat(out, &st); err != nil || st.Blocks*512 > 16<<20 {
				t.Errorf("%d bytes on the host, %v", st.Blocks*512, err)
			}
		})
	}
}

// TestWriteTooLarge: what a format cannot hold is refused before anything is
// written.
func TestWriteTooLarge(t *testing.T) {
	for format, size := range map[string]int64{"vhd": 2040<<30 + 1, "vhd-fixed": 2040<<30 + 1, "qcow2": 1<<51 + 1} {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var u *binread.UnsupportedError
		if err := disk.Write(context.Background(), f, sized{size: size}, disk.WriteOptions{Format: format}); !errors.As(err, &u) {
			t.Errorf("%s of %d bytes: %v", format, size, err)
		}
		if fi, err := f.Stat(); err != nil || fi.Size() != 0 {
			t.Errorf("%v, %v", fi, err)
		}
	}
}

// sized is an image of which only the size is known.
type sized struct {
	disk.Image
	size int64
}

func (s sized) Size() int64 { return s.size }
