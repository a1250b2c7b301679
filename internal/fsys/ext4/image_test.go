package ext4

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// A variant is one way to call mke2fs.
type variant struct {
	name string
	args []string
	size int64 // MiB
}

// variants are the file systems of the supported distributions (EL7 makes
// uninit_bg, EL8 and Debian 12 metadata_csum, Debian 13 metadata_csum_seed and
// orphan_file) and every other layout that mke2fs can make and the kernel can
// mount.
var variants = []variant{
	{"ext4", []string{"-t", "ext4"}, 96},
	{"debian13", []string{"-t", "ext4", "-O", "metadata_csum_seed,orphan_file"}, 96},
	{"el7", []string{"-t", "ext4", "-O", "^metadata_csum,uninit_bg,^64bit"}, 96},
	{"ext2", []string{"-t", "ext2", "-O", "^has_journal"}, 96},
	{"ext3-1k", []string{"-t", "ext3", "-b", "1024"}, 96},
	{"ext2-1k-i128", []string{"-t", "ext2", "-b", "1024", "-I", "128"}, 96},
	{"metabg-1k", []string{"-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode,metadata_csum"}, 96},
	{"inline", []string{"-t", "ext4", "-I", "512", "-O", "inline_data,metadata_csum"}, 96},
	{"inline-ea-2k", []string{"-t", "ext4", "-b", "2048", "-I", "1024", "-O", "inline_data,ea_inode,large_dir"}, 96},
	{"bigalloc", []string{"-t", "ext4", "-C", "65536", "-O", "bigalloc"}, 512},
	{"bigalloc-1k", []string{"-t", "ext4", "-b", "1024", "-C", "16384", "-O", "bigalloc,^resize_inode"}, 256},
	{"eainode", []string{"-t", "ext4", "-O", "ea_inode,large_dir"}, 96},
	{"sparse2-2k", []string{"-t", "ext4", "-b", "2048", "-O", "sparse_super2,^resize_inode"}, 96},
	{"noflex-nojournal", []string{"-t", "ext4", "-O", "^flex_bg,^has_journal,^extents,^64bit,^metadata_csum"}, 96},
	{"rev0", []string{"-r", "0", "-O", "none", "-b", "1024"}, 64},
	{"features", []string{"-t", "ext4", "-O", "encrypt,verity"}, 96},
	{"many-groups", []string{"-t", "ext4", "-g", "1024", "-G", "4"}, 96},
}

// mkfs makes an image in t's own folder and returns its path.
func mkfs(t testing.TB, v variant, extra ...string) string {
	t.Helper()
	img := filepath.Join(t.TempDir(), "fs.img")
	args := append([]string{"-q", "-F", "-E", "hash_seed=01234567-89ab-cdef-0123-456789abcdef"}, v.args...)
	args = append(append(args, extra...), img, fmt.Sprintf("%dM", v.size))
	need.Run(t, "mke2fs", args...)
	return img
}

// mount mounts img and unmounts it when the test ends, or earlier by the
// function returned.
func mount(t testing.TB, img, opts string) (dir string, unmount func()) {
	t.Helper()
	need.Root(t)
	dir = t.TempDir()
	need.Mount(t, img, dir, opts, "-t", "ext4")
	done := false
	unmount = func() {
		if !done {
			done = true
			need.Unmount(t, dir)
		}
	}
	t.Cleanup(unmount)
	return dir, unmount
}

