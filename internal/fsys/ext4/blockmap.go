package ext4

import (
	"math"

	"assay/internal/binread"
)

// maxLogical is the number of logical blocks a file can have.
const maxLogical = math.MaxUint32

// An extent maps blocks of a file to blocks of the volume.
type extent struct {
	lblk, pblk, n int64
	unwritten     bool
}

func (e extent) end() int64 { return e.lblk + e.n }

// follows says that e continues d, so that both can be read in one go.
func (e extent) follows(d extent) bool {
	return e.lblk == d.end() && e.pblk == d.pblk+d.n && e.unwritten == d.unwritten
}

// A mapWalk visits a file's extents in logical order, from block from on. The
// meta function, if set, sees the blocks that hold the map itself, each with the
// first logical block it can map; all of the map is visited then.
type mapWalk struct {
	f     *FS
	in    inode
	from  int64
	yield func(extent) error
	meta  func(blk, lblk int64) error

	seen map[int64]bool // indirect blocks: none can be used twice
}

// walkMap calls yield for the extents of in that end after logical block from.
// Inline files have none.
func (f *FS) walkMap(in inode, from int64, yield func(extent) error) error {
	w := mapWalk{f: f, in: in, from: from, yield: yield}
	return w.run()
}

func (w *mapWalk) run() error {
	switch {
	case w.f.inline(w.in):
		return nil
	case w.in.has(flagExtents):
		return w.extentNode(w.in.iblock(), w.in.off+0x28, -1, 0, maxLogical)
	}
	return w.indirect()
}

// block reads a block of the map, to which the pointer at byte at leads.
func (w *mapWalk) block(blk, lblk, at int64) ([]byte, error) {
	if blk < w.f.first || blk >= w.f.blocks {
		return nil, binread.Errorf(format, at, "the map of inode %d points to block %d of %d", w.in.ino, blk, w.f.blocks)
	}
	if w.meta != nil {
		if err := w.meta(blk, lblk); err != nil {
			return nil, err
		}
	}
	return w.f.cache.bytes(blk*w.f.bs, w.f.bs)
}

// The extent tree (ext4_extent_header, ext4_extent_idx, ext4_extent).
const (
	extentMagic    = 0xF30A
	maxExtentDepth = 5
	maxInitLen     = 32768 // ee_len above this is an unwritten extent
)

