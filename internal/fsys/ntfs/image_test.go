package ntfs

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/need"
)

// mkntfs makes a sparse image with one NTFS file system.
func mkntfs(t testing.TB, size int64, args ...string) string {
	t.Helper()
	img := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, size); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mkntfs", append(append([]string{"-q", "-Q", "-F", "-L", "Wíndows"}, args...), img)...)
	return img
}

// mount mounts an image with ntfs-3g until the test ends or the returned
// function is called.
func mount(t testing.TB, img, opts string) (dir string, umount func()) {
	t.Helper()
	need.Root(t)
	need.Tool(t, "ntfs-3g")
	dir = t.TempDir()
	need.Run(t, "ntfs-3g", "-o", "streams_interface=windows,"+opts, img, dir)
	mounted := true
	umount = func() {
		if mounted {
			mounted = false
			need.Unmount(t, dir)
			need.Unlocked(t, img)
		}
	}
	t.Cleanup(umount)
	return dir, umount
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

// pattern is n bytes that compress somewhat and differ by seed.
func pattern(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]byte, 0, n+64)
	for len(out) < n {
		switch r.IntN(4) {
		case 0:
			for range 1 + r.IntN(40) {
				out = append(out, byte(r.Uint32()))
			}
		case 1:
			out = append(out, bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(300))...)
		default:
			out = fmt.Appendf(out, "line %d of %d: the quick brown fox\r\n", r.IntN(10), seed)
		}
	}
	return out[:n]
}

func noise(seed uint64, n int) []byte {
	out := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(out)
	return out
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t testing.TB, name string) string {
	t.Helper()
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// compressed marks a directory, so that what is made in it is compressed.
func compressed(t testing.TB, dir string) string {
	t.Helper()
	need.Run(t, "setfattr", "-h", "-n", "system.ntfs_attrib_be", "-v", "0x00000800", mkdir(t, dir))
	return dir
}

// populate fills a mounted volume with everything that the reader tells apart.
func populate(t testing.TB, dir string, entries int, cluster int64) {
	t.Helper()
	sizes := []int{0, 1, 100, 500, 511, 512, 700, 1023, 1024, 4095, 4096, 4097, 65535, 65536, 65537, 300000}
	for _, n := range sizes {
		write(t, fmt.Sprintf("%s/plain-%d.bin", dir, n), noise(uint64(n), n))
	}
	c := mkdir(t, dir+"/packed")
	if cluster <= 4096 { // larger clusters cannot be compressed
		compressed(t, c)
	}
	for i, n := range append(sizes, 1<<20+77) {
		write(t, fmt.Sprintf("%s/text-%d.txt", c, n), pattern(uint64(i), n))
		write(t, fmt.Sprintf("%s/noise-%d.bin", c, n), noise(uint64(i), n))
	}
	write(t, c+"/zero.bin", make([]byte, 200000))
	mixed := append(append(make([]byte, 70000), noise(5, 140000)...), pattern(6, 90000)...)
	write(t, c+"/mixed.bin", mixed)
	many := mkdir(t, dir+"/many")
	for i := range entries {
		write(t, fmt.Sprintf("%s/a rather long name of a file, number %05d", many, i), fmt.Appendf(nil, "%d", i))
	}
	for i := 0; i < entries; i += 3 {
		_ = os.Remove(fmt.Sprintf("%s/a rather long name of a file, number %05d", many, i))
	}
	names := mkdir(t, dir+"/Names")
	for _, n := range []string{"UPPER", "MiXed.Case", "ünïcödé", "目录文件", "emoji-😀", strings.Repeat("x", 255), "with space", ".hidden"} {
		write(t, names+"/"+n, []byte("name "+n))
	}
	deep := names
	for i := range 20 {
		deep = mkdir(t, fmt.Sprintf("%s/level-%d", deep, i))
	}
	write(t, deep+"/bottom", []byte("bottom"))
	s, err := os.Create(dir + "/sparse.bin")
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{0, 1 << 20, 5<<20 + 13, 9 << 20} {
		if _, err := s.WriteAt(noise(uint64(off), 5000), off); err != nil {
			t.Fatal(err)
		}
	}
	_ = s.Truncate(12 << 20)
	s.Close()
	write(t, dir+"/streams.txt", []byte("main"))
	write(t, dir+"/streams.txt:Zone.Identifier", []byte("[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://example.com/x\r\n"))
	write(t, dir+"/streams.txt:big", noise(9, 123456))
	write(t, names+":on a directory", []byte("stream of a directory"))
	if err := os.Link(dir+"/plain-4096.bin", names+"/hard link"); err != nil {
		t.Fatal(err)
	}
}

// fragment writes a file of many runs, so that it needs an attribute list: it
// has every other cluster only.
func fragment(t testing.TB, name string, clusters, cluster int64) {
	t.Helper()
	fragmentWith(t, name, clusters, cluster, noise(3, int(cluster)))
}

func fragmentWith(t testing.TB, name string, clusters, cluster int64, b []byte) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := int64(0); i < clusters; i += 2 {
		if _, err := f.WriteAt(b, i*cluster); err != nil {
			t.Fatal(err)
		}
	}
}

