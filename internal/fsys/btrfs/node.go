package btrfs

import (
	"bytes"

	"assay/internal/binread"
)

// A node is one tree block that passed every check: btrfs_header, then keys.
type node struct {
	b      []byte
	bytenr uint64 // logical address
	gen    uint64
	level  uint8
	n      int
}

func (n *node) buf() *binread.Buf { return &binread.Buf{B: n.b} }

// key returns the i-th key.
func (n *node) key(i int) key {
	if n.level == 0 {
		return keyAt(n.buf(), headerSize+i*itemSize)
	}
	return keyAt(n.buf(), headerSize+i*keyPtrSize)
}

// child returns the logical address and generation of the i-th child.
func (n *node) child(i int) (bytenr, gen uint64) {
	b, p := n.buf(), headerSize+i*keyPtrSize+keySize
	return b.LE64(p), b.LE64(p + 8)
}

// item returns the i-th item of a leaf; check has proved its bounds.
func (n *node) item(i int) item {
	b, p := n.buf(), headerSize+i*itemSize
	at, size := headerSize+int(b.LE32(p+keySize)), int(b.LE32(p+keySize+4))
	return item{keyAt(b, p), b.Bytes(at, size), n.bytenr, at}
}

// after returns the index of the first key that is greater than k.
func (n *node) after(k key) int {
	lo, hi := 0, n.n
	for lo < hi {
		if mid := (lo + hi) / 2; k.less(n.key(mid)) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// A want is what the pointer to a tree block promises of it.
type want struct {
	bytenr, gen uint64
	level       uint8
	first       key  // its first key
	isRoot      bool // first means nothing, and an empty leaf is allowed
	under       key  // all its keys are less than this; lastKey for no bound
}

// node reads a tree block, from its second copy when the first is broken.
func (f *FS) node(w want) (*node, error) {
	n, ok := f.nodes.get(w.bytenr)
	if ok {
		if why := n.fits(w); why == "" {
			return n, nil
		}
	}
	at, room := f.chunks.physical(w.bytenr)
	if at < 0 || room < int64(f.sb.nodesize) || w.bytenr%uint64(f.sb.sectorsize) != 0 {
		return nil, binread.Errorf(format, -1, "tree block at logical %d is outside every chunk", w.bytenr)
	}
	c, _ := f.chunks.find(w.bytenr)
	var first error
	for _, start := range c.copies {
		at := int64(start + w.bytenr - c.logical)
		b, err := binread.At(f.r, format, at, int64(f.sb.nodesize), int64(f.sb.nodesize))
		if err == nil {
			n := &node{b: b, bytenr: w.bytenr, gen: w.gen, level: w.level}
			why := n.check(f.sb)
			if why == "" {
				why = n.fits(w)
			}
			if why == "" {
				f.nodes.put(w.bytenr, n, len(b))
				return n, nil
			}
			err = binread.Errorf(format, at, "tree block at logical %d: %s", w.bytenr, why)
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// check proves that n's header, keys and items are sound by themselves, as
// Linux' tree-checker.c does, and fills n.gen, n.level and n.n. It returns
// what is wrong.
func (n *node) check(sb *super) string {
	b := n.buf()
	n.gen, n.level = b.LE64(80), b.U8(100)
	count := b.LE32(96)
	size := itemSize
	if n.level > 0 {
		size = keyPtrSize
	}
	room := len(n.b) - headerSize
	switch {
	case !sb.sums.ok(n.b[32:], n.b[:32]):
		return "wrong checksum"
	case !bytes.Equal(n.b[32:48], sb.nodeFsid[:]):
		return "it belongs to another file system"
	case b.LE64(48) != n.bytenr:
		return "its header says another address"
	case n.level > maxLevel:
		return "its level is too high"
	case int64(count) > int64(room/size):
		return "it claims too many items"
	case count == 0 && n.level > 0:
		return "it has no children"
	}
	n.n = int(count)
	for i := 1; i < n.n; i++ {
		if !n.key(i - 1).less(n.key(i)) {
			return "its keys are out of order"
		}
	}
	if n.level > 0 {
		return ""
	}
	end := uint32(room) // items' data lies back to back from the block's end
	for i := range n.n {
		p := headerSize + i*itemSize + keySize
		off, size := b.LE32(p), b.LE32(p+4)
		if off > end || end-off != size || int(off) < n.n*itemSize {
			return "an item's data is out of place"
		}
		end = off
	}
	return ""
}

// fits tells why n is not what was promised; "" if it is. Together with the
// order inside nodes this makes every key of a tree greater than the one
// before, so no walk can meet a block twice.
func (n *node) fits(w want) string {
	switch {
	case n.level != w.level:
		return "its level is not its parent's less one"
	case n.gen != w.gen:
		return "its generation is not what its parent says"
	case n.n == 0 && !w.isRoot:
		return "it is empty"
	case n.n > 0 && !w.isRoot && n.key(0) != w.first:
		return "its first key is not what its parent says"
	case n.n > 0 && w.under != lastKey && !n.key(n.n-1).less(w.under):
		return "its keys reach into its neighbour"
	}
	return ""
}
