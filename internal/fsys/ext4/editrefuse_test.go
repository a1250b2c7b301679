//go:build linux

package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

// resum makes the checksum of the superblock of img.
func resum(img []byte) {
	sb := img[superOff : superOff+superSize]
	if le.Uint32(sb[0x64:])&roMetadataCsum != 0 {
		le.PutUint32(sb[0x3FC:], crc32c(^uint32(0), sb[:0x3FC]))
	}
}

// TestRefusals opens what must not be written, and sees that it was not.
func TestRefusals(t *testing.T) {
	need.Tool(t, "mke2fs", "debugfs")
	set32 := func(off int, or uint32) func([]byte) {
		return func(b []byte) {
			le.PutUint32(b[superOff+off:], le.Uint32(b[superOff+off:])|or)
			resum(b)
		}
	}
	plain := []string{"-t", "ext4"}
	for _, c := range []struct {
		name   string
		args   []string
		change func([]byte)
		want   string
	}{
		{"bigalloc", []string{"-t", "ext4", "-O", "bigalloc"}, nil, "bigalloc"},
		{"quota", []string{"-t", "ext4", "-O", "quota"}, nil, "quotas"},
		{"ro-compat", plain, set32(0x64, 0x80000000), "features that are not known"},
		{"snapshots", plain, set32(0x64, 0x80), "features that are not known"},
		{"shared-blocks", plain, set32(0x64, roSharedBlocks), "share blocks"},
		{"compat", plain, set32(0x5C, 0x80000000), "features that are not known"},
		{"incompat", plain, set32(0x60, 0x80000000), "incompatible feature"},
		{"journal-device", plain, set32(0x60, incompatJournalDev), "external journal"},
		{"external-journal", plain, func(b []byte) { le.PutUint32(b[superOff+0xE0:], 0); resum(b) }, "another device"},
		{"errors", plain, func(b []byte) { b[superOff+0x3A] |= stateError; resum(b) }, "errors"},
		{"superblock-sum", plain, func(b []byte) { b[superOff+0x2C] ^= 1 }, "damaged"},
		{"not-unmounted", []string{"-t", "ext2"}, func(b []byte) { b[superOff+0x3A] &^= stateValid }, "no journal"},
		{"mmp-in-use", []string{"-t", "ext4", "-O", "mmp"}, mmpInUse, "another system"},
		{"block-bitmap", plain, bitmapByte(func(g group) int64 { return g.blockBitmap }), "checksum"},
		{"inode-bitmap", plain, bitmapByte(func(g group) int64 { return g.inodeBitmap }), "checksum"},
		{"block-bitmap-nosum", []string{"-t", "ext2"}, bitmapByte(func(g group) int64 { return g.blockBitmap }), "bitmap calls"},
		{"fast-commit", []string{"-t", "ext4", "-O", "fast_commit"}, fastCommit, "fast commits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, err := os.ReadFile(mkfs(t, variant{"", append(c.args, "-J", "size=4")[:len(c.args)+2*btoi(!strings.Contains(strings.Join(c.args, " "), "ext2"))], 32}))
			if err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				c.change(img)
			}
			p := &memPatch{bytes.Clone(img)}
			_, err = NewEditor(p, int64(len(img)))
			if !errors.Is(err, fsys.ErrUnsafe) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if !bytes.Equal(p.b, img) {
				t.Error("the volume was changed")
			}
		})
	}
	if _, err := NewEditor(&memPatch{make([]byte, 4096)}, 4096); err != binread.ErrNotMine {
		t.Errorf("zeros: %v", err)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mmpInUse(b []byte) {
	blk := le.Uint64(b[superOff+0x168:])
	le.PutUint32(b[blk*uint64(1024<<b[superOff+0x18])+4:], 0x12345678)
}

// bitmapByte changes a byte in the middle of a bitmap of the first group.
func bitmapByte(which func(group) int64) func([]byte) {
	return func(b []byte) {
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			panic(err)
		}
		g, _ := f.group(0)
		b[which(g)*f.bs] ^= 4
	}
}

