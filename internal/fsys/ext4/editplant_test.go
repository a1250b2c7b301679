//go:build linux

package ext4

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"assay/internal/fsys"
)

// TestScrubRemnants plants what kernels and tools clear themselves today: old
// bytes behind the end of a file and of a link in its inode, and between the
// attributes of an inode.
func TestScrubRemnants(t *testing.T) {
	img := smallImage(t, "extents")
	f := openBytes(t, img)
	file := lookup(t, f, "/d/f")
	slack, err := f.Slack(file)
	if err != nil || len(slack) != 1 {
		t.Fatalf("slack %v, %v", slack, err)
	}
	copy(img[slack[0].Off:], mark('C', 1))
	at := inodeAt(t, f, file)
	copy(img[at+200:], mark('X', 2))
	var link inode
	for i := range f.inodes {
		if in, err := f.readInode(i + 1); err == nil && in.kind() == fsys.Symlink && f.fastLink(in) && f.size(in) < 60-10 {
			link = in
		}
	}
	if link.ino > 0 {
		copy(img[link.off+0x28+f.size(link):], mark('L', 3))
	}
	planted := len(marksIn(img))
	e, err := NewEditor(&memPatch{img}, int64(len(img)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Scrub(); err != nil {
		t.Fatal(err)
	}
	if left := marksIn(img); planted < 2 || len(left) > 0 {
		t.Errorf("of %d marks are left: %v", planted, left)
	}
}

// TestTwoOwners makes a file claim a block of another.
func TestTwoOwners(t *testing.T) {
	img := smallImage(t, "ext2")
	f := openBytes(t, img)
	a, b := inodeAt(t, f, lookup(t, f, "/d/f")), inodeAt(t, f, lookup(t, f, "/sparse"))
	copy(img[a+0x28:a+0x2C], img[b+0x28:b+0x2C])
	before := bytes.Clone(img)
	_, err := NewEditor(&memPatch{img}, int64(len(img)))
	if !errors.Is(err, fsys.ErrUnsafe) || !strings.Contains(err.Error(), "another file has") || !bytes.Equal(img, before) {
		t.Errorf("got %v", err)
	}
}
