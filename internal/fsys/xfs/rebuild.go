package xfs

import (
	"bytes"
	"cmp"
	"slices"

	"assay/internal/binread"
)

const (
	nullBlock  = 0xffffffff // NULLAGBLOCK
	maxRebuild = 32 << 20   // bytes of the records of one tree

	maxReleases = 1 << 28 // records looked at to find out who else owns the blocks of deleted files

	// Owners in the reverse map that are not inodes have this bit.
	ownSpecial = 1 << 63
	ownCow     = ^uint64(0) - 8 // XFS_RMAP_OWN_COW

	// Flags in rm_offset, and what is left of it.
	rmapBmbt      = 1 << 62
	rmapUnwritten = 1 << 61
	rmapOffset    = 1<<54 - 1
)

// space gives blocks of one group back: it makes the trees of free space (and
// the reverse map and the reference counts, where there are any) anew from
// their records. The first three and the free list share one pool of blocks,
// which have one owner in the reverse map (XFS_RMAP_OWN_AG), so nothing but
// the AGF has to know which of them is what.
func (f *finisher) space(ag uint32, w *groupWork) error {
	if len(w.owned)+len(w.loose)+len(w.cow) == 0 {
		return nil
	}
	agf, off, err := f.fs.groupHeader(ag, 1, agfMagic)
	if err != nil {
		return err
	}
	roots, err := f.fs.trees(ag)
	if err != nil {
		return err
	}
	g := &groupBuild{fs: f.fs, ag: ag, agf: agf}
	if err := g.read(roots); err != nil {
		return err
	}
	freed := slices.Concat(w.loose, w.cow)
	if g.refs.tree.v5 != 0 {
		gone := slices.DeleteFunc(g.refs.list(), func(r refRecord) bool { return r.start&cowFlag != 0 })
		if len(gone)*len(w.owned) > maxReleases {
			return refuse("the deleted files of group %d share too many blocks%s", ag, shutDown)
		}
		for _, x := range w.owned {
			var more []blockRun
			gone, more = release(gone, x)
			freed = append(freed, more...)
		}
		if err := g.buildRefs(gone); err != nil {
			return err
		}
	} else {
		freed = append(freed, w.owned...)
	}
	if g.rmap.tree.v5 != 0 {
		if err := g.disown(f.gone, freed); err != nil {
			return err
		}
	}
	if err := g.build(freed); err != nil {
		return err
	}
	return f.put(off, agf)
}

// A groupBuild makes the space trees of one group anew.
type groupBuild struct {
	fs  *FS
	ag  uint32
	agf []byte

	bno, cnt, rmap, refs treeRecords
	pool                 []uint32 // blocks of the first three and of the free list
}

// treeRecords is a whole tree in memory: its records one after the other.
type treeRecords struct {
	tree   agTree
	recs   []byte
	blocks []uint32
}

func (t *treeRecords) count() int { return len(t.recs) / t.tree.recLen }

// read takes all trees into memory.
func (g *groupBuild) read(roots []groupRoot) error {
	for _, r := range roots {
		var to *treeRecords
		switch r.tree.v5 {
		case bnoTree.v5:
			to = &g.bno
		case cntTree.v5:
			to = &g.cnt
		case rmapTree.v5:
			to = &g.rmap
		case refTree.v5:
			to = &g.refs
		default:
			continue
		}
		to.tree = r.tree
		err := g.fs.walkTreeBlocks(r.tree, g.ag, r.root, r.levels, func(b []byte) error {
			if to.recs = append(to.recs, b...); len(to.recs) > maxRebuild {
				return binread.Unsupported(format, "a %s of more than %d bytes", r.tree.describe, maxRebuild)
			}
			return nil
		}, func(b treeBlock) error {
			to.blocks = append(to.blocks, uint32((b.off-g.fs.agByte(g.ag, 0))>>g.fs.blockLog))
			return nil
		})
		if err != nil {
			return err
		}
	}
	list, err := g.fs.freeList(g.ag)
	if err != nil {
		return err
	}
	g.pool = slices.Concat(g.bno.blocks, g.cnt.blocks, g.rmap.blocks)
	for _, s := range list {
		g.pool = append(g.pool, uint32((s.Off-g.fs.agByte(g.ag, 0))>>g.fs.blockLog))
	}
	return nil
}

