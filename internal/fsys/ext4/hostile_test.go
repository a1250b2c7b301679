package ext4

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// smallImage returns the small image of one kind.
func smallImage(t testing.TB, name string) []byte {
	t.Helper()
	for i, img := range smallImages(t) {
		if smallVariants[i].name == name {
			return img
		}
	}
	t.Fatalf("no small image %s", name)
	return nil
}

func openBytes(t testing.TB, img []byte) *FS {
	t.Helper()
	f, err := Open(bytes.NewReader(img), int64(len(img)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// lookup finds a node by its path.
func lookup(t testing.TB, f *FS, p string) fsys.Node {
	t.Helper()
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", FS: f, Root: f.Root()})
	if err != nil {
		t.Fatal(err)
	}
	at, _, err := tree.Lookup(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return at.Node
}

// inodeAt is where an inode of img is.
func inodeAt(t testing.TB, f *FS, n fsys.Node) int64 {
	t.Helper()
	off, err := f.inodePlace(uint32(n))
	if err != nil {
		t.Fatal(err)
	}
	return off
}

// TestSuperblockLies opens superblocks that claim what cannot be.
func TestSuperblockLies(t *testing.T) {
	img := smallImage(t, "extents")
	for _, c := range []struct {
		name string
		off  int
		b    []byte
		want string
	}{
		{"block size", 0x18, []byte{99, 0, 0, 0}, "block size"},
		{"block size overflow", 0x18, []byte{0xFF, 0xFF, 0xFF, 0xFF}, "block size"},
		{"no blocks in a group", 0x20, []byte{0, 0, 0, 0}, "blocks in a group"},
		{"2^31 groups", 0x20, []byte{1, 0, 0, 0, 1, 0, 0, 0}, ""},
		{"no inodes in a group", 0x28, []byte{0, 0, 0, 0}, "inodes in a group"},
		{"many inodes in a group", 0x28, []byte{0xFF, 0xFF, 0xFF, 0xFF}, "inodes in a group"},
		{"2^32 inodes", 0, []byte{0xFF, 0xFF, 0xFF, 0xFF}, "inodes do not fit"},
		{"inode size 0", 0x58, []byte{0, 0}, "inode size"},
		{"inode size 100", 0x58, []byte{100, 0}, "inode size"},
		{"inode size over the block", 0x58, []byte{0, 0x80}, "inode size"},
		{"descriptor size", 0xFE, []byte{0, 0xFF}, "descriptor size"},
		{"first block", 0x14, []byte{0, 1}, "no file system"},
		{"no blocks", 4, []byte{0, 0, 0, 0}, "no file system"},
		{"compression", 0x60, []byte{0x43}, "compression"},
		{"journal device", 0x60, []byte{0x4A}, "external journal"},
		{"future feature", 0x63, []byte{0x80}, "feature set 0x80000000"},
	} {
		bad := bytes.Clone(img)
		copy(bad[superOff+c.off:], c.b)
		f, err := Open(bytes.NewReader(bad), int64(len(bad)))
		var fe *binread.FormatError
		var ue *binread.UnsupportedError
		switch {
		case c.want == "":
			if err == nil {
				exercise(t, f)
			}
		case err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &fe) && !errors.As(err, &ue):
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Open(bytes.NewReader(make([]byte, 4096)), 4096); err != binread.ErrNotMine {
		t.Errorf("zeros: %v", err)
	}
	if _, err := Open(bytes.NewReader(nil), 0); err != binread.ErrNotMine {
		t.Errorf("nothing: %v", err)
	}
}

// TestGroupBound opens a volume that claims 2^46 blocks.
func TestGroupBound(t *testing.T) {
	img := smallImage(t, "extents")
	le.PutUint32(img[superOff+0x150:], 0x7FFF)
	if _, err := Open(bytes.NewReader(img), 1<<62); err == nil || !strings.Contains(err.Error(), "block groups") {
		t.Errorf("got %v", err)
	}
}

// failsFast calls fn, which must fail with a FormatError that has an offset,
// and in short time.
func failsFast(t *testing.T, what string, fn func() error) {
	t.Helper()
	begin := need.CPU()
	err := fn()
	var fe *binread.FormatError
	if !errors.As(err, &fe) || fe.Offset < 0 {
		t.Errorf("%s: %v, want a FormatError with an offset", what, err)
	}
	if took := need.CPU() - begin; took > 2*time.Second {
		t.Errorf("%s took %v", what, took)
	}
}

// TestMapLoops makes block maps that refer to themselves.
func TestMapLoops(t *testing.T) {
	t.Run("indirect", func(t *testing.T) {
		img := smallImage(t, "ext2")
		f := openBytes(t, img)
		n := lookup(t, f, "/sparse")
		at := inodeAt(t, f, n)
		blk := le.Uint32(img[at+0x28:]) // its first block becomes a table of pointers to itself
		le.PutUint32(img[at+0x28+56:], blk)
		for i := int64(0); i < 1024; i += 4 {
			le.PutUint32(img[int64(blk)*1024+i:], blk)
		}
		le.PutUint32(img[at+4:], 0xFFFFFFFF)
		le.PutUint32(img[at+0x6C:], 3)
		failsFast(t, "Extents", func() error { _, err := openBytes(t, img).Extents(n); return err })
		failsFast(t, "ReadAt", func() error {
			c, err := openBytes(t, img).Open(n)
			if err != nil {
				return err
			}
			_, err = c.ReadAt(make([]byte, 10), 14<<30)
			return err
		})
	})
	t.Run("extents", func(t *testing.T) {
		img := smallImage(t, "extents")
		f := openBytes(t, img)
		n := lookup(t, f, "/sparse")
		at := inodeAt(t, f, n) + 0x28
		leaf := int64(le.Uint32(img[at+12+4:])) // of the first index entry: 12 extents need a leaf
		if le.Uint16(img[at+6:]) != 1 || le.Uint16(img[leaf*1024:]) != extentMagic {
			t.Fatalf("no extent tree of depth 1")
		}
		node := img[leaf*1024:]
		depth := func(root, child uint16) {
			le.PutUint16(img[at+6:], root)
			le.PutUint16(node[6:], child)
		}
		copy(node[12:24], img[at+12:at+24]) // the leaf's first entry points to the leaf
		fail := func(what string) {
			failsFast(t, what, func() error { _, err := openBytes(t, img).Extents(n); return err })
		}
		depth(2, 1)
		fail("loop")
		depth(5, 4)
		fail("deep loop")
		depth(6, 5)
		fail("too deep")
		depth(0xFFFF, 0xFFFE)
		fail("far too deep")
		depth(1, 1)
		fail("depth lie")
		depth(1, 0)
		le.PutUint16(node[2:], 0xFFFF)
		fail("entry count")
		le.PutUint16(node[4:], 0xFFFF)
		fail("entry count and room")
	})
}

// TestDirectoryLoop makes a directory its own child.
func TestDirectoryLoop(t *testing.T) {
	img := smallImage(t, "extents")
	f := openBytes(t, img)
	d := lookup(t, f, "/d")
	sub := lookup(t, f, "/d/sub")
	at := bytes.Index(img, []byte("\x03\x02sub")) - 6 // name length, file type, name
	if at < 0 || le.Uint32(img[at:]) != uint32(sub) {
		t.Fatal("no entry")
	}
	le.PutUint32(img[at:], uint32(d))
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", FS: openBytes(t, img), Root: rootIno})
	if err != nil {
		t.Fatal(err)
	}
	loops := 0
	err = tree.Walk("/", func(name string, p fsys.Place, e fsys.Entry, err error) error {
		if err != nil {
			loops++
		}
		return nil
	})
	if err != nil || loops != 1 {
		t.Errorf("%v, %d loops", err, loops)
	}
}

// TestChecksums breaks one byte of each kind of object that has a checksum:
// that object must be an error with its offset, and nothing else.
func TestChecksums(t *testing.T) {
	img := smallImage(t, "sums")
	good := openBytes(t, img)
	file, dir := lookup(t, good, "/sparse"), lookup(t, good, "/d")
	exts, err := good.Extents(dir)
	if err != nil {
		t.Fatal(err)
	}
	g, err := good.group(0)
	if err != nil {
		t.Fatal(err)
	}
	fileAt := inodeAt(t, good, file)
	leaf := int64(le.Uint32(img[fileAt+0x28+12+4:])) * 1024
	for _, c := range []struct {
		what string
		at   int64
		do   func(f *FS) error
	}{
		{"inode", fileAt + 0x10, func(f *FS) error { _, err := f.Stat(file); return err }},
		{"directory block", exts[0].Physical + 30, func(f *FS) error { return f.ReadDir(dir, func(fsys.Entry) error { return nil }) }},
		{"extent leaf", leaf + 14, func(f *FS) error { _, err := f.Extents(file); return err }},
		{"block bitmap", g.blockBitmap*1024 + 20, func(f *FS) error { _, err := f.Free(); return err }},
		{"inode bitmap", g.inodeBitmap*1024 + 2, func(f *FS) error { _, err := f.UnusedInodes(); return err }},
		{"group descriptor", g.off + 4, func(f *FS) error { _, err := f.Stat(file); return err }},
	} {
		bad := bytes.Clone(img)
		bad[c.at] ^= 0x10
		if err := c.do(good); err != nil {
			t.Errorf("%s: %v on the good image", c.what, err)
		}
		f := openBytes(t, bad)
		failsFast(t, c.what, func() error { return c.do(f) })
	}
	bad := bytes.Clone(img)
	bad[superOff+0x2C] ^= 1 // the mount time
	f := openBytes(t, bad)
	if p := f.Describe().Problems; len(p) != 1 || !strings.Contains(p[0].Detail, "superblock") {
		t.Errorf("problems of a bad superblock: %v", p)
	}
	if _, err := f.Stat(file); err != nil {
		t.Errorf("a bad superblock: %v", err)
	}
}

// TestManyExtents reads a file whose map does not fit the window of an open
// file, in both directions.
func TestManyExtents(t *testing.T) {
	img := make([]byte, 64<<20)
	bs := int64(1024)
	f := &FS{super: &super{bs: bs, blocks: 64 << 10, first: 1, ratio: 1}, volume: int64(len(img))}
	f.dev = bytes.NewReader(img)
	f.cache = newCache(f.dev, f.volume)
	const blocks = 12 + 256 + 256*60
	in := inode{ino: 12, b: make([]byte, 128)}
	le.PutUint16(in.b, 0x8000)
	le.PutUint32(in.b[4:], blocks*1024)
	next := uint32(100)
	alloc := func() uint32 { next += 2; return next } // never next to each other
	table := func(n int) uint32 {
		t := alloc()
		for i := range n {
			b := alloc()
			le.PutUint32(img[int64(t)*bs+int64(i)*4:], b)
		}
		return t
	}
	for i := range 12 {
		le.PutUint32(in.b[0x28+4*i:], alloc())
	}
	le.PutUint32(in.b[0x28+48:], table(256))
	dind := alloc()
	le.PutUint32(in.b[0x28+52:], dind)
	for i := range 60 {
		le.PutUint32(img[int64(dind)*bs+int64(i)*4:], table(256))
	}
	want := make([]byte, 0, blocks*1024)
	err := f.walkMap(in, 0, func(e extent) error {
		for i := range e.n {
			b := img[(e.pblk+i)*bs:][:bs]
			le.PutUint32(b, uint32(e.lblk+i))
			want = append(want, b...)
		}
		return nil
	})
	if err != nil || len(want) != blocks*1024 {
		t.Fatalf("%v, %d bytes", err, len(want))
	}
	c, err := f.content(in)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			got := make([]byte, 3000)
			for i := range int64(len(want)/25000 - 1) {
				off := i * 25000
				if k%2 == 1 {
					off = int64(len(want)) - 3000 - off
				}
				n, err := c.ReadAt(got, off)
				if err != nil && err != io.EOF || !bytes.Equal(got[:n], want[off:off+int64(n)]) {
					t.Errorf("at %d: %v or other bytes", off, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(c.(*file).win.Load().exts); n > windowExtents {
		t.Errorf("%d extents are kept", n)
	}
}

// TestConcurrent reads one file system from several goroutines.
func TestConcurrent(t *testing.T) {
	for _, name := range []string{"extents", "journal"} {
		f := openBytes(t, smallImage(t, name))
		want := oursOf(t, f)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				compare(t, oursOf(t, f), want)
				exercise(t, f)
			})
		}
		wg.Wait()
	}
}