// A comparer compares our view with a mount of ntfs-3g.
type comparer struct {
	t     testing.TB
	fs    fsys.FS
	dir   string
	files int
	bad   int
	seen  map[fsys.Node]bool
}

func (c *comparer) errorf(format string, args ...any) {
	c.t.Helper()
	if c.bad++; c.bad <= 25 {
		c.t.Errorf(format, args...)
	}
}

// compare checks everything below dir and that Scan finds the same files.
func compare(t testing.TB, x fsys.FS, dir string) *comparer {
	t.Helper()
	c := &comparer{t: t, fs: x, dir: dir, seen: map[fsys.Node]bool{x.Root(): true}}
	c.walk("", x.Root())
	scanned := map[fsys.Node]bool{}
	err := x.(fsys.InodeScanner).Scan(func(n fsys.Node, m fsys.Meta) error {
		scanned[n] = true
		if !c.seen[n] {
			c.errorf("Scan yields %#x, which the walk did not meet", n)
		}
		if s, err := x.Stat(n); err != nil || s != m {
			c.errorf("Scan says %+v of %#x, Stat %+v, %v", m, n, s, err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("Scan: %v", err)
	}
	for n := range c.seen {
		if !scanned[n] {
			c.errorf("Scan does not yield %#x", n)
		}
	}
	t.Logf("%d files compared", c.files)
	return c
}

func (c *comparer) walk(path string, n fsys.Node) {
	ours := map[string]fsys.Entry{}
	err := c.fs.ReadDir(n, func(e fsys.Entry) error {
		if _, twice := ours[e.Name]; twice {
			c.errorf("%s/%s is listed twice", path, e.Name)
		}
		ours[e.Name] = e
		return nil
	})
	if err != nil {
		c.errorf("ReadDir(%s): %v", path, err)
	}
	theirs, err := os.ReadDir(c.dir + path)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, d := range theirs {
		e, ok := ours[d.Name()]
		if !ok {
			c.errorf("%s/%s is missing", path, d.Name())
			continue
		}
		delete(ours, d.Name())
		c.file(path+"/"+d.Name(), e, d)
	}
	for name := range ours {
		c.errorf("%s/%s is too much", path, name)
	}
}

func (c *comparer) file(path string, e fsys.Entry, d fs.DirEntry) {
	c.files++
	c.seen[e.Node] = true
	m, err := c.fs.Stat(e.Node)
	if err != nil {
		c.errorf("Stat(%s): %v", path, err)
		return
	}
	st, err := os.Lstat(c.dir + path)
	if err != nil {
		c.t.Fatal(err)
	}
	if e.Kind != fsys.Unknown && e.Kind != m.Kind {
		c.errorf("%s: entry says %v, Stat %v", path, e.Kind, m.Kind)
	}
	if !st.ModTime().Equal(m.Mtime.Time()) {
		c.errorf("%s: mtime %v, want %v", path, m.Mtime.Time(), st.ModTime())
	}
	switch {
	case d.IsDir():
		if m.Kind != fsys.Directory {
			c.errorf("%s: kind %v, want a directory", path, m.Kind)
			return
		}
		c.walk(path, e.Node)
	case d.Type() == fs.ModeSymlink:
		if m.Kind != fsys.Symlink {
			c.errorf("%s: kind %v, want a link", path, m.Kind)
		}
	default:
		if m.Kind != fsys.Regular || m.Size != st.Size() {
			c.errorf("%s: kind %v, %d bytes, want %d", path, m.Kind, m.Size, st.Size())
			return
		}
		f, err := c.fs.Open(e.Node)
		if err != nil {
			c.errorf("Open(%s): %v", path, err)
			return
		}
		c.content(path, f)
	}
}

// content compares a file's hash with that of a path below the mount.
func (c *comparer) content(path string, f fsys.File) {
	g, err := os.Open(c.dir + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer g.Close()
	want := sha256.New()
	if _, err := io.Copy(want, g); err != nil {
		c.t.Fatal(err)
	}
	got := sha256.New()
	if _, err := io.Copy(got, io.NewSectionReader(f, 0, f.Size())); err != nil {
		c.errorf("reading %s: %v", path, err)
		return
	}
	if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
		c.errorf("%s differs", path)
	}
}

// find resolves a path without a Tree.
func find(t testing.TB, x fsys.FS, path string) fsys.Node {
	t.Helper()
	n, err := lookup(x, path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return n
}

func lookup(x fsys.FS, path string) (fsys.Node, error) {
	n := x.Root()
	for _, name := range strings.Split(path, "/") {
		next := fsys.Node(0)
		err := x.ReadDir(n, func(e fsys.Entry) error {
			if e.Name == name {
				next = e.Node
				return fsys.ErrStop
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		if next == 0 {
			return 0, errors.New(name + " is not there")
		}
		n = next
	}
	return n, nil
}

func content(t testing.TB, x fsys.FS, path string) []byte {
	t.Helper()
	f, err := x.Open(find(t, x, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return all(t, f)
}

func all(t testing.TB, f fsys.File) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
