package btrfs

import (
	"cmp"
	"math"
	"slices"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// A census is who needs which bytes of data, by logical address.
type census struct {
	live    span.Set // what some file can be read from
	shared  span.Set // what can be read from more than one place
	partial map[uint64]*partial
	tail    map[uint64]extent // compressed extents that lie behind the end of a file, which may be live too
}

// A partial is a compressed extent of which some owner needs only a part.
type partial struct {
	x     extent
	spans []span.Span // of its content
	n     uint64      // owners counted
}

// A counter takes the census.
type counter struct {
	f     *FS
	steps int
	seen  map[uint64]bool // leaves
	data  []span.Span
	part  map[uint64]*partial
	tail  map[uint64]extent

	ino  uint64 // the inode whose item was met last in this tree
	size int64  // what of it is live
}

// census reads every tree that owns data. Space reserved by fallocate, what
// lies behind a file's end, and files that are deleted but not yet cleaned up
// are not live. Deleted subvolumes are not counted.
func (f *FS) census() (census, error) {
	c := &counter{f: f, seen: map[uint64]bool{}, part: map[uint64]*partial{}, tail: map[uint64]extent{}}
	roots := make([]root, 0, len(f.subvols)+2)
	for _, t := range f.subvols {
		roots = append(roots, t.root)
	}
	for _, id := range []uint64{rootTreeID, dataRelocTreeID} { // the root tree has the free space cache's files
		if r, ok := f.trees[id]; ok {
			roots = append(roots, r)
		}
	}
	for _, r := range roots {
		c.ino = 0
		err := f.leaves(r.want(), key{}, lastKey, func(n *node) error { return c.leaf(n, isSubvolID(r.id)) })
		if err != nil {
			return census{}, err
		}
	}
	slices.SortFunc(c.data, func(a, b span.Span) int { return cmp.Compare(a.Off, b.Off) })
	out := census{partial: c.part, tail: c.tail}
	var shared []span.Span
	end := int64(0)
	for _, s := range c.data {
		if s.Off < end {
			shared = append(shared, span.Span{Off: s.Off, Len: min(s.End(), end) - s.Off})
		}
		end = max(end, s.End())
	}
	out.shared, out.live = span.Make(shared), span.Make(c.data)
	return out, nil
}

// leaf counts one leaf. The extents of an inode whose item lies in the leaf
// too are the same in every tree that has the leaf, and are counted once;
// those of an inode that started in an earlier leaf depend on that one.
func (c *counter) leaf(n *node, files bool) error {
	if c.steps++; c.steps > maxCensusLeaves {
		return binread.Errorf(format, -1, "more than %d leaves", maxCensusLeaves)
	}
	again, here := c.seen[n.bytenr], false
	c.seen[n.bytenr] = true
	for i := range n.n {
		it := n.item(i)
		switch it.key.typ {
		case inodeItemKey:
			if !files {
				continue
			}
			in, err := c.f.parseInode(&subvol{}, it)
			if err != nil {
				return err
			}
			c.ino, c.size, here = it.key.objectid, in.meta.Size, true
			if in.meta.Nlink == 0 {
				c.size = 0
			}
		case extentDataKey:
			if again && here {
				continue
			}
			if err := c.extent(it); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *counter) extent(it item) error {
	x, err := c.f.parseExtent(it)
	if err != nil {
		return err
	}
	size := int64(math.MaxInt64)
	if it.key.objectid == c.ino {
		size = c.size
	}
	if x.kind != extentRegular || x.hole() {
		return nil
	}
	if x.start >= size {
		if x.compression != compressNone {
			x.it = item{key: it.key}
			c.tail[x.disk] = x
		}
		return nil
	}
	s := span.Span{Off: int64(x.disk + x.offset), Len: min(x.length, size-x.start)}
	if x.compression != compressNone {
		s = x.onDisk()
		c.packed(x)
	}
	if k := len(c.data); k > 0 && c.data[k-1].End() == s.Off {
		c.data[k-1].Len += s.Len
		return nil
	}
	if len(c.data)+len(c.tail) >= maxFreeSpans {
		return binread.Errorf(format, c.f.where(it), "more than %d pieces of data", maxFreeSpans)
	}
	c.data = append(c.data, s)
	return nil
}

// onDisk is all of an extent.
func (e extent) onDisk() span.Span { return span.Span{Off: int64(e.disk), Len: int64(e.diskLen)} }

// packed notes an owner that needs a part of a compressed extent.
func (c *counter) packed(x extent) {
	if x.offset == 0 && uint64(x.length) >= x.ram {
		return
	}
	p := c.part[x.disk]
	if p == nil {
		p = &partial{x: x}
		p.x.it = item{key: x.it.key}
		c.part[x.disk] = p
	}
	p.n++
	p.spans = append(p.spans, span.Span{Off: int64(x.offset), Len: x.length})
}

// writable refuses what must not be written.
func (f *FS) writable() error {
	const flags = 1<<0 | 1<<1 // BTRFS_HEADER_FLAG_WRITTEN and _RELOC
	const compatRO = 1<<4 - 1 // free space tree and its valid bit, verity, block group tree
	switch _, moving := f.trees[treeRelocID]; {
	case f.sb.logRoot != 0:
		return refuse("it was not unmounted cleanly and its log tree is not empty; mount and unmount it once")
	case f.sb.at != superOffsets[0]:
		return refuse("its first superblock is damaged; run btrfs rescue super-recover")
	case f.sb.flags&^flags != 0:
		return refuse("at byte %d: superblock flags %#x: a seed device, a dump or an unfinished change", f.sb.at+56, f.sb.flags)
	case f.sb.compatRO&^compatRO != 0:
		return refuse("at byte %d: feature bits %#x are not known", f.sb.at+180, f.sb.compatRO&^compatRO)
	case f.sb.devBytes > uint64(f.size):
		return refuse("the volume ends at byte %d, but the file system claims %d", f.size, f.sb.devBytes)
	case moving:
		return refuse("a balance was interrupted; mount it and let it finish")
	}
	for _, p := range f.problems {
		if p.Kind == finding.GapCorrupt || p.Kind == finding.GapLimit {
			return refuse("%s", p.Detail)
		}
	}
	_, err := f.Free() // proves that chunks, block groups and extents agree
	return err
}

// sharedRange tells whether any byte of a plain extent's part is read from
// somewhere else too, or a compressed extent from two places.
func (e *Editor) sharedRange(x extent, from, to int64) bool {
	s := span.Span{Off: int64(x.disk + x.offset + uint64(from-x.start)), Len: to - from}
	if x.compression != compressNone {
		s = x.onDisk()
	}
	return overlaps(e.owners.shared, s)
}

// overlaps tells whether a set has any byte of s.
func overlaps(set span.Set, s span.Span) bool {
	i, _ := slices.BinarySearchFunc(set, s.Off, func(t span.Span, off int64) int { return cmp.Compare(t.End()-1, off) })
	return i < len(set) && set[i].Off < s.End()
}

var _ fsys.Editor = (*Editor)(nil)