// fastCommit makes a journal with one transaction that is followed by a fast
// commit.
func fastCommit(b []byte) {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		panic(err)
	}
	j, err := f.openJournal()
	if err != nil {
		panic(err)
	}
	at := func(n uint32) []byte {
		p, err := j.physical(n)
		if err != nil {
			panic(err)
		}
		return b[p*f.bs:][:f.bs]
	}
	sb := at(0)
	be.PutUint32(sb[0x28:], be.Uint32(sb[0x28:])|journalFastCommit)
	be.PutUint32(sb[0x54:], 16)
	be.PutUint32(sb[0x1C:], j.first)
	if be.Uint32(sb[0x28:])&(journalCsumV2|journalCsumV3) != 0 {
		be.PutUint32(sb[0xFC:], crc32cHole(^uint32(0), sb[:1024], 0xFC, 4))
	}
	head := at(j.last - 16)
	le.PutUint16(head, 9)
	le.PutUint16(head[2:], 16)
	le.PutUint32(head[8:], j.seq)
	le.PutUint32(b[superOff+0x60:], le.Uint32(b[superOff+0x60:])|incompatRecover)
	resum(b)
}

// TestCannot asks for what a file or directory does not allow: each is an
// error of its kind, and nothing changes.
func TestCannot(t *testing.T) {
	need.Tool(t, "mke2fs", "debugfs", "e2fsck")
	tree := filepath.Join(t.TempDir(), "tree")
	os.MkdirAll(filepath.Join(tree, "full/sub"), 0o755)
	for _, n := range []string{"verity", "encrypted", "plain", "empty", "full/f"} {
		os.WriteFile(filepath.Join(tree, n), bytes.Repeat([]byte(n), 1000*btoi(n != "empty")), 0o600)
	}
	os.Symlink("plain", filepath.Join(tree, "link"))
	hole, _ := os.Create(filepath.Join(tree, "hole"))
	hole.Truncate(100000)
	hole.Close()
	img := mkfs(t, variant{"", []string{"-t", "ext4", "-O", "encrypt,verity"}, 32}, "-d", tree)
	cmds := filepath.Join(t.TempDir(), "cmds")
	os.WriteFile(cmds, fmt.Appendf(nil, "sif verity flags %#x\nsif encrypted flags %#x\n", flagVerity|flagExtents, flagEncrypt|flagExtents), 0o600)
	need.Run(t, "debugfs", "-w", "-f", cmds, img)
	e, p := editor(t, img)
	before := bytes.Clone(p.b)
	at := func(name string) fsys.Node { return lookup(t, e.FS, name) }
	for _, c := range []struct {
		what string
		err  error
		want error
	}{
		{"Blank verity", e.Blank(at("/verity")), fsys.ErrCannot},
		{"Blank encrypted", e.Blank(at("/encrypted")), fsys.ErrCannot},
		{"Replace encrypted", e.Replace(at("/encrypted"), []byte("x")), fsys.ErrCannot},
		{"Clear verity", e.Clear(at("/verity"), 0, 1), fsys.ErrCannot},
		{"Overwrite verity", e.Overwrite(at("/verity"), 0, []byte("x")), fsys.ErrCannot},
		{"Blank directory", e.Blank(at("/full")), fsys.ErrNotFile},
		{"Blank link", e.Blank(lookupLink(t, e.FS, "/link")), fsys.ErrNotFile},
		{"Blank journal", e.Blank(8), fsys.ErrCannot},
		{"Blank nothing", e.Blank(at("/empty")), nil},
		{"Clear nothing", e.Clear(at("/plain"), 5000, 0), nil},
		{"Remove full", e.Remove(e.Root(), "full"), fsys.ErrCannot},
		{"Remove nothing", e.Remove(e.Root(), "no"), fsys.ErrNotExist},
		{"Remove in a file", e.Remove(at("/plain"), "no"), fsys.ErrNotDir},
		{"Remove lost+found", e.Remove(e.Root(), "lost+found"), fsys.ErrCannot},
		{"Remove dot", e.Remove(at("/full"), "."), fsys.ErrNotExist},
		{"Overwrite hole", e.Overwrite(at("/hole"), 10, []byte("x")), fsys.ErrCannot},
		{"Replace hole", e.Replace(at("/hole"), []byte("x")), fsys.ErrCannot},
		{"Overwrite past the end", e.Overwrite(at("/plain"), 4999, []byte("xx")), fsys.ErrNoRoom},
		{"Clear past the end", e.Clear(at("/plain"), 1, 5000), fsys.ErrNoRoom},
		{"Clear before", e.Clear(at("/plain"), -1, 1), fsys.ErrNoRoom},
		{"Replace too long", e.Replace(at("/plain"), make([]byte, 8193)), fsys.ErrNoRoom},
		{"Replace in nothing", e.Replace(at("/empty"), []byte("x")), fsys.ErrNoRoom},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.err, c.want)
		}
	}
	if !bytes.Equal(before, p.b) {
		t.Error("something was changed")
	}
	if room, err := e.Room(at("/plain")); room != (5000+e.bs-1)/e.bs*e.bs || err != nil {
		t.Errorf("room %d, %v", room, err)
	}
	if err := e.Replace(at("/hole"), make([]byte, 70000)); err != nil {
		t.Errorf("zeros in a hole: %v", err)
	}
	for _, n := range []string{"verity", "encrypted"} {
		if err := e.Remove(e.Root(), n); err != nil {
			t.Errorf("Remove %s: %v", n, err)
		}
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	p.writeOut(t, img)
	fsckClean(t, img, "in the end")
}

