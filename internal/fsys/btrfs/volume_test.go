package btrfs

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// find walks down a path.
func find(t testing.TB, f *FS, path string) fsys.Node {
	t.Helper()
	n := f.Root()
	for _, name := range strings.Split(path, "/") {
		var next fsys.Node
		err := f.ReadDir(n, func(e fsys.Entry) error {
			if e.Name == name {
				next = e.Node
			}
			return nil
		})
		if err != nil || next == 0 {
			t.Fatalf("%s: no %q: %v", path, name, err)
		}
		n = next
	}
	return n
}

func content(t testing.TB, f *FS, path string) ([]byte, error) {
	t.Helper()
	x, err := f.Open(find(t, f, path))
	if err != nil {
		t.Fatal(err)
	}
	return io.ReadAll(io.NewSectionReader(x, 0, x.Size()))
}

func openPatched(t testing.TB, p *patched) *FS {
	t.Helper()
	f, err := Open(p, p.size)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

var plainText = bytes.Repeat([]byte("plain text "), 2000)

// TestSecondCopy breaks the first copy of everything on a DUP volume.
func TestSecondCopy(t *testing.T) {
	base := small(t, "-m", "dup", "-d", "dup")
	f := openPatched(t, base)
	p := base.clone()
	for _, c := range f.chunks {
		if len(c.copies) != 2 {
			t.Fatalf("chunk %+v is not DUP", c)
		}
		for off := range p.pages {
			if uint64(off)-c.copies[0] < c.length {
				p.set(off+500, 0xee)
				p.set(off+600, p.pages[off][600]^0xff)
			}
		}
	}
	got, err := content(t, openPatched(t, p), "a/b/plain")
	if err != nil || !bytes.Equal(got, plainText) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := exercise(p, p.size); err != nil {
		t.Error(err)
	}
}

// TestBadData breaks one sector of file data: what is before it is read, and
// the error names where it is.
func TestBadData(t *testing.T) {
	p := small(t, "-m", "single")
	f := openPatched(t, p)
	list, err := f.Extents(find(t, f, "a/b/plain"))
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	bad := list[0].Physical + 2*4096 + 77
	p.set(bad, 0)
	x, err := f.Open(find(t, f, "a/b/plain"))
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, x.Size())
	n, err := x.ReadAt(b, 0)
	var fe *binread.FormatError
	if !errors.As(err, &fe) || fe.Offset != list[0].Physical+2*4096 || n != 2*4096 || !bytes.Equal(b[:n], plainText[:n]) {
		t.Errorf("%d bytes, %v, want an error at %d", n, err, list[0].Physical+2*4096)
	}
	if n, err := x.ReadAt(b[:1000], 3*4096); n != 1000 || err != nil {
		t.Errorf("behind it: %d bytes, %v", n, err)
	}
}

// TestSuperblocks breaks the copies of the superblock.
func TestSuperblocks(t *testing.T) {
	base := small(t, "-m", "single")
	p := base.clone()
	p.set(65536+300, 'X')
	f := openPatched(t, p)
	if d := f.Describe(); len(d.Problems) != 1 || d.Problems[0].Kind != finding.GapCorrupt || !strings.Contains(d.Problems[0].Detail, "67108864") {
		t.Errorf("problems: %v", d.Problems)
	}
	if got, err := content(t, f, "a/b/plain"); err != nil || !bytes.Equal(got, plainText) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	p.set(64<<20+300, 'X')
	var fe *binread.FormatError
	if _, err := Open(p, p.size); !errors.As(err, &fe) || fe.Offset != 65536 {
		t.Errorf("with both broken: %v", err)
	}
	p = base.clone()
	p.set(65536+64, 0)
	if _, err := Open(p, p.size); err != binread.ErrNotMine {
		t.Errorf("without magic: %v", err)
	}
	if _, err := Open(p, 1000); err != binread.ErrNotMine {
		t.Errorf("a short volume: %v", err)
	}
	p = base.clone()
	p.size = 40 << 20
	if d := openPatched(t, p).Describe(); len(d.Problems) != 1 || d.Problems[0].Kind != finding.GapCorrupt {
		t.Errorf("a truncated volume: %v", d.Problems)
	}
}