// open opens the image at path with the package.
func open(t testing.TB, img string) *FS {
	t.Helper()
	r, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	st, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(r, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// populate fills dir with every kind of file. What a variant cannot hold (large
// attributes, preallocation) is left out of it.
func populate(t testing.TB, dir string, files int) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name string, n int) string {
		p := filepath.Join(dir, name)
		must(os.WriteFile(p, bytes.Repeat([]byte(name+"\n"), n/(len(name)+1)+1)[:n], 0o640))
		return p
	}
	must(os.MkdirAll(filepath.Join(dir, "a/b/c/d/e/f"), 0o750))
	must(os.Mkdir(filepath.Join(dir, "big"), 0o755))
	must(os.Mkdir(filepath.Join(dir, "small"), 0o1777))
	must(os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	for i := range min(files/3, 3000) {
		write(fmt.Sprintf("big/%04d-%s", i, strings.Repeat("n", i%60)), i%50)
	}
	for i := range files / 2 {
		d := fmt.Sprintf("a/%d", i%37)
		must(os.MkdirAll(filepath.Join(dir, d), 0o755))
		write(fmt.Sprintf("%s/f%d", d, i), i*7%6000)
	}
	for i := range 260 { // around the bounds of inline data
		write(fmt.Sprintf("small/%d", i), i*3)
	}
	for _, n := range []string{strings.Repeat("L", 255), "\xff\xfe\x80latin\xe9", "new\nline", "tab\t", "日本語", "-", "...", " "} {
		write(n, 100)
	}
	for _, n := range []int{1, 59, 60, 61, 200, 1000} {
		must(os.Symlink(strings.Repeat("x", n), filepath.Join(dir, fmt.Sprintf("link%d", n))))
	}
	must(os.Link(filepath.Join(dir, "small/7"), filepath.Join(dir, "a/hard")))
	must(unix.Mknod(filepath.Join(dir, "fifo"), unix.S_IFIFO|0o600, 0))
	must(unix.Mknod(filepath.Join(dir, "sock"), unix.S_IFSOCK|0o600, 0))
	must(unix.Mknod(filepath.Join(dir, "sda1"), unix.S_IFBLK|0o660, int(unix.Mkdev(8, 1))))
	must(unix.Mknod(filepath.Join(dir, "chr"), unix.S_IFCHR|0o666, int(unix.Mkdev(300, 70000))))
	populateMaps(t, dir)
	populateMeta(t, dir)
}

// populateMaps makes sparse, fragmented and preallocated files.
func populateMaps(t testing.TB, dir string) {
	t.Helper()
	create := func(name string, fill func(*os.File)) {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		fill(f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put := func(f *os.File, off int64, n int) {
		if _, err := f.WriteAt(bytes.Repeat([]byte{byte(off>>12) | 1}, n), off); err != nil {
			t.Fatal(err)
		}
	}
	create("sparse", func(f *os.File) {
		for off := int64(5000); off < 60<<20; off += 7 << 20 {
			put(f, off, 3000)
		}
		f.Truncate(80 << 20)
	})
	create("fragmented", func(f *os.File) {
		for i := range int64(3000) {
			put(f, i*8192, 1024)
		}
	})
	create("hole", func(f *os.File) { f.Truncate(12345) })
	create("large", func(f *os.File) { put(f, 0, 9<<20+123) })
	create("prealloc", func(f *os.File) {
		put(f, 0, 10000)
		unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, 1<<20)
	})
	create("unwritten", func(f *os.File) {
		unix.Fallocate(int(f.Fd()), 0, 0, 2<<20)
		put(f, 1<<20, 70000)
		unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, 1<<20+8192, 16384)
	})
}

// populateMeta sets owners, times, modes and attributes.
func populateMeta(t testing.TB, dir string) {
	t.Helper()
	at := func(n int) string { return filepath.Join(dir, fmt.Sprintf("small/%d", n)) }
	os.Chown(at(1), 70000, 1<<31)
	os.Chown(at(2), 1000, 65535)
	os.Chmod(at(3), 0o4755|fs.ModeSetuid|fs.ModeSetgid)
	for i, sec := range []int64{-1, -2147483648, 4102444800, 7258118400, 15032385535, 1, 2147483647} {
		when := time.Unix(sec, 123456789)
		if err := os.Chtimes(at(10+i), when, when.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	set := func(p, name string, v []byte) { _ = unix.Lsetxattr(p, name, v, 0) }
	set(at(20), "user.a", []byte("in the inode"))
	set(at(20), "security.selinux", []byte("system_u:object_r:shadow_t:s0\x00"))
	set(at(21), "user.block", bytes.Repeat([]byte("block"), 150))
	set(at(21), "user.second", []byte("2"))
	set(at(22), "user.huge", bytes.Repeat([]byte("huge"), 5000))
	set(at(23), "trusted.t", nil)
	set(at(24), "user.empty", nil)
	set(at(100), "user.with.inline", []byte("inline file with attribute"))
	set(filepath.Join(dir, "small"), "user.dir", []byte("on a directory"))
	set(filepath.Join(dir, "link60"), "trusted.link", []byte("on a link"))
	acl := []byte{2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0x39, 5, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
		16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255}
	set(at(25), "system.posix_acl_access", acl)
	set(filepath.Join(dir, "empty"), "system.posix_acl_default", acl)
}

// A fact is everything that is compared of one file.
type fact struct {
	meta   fsys.Meta
	sum    [32]byte
	target string
	xattrs string
}

// oursOf reads every file of f.
func oursOf(t testing.TB, f *FS) map[string]fact {
	t.Helper()
	out := map[string]fact{}
	var visit func(name string, n fsys.Node)
	visit = func(name string, n fsys.Node) {
		out[name] = ourFact(t, f, name, n)
		if out[name].meta.Kind != fsys.Directory {
			return
		}
		err := f.ReadDir(n, func(e fsys.Entry) error {
			visit(name+"/"+e.Name, e.Node)
			if k := out[name+"/"+e.Name].meta.Kind; e.Kind != fsys.Unknown && k != e.Kind {
				t.Errorf("%q: entry of kind %d, inode of kind %d", name+"/"+e.Name, e.Kind, k)
			}
			return nil
		})
		if err != nil {
			t.Errorf("ReadDir %q: %v", name, err)
		}
	}
	visit("", f.Root())
	return out
}

func ourFact(t testing.TB, f *FS, name string, n fsys.Node) fact {
	t.Helper()
	x := fact{}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	var err error
	x.meta, err = f.Stat(n)
	check(err)
	x.meta.Flags, x.meta.Btime = 0, fsys.Time{}
	as, err := f.Xattrs(n)
	check(err)
	for _, a := range as {
		x.xattrs += fmt.Sprintf("%s=%q\n", a.Name, a.Value)
	}
	switch x.meta.Kind {
	case fsys.Regular:
		c, err := f.Open(n)
		check(err)
		if err == nil {
			x.sum = sum(t, io.NewSectionReader(c, 0, c.Size()))
		}
	case fsys.Symlink:
		x.target, err = f.Readlink(n)
		check(err)
	}
	return x
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

func sum(t testing.TB, r io.Reader) (out [32]byte) {
	t.Helper()
	h := sha256.New()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{r}, *buf); err != nil {
		t.Error(err)
	}
	return [32]byte(h.Sum(nil))
}

// theirsOf reads every file that the kernel shows below dir.
func theirsOf(t testing.TB, dir string) map[string]fact {
	t.Helper()
	out := map[string]fact{}
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		out[strings.TrimPrefix(p, dir)] = theirFact(t, p)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func theirFact(t testing.TB, p string) fact {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		t.Fatal(err)
	}
	stamp := func(ts unix.Timespec) fsys.Time { return fsys.Time{Sec: ts.Sec, Nsec: uint32(ts.Nsec)} }
	x := fact{meta: fsys.Meta{
		Kind: inode{b: []byte{byte(st.Mode), byte(st.Mode >> 8)}}.kind(),
		Mode: uint16(st.Mode & 0o7777), UID: st.Uid, GID: st.Gid, Nlink: uint32(st.Nlink), Inode: st.Ino,
		Size: st.Size, Atime: stamp(st.Atim), Mtime: stamp(st.Mtim), Ctime: stamp(st.Ctim),
	}}
	switch x.meta.Kind {
	case fsys.Regular:
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		x.sum = sum(t, f)
	case fsys.Symlink:
		x.target, _ = os.Readlink(p)
	case fsys.CharDevice, fsys.BlockDevice:
		x.meta.Rdev = unix.Major(st.Rdev)<<20 | unix.Minor(st.Rdev)
	}
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(p, buf)
	if err != nil || n == 0 {
		return x
	}
	names := strings.Split(strings.TrimSuffix(string(buf[:n]), "\x00"), "\x00")
	slices.Sort(names)
	for _, name := range names {
		n, err := unix.Lgetxattr(p, name, buf)
		if err != nil {
			t.Fatalf("%s %s: %v", p, name, err)
		}
		x.xattrs += fmt.Sprintf("%s=%q\n", name, buf[:n])
	}
	return x
}

// compare reports where two trees differ.
func compare(t testing.TB, ours, theirs map[string]fact) {
	t.Helper()
	bad := 0
	report := func(format string, args ...any) {
		if bad++; bad <= 10 {
			t.Errorf(format, args...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		our, ok := ours[name]
		switch {
		case !ok:
			report("%q is missing", name)
		case our != theirs[name]:
			report("%q:\n ours   %+v\n kernel %+v", name, our, theirs[name])
		}
	}
	for name := range ours {
		if _, ok := theirs[name]; !ok {
			report("%q is not there for the kernel", name)
		}
	}
	if bad > 10 {
		t.Errorf("… %d differences", bad)
	}
}

// command runs a program whose exit code may be anything and returns its output.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, _ := exec.Command(need.Tool(t, name), args...).CombinedOutput()
	return string(out)
}
