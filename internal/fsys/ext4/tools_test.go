//go:build linux

package ext4

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
	"assay/internal/span"
)

// toolVariants are what many kernels cannot mount: blocks larger than a page,
// quota, casefold. The folder that mke2fs copies is the oracle.
var toolVariants = []variant{
	{"plain", []string{"-t", "ext4"}, 64},
	{"64k", []string{"-t", "ext4", "-b", "65536", "-O", "metadata_csum,^resize_inode"}, 512},
	{"64k-ext2", []string{"-t", "ext2", "-b", "65536", "-O", "^resize_inode"}, 256},
	{"16k-inline", []string{"-t", "ext4", "-b", "16384", "-I", "256", "-O", "inline_data,ea_inode"}, 128},
	{"quota-casefold", []string{"-t", "ext4", "-I", "512", "-O", "quota,project,casefold,verity,encrypt,large_dir,stable_inodes"}, 64},
	{"desc128", []string{"-t", "ext4", "-b", "1024", "-E", "desc_size=128"}, 64},
}

// sourceTree makes a folder to copy, without a need for root.
func sourceTree(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	os.MkdirAll(filepath.Join(dir, "d/sub"), 0o755)
	os.MkdirAll(filepath.Join(dir, "big"), 0o755)
	for i := range 1200 {
		os.WriteFile(filepath.Join(dir, fmt.Sprintf("big/name-%d-%s", i, strings.Repeat("x", i%90))), nil, 0o600)
	}
	for i := range 300 {
		p := filepath.Join(dir, "d", fmt.Sprint(i))
		os.WriteFile(p, bytes.Repeat([]byte{byte(i)}, i*37), 0o644)
		if i%10 == 0 {
			unix.Setxattr(p, "user.test", bytes.Repeat([]byte{byte(i)}, i), 0)
		}
	}
	for _, n := range []int{5, 59, 60, 300} {
		os.Symlink(strings.Repeat("l", n), filepath.Join(dir, fmt.Sprintf("link%d", n)))
	}
	f, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("end"), 5<<20)
	f.Close()
	return dir
}

// TestTools compares images that mke2fs fills with the folder it took, first as
// made and then with the directories indexed by e2fsck.
func TestTools(t *testing.T) {
	need.Tool(t, "mke2fs", "e2fsck", "dumpe2fs")
	tree := sourceTree(t)
	want := comparable(theirsOf(t, tree))
	for _, v := range toolVariants {
		t.Run(v.name, func(t *testing.T) {
			img := mkfs(t, v, "-d", tree)
			for _, indexed := range []bool{false, true} {
				if indexed {
					command(t, "e2fsck", "-fyD", img)
				}
				f := open(t, img)
				if d := f.Describe(); len(d.Problems) > 0 {
					t.Errorf("problems: %v", d.Problems)
				}
				got := comparable(oursOf(t, f))
				delete(got, "/lost+found")
				compare(t, got, want)
				if free, err := f.Free(); err != nil || free.Total() != freeBytes(t, img) {
					t.Errorf("%d bytes free, dumpe2fs says %d; %v", free.Total(), freeBytes(t, img), err)
				}
				checkResidue(t, f, img)
			}
		})
	}
}

// comparable keeps of each fact what mke2fs copies.
func comparable(in map[string]fact) map[string]fact {
	for name, x := range in {
		x.meta.Inode, x.meta.Atime, x.meta.Ctime, x.meta.Mtime.Nsec = 0, fsys.Time{}, fsys.Time{}, 0
		if x.meta.Kind == fsys.Directory {
			x.meta = fsys.Meta{Kind: fsys.Directory}
		}
		in[name] = x
	}
	return in
}

