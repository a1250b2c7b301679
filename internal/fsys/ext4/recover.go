package ext4

import (
	"slices"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// recover makes on the patch what the kernel makes on mounting: the journal is
// written out and emptied, orphans are dealt with, and the counts of the
// superblock, which are in no journal, are made from those of the groups.
func (e *Editor) recover() error {
	if e.incompat&incompatRecover != 0 {
		if err := e.writeJournal(); err != nil {
			return err
		}
	}
	for _, set := range []map[uint32]bool{e.orphans.dead, e.orphans.cut} {
		for _, ino := range sortedKeys(set) {
			if err := e.orphan(ino, e.orphans.dead[ino]); err != nil {
				return err
			}
		}
	}
	t := e.begin()
	if err := t.forgetOrphans(); err != nil {
		return err
	}
	if err := t.count(); err != nil {
		return err
	}
	if err := t.apply(); err != nil {
		return err
	}
	return e.reopen()
}

func sortedKeys(m map[uint32]bool) []uint32 {
	out := make([]uint32, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// reopen reads the file system as the patch now has it.
func (e *Editor) reopen() error {
	f, err := Open(e.patch, e.volume)
	if err != nil {
		return err
	}
	if len(f.problems) > 0 {
		return binread.Errorf(format, -1, "after recovery: %s", f.problems[0].Detail)
	}
	e.FS = f
	return nil
}

// writeJournal writes the blocks that the journal holds to their places, and
// marks it empty.
func (e *Editor) writeJournal() error {
	j, err := e.openJournal()
	if err != nil {
		return mustNot(err)
	}
	head, err := j.physical(0)
	if err != nil {
		return mustNot(err)
	}
	over, _ := e.dev.(*overlay)
	if over != nil {
		journal, err := e.Journal()
		if err != nil {
			return mustNot(err)
		}
		log := span.Make(journal)
		for _, x := range over.patches {
			if len(overlapping(log, span.Span{Off: x.blk * e.bs, Len: e.bs})) > 0 {
				return mustNot(binread.Errorf(format, x.from*e.bs, "the journal logs block %d of itself", x.blk))
			}
		}
	}
	next := j.seq
	if j.start != 0 {
		l := replayer{j: j, revoked: map[int64]uint32{}}
		if err := l.scan(); err != nil {
			return mustNot(err)
		}
		next = l.seq + 1
	}
	if over != nil {
		buf := make([]byte, e.bs)
		for _, x := range over.patches {
			if err := binread.Full(over, format, buf, x.blk*e.bs); err != nil {
				return err
			}
			if _, err := e.patch.WriteAt(buf, x.blk*e.bs); err != nil {
				return err
			}
		}
	}
	e.dev, e.cache = e.patch, newCache(e.patch, e.volume)
	t := e.begin()
	b, err := t.block(head)
	if err != nil {
		return err
	}
	be.PutUint32(b[0x18:], next) // s_sequence
	be.PutUint32(b[0x1C:], 0)    // s_start
	if j.sums() {
		be.PutUint32(b[0xFC:], crc32cHole(^uint32(0), b[:1024], 0xFC, 4))
	}
	sb, err := t.super()
	if err != nil {
		return err
	}
	le.PutUint32(sb[0x60:], le.Uint32(sb[0x60:])&^incompatRecover)
	return t.apply()
}

// orphan removes a file that was deleted while open, or ends a truncation that
// was not finished.
func (e *Editor) orphan(ino uint32, dead bool) error {
	t := e.begin()
	in, err := t.inode(ino)
	if err != nil {
		return err
	}
	if dead {
		err = t.release(in)
	} else {
		le.PutUint32(in.b[0x14:], 0) // i_dtime, which named the next orphan
		err = t.cut(in, (e.size(in)+e.bs-1)/e.bs)
	}
	if err != nil {
		return err
	}
	return t.apply()
}

// forgetOrphans empties the list of orphans and the orphan file.
func (t *tx) forgetOrphans() error {
	f := t.e.FS
	if f.lastOrphan != 0 {
		sb, err := t.super()
		if err != nil {
			return err
		}
		le.PutUint32(sb[0xE8:], 0)
	}
	if f.compat&compatOrphanFile == 0 || f.ro&roOrphanPresent == 0 && len(f.orphans.dead)+len(f.orphans.cut) == 0 {
		return nil
	}
	sb, err := t.super()
	if err != nil {
		return err
	}
	le.PutUint32(sb[0x64:], le.Uint32(sb[0x64:])&^roOrphanPresent)
	in, err := f.readInode(f.orphanFile)
	if err != nil {
		return err
	}
	end := (f.size(in) + f.bs - 1) / f.bs
	return f.walkMap(in, 0, func(e extent) error {
		for i := range max(min(e.n, end-e.lblk), 0) {
			b, err := t.block(e.pblk + i)
			if err != nil {
				return err
			}
			tail := len(b) - orphanTailSize
			clear(b[:tail])
			if f.metaCsum() {
				le.PutUint32(b[tail+4:], crc32c(crc32cLE64(f.inodeSeed(in), uint64(e.pblk+i)), b[:tail]))
			}
		}
		return nil
	})
}

// count makes the free counts of the superblock from those of the groups.
func (t *tx) count() error {
	f := t.e.FS
	blocks, inodes := int64(0), uint32(0)
	for g := range f.groups {
		d, err := f.group(g)
		if err != nil {
			return err
		}
		blocks += int64(d.freeClusters)
		inodes += d.freeInodes
	}
	old, err := f.cache.bytes(superOff, superSize)
	if err != nil || freeBlocks(f.super, old) == blocks && le.Uint32(old[0x10:]) == inodes {
		return err
	}
	sb, err := t.super()
	if err != nil {
		return err
	}
	putFreeBlocks(f.super, sb, blocks)
	le.PutUint32(sb[0x10:], inodes)
	return nil
}

// release gives back all that an inode without a name holds, and the inode.
func (t *tx) release(in inode) error {
	if err := t.releaseAttributes(in); err != nil {
		return err
	}
	return t.releaseContent(in)
}

func (t *tx) releaseContent(in inode) error {
	f := t.e.FS
	if !f.mapless(in) && !f.inline(in) {
		runs, err := f.heldFrom(in, 0)
		if err != nil {
			return err
		}
		if err := t.free(runs); err != nil {
			return err
		}
	}
	return t.freeInode(in)
}

// heldFrom lists the blocks that a file holds from logical block keep on, with
// those of its map that are for nothing else.
func (f *FS) heldFrom(in inode, keep int64) ([]run, error) {
	var out []run
	err := f.freedFrom(in, keep, func(blk, n int64) error {
		if k := len(out) - 1; k >= 0 && out[k].blk+out[k].n == blk {
			out[k].n += n
			return nil
		}
		if len(out) >= maxRuns {
			return cannot(in.ino, "is in too many pieces")
		}
		out = append(out, run{blk, n})
		return nil
	})
	return out, err
}

// releaseAttributes gives back one reference to the attributes of a file that
// goes: to the block with them, and to the inodes that hold values.
func (t *tx) releaseAttributes(in inode) error {
	f := t.e.FS
	values := func(e xattrEntry) error {
		if e.valueIno == 0 {
			return nil
		}
		return t.releaseValue(in, e)
	}
	if err := f.bodyXattrs(in, values); err != nil {
		return err
	}
	blk := in.fileACL()
	if blk == 0 {
		return nil
	}
	b, err := f.xattrBlock(in, blk)
	if err != nil {
		return err
	}
	refs := le.Uint32(b[4:])
	if refs > 1 {
		if b, err = t.block(blk); err != nil {
			return err
		}
		le.PutUint32(b[4:], le.Uint32(b[4:])-1) // h_refcount
		f.sumXattrBlock(b, blk)
		return nil
	}
	if err := f.blockXattrs(in, values); err != nil {
		return err
	}
	return t.free([]run{{blk, 1}})
}

func (f *FS) sumXattrBlock(b []byte, blk int64) {
	if f.metaCsum() {
		le.PutUint32(b[0x10:], crc32cHole(crc32cLE64(f.seed, uint64(blk)), b, 0x10, 4))
	}
}

// releaseValue gives back one reference to an inode that holds an attribute's
// value. Their number is in i_ctime and i_version (ext4_xattr_inode_get_ref);
// inodes of Lustre's older form have none.
func (t *tx) releaseValue(of inode, e xattrEntry) error {
	f := t.e.FS
	in, err := t.inode(e.valueIno)
	if err != nil {
		return err
	}
	if f.incompat&incompatEAInode == 0 || !in.has(flagEAInode) || in.kind() != fsys.Regular || in.ino < f.firstIno {
		return binread.Errorf(format, e.at, "an attribute's value is in inode %d, which is none for values", in.ino)
	}
	nested := in.fileACL() != 0
	if err := f.bodyXattrs(in, func(xattrEntry) error { nested = true; return nil }); err != nil {
		return err
	}
	refs := uint64(le.Uint32(in.b[0xC:]))<<32 | uint64(le.Uint32(in.b[0x24:]))
	switch {
	case nested:
		return binread.Errorf(format, in.off, "inode %d, the value of an attribute, has attributes", in.ino)
	case refs == 0:
		return cannot(of.ino, "has an attribute whose value counts no owners")
	case refs > 1:
		refs--
		le.PutUint32(in.b[0xC:], uint32(refs>>32))
		le.PutUint32(in.b[0x24:], uint32(refs))
		return nil
	}
	return t.releaseContent(in)
}
