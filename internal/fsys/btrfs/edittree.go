package btrfs

import (
	"encoding/binary"
	"math"

	"assay/internal/binread"
)

var le = binary.LittleEndian

// leaves calls fn for each leaf below w that can hold keys of [from, to].
func (f *FS) leaves(w want, from, to key, fn func(*node) error) error {
	n, err := f.node(w)
	if err != nil {
		return err
	}
	if n.level == 0 {
		return fn(n)
	}
	for i := max(0, n.after(from)-1); i < n.n && !to.less(n.key(i)); i++ {
		if err := f.leaves(n.descend(i, w.under), from, to, fn); err != nil {
			return err
		}
	}
	return nil
}

// A place is where an item is: the i-th of a leaf.
type place struct {
	leaf *node
	i    int
	sole bool // no other tree has this leaf, or a block above it
}

// find returns the place of the item with exactly this key.
func (e *Editor) find(r root, k key) (place, error) {
	p := place{sole: true}
	for w := r.want(); ; w = p.leaf.descend(p.i, w.under) {
		var err error
		if p.leaf, err = e.node(w); err != nil {
			return p, err
		}
		refs, err := e.blockRefs(p.leaf)
		if err != nil {
			return p, err
		}
		p.sole = p.sole && refs == 1
		p.i = p.leaf.after(k) - 1
		if p.i < 0 || p.leaf.level == 0 && p.leaf.key(p.i) != k {
			return p, binread.Errorf(format, -1, "tree %d has no item %d of type %d at %d", r.id, k.objectid, k.typ, k.offset)
		}
		if p.leaf.level == 0 {
			return p, nil
		}
	}
}

// blockRefs is how many parents a tree block has: btrfs_extent_item.refs of
// its METADATA_ITEM or, without the skinny-metadata feature, EXTENT_ITEM.
func (f *FS) blockRefs(n *node) (uint64, error) {
	tree := f.trees[extentTreeID]
	it, ok, err := f.get(tree, key{n.bytenr, metadataItemKey, uint64(n.level)})
	if err == nil && !ok {
		it, ok, err = f.get(tree, key{n.bytenr, extentItemKey, uint64(f.sb.nodesize)})
	}
	if err == nil && (!ok || len(it.data) < extentItemSize) {
		err = binread.Errorf(format, -1, "the extent tree does not have the tree block at logical %d", n.bytenr)
	}
	if err != nil {
		return 0, err
	}
	return it.buf().LE64(0), nil
}

// putNode writes b in place of a tree block, with its checksum, in every copy.
// What the block promises to its parent must stay: level, generation, first
// key.
func (e *Editor) putNode(n *node, b []byte) error {
	clear(b[:32])
	e.sb.sums.sum(b[:0], b[32:])
	c, _ := e.chunks.find(n.bytenr)
	for _, at := range c.copies {
		if err := e.write(int64(at+n.bytenr-c.logical), b); err != nil {
			return err
		}
	}
	e.nodes.put(n.bytenr, &node{b: b, bytenr: n.bytenr, gen: n.gen, level: n.level, n: int(le.Uint32(b[96:]))}, len(b))
	return nil
}

// with returns the bytes of a leaf in which the i-th item has other data, and
// nothing is left between the items and their data; nil when it does not fit.
func (n *node) with(i int, data []byte) []byte {
	b := make([]byte, len(n.b))
	copy(b, n.b[:headerSize+n.n*itemSize])
	end := len(b) - headerSize
	for j := range n.n {
		d := data
		if j != i {
			d = n.item(j).data
		}
		if end -= len(d); end < n.n*itemSize {
			return nil
		}
		copy(b[headerSize+end:], d)
		p := headerSize + j*itemSize + keySize
		le.PutUint32(b[p:], uint32(end))
		le.PutUint32(b[p+4:], uint32(len(d)))
	}
	return b
}

