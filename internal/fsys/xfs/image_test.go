package xfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// mkfs makes a sparse image with one XFS file system.
func mkfs(t testing.TB, size int64, args ...string) string {
	t.Helper()
	img := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, size); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mkfs.xfs", append(append([]string{"-q", "-f"}, args...), img)...)
	return img
}

// mount mounts an image through a loop device until the test ends or the
// returned function is called.
func mount(t testing.TB, img, opts string) (dir string, umount func()) {
	t.Helper()
	need.Root(t)
	dir = t.TempDir()
	if out, err := tryMount(t, img, dir, opts); err != nil {
		t.Fatalf("mount -o %s: %v\n%s", opts, err, out)
	}
	return dir, unmounter(t, dir)
}

// unmounter returns what unmounts an image from a folder, at the end of the test at the
// latest.
func unmounter(t testing.TB, dir string) func() {
	t.Helper()
	mounted := true
	umount := func() {
		if mounted {
			mounted = false
			need.Unmount(t, dir)
		}
	}
	t.Cleanup(umount)
	return umount
}

func tryMount(t testing.TB, img, dir, opts string) (string, error) {
	t.Helper()
	for tries := 0; ; tries++ {
		out, err := command(t, "mount", "-t", "xfs", "-o", "loop,"+opts, img, dir).CombinedOutput()
		if err == nil && bytes.Contains(out, []byte("read-only")) && strings.HasPrefix(opts, "rw") && tries < 20 {
			need.Unmount(t, dir) // the loop device was somebody else's read-only one a moment ago
			continue
		}
		if err == nil || tries == 20 || !bytes.Contains(out, []byte("busy")) { // another process took the same loop device
			return string(out), err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func openImage(t testing.TB, img string) *FS {
	t.Helper()
	f, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	fs, err := Open(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// copyImage copies an image, keeping it sparse.
func copyImage(t testing.TB, img string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	need.Run(t, "cp", "--sparse=always", img, to)
	return to
}

// listing is ReadDir as a map.
func listing(fs *FS, n fsys.Node) (map[string]fsys.Entry, error) {
	out := map[string]fsys.Entry{}
	err := fs.ReadDir(n, func(e fsys.Entry) error {
		if _, twice := out[e.Name]; twice {
			return fmt.Errorf("%q is listed twice", e.Name)
		}
		out[e.Name] = e
		return nil
	})
	return out, err
}

// A comparer compares our view with a kernel mount.
type comparer struct {
	t     testing.TB
	fs    *FS
	dir   string
	files int
	bad   int
	seen  map[fsys.Node]bool
	buf   []byte
}

func (c *comparer) errorf(format string, args ...any) {
	c.t.Helper()
	if c.bad++; c.bad <= 25 {
		c.t.Errorf(format, args...)
	}
}

// compare checks everything below dir and that Scan finds the same inodes.
func compare(t testing.TB, fs *FS, dir string) int {
	t.Helper()
	c := &comparer{t: t, fs: fs, dir: dir, buf: make([]byte, 1<<20), seen: map[fsys.Node]bool{fs.Root(): true}}
	c.node("/", fsys.Entry{Node: fs.Root(), Kind: fsys.Directory})
	scanned := map[fsys.Node]bool{}
	if err := fs.Scan(func(n fsys.Node, m fsys.Meta) error {
		if scanned[n] || !c.seen[n] {
			c.errorf("Scan: inode %d is listed twice or has no name: %+v", n, m)
		}
		if got, err := fs.Stat(n); err != nil || got != m {
			c.errorf("Scan and Stat of inode %d differ: %+v, %+v, %v", n, m, got, err)
		}
		scanned[n] = true
		return nil
	}); err != nil {
		c.errorf("Scan: %v", err)
	}
	if len(scanned) != len(c.seen) {
		c.errorf("Scan found %d inodes, the tree has %d", len(scanned), len(c.seen))
	}
	if c.bad > 25 {
		t.Errorf("%d differences in all", c.bad)
	}
	return c.files
}

func (c *comparer) node(name string, e fsys.Entry) {
	c.files++
	known := c.seen[e.Node] && name != "/"
	c.seen[e.Node] = true
	path := c.dir + name
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_ALL|unix.STATX_BTIME, &st); err != nil {
		c.errorf("%q is not in the kernel's view: %v", name, err)
		return
	}
	m, err := c.fs.Stat(e.Node)
	if err != nil {
		c.errorf("%q: %v", name, err)
		return
	}
	c.meta(name, m, &st)
	if e.Kind != fsys.Unknown && e.Kind != m.Kind {
		c.errorf("%q: kind %d in the directory, %d in the inode", name, e.Kind, m.Kind)
	}
	if known {
		return // another name of a file that was compared
	}
	c.xattrs(name, path, e.Node)
	switch m.Kind {
	case fsys.Directory:
		c.directory(name, path, e.Node)
	case fsys.Symlink:
		want, err1 := os.Readlink(path)
		got, err2 := c.fs.Readlink(e.Node)
		if err1 != nil || err2 != nil || got != want {
			c.errorf("%q: link to %q, want %q (%v, %v)", name, got, want, err2, err1)
		}
	case fsys.Regular:
		c.content(name, path, e.Node)
	}
}

func (c *comparer) meta(name string, m fsys.Meta, st *unix.Statx_t) {
	at := func(ts unix.StatxTimestamp) fsys.Time { return fsys.Time{Sec: ts.Sec, Nsec: ts.Nsec} }
	want := fsys.Meta{
		Kind: kindOfMode(st.Mode), Flags: m.Flags, Mode: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Nlink: st.Nlink,
		Rdev: st.Rdev_major<<20 | st.Rdev_minor, Inode: st.Ino, Size: int64(st.Size),
		Atime: at(st.Atime), Mtime: at(st.Mtime), Ctime: at(st.Ctime),
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		want.Btime = at(st.Btime)
	}
	if m != want {
		c.errorf("%q:\n got %+v\nwant %+v", name, m, want)
	}
	if (m.Flags&fsys.Immutable != 0) != (st.Attributes&unix.STATX_ATTR_IMMUTABLE != 0) ||
		(m.Flags&fsys.AppendOnly != 0) != (st.Attributes&unix.STATX_ATTR_APPEND != 0) {
		c.errorf("%q: flags %x, kernel attributes %x", name, m.Flags, st.Attributes)
	}
}

func (c *comparer) directory(name, path string, n fsys.Node) {
	want, err := os.ReadDir(path)
	if err != nil {
		c.t.Fatal(err)
	}
	got, err := listing(c.fs, n)
	if err != nil {
		c.errorf("%q: %v", name, err)
	}
	for _, w := range want {
		e, ok := got[w.Name()]
		if !ok {
			c.errorf("%q: %q is missing", name, w.Name())
			continue
		}
		delete(got, w.Name())
		c.node(strings.TrimSuffix(name, "/")+"/"+w.Name(), e)
	}
	for extra := range got {
		c.errorf("%q: %q should not be there", name, extra)
	}
}

func (c *comparer) xattrs(name, path string, n fsys.Node) {
	got, err := c.fs.Xattrs(n)
	if err != nil {
		c.errorf("%q: %v", name, err)
		return
	}
	k, err := unix.Llistxattr(path, c.buf)
	if errors.Is(err, unix.E2BIG) {
		return // more names than a system call can return
	}
	if err != nil {
		c.errorf("%q: llistxattr: %v", name, err)
		return
	}
	want := map[string]string{}
	for _, x := range strings.Split(string(c.buf[:k]), "\x00") {
		if x == "" || strings.HasPrefix(x, "trusted.SGI_ACL_") {
			continue
		}
		k, err := unix.Lgetxattr(path, x, c.buf)
		if err != nil {
			c.errorf("%q: lgetxattr %s: %v", name, x, err)
			continue
		}
		want[x] = string(c.buf[:k])
	}
	if len(got) != len(want) {
		c.errorf("%q: %d attributes, want %d", name, len(got), len(want))
	}
	for _, x := range got {
		if v, ok := want[x.Name]; !ok || v != string(x.Value) {
			c.errorf("%q: attribute %q is %d bytes %.40q, want %d bytes %.40q", name, x.Name, len(x.Value), x.Value, len(v), v)
		}
	}
}

type onlyReader struct{ io.Reader }

func (c *comparer) content(name, path string, n fsys.Node) {
	f, err := c.fs.Open(n)
	if err != nil {
		c.errorf("%q: %v", name, err)
		return
	}
	k, err := os.Open(path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer k.Close()
	a, b := sha256.New(), sha256.New()
	na, err1 := io.CopyBuffer(a, onlyReader{io.NewSectionReader(f, 0, f.Size())}, c.buf)
	nb, err2 := io.CopyBuffer(b, onlyReader{k}, c.buf)
	if err1 != nil || err2 != nil || na != nb || !bytes.Equal(a.Sum(nil), b.Sum(nil)) {
		c.errorf("%q: content differs: %d bytes (%v), want %d (%v)", name, na, err1, nb, err2)
	}
}