// A refRecord is struct xfs_refcount_rec.
type refRecord struct{ start, n, refs uint32 }

func (t *treeRecords) list() []refRecord {
	var out []refRecord
	for r := t.recs; len(r) >= 12; r = r[12:] {
		out = append(out, refRecord{be.Uint32(r), be.Uint32(r[4:]), be.Uint32(r[8:])})
	}
	return out
}

// release takes one owner from a run of blocks. It returns the new records,
// and what of the run has no owner any more. A block with one owner has no
// record.
func release(recs []refRecord, run blockRun) (out []refRecord, freed []blockRun) {
	at, end := uint32(run.block), uint32(run.block+run.count)
	add := func(start, stop, refs uint32) {
		if start >= stop || refs < 2 {
			return
		}
		if k := len(out) - 1; k >= 0 && out[k].start+out[k].n == start && out[k].refs == refs {
			out[k].n += stop - start
			return
		}
		out = append(out, refRecord{start, stop - start, refs})
	}
	free := func(start, stop uint32) {
		if start < stop {
			freed = append(freed, blockRun{uint64(start), uint64(stop - start)})
		}
	}
	for _, r := range recs {
		stop := r.start + r.n
		if stop <= at || r.start >= end {
			if r.start >= end {
				free(at, end)
				at = end
			}
			add(r.start, stop, r.refs)
			continue
		}
		add(r.start, max(at, r.start), r.refs)
		free(at, max(at, r.start))
		at = max(at, r.start)
		add(at, min(end, stop), r.refs-1)
		at = min(end, stop)
		add(at, stop, r.refs)
	}
	free(at, end)
	return out, freed
}

// buildRefs writes the reference count tree again, into its own blocks: it
// must need exactly as many as it has.
func (g *groupBuild) buildRefs(recs []refRecord) error {
	var b []byte
	for _, r := range recs {
		b = be.AppendUint32(be.AppendUint32(be.AppendUint32(b, r.start), r.n), r.refs)
	}
	if bytes.Equal(b, g.refs.recs) {
		return nil
	}
	g.refs.recs = b
	rest, root, levels, err := g.write(&g.refs, g.refs.blocks)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return refuse("the reference count tree of group %d would shrink%s", g.ag, shutDown)
	}
	be.PutUint32(g.agf[88:], root)
	be.PutUint32(g.agf[92:], levels)
	return nil
}

// disown takes from the reverse map the blocks of inodes that are gone and
// those that were set aside for copies on write. Nothing that is freed may
// have an owner after that.
func (g *groupBuild) disown(gone map[uint64]bool, freed []blockRun) error {
	var kept []byte
	starts := slices.SortedFunc(slices.Values(freed), func(a, b blockRun) int { return cmp.Compare(a.block, b.block) })
	for r := g.rmap.recs; len(r) >= 24; r = r[24:] {
		owner := be.Uint64(r[8:])
		if gone[owner] || owner == ownCow {
			continue
		}
		from := uint64(be.Uint32(r))
		to := from + uint64(be.Uint32(r[4:]))
		k, _ := slices.BinarySearchFunc(starts, from, func(x blockRun, at uint64) int {
			if x.block+x.count <= at {
				return -1
			}
			return 1
		})
		if k < len(starts) && starts[k].block < to {
			return refuse("block %d of group %d is to be freed, but has owner %d", starts[k].block, g.ag, owner)
		}
		kept = append(kept, r[:24]...)
	}
	g.rmap.recs = kept
	return nil
}

