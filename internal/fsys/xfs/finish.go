package xfs

import (
	"slices"
	"sort"

	"assay/internal/binread"
	"assay/internal/span"
)

const shutDown = "; start the machine once and shut it down, or mount and unmount the volume"

// A finisher does, in the overlay, what the kernel does after replay: it gives
// back the inodes that were deleted while open, the extents of unfinished
// frees and the blocks set aside for copies on write. Anything else that is
// unfinished it refuses.
type finisher struct {
	fs   *FS
	gone map[uint64]bool // inodes, also as owners in the reverse map
	work map[uint32]*groupWork
	runs int // of deleted inodes
}

// groupWork is what there is to do in one group. Runs are of its own blocks.
type groupWork struct {
	inodes []uint64
	owned  []blockRun // of deleted inodes: may be shared with others
	loose  []blockRun // of unfinished frees
	cow    []blockRun
}

func (f *finisher) of(ag uint32) *groupWork {
	w := f.work[ag]
	if w == nil {
		w = &groupWork{}
		f.work[ag] = w
	}
	return w
}

// place returns the group of a byte range of whole blocks, and the range in
// blocks of that group.
func (f *finisher) place(off, n int64) (uint32, blockRun) {
	at := uint64(off) >> f.fs.blockLog
	per := uint64(f.fs.agBlocks)
	return uint32(at / per), blockRun{at % per, uint64(n) >> f.fs.blockLog}
}

// looseEnds reports whether there is anything to finish. A clean log is no
// proof that there is not: some kernels finish only after replay.
func (fs *FS) looseEnds() (bool, error) {
	if fs.log.Replayed {
		return true, nil
	}
	deleted, err := fs.Unlinked()
	if err != nil || len(deleted) > 0 {
		return true, err
	}
	loose := false
	for ag := range fs.agCount {
		err := fs.eachTree(ag, func(agTree, treeBlock) error { return nil }, func(span.Span) { loose = true })
		if err != nil {
			return false, err
		}
	}
	return loose, nil
}

// finish completes recovery.
func (fs *FS) finish() error {
	if !fs.v5 { // no kernel of today mounts one, so that nothing of this could be proven
		return refuse("a file system of version 4 was not unmounted%s", shutDown)
	}
	for what := range fs.log.Unfinished {
		if what != intentNames[itemEFI] {
			return refuse("the log holds an unfinished %s%s", what, shutDown)
		}
	}
	if fs.log.owners {
		return refuse("the log moves extent trees from file to file%s", shutDown)
	}
	f := &finisher{fs: fs, gone: map[uint64]bool{}, work: map[uint32]*groupWork{}}
	for _, x := range fs.log.frees {
		off, ok := fs.blockRange(x.block, x.count)
		if !ok {
			return refuse("the log frees %d blocks at %#x", x.count, x.block)
		}
		ag, run := f.place(off, int64(x.count)<<fs.blockLog)
		f.of(ag).loose = append(f.of(ag).loose, run)
	}
	if err := fs.eachUnlinked(f.deleted); err != nil {
		return refuseFor(err)
	}
	for ag := range fs.agCount {
		err := fs.eachTree(ag, func(agTree, treeBlock) error { return nil }, func(x span.Span) {
			_, run := f.place(x.Off, x.Len)
			f.of(ag).cow = append(f.of(ag).cow, run)
		})
		if err != nil {
			return refuseFor(err)
		}
	}
	for ag, w := range f.work {
		if err := f.inodes(ag, w); err != nil {
			return refuseFor(err)
		}
		if err := f.space(ag, w); err != nil {
			return refuseFor(err)
		}
	}
	return nil
}

