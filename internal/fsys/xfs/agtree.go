package xfs

import (
	"math"

	"assay/internal/binread"
)

const maxLevels = 16 // of any B-tree; the kernel's own bound is lower

// An agTree is one kind of B-tree inside an allocation group: struct
// xfs_btree_block with 32-bit pointers. Its records begin with a 32-bit number
// that grows from record to record, unless order says otherwise.
type agTree struct {
	v4, v5   uint32
	recLen   int
	keyLen   int // bytes of all keys of one child
	order    func(r []byte) int64
	equal    bool // records of the same order may follow each other
	describe string
}

var (
	bnoTree = agTree{v4: 0x41425442, v5: 0x41423342, recLen: 8, keyLen: 8, describe: "free space tree"}                        // ABTB, AB3B
	cntTree = agTree{v4: 0x41425443, v5: 0x41423343, recLen: 8, keyLen: 8, describe: "free space tree by size", order: bySize} // ABTC, AB3C
	inoTree = agTree{v4: 0x49414254, v5: 0x49414233, recLen: 16, keyLen: 4, describe: "inode tree"}                            // IABT, IAB3
	finTree = agTree{v4: 0x46494254, v5: 0x46494233, recLen: 16, keyLen: 4, describe: "free inode tree"}                       // FIBT, FIB3

	// Version 5 only. A node of the reverse map has the low and the high key
	// of each child; many owners can share a block.
	rmapTree = agTree{v5: 0x524d4233, recLen: 24, keyLen: 40, describe: "reverse map tree", equal: true} // RMB3
	refTree  = agTree{v5: 0x52334643, recLen: 12, keyLen: 4, describe: "reference count tree"}           // R3FC
)

// bySize orders struct xfs_alloc_rec by length, then by place.
func bySize(r []byte) int64 { return int64(be.Uint32(r[4:])&math.MaxInt32)<<32 | int64(be.Uint32(r)) }

// A treeWalk visits the records of one agTree in order. It goes on after a
// broken block, so that one bad block costs only what is below it, and keeps
// the first error.
type treeWalk struct {
	fs   *FS
	ag   uint32
	tree agTree
	rec  func(r []byte) error    // an error counts as a broken record
	each func(b treeBlock) error // may be nil

	seen map[uint32]bool // blocks visited: a loop or a shared block is an error
	last int64           // number of the last record, -1 before the first
	err  error
}

// walkTree calls rec for every record below root, which lies at the given
// level (0 is a leaf).
func (fs *FS) walkTree(t agTree, ag, root, levels uint32, rec func([]byte) error) error {
	return fs.walkTreeBlocks(t, ag, root, levels, rec, nil)
}

// A treeBlock is one block of a B-tree as it is on the volume.
type treeBlock struct {
	off   int64
	b     []byte
	head  int  // bytes before the body
	leaf  bool // records rather than keys and pointers
	count int  // entries
}

// walkTreeBlocks does what walkTree does, and calls each for every block on
// the way down.
func (fs *FS) walkTreeBlocks(t agTree, ag, root, levels uint32, rec func([]byte) error, each func(treeBlock) error) error {
	w := treeWalk{fs: fs, ag: ag, tree: t, rec: rec, each: each, seen: map[uint32]bool{}, last: -1}
	if levels == 0 || levels > maxLevels {
		return binread.Errorf(format, fs.agByte(ag, 0), "%s of group %d with %d levels", t.describe, ag, levels)
	}
	w.visit(root, levels-1, true)
	return w.err
}

func (w *treeWalk) fail(off int64, msg string, args ...any) {
	if w.err == nil {
		w.err = binread.Errorf(format, off, msg, args...)
	}
}

func (w *treeWalk) visit(block, level uint32, root bool) {
	fs := w.fs
	if block < fs.firstBlock() || block >= fs.agLen(w.ag) {
		w.fail(fs.agByte(w.ag, 0), "%s of group %d points to block %d", w.tree.describe, w.ag, block)
		return
	}
	off := fs.agByte(w.ag, block)
	if w.seen[block] {
		w.fail(off, "%s of group %d uses a block twice", w.tree.describe, w.ag)
		return
	}
	w.seen[block] = true
	b, err := fs.block(off, fs.blockSize, w.tree.v4, w.tree.v5)
	if err != nil {
		if w.err == nil {
			w.err = err
		}
		return
	}
	if got := uint32(be.Uint16(b[4:])); got != level {
		w.fail(off, "%s block of level %d where %d belongs", w.tree.describe, got, level)
		return
	}
	head := 16 // struct xfs_btree_block, short form; version 5 adds address, LSN, UUID, owner, checksum
	if fs.v5 {
		head = 56
	}
	n, body := int(be.Uint16(b[6:])), b[head:]
	if level == 0 {
		w.leaf(off, body, n, root)
		w.met(treeBlock{off, b, head, true, n})
		return
	}
	fit := len(body) / (w.tree.keyLen + 4)
	if n == 0 || n > fit {
		w.fail(off, "%s node with %d entries", w.tree.describe, n)
		return
	}
	w.met(treeBlock{off, b, head, false, n})
	ptrs := body[fit*w.tree.keyLen:]
	for i := range n {
		w.visit(be.Uint32(ptrs[4*i:]), level-1, false)
	}
}

// met shows a block to each.
func (w *treeWalk) met(b treeBlock) {
	if w.each == nil || w.err != nil {
		return
	}
	w.err = w.each(b)
}

func (w *treeWalk) leaf(off int64, body []byte, n int, root bool) {
	if n > len(body)/w.tree.recLen || n == 0 && !root {
		w.fail(off, "%s leaf with %d records", w.tree.describe, n)
		return
	}
	for i := range n {
		r := body[i*w.tree.recLen : (i+1)*w.tree.recLen]
		num := int64(be.Uint32(r))
		if w.tree.order != nil {
			num = w.tree.order(r)
		}
		if num < w.last || num == w.last && !w.tree.equal {
			w.fail(off, "%s record %d is out of order", w.tree.describe, i)
			return
		}
		w.last = num
		if err := w.rec(r); err != nil {
			if w.err == nil {
				w.err = err
			}
			return
		}
	}
}

// groupHeader reads the AGF (sector 1) or AGI (sector 2) of a group and
// checks that it is of this group.
func (fs *FS) groupHeader(ag uint32, sector int64, magic uint32) ([]byte, int64, error) {
	off := fs.agByte(ag, 0) + sector*fs.sectorSize
	b, err := fs.block(off, fs.sectorSize, magic, magic)
	if err != nil {
		return nil, off, err
	}
	if be.Uint32(b[8:]) != ag || be.Uint32(b[12:]) != fs.agLen(ag) {
		return nil, off, binread.Errorf(format, off, "header of group %d with %d blocks where group %d with %d belongs",
			be.Uint32(b[8:]), be.Uint32(b[12:]), ag, fs.agLen(ag))
	}
	return b, off, nil
}

const (
	agfMagic = 0x58414746 // "XAGF"
	agiMagic = 0x58414749 // "XAGI"
	aglMagic = 0x5841464c // "XAFL"
)
