package btrfs

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/internal/need"
	"assay/internal/span"
)

// A leafImage is a tree leaf taken apart.
type leafImage struct {
	header []byte
	items  []item
}

func takeApart(b []byte) *leafImage {
	n := &node{b: b, n: int(binary.LittleEndian.Uint32(b[96:]))}
	l := &leafImage{header: bytes.Clone(b[:headerSize])}
	for i := range n.n {
		it := n.item(i)
		it.data = bytes.Clone(it.data)
		l.items = append(l.items, it)
	}
	return l
}

// block puts the leaf together again.
func (l *leafImage) block(size uint64) []byte {
	le := binary.LittleEndian
	slices.SortFunc(l.items, func(a, b item) int { return a.key.compare(b.key) })
	b := make([]byte, size)
	copy(b, l.header)
	le.PutUint32(b[96:], uint32(len(l.items)))
	end := int(size) - headerSize
	for i, it := range l.items {
		end -= len(it.data)
		p := b[headerSize+i*itemSize:]
		le.PutUint64(p, it.key.objectid)
		p[8] = it.key.typ
		le.PutUint64(p[9:], it.key.offset)
		le.PutUint32(p[17:], uint32(end))
		le.PutUint32(p[21:], uint32(len(it.data)))
		copy(b[headerSize+end:], it.data)
	}
	mend(b)
	return b
}

// TestBlockGroupTree moves the block groups of a volume into a tree of their
// own, has Linux read the result where that is possible, and compares Free
// before and after.
func TestBlockGroupTree(t *testing.T) {
	need.Tool(t, "mkfs.btrfs")
	img := filepath.Join(t.TempDir(), "img")
	os.WriteFile(img, nil, 0o600)
	os.Truncate(img, 128<<20)
	need.Run(t, "mkfs.btrfs", "-q", "-n", "16384", "-m", "single", img)
	h, err := os.OpenFile(img, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	free := func() span.Set {
		f, err := Open(h, 128<<20)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Free()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := free()
	at := moveBlockGroups(t, h)
	lost := before.Subtract(free())
	if len(lost) != 1 || lost[0] != (span.Span{Off: at, Len: 16384}) {
		t.Errorf("no longer free: %v, want the new tree block at %d", lost, at)
	}
	need.Root(t)
	dir := t.TempDir()
	need.Mount(t, img, dir, "ro")
	need.Unmount(t, dir)
}

// moveBlockGroups makes the block group tree, which the mkfs.btrfs of most
// distributions cannot, on a volume whose trees are single leaves. It returns
// where the new one is.
func moveBlockGroups(t *testing.T, h *os.File) int64 {
	t.Helper()
	f, err := Open(h, 128<<20)
	if err != nil {
		t.Fatal(err)
	}
	node := uint64(f.sb.nodesize)
	read := func(r root) (*leafImage, int64) {
		if r.level != 0 {
			t.Fatalf("tree %d has more than a leaf", r.id)
		}
		n, err := f.node(r.want())
		if err != nil {
			t.Fatal(err)
		}
		at, _ := f.chunks.physical(r.bytenr)
		return takeApart(n.b), at
	}
	le := binary.LittleEndian
	extents, extentsAt := read(f.trees[extentTreeID])
	roots, rootsAt := read(f.trees[rootTreeID])
	groups, _ := read(f.trees[csumTreeID])
	place := uint64(0) // behind the last tree block
	for _, it := range extents.items {
		if it.key.typ == metadataItemKey {
			place = max(place, it.key.objectid+node)
		}
	}
	chunk, _ := f.chunks.find(place)
	groups.items = nil
	extents.items = slices.DeleteFunc(extents.items, func(it item) bool {
		if it.key.typ != blockGroupKey {
			return false
		}
		if it.key.objectid == chunk.logical {
			le.PutUint64(it.data, le.Uint64(it.data)+node)
		}
		groups.items = append(groups.items, it)
		return true
	})
	ref := le.AppendUint64(le.AppendUint64(nil, 1), f.sb.generation)
	ref = append(le.AppendUint64(ref, 2), 176)
	extents.items = append(extents.items, item{key: key{place, metadataItemKey, 0}, data: le.AppendUint64(ref, blockGroupTreeID)})
	le.PutUint64(groups.header[48:], place)
	le.PutUint64(groups.header[80:], f.sb.generation)
	le.PutUint64(groups.header[88:], blockGroupTreeID)
	i := slices.IndexFunc(roots.items, func(it item) bool { return it.key.objectid == csumTreeID && it.key.typ == rootItemKey })
	entry := item{key: key{blockGroupTreeID, rootItemKey, 0}, data: bytes.Clone(roots.items[i].data)}
	le.PutUint64(entry.data[160:], f.sb.generation)
	le.PutUint64(entry.data[176:], place)
	le.PutUint64(entry.data[239:], f.sb.generation)
	roots.items = append(roots.items, entry)
	super := make([]byte, superSize)
	h.ReadAt(super, superOffsets[0])
	le.PutUint64(super[120:], f.sb.bytesUsed+node)
	le.PutUint64(super[180:], f.sb.compatRO|compatROBlockGroupTree)
	mend(super)
	groupsAt, _ := f.chunks.physical(place)
	for at, b := range map[int64][]byte{
		extentsAt: extents.block(node), rootsAt: roots.block(node), groupsAt: groups.block(node), superOffsets[0]: super,
	} {
		if _, err := h.WriteAt(b, at); err != nil {
			t.Fatal(err)
		}
	}
	return groupsAt
}
