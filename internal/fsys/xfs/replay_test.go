//go:build linux

package xfs

import (
	"testing"

	"assay/internal/fsys"
)

// oneInode is an inode item that sets di_size, with its transaction's age.
func oneInode(size uint64) *item {
	desc := make([]byte, 56)
	le.PutUint16(desc, itemInode)
	le.PutUint16(desc[2:], 2)
	le.PutUint32(desc[4:], 1)
	le.PutUint64(desc[40:], 64) // sector 64 is byte 32 KiB
	le.PutUint32(desc[48:], 32)
	core := make([]byte, coreV3)
	le.PutUint16(core, inodeMagic)
	core[4] = 3
	le.PutUint64(core[56:], size)
	return &item{total: 2, regions: [][]byte{desc, core}}
}

// oneBuffer is a buffer item that fills 128 bytes of block 32 with a byte.
func oneBuffer(fill byte, flags uint16) *item {
	desc := make([]byte, 24)
	le.PutUint16(desc, itemBuffer)
	le.PutUint16(desc[2:], 2)
	le.PutUint16(desc[4:], flags)
	le.PutUint16(desc[6:], 2)
	le.PutUint64(desc[8:], 64)
	le.PutUint32(desc[16:], 1)
	le.PutUint32(desc[20:], 1<<1) // the second chunk
	data := make([]byte, bufferChunk)
	for i := range data {
		data[i] = fill
	}
	return &item{total: 2, regions: [][]byte{desc, data}}
}

// TestReplayOrder checks the rule on ages: what is on the disk stays when it
// is newer than the log, and a buffer that is as old counts as newer while an
// inode does not.
func TestReplayOrder(t *testing.T) {
	const age = 5 << 32
	for _, c := range []struct {
		lsn           uint64
		inode, buffer bool
	}{{age - 1, false, false}, {age, true, false}, {age + 1, true, true}} {
		fs := tinyFS(true, nil)
		b := fs.newInode(64, make([]byte, 4))
		be.PutUint64(b[112:], age)
		must(t, fs.dev.patch(32<<10, b))
		must(t, newReplayer(fs, &ring{n: 1}).apply(&transaction{lsn: c.lsn, items: []*item{oneInode(77)}}))
		must(t, fullRead(fs, b, 32<<10))
		if got := be.Uint64(b[56:]) == 77; got != c.inode || checkSum(sealed(b), 0, 100, "") != nil {
			t.Errorf("inode of age %d: replayed is %v at %d", int64(age), got, c.lsn)
		}

		block := make([]byte, 1024)
		be.PutUint32(block, bmapV5)
		be.PutUint64(block[32:], age)
		must(t, fs.dev.patch(32<<10, block))
		must(t, newReplayer(fs, &ring{n: 1}).apply(&transaction{lsn: c.lsn, items: []*item{oneBuffer(9, 0)}}))
		must(t, fullRead(fs, block, 32<<10))
		if got := block[128] == 9 && block[255] == 9; got != c.buffer || block[256] != 0 {
			t.Errorf("buffer of age %d: replayed is %v at %d", int64(age), got, c.lsn)
		}
		if c.buffer {
			must(t, checkSum(block, 0, 64, "the replayed block"))
		}
	}
}

func sealed(b []byte) []byte {
	if be.Uint64(b[56:]) == 0 { // never replayed, so never given a checksum
		setSum(b, 100)
	}
	return b
}

func fullRead(fs *FS, b []byte, off int64) error {
	_, err := fs.dev.ReadAt(b, off)
	return err
}

// TestReplayCancelled checks that what was freed later is not replayed, and
// that what came after the free is.
func TestReplayCancelled(t *testing.T) {
	fs := tinyFS(true, nil)
	cancel := oneBuffer(0, bufferCancel)
	cancel.total, cancel.regions = 1, cancel.regions[:1]
	ino := oneInode(77)
	le.PutUint32(ino.regions[0][48:], 2) // in the cancelled buffer
	log := []*transaction{
		{lsn: 1, items: []*item{oneBuffer(1, 0)}},
		{lsn: 2, items: []*item{ino}}, // would fail: there is no inode
		{lsn: 3, items: []*item{cancel}},
	}
	r := newReplayer(fs, &ring{n: 1})
	for _, pass := range []func(*transaction) error{r.learn, r.apply} {
		for _, tr := range log {
			must(t, pass(tr))
		}
	}
	if len(fs.dev.pages) != 0 || fs.log.Stale != 2 {
		t.Errorf("%d pages written, %+v", len(fs.dev.pages), fs.log)
	}
	must(t, r.apply(&transaction{lsn: 4, items: []*item{oneBuffer(2, 0)}}))
	b := make([]byte, 1)
	must(t, fullRead(fs, b, 32<<10+128))
	if b[0] != 2 {
		t.Errorf("after the free: %d", b[0])
	}
}

// TestAttributeFlags checks the name spaces, and that parent pointers and
// unfinished attributes are not shown.
func TestAttributeFlags(t *testing.T) {
	b := make([]byte, 512)
	be.PutUint16(b, inodeMagic)
	b[4], b[82], b[83] = 2, 1, formatLocal
	at := coreV2 + 8
	b[at+2] = 5
	at += 4
	for i, flags := range []byte{0, attrRoot, attrSecure, attrParent, attrIncomplete} {
		at += copy(b[at:], []byte{1, 2, flags, 'a' + byte(i), 'v', 'w'})
	}
	i := &inode{fs: tinyFS(false, nil), b: b}
	f, _ := i.attrFork()
	r := attrReader{fs: i.fs, ino: i}
	r.short(f)
	want := []fsys.Xattr{{Name: "user.a"}, {Name: "trusted.b"}, {Name: "security.c"}}
	if r.err != nil || len(r.out) != len(want) {
		t.Fatalf("%v, %v", r.out, r.err)
	}
	for k, x := range r.out {
		if x.Name != want[k].Name || string(x.Value) != "vw" {
			t.Errorf("%+v, want %s", x, want[k].Name)
		}
	}
}
