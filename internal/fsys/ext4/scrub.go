package ext4

import (
	"bytes"
	"fmt"

	"assay/internal/fsys"
	"assay/internal/span"
)

// Bounds of Scrub.
const (
	maxLeft   = 100     // notes about what was left
	maxBehind = 1 << 20 // bytes behind the file system that are looked at
)

// Scrub implements fsys.Editor. It zeroes free blocks, unused inodes, the
// journal but for its superblock, and in each inode in use what belongs to no
// byte of it: the end of the last block, blocks that were never written, gaps
// between entries of directories, of maps and of attributes. What follows the
// end of a file that is encrypted or sealed by fs-verity has a meaning and
// stays. A directory of which not all can be read is left and named.
func (e *Editor) Scrub() (fsys.Report, error) {
	if err := e.ready(); err != nil {
		return fsys.Report{}, err
	}
	err := e.scrub()
	e.broken = errEnded
	return e.report(), err
}

func (e *Editor) scrub() error {
	zero := func(blk, n int64) error { return e.clean(blk*e.bs, n*e.bs) }
	system, err := e.systemZone()
	if err != nil {
		return err
	}
	for g := range e.groups {
		if err := e.freeOf(g, system, zero); err != nil {
			return err
		}
		if err := e.scrubGroup(g); err != nil {
			return err
		}
	}
	unused, err := e.UnusedInodes()
	if err != nil {
		return err
	}
	for _, s := range unused {
		if err := e.clean(s.Off, s.Len); err != nil {
			return err
		}
	}
	if err := e.scrubJournal(); err != nil {
		return err
	}
	if err := e.eachInode(e.scrubInode); err != nil {
		return err
	}
	if e.lost > 0 {
		e.leave("%d blocks that are marked as in use and belong to no file: e2fsck would free them", e.lost)
	}
	end := e.FS.blocks * e.bs
	if rest := e.volume - end; rest > maxBehind || !e.readsZero(end, rest) {
		e.leave("%d bytes behind the end of the file system, which may belong to something else", rest)
	}
	return nil
}

// scrubGroup clears what mke2fs reserves in a group and does not write: bitmaps
// that nobody has needed yet, what follows a copy of the superblock, and in
// the copies of the descriptors the room for more of them, which the resize
// inode keeps.
func (e *Editor) scrubGroup(g uint32) error {
	d, err := e.group(g)
	if err != nil {
		return err
	}
	if d.flags&groupBlockUninit != 0 {
		err = e.cleanIf(d.blockBitmap*e.bs, e.bs)
	}
	if err == nil && d.flags&groupInodeUninit != 0 {
		err = e.cleanIf(d.inodeBitmap*e.bs, e.bs)
	}
	if err != nil || g == 0 || !e.hasSuper(g) {
		return err
	}
	base := e.firstBlock(g)
	if err := e.cleanIf(base*e.bs+superSize, e.bs-superSize); err != nil {
		return err
	}
	if e.compat&compatResizeInode == 0 || e.incompat&incompatMetaBG != 0 {
		return nil
	}
	return e.clean((base+e.baseBlocks(g)-e.reservedGDT)*e.bs, e.reservedGDT*e.bs)
}

// clean makes a range zero.
func (e *Editor) clean(off, n int64) error {
	if err := e.patch.Zero(off, n); err != nil {
		return err
	}
	e.cache.forget(off, n)
	e.zeroed += n
	return nil
}

// cleanIf makes a range zero that is not: most tails of files are.
func (e *Editor) cleanIf(off, n int64) error {
	if n <= 0 || n <= maxBlockSize && e.readsZero(off, n) {
		return nil
	}
	return e.clean(off, n)
}

// readsZero says that a range is known to be zero.
func (e *Editor) readsZero(off, n int64) bool {
	buf := make([]byte, min(n, maxBlockSize))
	for n > 0 {
		b := buf[:min(n, int64(len(buf)))]
		if k, _ := e.patch.ReadAt(b, off); k < len(b) || !allZero(b) {
			return false
		}
		off, n = off+int64(len(b)), n-int64(len(b))
	}
	return true
}

func (e *Editor) leave(msg string, args ...any) {
	if len(e.left) < maxLeft {
		e.left = append(e.left, fmt.Sprintf(msg, args...))
	}
}

// scrubJournal clears all of the journal but its superblock. The journal is
// empty since the editor was opened.
func (e *Editor) scrubJournal() error {
	journal, err := e.Journal()
	if err != nil {
		return err
	}
	for i, s := range journal {
		if i == 0 {
			s.Off, s.Len = s.Off+superSize, s.Len-superSize
		}
		if err := e.clean(s.Off, s.Len); err != nil {
			return err
		}
	}
	return nil
}

// scrubInode clears what an inode in use does not need.
func (e *Editor) scrubInode(in inode) error {
	if in.ino < e.firstIno && in.ino != rootIno || in.mode() == 0 ||
		e.compat&compatOrphanFile != 0 && in.ino == e.orphanFile || e.compat&compatHasJournal != 0 && in.ino == e.journalIno {
		return nil
	}
	t := e.begin()
	if err := t.scrubInode(in); err != nil {
		return err
	}
	if err := t.scrubXattrBlock(in); err != nil {
		return err
	}
	if !e.inline(in) && !e.mapless(in) {
		if err := t.scrubMap(in); err != nil {
			return err
		}
		if in.kind() == fsys.Directory {
			if err := t.scrubDir(in); err != nil { // it is read as a whole before it is changed
				e.leave("directory inode %d: %v", in.ino, err)
				return nil
			}
		}
	}
	if len(t.blocks)+len(t.zero) == 0 {
		return nil
	}
	return t.apply()
}