// deleted takes one inode off the list of deleted ones.
func (f *finisher) deleted(i *inode) error {
	switch {
	case i.nlink() != 0:
		return i.bad(16, "on the list of deleted inodes, with %d names", i.nlink())
	case f.fs.hidden(i):
		return i.bad(0, "on the list of deleted inodes")
	}
	own := func(off, n int64) {
		ag, run := f.place(off, n)
		f.of(ag).owned = append(f.of(ag).owned, run)
	}
	tree := func(b treeBlock) error {
		own(b.off, f.fs.blockSize)
		return nil
	}
	take := func(k fork) error {
		exts, err := k.extentsAnd(tree)
		if f.runs += len(exts) + 1; f.runs > maxShared {
			return binread.Unsupported(format, "deleted files of more than %d extents", maxShared)
		}
		for _, x := range exts {
			own(x.physical, x.length)
		}
		return err
	}
	mapped, err := hasExtents(i)
	if err != nil {
		return err
	}
	if mapped {
		if err := take(i.dataFork()); err != nil {
			return err
		}
	}
	if k, ok := i.attrFork(); ok && k.format != formatLocal {
		if err := take(k); err != nil {
			return err
		}
	}
	f.gone[i.number] = true
	w := f.of(uint32(i.number >> (f.fs.agLog + f.fs.inopLog)))
	w.inodes = append(w.inodes, i.number)
	return nil
}

// inodes frees the deleted inodes of one group: their bits in the inode tree,
// their records in the tree of chunks with free inodes, the counters and lists
// of the AGI, and the inodes themselves.
func (f *finisher) inodes(ag uint32, w *groupWork) error {
	if len(w.inodes) == 0 {
		return nil
	}
	agi, off, err := f.fs.groupHeader(ag, 2, agiMagic)
	if err != nil {
		return err
	}
	roots, err := f.fs.trees(ag)
	if err != nil {
		return err
	}
	var chunks, free *leafTree
	for _, t := range roots {
		switch t.tree.v4 {
		case inoTree.v4:
			chunks, err = f.leafTree(t, ag)
		case finTree.v4:
			free, err = f.leafTree(t, ag)
		}
		if err != nil {
			return err
		}
	}
	for _, number := range w.inodes {
		rec, err := chunks.freeBit(uint32(number&(1<<(f.fs.agLog+f.fs.inopLog)-1)), f.fs.sparse)
		if err != nil {
			return err
		}
		if free != nil {
			if err := free.insert(rec); err != nil {
				return err
			}
		}
		i, err := f.fs.inode(number)
		if err != nil {
			return err
		}
		if err := f.fs.dev.patch(i.off, i.freed()); err != nil {
			return err
		}
	}
	for _, t := range []*leafTree{chunks, free} {
		if err := f.putTree(t); err != nil {
			return err
		}
	}
	be.PutUint32(agi[28:], be.Uint32(agi[28:])+uint32(len(w.inodes)))
	for bucket := range 64 {
		be.PutUint32(agi[40+4*bucket:], nullInode)
	}
	return f.put(off, agi)
}

// put writes a metadata block into the overlay.
func (f *finisher) put(off int64, b []byte) error {
	if k, ok := kindOf(b); ok && f.fs.v5 {
		setSum(b, k.sum)
	}
	return f.fs.dev.patch(off, b)
}

// A leafTree is the blocks of one inode tree in memory, to be changed without
// a block more or less. The leaves are in order.
type leafTree struct {
	ag            uint32
	leaves, nodes []treeBlock
	changed       map[int64][]byte
}

func (f *finisher) leafTree(t groupRoot, ag uint32) (*leafTree, error) {
	out := &leafTree{ag: ag, changed: map[int64][]byte{}}
	err := f.fs.walkTreeBlocks(t.tree, ag, t.root, t.levels, func([]byte) error { return nil }, func(b treeBlock) error {
		if len(out.leaves)+len(out.nodes) >= maxRebuild>>f.fs.blockLog {
			return binread.Unsupported(format, "a %s of more than %d bytes", t.tree.describe, maxRebuild)
		}
		if b.leaf {
			out.leaves = append(out.leaves, b)
		} else {
			out.nodes = append(out.nodes, b)
		}
		return nil
	})
	return out, err
}

