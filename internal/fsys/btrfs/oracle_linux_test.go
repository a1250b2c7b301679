package btrfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

func unixTime(sec, nsec int64) time.Time { return time.Unix(sec, nsec) }

var variants = []variant{
	{name: "default", size: 512 << 20},
	{name: "4k-nodes", size: 512 << 20, mkfs: []string{"-n", "4096", "-m", "single"}},
	{name: "64k-nodes-dup-data-xxhash-lzo", size: 768 << 20, mkfs: []string{"-n", "65536", "-m", "dup", "-d", "dup", "--csum", "xxhash"}, mount: "compress-force=lzo"},
	{name: "mixed-sha256-zlib", size: 512 << 20, mkfs: []string{"--mixed", "-n", "4096", "--csum", "sha256"}, mount: "compress-force=zlib"},
	{name: "blake2-zstd", size: 512 << 20, mkfs: []string{"--csum", "blake2"}, mount: "compress-force=zstd"},
	{name: "explicit-holes", size: 512 << 20, mkfs: []string{"-O", "^no-holes"}},
	{name: "no-free-space-tree-no-skinny", size: 512 << 20, mkfs: []string{"-R", "^free-space-tree", "-O", "^skinny-metadata"}, mount: "space_cache=v1"},
	{name: "dup-metadata-lzo-no-inline", size: 512 << 20, mkfs: []string{"-m", "dup"}, mount: "compress=lzo,max_inline=0"},
}

func TestLikeKernel(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mkfs.btrfs", "btrfs", "mount", "chattr")
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			img := newImage(t, v)
			dir, done := mount(t, img, v.mount)
			fill(t, dir)
			done()
			dir, done = mount(t, img, "ro,subvolid=5")
			f := open(t, img)
			if p := f.Describe().Problems; len(p) > 0 {
				t.Errorf("problems: %v", p)
			}
			c := compare(t, f, img, dir)
			if c.files < 8000 {
				t.Errorf("only %d files were compared", c.files)
			}
			checkSubvolumes(t, f, dir)
			checkScan(t, f, c)
			done()
			checkFree(t, f, img)
		})
	}
}

// A comparison walks both trees at once.
type comparison struct {
	t       *testing.T
	f       *FS
	raw     *os.File
	files   int
	inodes  map[fsys.Node]fsys.Meta
	loose   bool // times of directories were changed by log replay
	extents int
}

func compare(t *testing.T, f *FS, img, dir string) *comparison {
	t.Helper()
	c := newComparison(t, f, img)
	c.dir(f.Root(), dir)
	return c
}

func newComparison(t *testing.T, f *FS, img string) *comparison {
	t.Helper()
	raw, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	return &comparison{t: t, f: f, raw: raw, inodes: map[fsys.Node]fsys.Meta{}}
}

func (c *comparison) dir(n fsys.Node, dir string) {
	c.file(n, fsys.Directory, dir)
	ours := map[string]fsys.Entry{}
	var order []string
	err := c.f.ReadDir(n, func(e fsys.Entry) error {
		ours[e.Name] = e
		order = append(order, e.Name)
		return nil
	})
	if err != nil {
		c.t.Errorf("%q: ReadDir: %v", dir, err)
	}
	h, err := os.Open(dir)
	if err != nil {
		c.t.Fatal(err)
	}
	theirs, err := h.Readdirnames(-1)
	h.Close()
	if err != nil {
		c.t.Fatal(err)
	}
	if !slices.Equal(order, theirs) {
		c.t.Errorf("%q: other names or another order: %d names, want %d", dir, len(order), len(theirs))
	}
	for _, name := range theirs {
		e, ok := ours[name]
		p := dir + "/" + name
		if !ok {
			c.t.Errorf("%q is missing", p)
			continue
		}
		if e.Kind == fsys.Directory {
			c.dir(e.Node, p)
		} else {
			c.file(e.Node, e.Kind, p)
		}
	}
}

var kindOf = map[uint16]fsys.Kind{
	unix.S_IFREG: fsys.Regular, unix.S_IFDIR: fsys.Directory, unix.S_IFLNK: fsys.Symlink, unix.S_IFCHR: fsys.CharDevice,
	unix.S_IFBLK: fsys.BlockDevice, unix.S_IFIFO: fsys.FIFO, unix.S_IFSOCK: fsys.Socket,
}