// checkResidue compares the unused inodes with dumpe2fs, finds the journal's
// magic number where the journal is said to be, and sees that the slack of each
// file begins where its last byte ends.
func checkResidue(t *testing.T, f *FS, img string) {
	t.Helper()
	out := need.Run(t, "dumpe2fs", "-h", img)
	unused, err := f.UnusedInodes()
	if want := field(t, out, "Free inodes") * field(t, out, "Inode size"); err != nil || unused.Total() != want {
		t.Errorf("unused inodes of %d bytes, dumpe2fs says %d; %v", unused.Total(), want, err)
	}
	js, err := f.Journal()
	if err != nil {
		t.Error(err)
	}
	head := make([]byte, 4)
	if len(js) > 0 {
		if _, err := f.dev.ReadAt(head, js[0].Off); err != nil || be.Uint32(head) != journalMagic {
			t.Errorf("journal at %v begins with %x; %v", js[0], head, err)
		}
	}
	files := 0
	err = f.Scan(func(n fsys.Node, m fsys.Meta) error {
		slack, err := f.Slack(n)
		if err != nil || m.Kind != fsys.Regular || len(slack) == 0 {
			return err
		}
		files++
		exts, err := f.Extents(n)
		last := exts[len(exts)-1]
		if want := (span.Span{Off: last.Physical + m.Size - last.Logical, Len: last.Logical + last.Len - m.Size}); len(slack) != 1 || slack[0] != want {
			t.Errorf("inode %d has slack %v, want %v", n, slack, want)
		}
		return err
	})
	if err != nil || files < 100 {
		t.Errorf("%d files with slack, %v", files, err)
	}
}

// field is a number that dumpe2fs -h prints.
func field(t testing.TB, out, name string) int64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `:\s*(\d+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no %s in:\n%s", name, out)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	return n
}

// freeBytes is what dumpe2fs says is free.
func freeBytes(t testing.TB, img string) int64 {
	t.Helper()
	out := need.Run(t, "dumpe2fs", "-h", img)
	return field(t, out, "Free blocks") * field(t, out, "Block size")
}

// TestOrphanList plants a deleted and a half truncated file in the list of
// orphans and compares the free space with what e2fsck makes of it.
func TestOrphanList(t *testing.T) {
	need.Tool(t, "mke2fs", "debugfs", "e2fsck", "dumpe2fs")
	tree := filepath.Join(t.TempDir(), "tree")
	os.MkdirAll(tree, 0o755)
	big := bytes.Repeat([]byte("secret"), 60000)
	for _, n := range []string{"dead", "cut", "other"} {
		os.WriteFile(filepath.Join(tree, n), big, 0o600)
	}
	for _, v := range []variant{
		{"extents", []string{"-t", "ext4", "-b", "1024"}, 16},
		{"indirect", []string{"-t", "ext3", "-b", "1024"}, 16},
		{"bigalloc", []string{"-t", "ext4", "-b", "1024", "-O", "bigalloc,^resize_inode", "-C", "8192"}, 64},
	} {
		t.Run(v.name, func(t *testing.T) {
			img := mkfs(t, v, "-d", tree)
			ino := map[string]fsys.Node{}
			before := open(t, img)
			before.ReadDir(before.Root(), func(e fsys.Entry) error { ino[e.Name] = e.Node; return nil })
			cmds := filepath.Join(t.TempDir(), "cmds")
			os.WriteFile(cmds, fmt.Appendf(nil, "unlink dead\nsif <%d> links_count 0\nsif <%d> dtime %d\nsif <%d> size 5000\nsif <%d> dtime 0\nssv last_orphan %d\n",
				ino["dead"], ino["dead"], ino["cut"], ino["cut"], ino["cut"], ino["dead"]), 0o600)
			need.Run(t, "debugfs", "-w", "-f", cmds, img)
			f := open(t, img)
			if p := f.Describe().Problems; len(p) > 0 || !f.orphans.dead[uint32(ino["dead"])] || !f.orphans.cut[uint32(ino["cut"])] {
				t.Fatalf("orphans %v, problems %v", f.orphans, p)
			}
			if _, err := f.Stat(ino["dead"]); err == nil {
				t.Error("a deleted orphan is still there")
			}
			free, err := f.Free()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(v.name, "bigalloc") { // which e2fsck 1.47.0 does not truncate right
				_, unmount := mount(t, img, "rw")
				unmount()
			} else {
				command(t, "e2fsck", "-fy", img)
			}
			if want := freeBytes(t, img); free.Total() != want {
				t.Errorf("%d bytes free, repaired %d", free.Total(), want)
			}
			after := open(t, img)
			got, _ := f.Extents(ino["cut"])
			want, _ := after.Extents(ino["cut"])
			if !slices.Equal(got, want) {
				t.Errorf("extents %v, repaired %v", got, want)
			}
		})
	}
}