// build adds freed to the free space and writes the trees and the free list.
func (g *groupBuild) build(freed []blockRun) error {
	runs := freed
	for r := g.bno.recs; len(r) >= 8; r = r[8:] {
		runs = append(runs, blockRun{uint64(be.Uint32(r)), uint64(be.Uint32(r[4:]))})
	}
	slices.SortFunc(runs, func(a, b blockRun) int { return cmp.Compare(a.block, b.block) })
	var merged []blockRun
	total, longest := uint64(0), uint64(0)
	for _, r := range runs {
		if k := len(merged) - 1; k >= 0 && r.block <= merged[k].block+merged[k].count {
			if r.block < merged[k].block+merged[k].count {
				return refuse("block %d of group %d would be freed twice", r.block, g.ag)
			}
			merged[k].count += r.count
		} else {
			merged = append(merged, r)
		}
		total += r.count
		longest = max(longest, merged[len(merged)-1].count)
	}
	encode := func() (b []byte) {
		for _, r := range merged {
			b = be.AppendUint32(be.AppendUint32(b, uint32(r.block)), uint32(r.count))
		}
		return b
	}
	g.bno.recs = encode()
	slices.SortStableFunc(merged, func(a, b blockRun) int { return cmp.Compare(a.count, b.count) })
	g.cnt.recs = encode()
	be.PutUint32(g.agf[52:], uint32(total))
	be.PutUint32(g.agf[56:], uint32(longest))
	return g.writeAll()
}

// writeAll writes the three trees of the pool, and what is left of the pool as
// the free list.
func (g *groupBuild) writeAll() error {
	rest, below := g.pool, uint32(0)
	for _, t := range []struct {
		*treeRecords
		root, level int // in the AGF
	}{{&g.bno, 16, 28}, {&g.cnt, 20, 32}, {&g.rmap, 24, 36}} {
		if t.tree.v5 == 0 {
			continue
		}
		before := len(rest)
		var root, levels uint32
		var err error
		if rest, root, levels, err = g.write(t.treeRecords, rest); err != nil {
			return err
		}
		be.PutUint32(g.agf[t.root:], root)
		be.PutUint32(g.agf[t.level:], levels)
		used := uint32(before - len(rest))
		below += used - 1
		if t.tree.v5 == rmapTree.v5 {
			be.PutUint32(g.agf[80:], used)
		}
	}
	be.PutUint32(g.agf[60:], below) // agf_btreeblks does not count roots
	return g.writeList(rest)
}

// writeList writes the free list of a group.
func (g *groupBuild) writeList(blocks []uint32) error {
	off := g.fs.agByte(g.ag, 0) + 3*g.fs.sectorSize
	b, err := binread.At(g.fs.dev, format, off, g.fs.sectorSize, 0)
	if err != nil {
		return err
	}
	slots := b
	if g.fs.v5 {
		slots = b[36:]
	}
	most := len(slots) / 4
	if len(blocks) > most {
		return refuse("the free list of group %d would have %d blocks%s", g.ag, len(blocks), shutDown)
	}
	for k := range most {
		block := uint32(nullBlock)
		if k < len(blocks) {
			block = blocks[k]
		}
		be.PutUint32(slots[4*k:], block)
	}
	if g.fs.v5 {
		setSum(b, 32)
	}
	be.PutUint32(g.agf[40:], 0)
	be.PutUint32(g.agf[44:], uint32((len(blocks)+most-1)%most))
	be.PutUint32(g.agf[48:], uint32(len(blocks)))
	return g.fs.dev.patch(off, b)
}

