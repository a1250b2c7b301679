//go:build linux

package xfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"assay/internal/fsys"
)

const benchFiles = 200_000

// Benchmark200k walks and reads a file system of 200,000 small files, with
// this package and through the kernel's mount of the same image.
func Benchmark200k(b *testing.B) {
	img := mkfs(b, 4<<30)
	dir, umount := mount(b, img, "rw")
	data := noise(6000, 1)
	for i := range benchFiles {
		d := fmt.Sprintf("%s/%d/%d", dir, i/20000, i/200)
		if i%200 == 0 {
			must(b, os.MkdirAll(d, 0o755))
		}
		must(b, os.WriteFile(fmt.Sprintf("%s/file number %d", d, i), data[:i%6000], 0o644))
	}
	umount()
	dir, _ = mount(b, img, "ro")
	b.Run("walk", func(b *testing.B) {
		for b.Loop() {
			if n := benchWalk(b, openImage(b, img), false); n < benchFiles {
				b.Fatal(n)
			}
		}
	})
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			n := 0
			must(b, openImage(b, img).Scan(func(fsys.Node, fsys.Meta) error { n++; return nil }))
			if n < benchFiles {
				b.Fatal(n)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			benchWalk(b, openImage(b, img), true)
		}
	})
	b.Run("kernel-walk", func(b *testing.B) {
		for b.Loop() {
			benchKernel(b, dir, false)
		}
	})
	b.Run("kernel-read", func(b *testing.B) {
		for b.Loop() {
			benchKernel(b, dir, true)
		}
	})
}

func benchWalk(b *testing.B, x *FS, read bool) int {
	b.Helper()
	n := 0
	buf := make([]byte, 64<<10)
	todo := []fsys.Node{x.Root()}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		must(b, x.ReadDir(at, func(e fsys.Entry) error {
			n++
			m, err := x.Stat(e.Node)
			switch {
			case err != nil:
				return err
			case m.Kind == fsys.Directory:
				todo = append(todo, e.Node)
			case read && m.Kind == fsys.Regular:
				f, err := x.Open(e.Node)
				if err != nil {
					return err
				}
				if _, err := f.ReadAt(buf, 0); err != io.EOF {
					return err
				}
			}
			return nil
		}))
	}
	return n
}

func benchKernel(b *testing.B, dir string, read bool) {
	b.Helper()
	buf := make([]byte, 64<<10)
	must(b, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if _, err := d.Info(); err != nil || !read || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.Read(buf); err != io.EOF {
			return err
		}
		return nil
	}))
}