func (c *comparison) file(n fsys.Node, kind fsys.Kind, path string) {
	c.files++
	m, err := c.f.Stat(n)
	if err != nil {
		c.t.Errorf("%q: Stat: %v", path, err)
		return
	}
	c.inodes[n] = m
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_ALL, &st); err != nil {
		c.t.Fatal(err)
	}
	want := fsys.Meta{
		Kind: kindOf[st.Mode&unix.S_IFMT], Flags: m.Flags, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Nlink: st.Nlink,
		Rdev: st.Rdev_major<<20 | st.Rdev_minor, Inode: st.Ino, Size: int64(st.Size),
		Atime: stamp(st.Atime), Mtime: stamp(st.Mtime), Ctime: stamp(st.Ctime), Btime: stamp(st.Btime),
	}
	got := m
	got.Inode &= maxObjectid
	if st.Ino == emptyDirID {
		want.Atime, want.Mtime, want.Ctime, want.Btime = m.Atime, m.Mtime, m.Ctime, m.Btime
	}
	if c.loose {
		want.Mtime, want.Ctime = m.Mtime, m.Ctime
	}
	if got != want || kind != m.Kind {
		c.t.Errorf("%q:\n got %+v\nwant %+v (entry kind %d)", path, got, want, kind)
	}
	c.xattrs(n, path)
	switch m.Kind {
	case fsys.Regular:
		c.content(n, m, path)
	case fsys.Symlink:
		got, err := c.f.Readlink(n)
		want, _ := os.Readlink(path)
		if err != nil || got != want {
			c.t.Errorf("%q: link %q, %v, want %q", path, got, err, want)
		}
	default:
		if _, err := c.f.Open(n); !errors.Is(err, fsys.ErrNotFile) {
			c.t.Errorf("%q: Open: %v", path, err)
		}
	}
}

func stamp(s unix.StatxTimestamp) fsys.Time { return fsys.Time{Sec: s.Sec, Nsec: s.Nsec} }

func (c *comparison) xattrs(n fsys.Node, path string) {
	got, err := c.f.Xattrs(n)
	if err != nil {
		c.t.Errorf("%q: Xattrs: %v", path, err)
	}
	b := make([]byte, 64<<10)
	k, err := unix.Llistxattr(path, b)
	if err != nil {
		c.t.Fatal(err)
	}
	want := 0
	for _, name := range bytes.FieldsFunc(b[:k], func(r rune) bool { return r == 0 }) {
		v := make([]byte, 64<<10)
		k, err := unix.Lgetxattr(path, string(name), v)
		if err != nil {
			c.t.Fatal(err)
		}
		want++
		i := slices.IndexFunc(got, func(x fsys.Xattr) bool { return x.Name == string(name) })
		if i < 0 || !bytes.Equal(got[i].Value, v[:k]) {
			c.t.Errorf("%q: attribute %q differs", path, name)
		}
	}
	if want != len(got) {
		c.t.Errorf("%q: %d attributes, want %d", path, len(got), want)
	}
}