// write lays a tree out from its leaves up, in blocks taken from pool, and
// returns the rest of the pool. Entries are spread evenly, so that no block
// but the root is less than half full.
func (g *groupBuild) write(t *treeRecords, pool []uint32) (rest []uint32, root, levels uint32, err error) {
	head := 16
	if g.fs.v5 {
		head = 56
	}
	body := int(g.fs.blockSize) - head
	type child struct {
		block uint32
		key   []byte
	}
	var below []child // of the level that was written last
	n, fit := t.count(), body/t.tree.recLen
	for {
		blocks := max(1, (n+fit-1)/fit)
		if blocks > len(pool) {
			return nil, 0, 0, refuse("group %d has no blocks for the growth of its trees%s", g.ag, shutDown)
		}
		mine := pool[:blocks]
		pool = pool[blocks:]
		var made []child
		next := 0
		for k, block := range mine {
			count := n / blocks
			if k < n%blocks {
				count++
			}
			b := g.header(t.tree, levels, count, mine, k)
			var key []byte
			if levels == 0 {
				part := t.recs[next*t.tree.recLen : (next+count)*t.tree.recLen]
				copy(b[head:], part)
				key = t.tree.key(part)
			} else {
				for i, c := range below[next : next+count] {
					copy(b[head+i*t.tree.keyLen:], c.key)
					be.PutUint32(b[head+fit*t.tree.keyLen+4*i:], c.block)
					key = t.tree.join(key, c.key)
				}
			}
			next += count
			if k, ok := kindOf(b); ok && g.fs.v5 {
				setSum(b, k.sum)
			}
			if err := g.fs.dev.patch(g.fs.agByte(g.ag, block), b); err != nil {
				return nil, 0, 0, err
			}
			made = append(made, child{block, key})
		}
		levels++
		if blocks == 1 {
			return pool, mine[0], levels, nil
		}
		below, n, fit = made, len(made), body/(t.tree.keyLen+4)
	}
}

// header is an empty block of a tree: struct xfs_btree_block, short form.
func (g *groupBuild) header(t agTree, level uint32, count int, row []uint32, k int) []byte {
	b := make([]byte, g.fs.blockSize)
	be.PutUint32(b, t.v4)
	be.PutUint16(b[4:], uint16(level))
	be.PutUint16(b[6:], uint16(count))
	left, right := uint32(nullBlock), uint32(nullBlock)
	if k > 0 {
		left = row[k-1]
	}
	if k < len(row)-1 {
		right = row[k+1]
	}
	be.PutUint32(b[8:], left)
	be.PutUint32(b[12:], right)
	if g.fs.v5 {
		be.PutUint32(b, t.v5)
		be.PutUint64(b[16:], uint64(g.fs.agByte(g.ag, row[k]))>>9)
		copy(b[32:48], g.fs.metaUUID[:])
		be.PutUint32(b[48:], g.ag)
	}
	return b
}

// key is what a node says of a leaf with these records. That of the reverse
// map has the highest key as well as the lowest.
func (t agTree) key(recs []byte) []byte {
	if t.v5 != rmapTree.v5 {
		if len(recs) < t.keyLen {
			return make([]byte, t.keyLen)
		}
		return slices.Clone(recs[:t.keyLen])
	}
	var key []byte
	for ; len(recs) >= 24; recs = recs[24:] {
		low := slices.Concat(recs[:4], recs[8:24])
		offset := be.Uint64(recs[16:]) &^ rmapUnwritten
		be.PutUint64(low[12:], offset)
		high := slices.Clone(low)
		more := be.Uint32(recs[4:]) - 1
		be.PutUint32(high, be.Uint32(high)+more)
		if be.Uint64(recs[8:])&ownSpecial == 0 && offset&rmapBmbt == 0 {
			be.PutUint64(high[12:], (offset+uint64(more))&rmapOffset|offset&^rmapOffset)
		}
		key = t.join(key, slices.Concat(low, high))
	}
	return key
}

// join adds the key of one more child to that of those before it.
func (t agTree) join(key, more []byte) []byte {
	if key == nil {
		return slices.Clone(more)
	}
	if t.v5 == rmapTree.v5 && bytes.Compare(more[20:], key[20:]) > 0 { // numbers in big-endian order
		copy(key[20:], more[20:])
	}
	return key
}
