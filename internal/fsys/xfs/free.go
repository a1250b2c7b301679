package xfs

import (
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

const (
	nullInode    = 0xffffffff // NULLAGINO
	nextUnlinked = 96         // offset of di_next_unlinked
	maxUnlinked  = 1 << 20    // inodes deleted while open
	maxFreeSpans = 4 << 20    // in memory
)

// Free returns the blocks that nobody owns: the free space tree of each group
// and, in addition, what only waits to be given back, which the kernel frees
// on the next mount: the free lists (AGFL), the extents of unfinished frees in
// the log, and the content of regular files that were deleted while open.
//
// Not in it, because somebody owns it until the kernel has finished its work:
// what other deleted inodes map, the chunks of which they are the last, and
// what was set aside for copies on write (the Editor frees these, of a chunk
// the inodes); the blocks past the end of a file, which are the file's until
// it is closed (Scrub zeroes them). After a crash those can be many: an extent
// is logged before its content is written, the size only after.
//
// It fails when the log could not be replayed or a group's tree is broken, out
// of order or does not add up to the group's counter.
func (fs *FS) Free() (span.Set, error) {
	if fs.log.Reason != "" {
		return nil, binread.Errorf(format, fs.log.Where.Off, "free space is not known: %s", fs.log.Reason)
	}
	if fs.dev.size < fs.size() {
		return nil, binread.Errorf(format, fs.dev.size, "free space is not known: the volume is cut")
	}
	var tree []span.Span
	for ag := range fs.agCount {
		var err error
		if tree, err = fs.freeTree(tree, ag); err != nil {
			return nil, err
		}
	}
	free := span.Make(tree)
	waiting, err := fs.waiting()
	if err != nil {
		return nil, err
	}
	if both := free.Intersect(waiting); len(both) > 0 {
		return nil, binread.Errorf(format, both[0].Off, "space is free and in use at the same time")
	}
	return span.Make(append(free, waiting...)), nil
}

// freeTree appends the free extents of one group and checks them against
// agf_freeblks.
func (fs *FS) freeTree(out []span.Span, ag uint32) ([]span.Span, error) {
	agf, off, err := fs.groupHeader(ag, 1, agfMagic)
	if err != nil {
		return nil, err
	}
	total, next := uint64(0), uint64(fs.firstBlock())
	err = fs.walkTree(bnoTree, ag, be.Uint32(agf[16:]), be.Uint32(agf[28:]), func(r []byte) error {
		start, n := uint64(be.Uint32(r)), uint64(be.Uint32(r[4:]))
		if n == 0 || start < next || start+n > uint64(fs.agLen(ag)) {
			return binread.Errorf(format, off, "free extent of %d blocks at %d of group %d overlaps or is out of range", n, start, ag)
		}
		if len(out) >= maxFreeSpans {
			return binread.Unsupported(format, "more than %d free extents", maxFreeSpans)
		}
		out = append(out, span.Span{Off: fs.agByte(ag, uint32(start)), Len: int64(n) << fs.blockLog})
		total, next = total+n, start+n
		return nil
	})
	if err == nil && total != uint64(be.Uint32(agf[52:])) {
		err = binread.Errorf(format, off+52, "group %d has %d free blocks, its header says %d", ag, total, be.Uint32(agf[52:]))
	}
	return out, err
}

// waiting is the space that the kernel will give back without reading it.
func (fs *FS) waiting() (span.Set, error) {
	list, err := fs.FreeLists()
	if err != nil {
		return nil, err
	}
	for _, f := range fs.log.frees {
		at, ok := fs.blockRange(f.block, f.count)
		if !ok {
			return nil, binread.Errorf(format, fs.log.Where.Off, "the log frees %d blocks at %#x", f.count, f.block)
		}
		list = append(list, span.Span{Off: at, Len: int64(f.count) << fs.blockLog})
	}
	deleted, err := fs.Unlinked()
	if err != nil {
		return nil, err
	}
	for _, n := range deleted {
		i, err := fs.inode(uint64(n))
		if err != nil {
			return nil, err
		}
		if i.kind() != fsys.Regular || i.flags2()&flag2Reflink != 0 || i.flags()&flagRealtime != 0 {
			continue
		}
		exts, err := i.dataFork().extentList()
		if err != nil {
			return nil, err
		}
		for _, e := range exts {
			list = append(list, span.Span{Off: e.physical, Len: e.length})
		}
	}
	return span.Make(list), nil
}

// FreeLists returns the blocks on the groups' free lists (AGFL). They are free
// as far as content goes, but kept for the growth of the free space trees.
func (fs *FS) FreeLists() (span.Set, error) {
	var out []span.Span
	for ag := range fs.agCount {
		list, err := fs.freeList(ag)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return span.Make(out), nil
}

// freeList returns the blocks on the free list of one group.
func (fs *FS) freeList(ag uint32) ([]span.Span, error) {
	agf, off, err := fs.groupHeader(ag, 1, agfMagic)
	if err != nil {
		return nil, err
	}
	first, n := be.Uint32(agf[40:]), be.Uint32(agf[48:])
	if n == 0 {
		return nil, nil
	}
	at := off + 2*fs.sectorSize
	b, err := binread.At(fs.dev, format, at, fs.sectorSize, 0)
	if err != nil {
		return nil, err
	}
	if fs.v5 { // struct xfs_agfl; version 4 has block numbers only
		if err := fs.checkMeta(b, at, aglMagic); err != nil {
			return nil, err
		}
		b = b[36:]
	}
	slots := uint32(len(b) / 4)
	if n > slots || first >= slots {
		return nil, binread.Errorf(format, off+40, "group %d has a free list of %d blocks from slot %d", ag, n, first)
	}
	out := make([]span.Span, 0, n)
	for i := range n {
		block := be.Uint32(b[4*((first+i)%slots):])
		if block < fs.firstBlock() || block >= fs.agLen(ag) {
			return nil, binread.Errorf(format, at, "the free list of group %d has block %d", ag, block)
		}
		out = append(out, span.Span{Off: fs.agByte(ag, block), Len: fs.blockSize})
	}
	return out, nil
}

// Unlinked returns the inodes that were deleted while open (the 64 lists of
// each AGI). They have no name and no future: the kernel frees them on the
// next mount. Their content can still be read by node.
func (fs *FS) Unlinked() ([]fsys.Node, error) {
	var out []fsys.Node
	err := fs.eachUnlinked(func(i *inode) error {
		if i.nlink() == 0 {
			out = append(out, fsys.Node(i.number))
		}
		return nil
	})
	return out, err
}

// eachUnlinked calls do with every inode on the lists of deleted ones.
func (fs *FS) eachUnlinked(do func(i *inode) error) error {
	seen := map[uint64]bool{}
	for ag := range fs.agCount {
		agi, off, err := fs.groupHeader(ag, 2, agiMagic)
		if err != nil {
			return err
		}
		for bucket := range 64 {
			for next := be.Uint32(agi[40+4*bucket:]); next != nullInode; {
				number := uint64(ag)<<(fs.agLog+fs.inopLog) | uint64(next)
				if seen[number] || len(seen) >= maxUnlinked {
					return binread.Errorf(format, off+40+4*int64(bucket), "a list of deleted inodes loops at inode %d", number)
				}
				seen[number] = true
				i, err := fs.inode(number)
				if err != nil {
					return err
				}
				next = be.Uint32(i.b[nextUnlinked:])
				if err := do(i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// FreeInodes returns the bodies (everything behind the core) of the inodes
// that have space on disk but are not in use: they may hold old short
// directories, link targets and attributes. On version 5 whoever changes one
// MUST set the checksum of its inode again.
func (fs *FS) FreeInodes() (span.Set, error) {
	core := int64(coreV2)
	if fs.v5 {
		core = coreV3
	}
	var out []span.Span
	for ag := range fs.agCount {
		g := fs.inodesOf(ag)
		if g.err != nil {
			return nil, g.err
		}
		for _, rec := range g.chunks {
			for n := range uint32(chunkInodes) {
				if !rec.exists(n) || rec.live(n) {
					continue
				}
				if len(out) >= maxFreeSpans {
					return nil, binread.Unsupported(format, "more than %d free inodes", maxFreeSpans)
				}
				off := fs.agByte(ag, 0) + int64(rec.start+n)<<fs.inodeLog
				out = append(out, span.Span{Off: off + core, Len: fs.inodeSize - core})
			}
		}
	}
	return span.Make(out), nil
}
