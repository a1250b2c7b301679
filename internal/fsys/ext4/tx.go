package ext4

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// maxRuns bounds the separate runs of blocks that one operation frees: 32 MiB
// of memory. Only a file of many gigabytes without two blocks side by side has
// more.
const maxRuns = 2 << 20

// A run is n blocks of the volume from blk on.
type run struct{ blk, n int64 }

// A tx is what one operation is going to change. It is kept apart until all of
// the operation is known to be possible; apply writes it.
type tx struct {
	e      *Editor
	blocks map[int64][]byte      // metadata, whole blocks by number
	groups map[uint32]*groupEdit // those of which a bitmap or a count changes
	inodes map[uint32]inode      // in use after the operation: their checksums are to be made
	data   []write               // content of files
	zero   []span.Span
	zeroed int64 // bytes made zero by other ways than zero
}

type write struct {
	off int64
	b   []byte
}

// A groupEdit is a group of which something changes. The slices are parts of
// blocks of the tx.
type groupEdit struct {
	group
	desc           []byte
	blocks, inodes []byte // the bitmaps, nil while untouched
}

func (e *Editor) begin() *tx {
	return &tx{e: e, blocks: map[int64][]byte{}, groups: map[uint32]*groupEdit{}, inodes: map[uint32]inode{}}
}

// bytes returns n bytes at off, which cross no block, to be changed.
func (t *tx) bytes(off, n int64) ([]byte, error) {
	bs := t.e.bs
	blk, in := off/bs, off%bs
	b := t.blocks[blk]
	if b == nil {
		old, err := t.e.cache.bytes(blk*bs, bs)
		if err != nil {
			return nil, err
		}
		b = slices.Clone(old)
		t.blocks[blk] = b
	}
	return b[in : in+n : in+n], nil
}

func (t *tx) block(blk int64) ([]byte, error) { return t.bytes(blk*t.e.bs, t.e.bs) }

// inode returns an inode to be changed; its checksum is made by apply.
func (t *tx) inode(ino uint32) (inode, error) {
	if in, ok := t.inodes[ino]; ok {
		return in, nil
	}
	in, err := t.e.readInode(ino)
	if err != nil {
		return in, err
	}
	if in.b, err = t.bytes(in.off, int64(t.e.inodeSize)); err != nil {
		return in, err
	}
	t.inodes[ino] = in
	return in, nil
}

func (t *tx) super() ([]byte, error) { return t.bytes(superOff, superSize) }

// group returns a group to be changed; its checksums are made by apply.
func (t *tx) group(g uint32) (*groupEdit, error) {
	if x := t.groups[g]; x != nil {
		return x, nil
	}
	d, err := t.e.FS.group(g)
	if err != nil {
		return nil, err
	}
	x := &groupEdit{group: d}
	if x.desc, err = t.bytes(d.off, int64(t.e.descSize)); err != nil {
		return nil, err
	}
	t.groups[g] = x
	return x, nil
}

// add16 adds n to a counter of a descriptor that has its low half at lo and,
// where descriptors are long enough, its high half at hi.
func (t *tx) add16(g *groupEdit, lo, hi int, n int64) error {
	v := int64(le.Uint16(g.desc[lo:]))
	if len(g.desc) >= 64 {
		v |= int64(le.Uint16(g.desc[hi:])) << 16
	}
	if v += n; v < 0 || v>>32 != 0 || len(g.desc) < 64 && v>>16 != 0 {
		return binread.Errorf(format, g.off+int64(lo), "a counter of a group does not fit what the group holds")
	}
	le.PutUint16(g.desc[lo:], uint16(v))
	if len(g.desc) >= 64 {
		le.PutUint16(g.desc[hi:], uint16(v>>16))
	}
	return nil
}