// content compares the bytes: both read with buffers of odd sizes. Holes of
// huge files are compared by size only.
func (c *comparison) content(n fsys.Node, m fsys.Meta, path string) {
	h, err := os.Open(path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer h.Close()
	x, err := c.f.Open(n)
	if err != nil {
		c.t.Errorf("%q: Open: %v", path, err)
		return
	}
	if m.Size > 1<<30 {
		for _, off := range []int64{0, 1 << 20, 1<<20 + 64<<10, m.Size / 2, m.Size - 5} {
			a, b := make([]byte, 100000), make([]byte, 100000)
			i, _ := x.ReadAt(a, off)
			j, _ := h.ReadAt(b, off)
			if i != j || !bytes.Equal(a, b) {
				c.t.Errorf("%q: differs at byte %d (%d bytes, want %d)", path, off, i, j)
			}
		}
	} else {
		ours, theirs := sha256.New(), sha256.New()
		if _, err := io.CopyBuffer(onlyWriter{ours}, io.NewSectionReader(x, 0, x.Size()), make([]byte, 50001)); err != nil {
			c.t.Errorf("%q: read: %v", path, err)
		}
		if _, err := io.Copy(theirs, h); err != nil {
			c.t.Fatal(err)
		}
		if !bytes.Equal(ours.Sum(nil), theirs.Sum(nil)) {
			c.t.Errorf("%q: content differs", path)
		}
	}
	c.places(n, m, x, path)
}

type onlyWriter struct{ io.Writer }

// places proves Extents: the volume's bytes at the given places are the file's.
func (c *comparison) places(n fsys.Node, m fsys.Meta, x fsys.File, path string) {
	list, err := c.f.Extents(n)
	if err != nil {
		c.t.Errorf("%q: Extents: %v", path, err)
	}
	end := int64(0)
	for _, e := range list {
		c.extents++
		if e.Logical < end || e.Len <= 0 || e.Physical < 1<<20 {
			c.t.Errorf("%q: extent %+v is out of order", path, e)
		}
		end = e.Logical + e.Len
		if e.State == fsys.Packed && m.Flags&(fsys.Compressed|fsys.Inline) == 0 && len(list) <= judgeExtents {
			c.t.Errorf("%q: a packed extent, but flags %#x", path, m.Flags)
		}
		inline := e.State == fsys.Packed && m.Flags&fsys.Inline != 0 && m.Flags&fsys.Compressed == 0
		if k := min(e.Len, m.Size-e.Logical); (e.State == fsys.Written || inline) && k > 0 {
			raw, plain := make([]byte, k), make([]byte, k)
			c.raw.ReadAt(raw, e.Physical)
			x.ReadAt(plain, e.Logical)
			if !bytes.Equal(raw, plain) {
				c.t.Errorf("%q: the volume has other bytes at %+v", path, e)
			}
		}
	}
	if m.Size > 0 && m.Flags&fsys.Sparse == 0 && end < m.Size {
		c.t.Errorf("%q: extents end at %d of %d", path, end, m.Size)
	}
}

func checkSubvolumes(t *testing.T, f *FS, dir string) {
	t.Helper()
	got := map[string]bool{}
	for _, s := range f.Subvolumes() {
		got[s.Path] = true
		var st unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, s.Path), &st); err != nil || st.Ino != uint64(s.Root)&maxObjectid {
			t.Errorf("subvolume %+v: %v, inode %d", s, err, st.Ino)
		}
		if s.ID == fsTreeID {
			continue
		}
		out := need.Run(t, "btrfs", "subvolume", "show", filepath.Join(dir, s.Path))
		for _, want := range []string{
			fmt.Sprintf("Subvolume ID: %d ", s.ID), fmt.Sprintf("Parent ID: %d ", s.Parent), "UUID: " + s.UUID + " ",
		} {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
				t.Errorf("subvolume %+v: %q is not in\n%s", s, want, out)
			}
		}
		if ro := strings.Contains(out, "readonly"); ro != s.ReadOnly {
			t.Errorf("subvolume %+v: read-only is %v", s, ro)
		}
	}
	want := []string{"/", "/@", "/@/home", "/@/var/lib/machines", "/snaps/ro", "/snaps/rw"}
	for _, p := range want {
		if !got[p] {
			t.Errorf("subvolume %s is missing", p)
		}
	}
	if len(got) != len(want) {
		t.Errorf("subvolumes: %v", got)
	}
	var at fsys.Node
	f.ReadDir(f.Root(), func(e fsys.Entry) error {
		if e.Name == "@" {
			at = e.Node
		}
		return nil
	})
	if f.Default() != at {
		t.Errorf("default is %#x, want %#x", f.Default(), at)
	}
}

// checkScan proves that Scan finds the inodes that the walk found, and that it
// says the same of them.
func checkScan(t *testing.T, f *FS, c *comparison) {
	t.Helper()
	seen := 0
	err := f.Scan(func(n fsys.Node, m fsys.Meta) error {
		want, ok := c.inodes[n]
		if !ok || m != want {
			t.Errorf("node %#x:\nscan %+v\nstat %+v", n, m, want)
		}
		seen++
		return nil
	})
	for n := range c.inodes {
		if uint64(n)&maxObjectid == emptyDirID {
			seen++
		}
	}
	if err != nil || seen != len(c.inodes) {
		t.Errorf("Scan: %v, %d inodes, want %d", err, seen, len(c.inodes))
	}
}

// checkFree overwrites all free space: nothing that btrfs owns may change.
func checkFree(t *testing.T, f *FS, img string) {
	t.Helper()
	free, err := f.Free()
	if err != nil {
		t.Errorf("Free: %v", err)
		return
	}
	st, _ := os.Stat(img)
	t.Logf("%d of %d bytes are free in %d pieces, %d used", free.Total(), st.Size(), len(free), f.sb.bytesUsed)
	// All but the first MiB, the mirror, and what is used, in each copy.
	owned, used := st.Size()-free.Total()-1<<20-64<<10, int64(0)
	for _, c := range f.chunks {
		for tree := range f.trees {
			if it, ok, _ := f.get(f.trees[tree], key{c.logical, blockGroupKey, c.length}); ok {
				used += int64(it.buf().LE64(0)) * int64(len(c.copies))
			}
		}
	}
	if owned != used {
		t.Errorf("%d bytes are owned, but %d are used", owned, used)
	}
	h, err := os.OpenFile(img, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	junk := bytes.Repeat([]byte{0xA5}, 1<<20)
	for _, s := range free {
		for off := s.Off; off < s.End() && off-s.Off < 8<<20; off += 1 << 20 { // the start of each is enough
			if _, err := h.WriteAt(junk[:min(s.End()-off, 1<<20)], off); err != nil {
				t.Fatal(err)
			}
		}
	}
	need.Run(t, "btrfs", "check", img)
	h.Close()
	dir, done := mount(t, img, "")
	out := need.Run(t, "btrfs", "scrub", "start", "-B", dir) // reads every copy
	if !strings.Contains(out, "no errors found") {
		t.Error(out)
	}
	done()
}