// TestSeveralDevices gives one device of two.
func TestSeveralDevices(t *testing.T) {
	for _, profile := range []string{"raid1", "raid0", "raid5", "single"} {
		dir := t.TempDir()
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		for _, name := range []string{a, b} {
			os.WriteFile(name, nil, 0o600)
			os.Truncate(name, 256<<20)
		}
		need.Run(t, "mkfs.btrfs", "-q", "-d", profile, "-m", "raid1", a, b)
		h, err := os.Open(b)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(h, 256<<20)
		var ue *binread.UnsupportedError
		if !errors.As(err, &ue) || !strings.Contains(ue.Feature, "2 devices, 1 of them missing") {
			t.Errorf("%s: %v", profile, err)
		}
		h.Close()
	}
}

// TestMetadataUUID reads a volume whose tree blocks carry another UUID.
func TestMetadataUUID(t *testing.T) {
	img := filepath.Join(t.TempDir(), "img")
	os.WriteFile(img, nil, 0o600)
	os.Truncate(img, 128<<20)
	need.Run(t, "mkfs.btrfs", "-q", "-L", "one", img)
	need.Run(t, "btrfstune", "-m", img)
	h, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	f, err := Open(h, 128<<20)
	if err != nil {
		t.Fatal(err)
	}
	d := f.Describe()
	if want := need.Run(t, "blkid", "-o", "value", "-s", "UUID", img); d.UUID != strings.TrimSpace(want) || d.Label != "one" || d.Type != "btrfs" {
		t.Errorf("%+v, want UUID %s", d, want)
	}
}

// TestTwoNamesOfADirectory makes a directory entry lead to another directory,
// as a walk without end or without measure would need it.
func TestTwoNamesOfADirectory(t *testing.T) {
	base := small(t, "-m", "single")
	f := openPatched(t, base)
	n, child := find(t, f, "a/b"), find(t, f, "a/b/c")
	var at int64
	f.ascend(f.subvols[0].root, key{uint64(n), dirIndexKey, 0}, key{uint64(n), dirIndexKey, ^uint64(0)}, func(it item) error {
		if it.buf().LE64(0) == uint64(child) {
			at = f.where(it)
		}
		return nil
	})
	if at == 0 {
		t.Fatal("no entry found")
	}
	p := base.clone()
	for i := range 8 { // "c" is now "a" again; mkfs takes inode numbers from the host, so all bytes count
		p.set(at+int64(i), byte(uint64(find(t, f, "a"))>>(8*i)))
	}
	mend(p.pages[at&^(pageSize-1)])
	names := 0
	err := openPatched(t, p).ReadDir(n, func(fsys.Entry) error { names++; return nil })
	var fe *binread.FormatError
	if !errors.As(err, &fe) || fe.Offset != at || names != 2 {
		t.Errorf("%d other names, %v, want an error at %d", names, err, at)
	}
}

// TestConcurrent reads with several goroutines at once what one has read.
func TestConcurrent(t *testing.T) {
	p := small(t, "-m", "single")
	f := openPatched(t, p)
	n := find(t, f, "a/b/plain")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			x, err := f.Open(n)
			if err != nil {
				t.Error(err)
				return
			}
			b := make([]byte, 1000+i)
			for off := 0; off < len(plainText); off += len(b) {
				k, err := x.ReadAt(b, int64(off))
				if err != nil && err != io.EOF || !bytes.Equal(b[:k], plainText[off:off+k]) {
					t.Errorf("at %d: %d bytes, %v", off, k, err)
				}
			}
			if err := f.Scan(func(n fsys.Node, m fsys.Meta) error { _, err := f.Extents(n); return err }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestNode proves the packing of nodes and what strangers get.
func TestNode(t *testing.T) {
	f := openPatched(t, small(t, "-m", "single"))
	if f.Root() != firstFree {
		t.Errorf("the root is node %#x", f.Root())
	}
	for _, n := range []fsys.Node{0, 1, 1 << 40, 1<<48 | firstFree, ^fsys.Node(0)} {
		if _, err := f.Stat(n); !errors.Is(err, fsys.ErrNotExist) {
			t.Errorf("node %#x: %v", n, err)
		}
	}
	if err := f.ReadDir(find(t, f, "a/inline"), nil); err != fsys.ErrNotDir {
		t.Errorf("a file as a directory: %v", err)
	}
	if _, err := f.Open(f.Root()); err != fsys.ErrNotFile {
		t.Errorf("a directory as a file: %v", err)
	}
	if _, err := f.Readlink(f.Root()); !errors.Is(err, fsys.ErrNotFile) {
		t.Errorf("a directory as a link: %v", err)
	}
}