// putTree writes what was changed of a tree.
func (f *finisher) putTree(t *leafTree) error {
	if t == nil {
		return nil
	}
	for off, b := range t.changed {
		if err := f.put(off, b); err != nil {
			return err
		}
	}
	return nil
}

// leaf returns the leaf in which a record that begins at start is or would be:
// the last one that begins at or before it, or the first.
func (t *leafTree) leaf(start uint32) *treeBlock {
	k := sort.Search(len(t.leaves), func(k int) bool { return k > 0 && t.leaves[k].first() > start })
	return &t.leaves[max(k-1, 0)]
}

func (b *treeBlock) first() uint32 { return be.Uint32(b.b[b.head:]) }

// freeBit marks an inode as free in the record of its chunk, which it returns:
// struct xfs_inobt_rec.
func (t *leafTree) freeBit(in uint32, sparse bool) ([]byte, error) {
	l := t.leaf(in)
	for k := range l.count {
		r := l.b[l.head+16*k:][:16]
		if in < be.Uint32(r) || in-be.Uint32(r) >= chunkInodes {
			continue
		}
		be.PutUint64(r[8:], be.Uint64(r[8:])|1<<(in-be.Uint32(r)))
		if sparse { // ir_u.sp.ir_freecount, or ir_u.f.ir_freecount
			r[7]++
		} else {
			be.PutUint32(r[4:], be.Uint32(r[4:])+1)
		}
		t.changed[l.off] = l.b
		return r, nil
	}
	return nil, refuse("inode %d of group %d is in no chunk", in, t.ag)
}

// insert puts the record of a chunk into the tree of chunks with free inodes,
// or changes it there.
func (t *leafTree) insert(rec []byte) error {
	start := be.Uint32(rec)
	l := t.leaf(start)
	body := l.b[l.head:]
	at := 0
	for at < l.count && be.Uint32(body[16*at:]) < start {
		at++
	}
	t.changed[l.off] = l.b
	if at < l.count && be.Uint32(body[16*at:]) == start {
		copy(body[16*at:], rec)
		return nil
	}
	if l.count == len(body)/16 {
		return refuse("a block of the tree of free inodes of group %d is full%s", t.ag, shutDown)
	}
	if at == 0 && l.count > 0 { // the first of all: the nodes above say so
		for _, n := range t.nodes {
			if be.Uint32(n.b[n.head:]) == l.first() {
				be.PutUint32(n.b[n.head:], start)
				t.changed[n.off] = n.b
			}
		}
	}
	copy(body[16*(at+1):], body[16*at:16*l.count])
	copy(body[16*at:], rec)
	l.count++
	be.PutUint16(l.b[6:], uint16(l.count))
	return nil
}

// freed is an inode as the kernel leaves one that it freed (xfs_inode_uninit),
// with nothing in its body.
func (i *inode) freed() []byte {
	b := slices.Clone(i.b)
	clear(b[2:4])                             // mode
	b[5] = formatExtents                      // data fork
	clear(b[6:8])                             // version 1: number of names
	clear(b[16:20])                           // number of names
	clear(b[56:92])                           // size, blocks, extent size hint, extents, forks, flags
	b[83] = formatExtents                     // attribute fork
	be.PutUint32(b[92:], be.Uint32(b[92:])+1) // generation
	be.PutUint32(b[nextUnlinked:], nullInode)
	if i.flags2()&flag2Nrext64 != 0 {
		clear(b[24:32]) // number of extents
	}
	if i.core() == coreV3 {
		be.PutUint64(b[120:], i.flags2()&(flag2BigTime|flag2Nrext64))
		clear(b[128:132]) // hint for copies on write
	}
	clear(b[i.core():])
	if i.fs.v5 {
		setSum(b, 100)
	}
	return b
}