// free gives back runs of blocks, which then read as zero. It fails, with
// nothing else to be relied on in t, when one of them is free already, belongs
// to the file system itself, or is named twice.
func (t *tx) free(runs []run) error {
	f := t.e.FS
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.blk, b.blk) })
	total := int64(0)
	for i, r := range runs {
		bytes := span.Span{Off: r.blk * f.bs, Len: r.n * f.bs}
		switch {
		case r.blk < f.first || r.n <= 0 || r.n > f.blocks-r.blk:
			return binread.Errorf(format, -1, "blocks %d+%d of %d cannot be freed", r.blk, r.n, f.blocks)
		case i > 0 && runs[i-1].blk+runs[i-1].n > r.blk:
			return binread.Errorf(format, bytes.Off, "block %d is used twice by one file", r.blk)
		case len(overlapping(t.e.system, bytes)) > 0:
			return binread.Errorf(format, bytes.Off, "a file claims block %d, which belongs to the file system", r.blk)
		}
		if err := t.clearBlocks(r); err != nil {
			return err
		}
		total += r.n
		if k := len(t.zero) - 1; k >= 0 && t.zero[k].End() == bytes.Off {
			t.zero[k].Len += bytes.Len
		} else {
			t.zero = append(t.zero, bytes)
		}
	}
	for blk := range t.blocks { // what was changed in a block that is now free is of no use
		at, found := slices.BinarySearchFunc(runs, blk, func(r run, blk int64) int { return cmp.Compare(r.blk, blk) })
		if found || at > 0 && blk < runs[at-1].blk+runs[at-1].n {
			delete(t.blocks, blk)
		}
	}
	if total == 0 {
		return nil
	}
	sb, err := t.super()
	if err != nil {
		return err
	}
	putFreeBlocks(f.super, sb, freeBlocks(f.super, sb)+total)
	return nil
}

// clearBlocks clears the bits of a run in the bitmaps of its groups.
func (t *tx) clearBlocks(r run) error {
	f := t.e.FS
	for r.n > 0 {
		no := uint32((r.blk - f.first) / f.bpg)
		g, err := t.group(no)
		if err != nil {
			return err
		}
		from := r.blk - f.firstBlock(no)
		n := min(r.n, f.bpg-from)
		if g.flags&groupBlockUninit != 0 {
			return alreadyFree(f, r.blk)
		}
		if g.blocks == nil {
			if _, err := f.bitmap(g.blockBitmap, f.bpg, g.blockSum, "block"); err != nil {
				return err
			}
			if g.blocks, err = t.block(g.blockBitmap); err != nil {
				return err
			}
		}
		if bit := nextBit(g.blocks, from, from+n, 0); bit < from+n {
			return alreadyFree(f, f.firstBlock(no)+bit)
		}
		clearBits(g.blocks, from, n)
		if err := t.add16(g, 0xC, 0x2C, n); err != nil {
			return err
		}
		r.blk, r.n = r.blk+n, r.n-n
	}
	return nil
}

func alreadyFree(f *FS, blk int64) error {
	return binread.Errorf(format, blk*f.bs, "a file uses block %d, which the bitmap calls free", blk)
}

// clearBits clears n bits of b from bit from on.
func clearBits(b []byte, from, n int64) {
	for ; n > 0 && from%8 != 0; from, n = from+1, n-1 {
		b[from/8] &^= 1 << (from % 8)
	}
	clear(b[from/8 : from/8+n/8])
	for from += n &^ 7; n&7 > 0; from, n = from+1, n-1 {
		b[from/8] &^= 1 << (from % 8)
	}
}

