package btrfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/need"
)

// A variant is one way to make and fill a volume.
type variant struct {
	name  string
	size  int64
	mkfs  []string
	mount string
}

// newImage makes an empty btrfs volume in a sparse file.
func newImage(t testing.TB, v variant) string {
	t.Helper()
	img := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(img, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(img, v.size); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mkfs.btrfs", append(append([]string{"-q", "-f", "-L", "a label"}, v.mkfs...), img)...)
	return img
}

// mount mounts an image and returns the directory and how to let go of it.
func mount(t testing.TB, img, options string) (dir string, done func()) {
	t.Helper()
	dir = t.TempDir()
	need.Mount(t, img, dir, "noatime,"+options, "-t", "btrfs")
	mounted := true
	done = func() {
		if mounted {
			mounted = false
			need.Unmount(t, dir)
		}
	}
	t.Cleanup(done)
	return dir, done
}

// open opens an image with the code under test.
func open(t testing.TB, img string) *FS {
	t.Helper()
	h, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	st, err := h.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(h, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A filler makes files and fails the test when it cannot.
type filler struct {
	t   testing.TB
	dir string
	r   *rand.Rand
}

func (x *filler) ok(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *filler) path(name string) string { return filepath.Join(x.dir, name) }

func (x *filler) mkdir(name string) { x.t.Helper(); x.ok(os.MkdirAll(x.path(name), 0o755)) }

func (x *filler) write(name string, b []byte) {
	x.t.Helper()
	x.ok(os.WriteFile(x.path(name), b, 0o640))
}

// bytes makes n bytes: half of them random, so that they can be compressed.
func (x *filler) bytes(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; {
		run := min(1+x.r.IntN(200), n-i)
		if x.r.IntN(2) == 0 {
			for j := range run {
				b[i+j] = byte(x.r.Uint32())
			}
		} else {
			copy(b[i:i+run], bytes.Repeat([]byte{byte('a' + x.r.IntN(26))}, run))
		}
		i += run
	}
	return b
}

// fill makes some thousand files of every kind in subvolumes and snapshots.
func fill(t testing.TB, dir string) {
	t.Helper()
	x := &filler{t, dir, rand.New(rand.NewPCG(7, 7))}
	sub := func(args ...string) { need.Run(t, "btrfs", append([]string{"-q", "subvolume"}, args...)...) }
	sub("create", x.path("@"))
	sub("create", x.path("@/home"))
	x.mkdir("@/var/lib")
	sub("create", x.path("@/var/lib/machines"))
	x.write("@/var/lib/machines/m", []byte("machine"))
	x.tree("@/tree", 3200)
	x.tree("@/home/tree", 700)
	x.large("@/large")
	x.odd("@/odd")
	need.Run(t, "sync", "-f", dir)
	x.mkdir("snaps")
	sub("snapshot", "-r", x.path("@"), x.path("snaps/ro"))
	sub("snapshot", x.path("@/home"), x.path("snaps/rw"))
	for i := range 200 { // what changes after the snapshot
		x.write(fmt.Sprintf("@/tree/d0/f%05d", i), x.bytes(300))
	}
	x.write("snaps/rw/only-here", x.bytes(5000))
	sub("create", x.path("gone"))
	x.write("gone/f", x.bytes(5000))
	sub("delete", "-c", x.path("gone"))
	sub("set-default", x.path("@"))
}

// tree makes n small files, most of them in one directory when there are many, and half as
// many links.
func (x *filler) tree(base string, n int) {
	x.t.Helper()
	for d := range 8 {
		x.mkdir(fmt.Sprintf("%s/d%d", base, d))
	}
	for i := range n {
		d := x.r.IntN(8)
		if i%20 < 19 && n > 3000 {
			d = 0
		}
		x.write(fmt.Sprintf("%s/d%d/f%05d", base, d, i), x.bytes(x.r.IntN(1<<x.r.IntN(15)+1)))
	}
	for i := range n / 2 {
		x.ok(os.Symlink(strings.Repeat("t", 1+i%300), x.path(fmt.Sprintf("%s/d7/link%d", base, i))))
	}
}

// large makes files with holes, unwritten space, many extents and sharing.
func (x *filler) large(base string) {
	x.t.Helper()
	x.mkdir(base)
	big := x.bytes(6<<20 + 123)
	x.write(base+"/plain", big)
	h, err := os.Create(x.path(base + "/fragmented"))
	x.ok(err)
	for i := range 2000 { // every other block, backwards
		_, err := h.WriteAt(big[i*100:i*100+4096], int64(2000-i)*8192)
		x.ok(err)
		if i%50 == 0 {
			x.ok(h.Sync())
		}
	}
	x.ok(h.Close())
	h, err = os.Create(x.path(base + "/sparse"))
	x.ok(err)
	_, err = h.WriteAt([]byte("end"), 1<<32)
	x.ok(err)
	_, err = h.WriteAt(big[:70000], 1<<20+17)
	x.ok(err)
	x.ok(h.Close())
	h, err = os.Create(x.path(base + "/prealloc"))
	x.ok(err)
	x.ok(unix.Fallocate(int(h.Fd()), 0, 0, 1<<20))
	x.ok(unix.Fallocate(int(h.Fd()), unix.FALLOC_FL_KEEP_SIZE, 2<<20, 1<<20))
	_, err = h.WriteAt(big[:9000], 300000)
	x.ok(err)
	x.ok(h.Close())
	need.Run(x.t, "cp", "--reflink=always", x.path(base+"/plain"), x.path(base+"/copy"))
	h, err = os.OpenFile(x.path(base+"/copy"), os.O_RDWR, 0)
	x.ok(err)
	x.ok(h.Sync())
	for i := range 40 { // overwrite inside shared and compressed extents
		_, err := h.WriteAt(big[i*5000:i*5000+1+x.r.IntN(20000)], int64(x.r.IntN(5<<20)))
		x.ok(err)
	}
	x.ok(unix.Fallocate(int(h.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 1<<20+5, 300000))
	x.ok(h.Close())
	need.Run(x.t, "cp", "--reflink=always", x.path(base+"/copy"), x.path(base+"/cut"))
	x.ok(os.Truncate(x.path(base+"/cut"), 777777))
	nocow := x.path(base + "/nocow")
	x.write(base+"/nocow", nil)
	need.Run(x.t, "chattr", "+C", nocow)
	x.write(base+"/nocow", big[:300000])
}

// odd makes names, types, owners and attributes that are rare.
func (x *filler) odd(base string) {
	x.t.Helper()
	x.mkdir(base)
	x.write(base+"/"+strings.Repeat("n", 255), []byte("long name"))
	x.write(base+"/not\xff\xfeutf8\n", []byte("bytes"))
	x.write(base+"/empty", nil)
	x.write(base+"/inline-max", x.bytes(2048))
	x.write(base+"/inline-over", x.bytes(2049))
	x.ok(unix.Mknod(x.path(base+"/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	x.ok(unix.Mknod(x.path(base+"/disk"), unix.S_IFBLK|0o600, int(unix.Mkdev(259, 70000))))
	x.ok(unix.Mknod(x.path(base+"/fifo"), unix.S_IFIFO|0o600, 0))
	x.ok(unix.Mknod(x.path(base+"/socket"), unix.S_IFSOCK|0o600, 0))
	x.ok(os.Symlink(strings.Repeat("/long", 400), x.path(base+"/longlink")))
	x.write(base+"/many-links", []byte("linked"))
	for i := range 300 { // more than fit one INODE_REF item at 4 KiB nodes
		x.ok(os.Link(x.path(base+"/many-links"), x.path(fmt.Sprintf("%s/l%d-%s", base, i, strings.Repeat("x", 40)))))
	}
	x.write(base+"/owned", []byte("owned"))
	x.ok(os.Chown(x.path(base+"/owned"), 70000, 80000))
	x.ok(unix.Chmod(x.path(base+"/owned"), 0o6755))
	for i := range 60 {
		x.ok(unix.Setxattr(x.path(base+"/owned"), fmt.Sprintf("user.key%d", i), x.bytes(i*20), 0))
	}
	x.ok(unix.Setxattr(x.path(base+"/owned"), "security.capability", []byte("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
	x.ok(unix.Setxattr(x.path(base), "trusted.t", []byte{0, 1}, 0))
	deep := base
	for range 60 {
		deep += "/deeper"
	}
	x.mkdir(deep)
	x.ok(os.Chtimes(x.path(base+"/empty"), unixTime(-5, 7), unixTime(1<<34, 999999999)))
}
