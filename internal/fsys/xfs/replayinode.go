package xfs

import (
	"assay/internal/binread"
)

const (
	// ilf_fields: what of an inode was logged besides its core.
	logDataLocal = 0x002
	logDataExts  = 0x004
	logDataRoot  = 0x008
	logDev       = 0x010
	logAttrLocal = 0x040
	logAttrExts  = 0x080
	logAttrRoot  = 0x100
	logOwners    = 0x200 | 0x400 // XFS_ILOG_DOWNER, XFS_ILOG_AOWNER
	logDataFork  = logDataLocal | logDataExts | logDataRoot
	logAttrFork  = logAttrLocal | logAttrExts | logAttrRoot

	maxFlush = 0xffff // DI_MAX_FLUSH
)

// An inodeItem is struct xfs_inode_log_format; 32-bit machines wrote it
// without padding.
type inodeItem struct {
	fields uint32
	ino    uint64
	rdev   uint32
	key    bufferKey
	inside int64 // offset in the buffer
}

func (r *replayer) inodeFormat(d []byte) (*inodeItem, error) {
	var f inodeItem
	switch len(d) {
	case 56:
		f = inodeItem{ino: le.Uint64(d[16:]), rdev: le.Uint32(d[24:]),
			key: bufferKey{int64(le.Uint64(d[40:])), int64(le.Uint32(d[48:]))}, inside: int64(le.Uint32(d[52:]))}
	case 52:
		f = inodeItem{ino: le.Uint64(d[12:]), rdev: le.Uint32(d[20:]),
			key: bufferKey{int64(le.Uint64(d[36:])), int64(le.Uint32(d[44:]))}, inside: int64(le.Uint32(d[48:]))}
	default:
		return nil, r.log.bad(0, "an inode item of %d bytes", len(d))
	}
	f.fields = le.Uint32(d[4:])
	if f.key.n <= 0 || f.key.n > maxBuffer/sector || f.key.at < 0 || f.key.at > r.fs.dev.size/sector-f.key.n ||
		f.inside%r.fs.inodeSize != 0 || f.inside >= f.key.n*sector {
		return nil, r.log.bad(0, "inode item %d for byte %d of %d sectors at %d", f.ino, f.inside, f.key.n, f.key.at)
	}
	return &f, nil
}

// inode replays one inode (xlog_recover_inode_commit_pass2). Owner changes of
// extent trees are not followed, as the owner is not checked in reading.
func (r *replayer) inode(it *item, lsn uint64) error {
	f, err := r.inodeFormat(it.desc())
	if err != nil {
		return err
	}
	if r.cancelled[f.key] > 0 {
		r.fs.log.Stale++
		return nil
	}
	off := f.key.at*sector + f.inside
	b, err := binread.At(r.fs.dev, format, off, r.fs.inodeSize, 0)
	if err != nil {
		return err
	}
	core := coreV2 - 4 // the log has no di_next_unlinked in version 2
	if r.fs.v5 {
		core = coreV3
	}
	if len(it.regions) < 2 || len(it.regions[1]) < core || be.Uint16(b) != inodeMagic || le.Uint16(it.regions[1]) != inodeMagic {
		return r.log.bad(0, "inode item %d does not fit what is at byte %d", f.ino, off)
	}
	from := it.regions[1]
	if r.newerInode(b, from, lsn) {
		r.fs.log.Stale++
		return nil
	}
	r.core(b, from, lsn)
	if err := r.forks(it, f, b); err != nil {
		return err
	}
	if r.fs.v5 {
		setSum(b, 100)
	}
	r.fs.log.Inodes++
	r.fs.log.owners = r.fs.log.owners || f.fields&logOwners != 0
	return r.fs.dev.patch(off, b)
}

