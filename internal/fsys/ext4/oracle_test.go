//go:build linux

package ext4

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// TestKernel fills each variant through the kernel and compares everything
// that the package says with what the kernel says of the same image.
func TestKernel(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs")
	for i, v := range variants {
		files := 300
		if i == 0 {
			files = 10000
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			img := mkfs(t, v)
			dir, unmount := mount(t, img, "rw")
			populate(t, dir, files)
			unmount()
			dir, _ = mount(t, img, "ro")
			f := open(t, img)
			if d := f.Describe(); len(d.Problems) > 0 || d.Replayed {
				t.Errorf("unexpected: %+v", d)
			}
			ours := oursOf(t, f)
			compare(t, ours, theirsOf(t, dir))
			compareExtents(t, f, dir, ours)
			compareFree(t, f, dir)
			compareScan(t, f, ours)
		})
	}
}

// compareFree compares the free bytes with statfs.
func compareFree(t *testing.T, f *FS, dir string) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	free, err := f.Free()
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(st.Bfree) * st.Bsize; free.Total() != want {
		t.Errorf("%d bytes are free, the kernel says %d", free.Total(), want)
	}
}

// compareScan checks that a scan finds the inodes of the walk, once each.
func compareScan(t *testing.T, f *FS, ours map[string]fact) {
	t.Helper()
	want := map[uint64]fsys.Meta{}
	for _, x := range ours {
		want[x.meta.Inode] = x.meta
	}
	last := fsys.Node(0)
	err := f.Scan(func(n fsys.Node, m fsys.Meta) error {
		if n <= last {
			t.Errorf("inode %d after %d", n, last)
		}
		last = n
		m.Flags, m.Btime = 0, fsys.Time{}
		if want[uint64(n)] != m {
			t.Errorf("scan: inode %d is %+v, want %+v", n, m, want[uint64(n)])
		}
		delete(want, uint64(n))
		return nil
	})
	if err != nil || len(want) > 0 {
		t.Errorf("scan: %v, %d inodes not found", err, len(want))
	}
}

// compareExtents compares the extents of all regular files and directories
// with FIEMAP.
func compareExtents(t *testing.T, f *FS, dir string, ours map[string]fact) {
	t.Helper()
	bad := 0
	for name, x := range ours {
		if x.meta.Kind != fsys.Regular && x.meta.Kind != fsys.Directory {
			continue
		}
		got, err := f.Extents(fsys.Node(x.meta.Inode))
		if err != nil {
			t.Fatal(err)
		}
		want := fiemap(t, filepath.Join(dir, name))
		if len(want) > 0 && want[0].State == fsys.Packed {
			if len(got) == 0 || got[0].State != fsys.Packed || got[0].Physical != want[0].Physical {
				t.Errorf("%q is inline: %v, FIEMAP %v", name, got, want)
			}
			continue
		}
		if !slices.Equal(got, want) && !(len(got) > 0 && got[0].State == fsys.Packed) {
			if bad++; bad < 5 {
				t.Errorf("%q: extents %v, FIEMAP %v", name, head(got), head(want))
			}
		}
	}
}

func head(x []fsys.Extent) string {
	return fmt.Sprint(len(x), x[:min(len(x), 20)])
}

// fiemap asks the kernel for a file's extents, merged as Extents merges.
func fiemap(t *testing.T, p string) []fsys.Extent {
	t.Helper()
	type fe struct {
		logical, physical, length uint64
		_                         [2]uint64
		flags                     uint32
		_                         [3]uint32
	}
	var req struct {
		start, length                 uint64
		flags, mapped, count, padding uint32
		ext                           [256]fe
	}
	f, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []fsys.Extent
	for start := uint64(0); ; {
		req.start, req.length, req.count, req.mapped = start, ^uint64(0)-start, 256, 0
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), 0xC020660B, uintptr(unsafe.Pointer(&req))); e != 0 {
			t.Fatalf("FIEMAP %s: %v", p, e)
		}
		for _, e := range req.ext[:req.mapped] {
			x := fsys.Extent{Logical: int64(e.logical), Physical: int64(e.physical), Len: int64(e.length)}
			if e.flags&0x800 != 0 {
				x.State = fsys.Unwritten
			}
			if e.flags&0x200 != 0 {
				x.State = fsys.Packed
			}
			start = e.logical + e.length
			k := len(out) - 1
			if k >= 0 && out[k].State == x.State && out[k].Logical+out[k].Len == x.Logical && out[k].Physical+out[k].Len == x.Physical {
				out[k].Len += x.Len
				continue
			}
			out = append(out, x)
		}
		if req.mapped < 256 {
			break
		}
	}
	slices.SortFunc(out, func(a, b fsys.Extent) int { return cmp.Compare(a.Logical, b.Logical) })
	return out
}
