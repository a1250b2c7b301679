//go:build linux

package ext4

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/fsys"
	"assay/internal/need"
)

// benchFiles is the number of files of the benchmark's image.
const benchFiles = 200_000

// benchImage makes an image of 200,000 files in 2,000 directories with mke2fs.
func benchImage(b *testing.B) string {
	b.Helper()
	need.Tool(b, "mke2fs")
	dir := b.TempDir()
	tree := filepath.Join(dir, "tree")
	content := bytes.Repeat([]byte("a line of a configuration file = value\n"), 300)
	for i := range benchFiles {
		d := filepath.Join(tree, fmt.Sprintf("%02d/%03d", i%20, i/20%100))
		if i < 2000 {
			if err := os.MkdirAll(d, 0o755); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(d, fmt.Sprintf("file-number-%d.conf", i)), content[:i*37%len(content)], 0o644); err != nil {
			b.Fatal(err)
		}
	}
	img := filepath.Join(dir, "fs.img")
	need.Run(b, "mke2fs", "-q", "-F", "-t", "ext4", "-N", "250000", "-d", tree, img, "3G")
	os.RemoveAll(tree)
	return img
}

// BenchmarkReal prints a table: the whole tree listed with metadata, all inodes
// scanned, and all contents read, by this package and through the kernel.
func BenchmarkReal(b *testing.B) {
	img := benchImage(b)
	b.ResetTimer()
	for range b.N {
		var table strings.Builder
		report := func(what string, cold bool, run func() int64) {
			if cold {
				dropCaches(b)
			}
			begin := time.Now()
			n := run()
			state := "warm"
			if cold {
				state = "cold"
			}
			fmt.Fprintf(&table, "%-44s %s %10v %12d\n", what, state, time.Since(begin).Round(time.Millisecond), n)
		}
		for _, cold := range []bool{true, false} {
			report("ours: open, walk, stat (names)", cold, func() int64 { return walkAll(b, open(b, img)) })
			report("ours: open, scan (inodes)", cold, func() int64 { return scanAll(b, open(b, img)) })
			report("ours: open, scan, read all (bytes)", cold, func() int64 { return readAll(b, open(b, img)) })
			if os.Getuid() == 0 {
				dir, unmount := mount(b, img, "ro")
				report("kernel: find | wc -l (names)", cold, func() int64 { return shell(b, "find "+dir+" | wc -l") })
				report("kernel: find -ls | wc -l (names)", cold, func() int64 { return shell(b, "find "+dir+" -ls | wc -l") })
				report("kernel: find -type f | xargs cat | wc -c", cold, func() int64 {
					return shell(b, "find "+dir+" -type f -print0 | xargs -0 cat | wc -c")
				})
				unmount()
			}
		}
		fmt.Fprint(os.Stdout, "\n"+table.String()) // b.Log keeps ten lines only
	}
}

func dropCaches(b *testing.B) {
	b.Helper()
	if os.Getuid() == 0 {
		shell(b, "sync; echo 3 > /proc/sys/vm/drop_caches; echo 0")
	}
}

func shell(b *testing.B, script string) (n int64) {
	b.Helper()
	out, err := exec.Command("sh", "-c", script).Output()
	if err != nil {
		b.Fatal(err)
	}
	fmt.Sscan(strings.TrimSpace(string(out)), &n)
	return n
}

func walkAll(b *testing.B, f *FS) (n int64) {
	var visit func(fsys.Node) error
	visit = func(d fsys.Node) error {
		var below []fsys.Node
		err := f.ReadDir(d, func(e fsys.Entry) error {
			n++
			m, err := f.Stat(e.Node)
			if m.Kind == fsys.Directory {
				below = append(below, e.Node)
			}
			return err
		})
		for _, d := range below {
			if err == nil {
				err = visit(d)
			}
		}
		return err
	}
	if err := visit(f.Root()); err != nil {
		b.Fatal(err)
	}
	return n
}

func scanAll(b *testing.B, f *FS) (n int64) {
	if err := f.Scan(func(fsys.Node, fsys.Meta) error { n++; return nil }); err != nil {
		b.Fatal(err)
	}
	return n
}

func readAll(b *testing.B, f *FS) (n int64) {
	buf := make([]byte, 256<<10)
	err := f.Scan(func(node fsys.Node, m fsys.Meta) error {
		if m.Kind != fsys.Regular {
			return nil
		}
		c, err := f.Open(node)
		if err != nil {
			return err
		}
		for off := int64(0); off < c.Size(); {
			got, err := c.ReadAt(buf[:min(int64(len(buf)), c.Size()-off)], off)
			if err != nil {
				return err
			}
			off += int64(got)
			n += int64(got)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