// newerInode reports whether the inode on the disk is newer than the logged
// one. Version 5 tells by LSN, where an equal one is not newer: checkpoints
// can share it. Older versions count flushes.
func (r *replayer) newerInode(disk, log []byte, lsn uint64) bool {
	if r.fs.v5 {
		age := be.Uint64(disk[112:])
		return age != ^uint64(0) && age > lsn
	}
	on, in := be.Uint16(disk[30:]), le.Uint16(log[30:])
	return in < on && !(on == maxFlush && in < maxFlush>>1)
}

// swaps are the fields that struct xfs_log_dinode and struct xfs_dinode have
// at the same place in different byte order; bytes in none of them are the
// same in both or are not copied.
var swaps = []struct{ off, width int }{
	{0, 2}, {2, 2}, {8, 4}, {12, 4}, {16, 4}, {20, 2}, {22, 2},
	{56, 8}, {64, 8}, {72, 4}, {84, 4}, {88, 2}, {90, 2}, {92, 4},
}

// core converts the logged core into the disk's form
// (xfs_log_dinode_to_disk). di_next_unlinked is not part of it.
func (r *replayer) core(b, from []byte, lsn uint64) {
	copy(b[4:8], from[4:8])
	copy(b[82:84], from[82:84])
	for _, f := range swaps {
		swap(b, from, f.off, f.width)
	}
	flags2 := uint64(0)
	if r.fs.v5 {
		flags2 = le.Uint64(from[120:])
	}
	times := []int{32, 40, 48}
	if r.fs.v5 {
		times = append(times, 144)
	}
	for _, at := range times {
		if flags2&flag2BigTime != 0 {
			swap(b, from, at, 8)
		} else { // two numbers, seconds first on disk and in the log
			swap(b, from, at, 4)
			swap(b, from, at+4, 4)
		}
	}
	if flags2&flag2Nrext64 != 0 {
		swap(b, from, 24, 8)
		swap(b, from, 76, 4)
		swap(b, from, 80, 2)
	} else {
		swap(b, from, 76, 4)
		swap(b, from, 80, 2)
		clear(b[24:32]) // padding, and di_flushiter, which starts again
	}
	if !r.fs.v5 {
		return
	}
	swap(b, from, 104, 8)
	be.PutUint64(b[112:], lsn)
	swap(b, from, 120, 8)
	swap(b, from, 128, 4)
	copy(b[132:144], from[132:144])
	swap(b, from, 152, 8)
	copy(b[160:176], from[160:176])
}

// swap copies a little-endian number to the same place as big-endian.
func swap(to, from []byte, off, width int) {
	for i := range width {
		to[off+i] = from[off+width-1-i]
	}
}

// forks replays what was logged of the two forks.
func (r *replayer) forks(it *item, f *inodeItem, b []byte) error {
	core := coreV2
	if r.fs.v5 {
		core = coreV3
	}
	if f.fields&logDev != 0 {
		be.PutUint32(b[core:], f.rdev)
	}
	attr := int(b[82]) * 8
	if attr > len(b)-core {
		return r.log.bad(0, "inode item %d with an attribute fork at %d", f.ino, attr)
	}
	data := b[core:]
	if attr != 0 {
		data = data[:attr]
	}
	next := 2
	if f.fields&logDataFork != 0 {
		if err := r.fork(it, f, next, f.fields&logDataRoot != 0, data); err != nil {
			return err
		}
		next++
	}
	if f.fields&logAttrFork != 0 {
		if attr == 0 {
			return r.log.bad(0, "inode item %d with attributes and no place for them", f.ino)
		}
		return r.fork(it, f, next, f.fields&logAttrRoot != 0, b[core+attr:])
	}
	return nil
}