// TestLostBlocks takes a file's map away: its blocks, in use and nobody's, are
// told.
func TestLostBlocks(t *testing.T) {
	img := smallImage(t, "extents")
	f := openBytes(t, img)
	node := lookup(t, f, "/d/f")
	exts, err := f.Extents(node)
	at := inodeAt(t, f, node) + 0x28
	if err != nil || le.Uint16(img[at:]) != extentMagic || le.Uint16(img[at+6:]) != 0 {
		t.Fatalf("%v, not a map within the inode", err)
	}
	n := int64(0)
	for _, x := range exts {
		n += x.Len / f.bs
	}
	le.PutUint16(img[at+2:], 0)
	e, err := NewEditor(&memPatch{img}, int64(len(img)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Scrub()
	if err != nil || len(r.Left) != 1 || !strings.HasPrefix(r.Left[0], fmt.Sprintf("%d blocks", n)) {
		t.Errorf("%v, left %q, want %d blocks", err, r.Left, n)
	}
}

func lookupLink(t testing.TB, f *FS, name string) (n fsys.Node) {
	t.Helper()
	err := f.ReadDir(f.Root(), func(e fsys.Entry) error {
		if "/"+e.Name == name {
			n = e.Node
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A brokenPatch fails after some writes.
type brokenPatch struct {
	memPatch
	left int
}

var errBrokenPatch = errors.New("the disk of the overlay is full")

func (b *brokenPatch) WriteAt(p []byte, off int64) (int, error) {
	if b.left--; b.left < 0 {
		return 0, errBrokenPatch
	}
	return b.memPatch.WriteAt(p, off)
}

func (b *brokenPatch) Zero(off, n int64) error {
	if b.left--; b.left < 0 {
		return errBrokenPatch
	}
	return b.memPatch.Zero(off, n)
}

// TestBrokenPatch lets each write fail in turn: the error comes out, and
// afterwards nothing goes on.
func TestBrokenPatch(t *testing.T) {
	img := smallImage(t, "sums")
	for writes := 0; ; writes++ {
		p := &brokenPatch{memPatch{bytes.Clone(img)}, writes}
		e, err := NewEditor(p, int64(len(img)))
		if err == nil {
			err = e.Blank(lookup(t, e.FS, "/sparse"))
		}
		if err == nil {
			err = e.Remove(lookup(t, e.FS, "/d"), "sub")
		}
		if err == nil {
			_, err = e.Commit()
		}
		if err == nil {
			_, err = e.Scrub()
		}
		if err == nil {
			if writes < 15 {
				t.Errorf("only %d writes", writes)
			}
			return
		}
		if !errors.Is(err, errBrokenPatch) {
			t.Fatal(err)
		}
		if e != nil {
			if err := e.Blank(lookup(t, e.FS, "/sparse")); err == nil {
				t.Error("an editor goes on after a failed write")
			}
		}
	}
}
