package ext4

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// maxOrphans bounds the inodes on the list of orphans and in the orphan file.
const maxOrphans = 1 << 20

// The tail of a block of the orphan file (ext4_orphan_block_tail).
const (
	orphanTailSize  = 8
	orphanTailMagic = 0x0B10CA04
)

// orphans are the inodes that the kernel would deal with on mounting: those
// deleted while open are removed, those being truncated are cut.
type orphans struct {
	dead map[uint32]bool
	cut  map[uint32]bool
}

// loadOrphans reads the list that starts in the superblock and the orphan
// file. Like the kernel and e2fsck it does nothing on a file system with
// errors, whose list cannot be believed.
func (f *FS) loadOrphans() error {
	f.orphans = orphans{map[uint32]bool{}, map[uint32]bool{}}
	if f.state&stateError != 0 || f.aborted {
		return nil
	}
	err := f.orphanList()
	if f.compat&compatOrphanFile != 0 {
		if ferr := f.orphanBlocks(); err == nil {
			err = ferr
		}
	}
	return err
}

// orphanList follows s_last_orphan; i_dtime of each inode names the next one.
func (f *FS) orphanList() error {
	seen := map[uint32]bool{}
	for ino := f.lastOrphan; ino != 0; {
		if seen[ino] || len(seen) >= maxOrphans {
			return binread.Errorf(format, superOff+0xE8, "the list of orphans comes back to inode %d", ino)
		}
		seen[ino] = true
		next, err := f.orphan(ino)
		if err != nil {
			return fmt.Errorf("the list of orphans is broken: %w", err)
		}
		ino = next
	}
	return nil
}

// orphan notes what becomes of one orphan and returns its i_dtime.
func (f *FS) orphan(ino uint32) (uint32, error) {
	if ino < f.firstIno {
		return 0, binread.Errorf(format, -1, "inode %d cannot be an orphan", ino)
	}
	in, err := f.readInode(ino)
	if err != nil {
		return 0, err
	}
	switch kind := in.kind(); {
	case in.mode() == 0 || !f.inodeUsed(ino):
		return 0, binread.Errorf(format, in.off, "orphan inode %d is not in use", ino)
	case in.nlink() == 0:
		f.orphans.dead[ino] = true
	case kind == fsys.Regular || kind == fsys.Directory || kind == fsys.Symlink && !f.fastLink(in):
		f.orphans.cut[ino] = true
	default:
		return 0, binread.Errorf(format, in.off, "orphan inode %d cannot be truncated", ino)
	}
	return in.dtime(), nil
}

// orphanBlocks reads the orphan file: arrays of inode numbers, 0 for none.
func (f *FS) orphanBlocks() error {
	in, err := f.readInode(f.orphanFile)
	if err != nil {
		return fmt.Errorf("the orphan file is broken: %w", err)
	}
	end, found := (f.size(in)+f.bs-1)/f.bs, 0
	return f.walkMap(in, 0, func(e extent) error {
		for i := range max(min(e.n, end-e.lblk), 0) {
			n, err := f.orphanBlock(in, e.pblk+i)
			if err != nil {
				return err
			}
			if found += n; found > maxOrphans {
				return binread.Errorf(format, in.off, "more than %d orphans", maxOrphans)
			}
		}
		return nil
	})
}

func (f *FS) orphanBlock(in inode, blk int64) (found int, err error) {
	at := blk * f.bs
	b, err := f.cache.bytes(at, f.bs)
	if err != nil {
		return 0, err
	}
	tail := len(b) - orphanTailSize
	if le.Uint32(b[tail:]) != orphanTailMagic {
		return 0, binread.Errorf(format, at, "a block of the orphan file has no magic number")
	}
	if f.metaCsum() && crc32c(crc32cLE64(f.inodeSeed(in), uint64(blk)), b[:tail]) != le.Uint32(b[tail+4:]) {
		return 0, binread.Errorf(format, at, "a block of the orphan file has a wrong checksum")
	}
	for i := 0; i < tail; i += 4 {
		ino := le.Uint32(b[i:])
		if ino == 0 {
			continue
		}
		found++
		// The kernel passes over an inode that makes no sense here.
		if _, err := f.orphan(ino); err != nil {
			continue
		}
	}
	return found, nil
}

// inodeUsed says whether the inode bitmap has ino as used; one that cannot be
// believed says yes.
func (f *FS) inodeUsed(ino uint32) bool {
	g, err := f.group((ino - 1) / f.ipg)
	if err != nil {
		return true
	}
	if g.flags&groupInodeUninit != 0 {
		return false
	}
	b, err := f.bitmap(g.inodeBitmap, int64(f.ipg), g.inodeSum, "inode")
	bit := (ino - 1) % f.ipg
	return err != nil || b[bit/8]&(1<<(bit%8)) != 0
}

// freedByOrphans lists what becomes free when the orphans are dealt with, as
// runs of blocks that are whole clusters.
func (f *FS) freedByOrphans(yield func(blk, n int64) error) error {
	for ino := range f.orphans.dead {
		in, err := f.readInode(ino)
		if err == nil {
			err = f.freedAttributes(in, yield)
		}
		if err == nil && !f.mapless(in) {
			err = f.freedFrom(in, 0, yield)
		}
		if err != nil {
			return err
		}
	}
	for ino := range f.orphans.cut {
		in, err := f.readInode(ino)
		if err == nil {
			err = f.freedFrom(in, (f.size(in)+f.bs-1)/f.bs, yield)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// freedFrom lists what a file holds from logical block keep on, with those
// blocks of its map that are for nothing else.
func (f *FS) freedFrom(in inode, keep int64, yield func(blk, n int64) error) error {
	whole := func(n int64) int64 { return (n + f.ratio - 1) / f.ratio * f.ratio }
	first := whole(keep) // the cluster with the last block stays
	w := mapWalk{f: f, in: in}
	w.yield = func(e extent) error {
		if stay := first - e.lblk; stay > 0 {
			e.pblk, e.n = e.pblk+stay, e.n-stay
		}
		if e.n <= 0 {
			return nil
		}
		from := e.pblk / f.ratio * f.ratio
		return yield(from, whole(e.pblk+e.n)-from)
	}
	w.meta = func(blk, lblk int64) error {
		if lblk < keep {
			return nil
		}
		return yield(blk/f.ratio*f.ratio, f.ratio)
	}
	return w.run()
}

// freedAttributes lists the block with a deleted file's attributes, if no
// other file shares it (h_refcount).
func (f *FS) freedAttributes(in inode, yield func(blk, n int64) error) error {
	blk := in.fileACL()
	if blk == 0 {
		return nil
	}
	b, err := f.xattrBlock(in, blk)
	if err != nil || le.Uint32(b[4:]) != 1 {
		return err
	}
	return yield(blk/f.ratio*f.ratio, f.ratio)
}