// extentNode visits the node b, found at byte off, of which the logical blocks
// must lie in [lo, hi): that alone makes loops impossible. depth is what the
// parent expects, -1 for the root.
func (w *mapWalk) extentNode(b []byte, off int64, depth int, lo, hi int64) error {
	n, room := int(le.Uint16(b[2:])), int(le.Uint16(b[4:]))
	d := int(le.Uint16(b[6:]))
	switch {
	case le.Uint16(b) != extentMagic:
		return binread.Errorf(format, off, "inode %d: an extent node has no magic number", w.in.ino)
	case depth < 0 && d > maxExtentDepth || depth >= 0 && d != depth:
		return binread.Errorf(format, off+6, "inode %d: an extent node claims depth %d", w.in.ino, d)
	case n > room || 12+12*room > len(b):
		return binread.Errorf(format, off+2, "inode %d: an extent node claims %d of %d entries", w.in.ino, n, room)
	case depth >= 0 && !w.extentSumOK(b, 12+12*room):
		return binread.Errorf(format, off, "inode %d: an extent node has a wrong checksum", w.in.ino)
	}
	if d > 0 {
		return w.extentIndex(b, off, n, d, lo, hi)
	}
	for i := range n {
		x := b[12+12*i:]
		e := extent{lblk: int64(le.Uint32(x)), n: int64(le.Uint16(x[4:]))}
		e.pblk = int64(le.Uint32(x[8:])) | int64(le.Uint16(x[6:]))<<32
		if e.n > maxInitLen {
			e.n, e.unwritten = e.n-maxInitLen, true
		}
		switch {
		case e.n == 0 || e.lblk < lo || e.end() > hi:
			return binread.Errorf(format, off+int64(12+12*i), "inode %d: an extent of %d blocks at %d is out of order", w.in.ino, e.n, e.lblk)
		case e.pblk < w.f.first || e.pblk+e.n > w.f.blocks:
			return binread.Errorf(format, off+int64(12+12*i), "inode %d: an extent points to block %d of %d", w.in.ino, e.pblk+e.n, w.f.blocks)
		}
		lo = e.end()
		if e.end() > w.from {
			if err := w.yield(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *mapWalk) extentIndex(b []byte, off int64, n, depth int, lo, hi int64) error {
	for i := range n {
		at := off + int64(12+12*i)
		x := b[12+12*i:]
		first, next := int64(le.Uint32(x)), hi
		if i+1 < n {
			next = int64(le.Uint32(x[12:]))
		}
		if first < lo || next <= first || next > hi {
			return binread.Errorf(format, at, "inode %d: an extent index at block %d is out of order", w.in.ino, first)
		}
		lo = next
		if next <= w.from && w.meta == nil {
			continue
		}
		blk := int64(le.Uint32(x[4:])) | int64(le.Uint16(x[8:]))<<32
		child, err := w.block(blk, first, at)
		if err != nil {
			return err
		}
		if err := w.extentNode(child, blk*w.f.bs, depth-1, first, next); err != nil {
			return err
		}
	}
	return nil
}

// extentSumOK checks ext4_extent_tail, which follows the last possible entry.
func (w *mapWalk) extentSumOK(b []byte, tail int) bool {
	if !w.f.metaCsum() {
		return true
	}
	return tail+4 <= len(b) && crc32c(w.f.inodeSeed(w.in), b[:tail]) == le.Uint32(b[tail:])
}

// indirect visits the block map of ext2 and ext3: twelve direct blocks and
// three trees of pointers.
func (w *mapWalk) indirect() error {
	w.seen = map[int64]bool{}
	b := w.in.iblock()
	lblk, span := int64(12), int64(1)
	if err := w.pointers(b[:48], w.in.off+0x28, 0, 0); err != nil {
		return err
	}
	for level := 1; level <= 3; level++ {
		span *= w.f.bs / 4
		at := w.in.off + 0x28 + int64(48+4*(level-1))
		if err := w.pointer(int64(le.Uint32(b[48+4*(level-1):])), at, lblk, level, span); err != nil {
			return err
		}
		lblk += span
	}
	return nil
}

// pointer visits what a pointer covers: span blocks from lblk on.
func (w *mapWalk) pointer(blk, at, lblk int64, level int, span int64) error {
	if blk == 0 || lblk >= maxLogical || lblk+span <= w.from && w.meta == nil {
		return nil
	}
	if w.seen[blk] {
		return binread.Errorf(format, at, "inode %d uses block %d twice in its map", w.in.ino, blk)
	}
	w.seen[blk] = true
	b, err := w.block(blk, lblk, at)
	if err != nil {
		return err
	}
	return w.pointers(b, blk*w.f.bs, lblk, level-1)
}

// pointers visits an array of pointers to trees of the given level.
func (w *mapWalk) pointers(b []byte, off, lblk int64, level int) error {
	if level > 0 {
		span := int64(1)
		for range level {
			span *= w.f.bs / 4
		}
		for i := 0; i+4 <= len(b); i += 4 {
			if err := w.pointer(int64(le.Uint32(b[i:])), off+int64(i), lblk, level, span); err != nil {
				return err
			}
			lblk += span
		}
		return nil
	}
	var run extent
	for i := 0; i+4 <= len(b); i, lblk = i+4, lblk+1 {
		blk := int64(le.Uint32(b[i:]))
		if blk == 0 || lblk < w.from {
			continue
		}
		if blk < w.f.first || blk >= w.f.blocks {
			return binread.Errorf(format, off+int64(i), "the map of inode %d points to block %d of %d", w.in.ino, blk, w.f.blocks)
		}
		e := extent{lblk: lblk, pblk: blk, n: 1}
		if run.n > 0 && e.follows(run) {
			run.n++
			continue
		}
		if run.n > 0 {
			if err := w.yield(run); err != nil {
				return err
			}
		}
		run = e
	}
	if run.n > 0 {
		return w.yield(run)
	}
	return nil
}