// change stages new bytes for off, which cross no block, if they differ.
func (t *tx) change(off int64, old, b []byte) error {
	if bytes.Equal(old, b) {
		return nil
	}
	to, err := t.bytes(off, int64(len(b)))
	if err != nil {
		return err
	}
	for i := range b {
		if b[i] != old[i] && b[i] == 0 {
			t.zeroed++
		}
	}
	copy(to, b)
	return nil
}

// scrubInode clears in an inode's own bytes what follows its map, its link or
// its inline content, and the gaps between its attributes.
func (t *tx) scrubInode(in inode) error {
	f := t.e.FS
	b := bytes.Clone(in.b)
	x := inode{in.ino, in.off, b}
	switch i := x.iblock(); {
	case f.inline(in):
		if err := t.scrubInline(x); err != nil {
			return err
		}
	case in.kind() == fsys.Symlink && f.fastLink(in):
		clear(i[f.size(in):])
	case in.kind() == fsys.CharDevice || in.kind() == fsys.BlockDevice:
		clear(i[8:])
	case in.kind() == fsys.FIFO || in.kind() == fsys.Socket:
		clear(i)
	case in.has(flagExtents):
		clear(i[12+12*min(int(le.Uint16(i[2:])), 4):])
	}
	f.scrubBodyXattrs(x)
	if bytes.Equal(b, in.b) {
		return nil
	}
	f.sumInode(x)
	return t.change(in.off, in.b, b)
}

// scrubInline clears what an inline file holds behind its end, or an inline
// directory between its entries.
func (t *tx) scrubInline(in inode) error {
	f := t.e.FS
	m, err := t.inlineMap(in)
	if err != nil {
		return err
	}
	if in.kind() == fsys.Directory {
		for _, b := range [][]byte{m.head[4:], m.tail} {
			if err := f.scrubEntries(in, b, in.off); err != nil {
				t.e.leave("directory inode %d: %v", in.ino, err)
				return nil
			}
		}
		return nil
	}
	size, head := f.size(in), int64(len(m.head))
	clear(m.head[min(size, head):])
	clear(m.tail[min(max(size-head, 0), int64(len(m.tail))):])
	return nil
}

// scrubBodyXattrs clears the gaps between the attributes in an inode: the
// space in which they lie, without entries and values. Attributes that make no
// sense are left.
func (f *FS) scrubBodyXattrs(in inode) {
	if len(in.b) <= 128 {
		return
	}
	start := 128 + in.extra()
	if start+4 > len(in.b) || in.extra() == 0 || le.Uint32(in.b[start:]) != xattrMagic {
		clear(in.b[start:])
		return
	}
	scrubXattrs(in.b[start+4:], 0)
}

// scrubXattrs clears what of a table is neither before off nor an entry nor a
// value.
func scrubXattrs(table []byte, off int) {
	used := []span.Span{{Off: 0, Len: int64(off)}}
	err := eachXattr(table, 0, off, func(e xattrEntry) error {
		used = append(used, span.Span{Off: e.at, Len: int64((xattrEntryHead + len(e.name) + 3) &^ 3)})
		if e.valueIno == 0 {
			// The hash of an entry counts the bytes up to the next multiple of four.
			used = append(used, span.Span{Off: int64(e.valueOff), Len: (int64(e.valueSize) + 3) &^ 3})
		}
		return nil
	})
	if err != nil {
		return
	}
	for _, gap := range span.Make(used).Invert(int64(len(table))) {
		clear(table[gap.Off:gap.End()])
	}
}

// scrubXattrBlock clears the gaps between the attributes in a block.
func (t *tx) scrubXattrBlock(in inode) error {
	f, blk := t.e.FS, in.fileACL()
	if blk == 0 {
		return nil
	}
	old, err := f.xattrBlock(in, blk)
	if err != nil {
		return err
	}
	b := bytes.Clone(old)
	scrubXattrs(b, xattrBlockHead)
	if bytes.Equal(b, old) {
		return nil
	}
	f.sumXattrBlock(b, blk)
	return t.change(blk*f.bs, old, b)
}

// scrubMap clears the unused entries of extent nodes, blocks that were
// allocated and never written, and the end of the last block.
func (t *tx) scrubMap(in inode) error {
	f, size := t.e.FS, t.e.size(in)
	plain := !in.has(flagEncrypt | flagVerity)
	w := mapWalk{f: f, in: in}
	w.yield = func(x extent) error {
		if x.unwritten {
			return t.e.cleanIf(x.pblk*f.bs, x.n*f.bs)
		}
		end := (x.end()) * f.bs
		if k := in.kind(); !plain || end <= size || k != fsys.Regular && k != fsys.Symlink {
			return nil
		}
		from := max(size, x.lblk*f.bs)
		return t.e.cleanIf((x.pblk-x.lblk)*f.bs+from, end-from)
	}
	w.meta = func(blk, lblk int64) error {
		if !in.has(flagExtents) {
			return nil
		}
		old, err := f.cache.bytes(blk*f.bs, f.bs)
		if err != nil {
			return err
		}
		n, room := int(le.Uint16(old[2:])), int(le.Uint16(old[4:]))
		if le.Uint16(old) != extentMagic || n > room || 12+12*room > len(old) {
			return nil // which the walk will say
		}
		b := bytes.Clone(old)
		clear(b[12+12*n:])
		if bytes.Equal(b[:12+12*room], old[:12+12*room]) && allZero(old[min(16+12*room, len(old)):]) {
			return nil
		}
		if f.metaCsum() && 16+12*room <= len(b) {
			f.sumExtents(in, b)
		}
		return t.change(blk*f.bs, old, b)
	}
	return w.run()
}