// freeInode gives back an inode and makes it zero, as mke2fs leaves those that
// were never used.
func (t *tx) freeInode(in inode) error {
	f := t.e.FS
	g, err := t.group((in.ino - 1) / f.ipg)
	if err != nil {
		return err
	}
	bit := (in.ino - 1) % f.ipg
	if g.inodes == nil && g.flags&groupInodeUninit == 0 {
		if _, err := f.bitmap(g.inodeBitmap, int64(f.ipg), g.inodeSum, "inode"); err != nil {
			return err
		}
		if g.inodes, err = t.block(g.inodeBitmap); err != nil {
			return err
		}
	}
	if g.inodes == nil || g.inodes[bit/8]&(1<<(bit%8)) == 0 {
		return binread.Errorf(format, in.off, "inode %d is in use, but the bitmap calls it free", in.ino)
	}
	g.inodes[bit/8] &^= 1 << (bit % 8)
	if err := t.add16(g, 0xE, 0x2E, 1); err != nil {
		return err
	}
	if in.kind() == fsys.Directory {
		if err := t.add16(g, 0x10, 0x30, -1); err != nil {
			return err
		}
	}
	sb, err := t.super()
	if err != nil {
		return err
	}
	le.PutUint32(sb[0x10:], le.Uint32(sb[0x10:])+1)
	clear(in.b)
	delete(t.inodes, in.ino)
	t.zeroed += int64(len(in.b))
	return nil
}

// freeBlocks is s_free_blocks_count.
func freeBlocks(s *super, sb []byte) int64 {
	n := int64(le.Uint32(sb[0xC:]))
	if s.incompat&incompat64Bit != 0 {
		n |= int64(le.Uint32(sb[0x158:])) << 32
	}
	return n
}

func putFreeBlocks(s *super, sb []byte, n int64) {
	le.PutUint32(sb[0xC:], uint32(n))
	if s.incompat&incompat64Bit != 0 {
		le.PutUint32(sb[0x158:], uint32(n>>32))
	}
}

// seal makes the checksums of all that changed.
func (t *tx) seal() {
	f := t.e.FS
	for _, in := range t.inodes {
		f.sumInode(in)
	}
	for no, g := range t.groups {
		if f.metaCsum() {
			putSum := func(b []byte, bits, lo, hi int) {
				c := crc32c(f.seed, b[:bits/8])
				le.PutUint16(g.desc[lo:], uint16(c))
				if len(g.desc) >= 64 {
					le.PutUint16(g.desc[hi:], uint16(c>>16))
				}
			}
			if g.blocks != nil {
				putSum(g.blocks, int(f.bpg), 0x18, 0x38)
			}
			if g.inodes != nil {
				putSum(g.inodes, int(f.ipg), 0x1A, 0x3A)
			}
		}
		le.PutUint16(g.desc[0x1E:], f.groupSum(no, g.desc))
	}
	if b := t.blocks[superOff/f.bs]; b != nil && f.metaCsum() {
		sb := b[superOff%f.bs:]
		le.PutUint32(sb[0x3FC:], crc32c(^uint32(0), sb[:0x3FC]))
	}
}

// sumInode makes the checksum of an inode.
func (f *FS) sumInode(in inode) {
	if !f.metaCsum() {
		return
	}
	c := f.inodeSum(in)
	le.PutUint16(in.b[0x7C:], uint16(c))
	if in.extra() >= 4 {
		le.PutUint16(in.b[0x82:], uint16(c>>16))
	}
}

// apply writes the operation. When the patch fails in the middle of it the
// editor is of no more use.
func (t *tx) apply() error {
	t.seal()
	e := t.e
	err := t.write()
	if err != nil {
		e.broken = fmt.Errorf("ext4: an earlier change could not be written: %w", err)
		return err
	}
	e.zeroed += t.zeroed
	return nil
}

func (t *tx) write() error {
	e := t.e
	for _, blk := range slices.Sorted(maps.Keys(t.blocks)) {
		off, b := blk*e.bs, t.blocks[blk]
		if _, err := e.patch.WriteAt(b, off); err != nil {
			return err
		}
		e.cache.put(off, b)
	}
	for _, w := range t.data {
		if _, err := e.patch.WriteAt(w.b, w.off); err != nil {
			return err
		}
		e.cache.forget(w.off, int64(len(w.b)))
	}
	for _, z := range t.zero {
		if err := e.patch.Zero(z.Off, z.Len); err != nil {
			return err
		}
		e.cache.forget(z.Off, z.Len)
		e.zeroed += z.Len
	}
	return nil
}