// without returns the bytes of a leaf that has the i-th item no more. The first
// must stay, as the leaf's parent names it.
func (n *node) without(i int) []byte {
	less := *n
	less.b = append([]byte(nil), n.b...)
	items := less.b[headerSize : headerSize+n.n*itemSize]
	copy(items[i*itemSize:], items[(i+1)*itemSize:])
	less.n--
	le.PutUint32(less.b[96:], uint32(less.n))
	return less.with(-1, nil)
}

// slack is the range of a tree block that holds no item: between the items and
// their data in a leaf, behind the last pointer in a node.
func (n *node) slack() (from, to int) {
	if n.level > 0 {
		return headerSize + n.n*keyPtrSize, len(n.b)
	}
	from, to = headerSize+n.n*itemSize, len(n.b)
	if n.n > 0 {
		to = n.item(n.n - 1).at
	}
	return from, to
}

// setInode writes the size of a file and what it owns: i_size and nbytes of
// btrfs_inode_item. With tail, extents stay behind the file's end: Linux looks
// for those in files only that fallocate made, and counts nbytes wrong in
// others (btrfs_set_extent_delalloc).
func (e *Editor) setInode(in inode, size, nbytes uint64, tail bool) error {
	p, err := e.find(in.tree.root, key{in.ino, inodeItemKey, 0})
	if err != nil {
		return err
	}
	b := append([]byte(nil), p.leaf.b...)
	at := p.leaf.item(p.i).at
	le.PutUint64(b[at+16:], size)
	le.PutUint64(b[at+24:], nbytes)
	if tail {
		le.PutUint64(b[at+64:], in.flags|inodePrealloc)
	}
	return e.putNode(p.leaf, b)
}

// inlineItem is an inline extent of plain content, made from the old one.
func inlineItem(x extent, content []byte) []byte {
	d := append([]byte(nil), x.it.data[:extentHeadSize]...)
	le.PutUint64(d[8:], uint64(len(content)))
	d[16] = compressNone
	return append(d, content...)
}

// setInline gives an inline extent other content, which was found to fit.
func (e *Editor) setInline(in inode, x extent, content []byte) error {
	p, err := e.find(in.tree.root, x.it.key)
	if err != nil {
		return err
	}
	b := p.leaf.with(p.i, inlineItem(x, content))
	if b == nil {
		return binread.Errorf(format, e.where(x.it), "%d bytes do not fit into the leaf", len(content))
	}
	return e.putNode(p.leaf, b)
}

// dropInline takes an inline extent out of its leaf and returns how many bytes
// stay. Where it is the leaf's first item, it stays with zeros.
func (e *Editor) dropInline(in inode, x extent) (uint64, error) {
	p, err := e.find(in.tree.root, x.it.key)
	if err != nil {
		return 0, err
	}
	if p.i > 0 {
		return 0, e.putNode(p.leaf, p.leaf.without(p.i))
	}
	b := make([]byte, len(x.inline()))
	return uint64(len(b)), e.setInline(in, x, b)
}

// inlineRoom is how much plain content an inline extent can hold without
// growing past the length that Linux once gave it.
func (e *Editor) inlineRoom(in inode, x extent) (int64, error) {
	if x.compression == compressNone {
		return x.length, nil
	}
	p, err := e.find(in.tree.root, x.it.key)
	if err != nil {
		return 0, err
	}
	from, to := p.leaf.slack()
	// An inline extent is shorter than a sector: btrfs_inline_extent limits.
	most := min(int64(to-from+len(x.inline())), int64(e.sb.sectorsize)-1)
	return min(x.length, most), nil
}

// dataRefs is how many file extents the extent tree counts for a data extent.
func (f *FS) dataRefs(x extent) (uint64, error) {
	it, ok, err := f.get(f.trees[extentTreeID], key{x.disk, extentItemKey, x.diskLen})
	if err != nil || !ok || len(it.data) < extentItemSize {
		return math.MaxUint64, err
	}
	return it.buf().LE64(0), nil
}