// fork replays one fork from the region of that number. A fork that was logged
// with no bytes has no region.
func (r *replayer) fork(it *item, f *inodeItem, number int, root bool, to []byte) error {
	if number >= len(it.regions) {
		if number == 2 && len(it.regions) == 2 { // ilf_size is 2: the core only
			return nil
		}
		return r.log.bad(0, "inode item %d without the fork that it announces", f.ino)
	}
	from := it.regions[number]
	if root {
		if !r.treeRoot(to, from) {
			return r.log.bad(0, "inode item %d with an impossible extent tree root", f.ino)
		}
		return nil
	}
	if len(from) > len(to) {
		return r.log.bad(0, "inode item %d with %d bytes for a fork of %d", f.ino, len(from), len(to))
	}
	copy(to, from)
	return nil
}

// treeRoot converts a logged root, which has the header of a whole block, into
// struct xfs_bmdr_block (xfs_bmbt_to_bmdr).
func (r *replayer) treeRoot(to, from []byte) bool {
	head := 24
	if r.fs.v5 {
		head = 72
	}
	if len(from) < head || len(to) < 4 {
		return false
	}
	n, fitFrom, fitTo := int(be.Uint16(from[6:])), (len(from)-head)/16, (len(to)-4)/16
	if n > fitFrom || n > fitTo || be.Uint16(from[4:]) == 0 {
		return false
	}
	copy(to[:4], from[4:8])
	copy(to[4:], from[head:head+8*n])
	copy(to[4+8*fitTo:], from[head+8*fitFrom:head+8*fitFrom+8*n])
	return true
}

// createInodes replays the initialisation of an inode chunk: struct
// xfs_icreate_log (xlog_recover_icreate_commit_pass2). It is big-endian but
// for its first two fields.
func (r *replayer) createInodes(it *item) error {
	d, s := it.desc(), r.fs.super
	if len(d) < 28 {
		return r.log.bad(0, "an inode creation item of %d bytes", len(d))
	}
	ag, block, count, size, blocks := be.Uint32(d[4:]), be.Uint32(d[8:]), be.Uint32(d[12:]), be.Uint32(d[16:]), be.Uint32(d[20:])
	if ag >= s.agCount || block < s.firstBlock() || block >= s.agLen(ag) || blocks == 0 || blocks > s.agLen(ag)-block ||
		int64(size) != s.inodeSize || count == 0 || count > 1<<10 || count>>s.inopLog != blocks {
		return r.log.bad(0, "creation of %d inodes of %d bytes in %d blocks at %d of group %d", count, size, blocks, block, ag)
	}
	off := s.agByte(ag, block)
	cluster := s.clusterBlocks()
	for at := uint32(0); at < blocks; at += cluster {
		key := bufferKey{(off + int64(at)<<s.blockLog) / sector, int64(cluster) << s.blockLog / sector}
		if r.cancelled[key] > 0 {
			r.fs.log.Stale++
			return nil
		}
	}
	first := uint64(ag)<<(s.agLog+s.inopLog) | uint64(block)<<s.inopLog
	for i := range uint64(count) {
		if err := r.fs.dev.patch(off+int64(i)<<s.inodeLog, s.newInode(first+i, d[24:28])); err != nil {
			return err
		}
	}
	r.fs.log.Chunks++
	return nil
}

// newInode is an inode as it is before its first use.
func (s *super) newInode(number uint64, generation []byte) []byte {
	b := make([]byte, s.inodeSize)
	be.PutUint16(b, inodeMagic)
	b[4] = 2
	copy(b[92:96], generation)
	be.PutUint32(b[nextUnlinked:], nullInode)
	if s.v5 {
		b[4] = 3
		be.PutUint64(b[152:], number)
		copy(b[160:176], s.metaUUID[:])
		setSum(b, 100)
	}
	return b
}

// clusterBlocks is the number of blocks of an inode buffer: 8 KiB, or with
// version 5 32 inodes where chunks are aligned to that
// (xfs_ialloc_setup_geometry).
func (s *super) clusterBlocks() uint32 {
	size := int64(8 << 10)
	if grown := size * s.inodeSize / 256; s.v5 && int64(s.inodeAlign) >= grown>>s.blockLog {
		size = grown
	}
	return uint32(max(1, size>>s.blockLog))
}
