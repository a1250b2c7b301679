package ext4

import (
	"math/bits"
	"sort"

	"assay/internal/binread"
	"assay/internal/span"
)

// maxSpans bounds a list of spans: 128 MiB of memory.
const maxSpans = 8 << 20

// spans collects runs of blocks in ascending order.
type spans struct {
	f   *FS
	set span.Set
}

func (s *spans) add(blk, n int64) error {
	off, size := blk*s.f.bs, n*s.f.bs
	if k := len(s.set); k > 0 && s.set[k-1].End() == off {
		s.set[k-1].Len += size
		return nil
	}
	if len(s.set) >= maxSpans {
		return tooManySpans(off)
	}
	s.set = append(s.set, span.Span{Off: off, Len: size})
	return nil
}

func tooManySpans(at int64) error {
	return binread.Errorf(format, at, "there are more than %d separate ranges", maxSpans)
}

// Free implements fsys.FreeSpace. It believes the block bitmaps only of a file
// system without errors and with nothing left in its journal, when every
// checksum is right, every group has as many free clusters as its descriptor
// says, and no metadata is called free. What orphans hold counts as free, and
// so does the unused rest of groups whose bitmap was never written.
func (f *FS) Free() (span.Set, error) {
	if err := f.bitmapsBelievable(); err != nil {
		return nil, err
	}
	system, err := f.systemZone()
	if err != nil {
		return nil, err
	}
	free := &spans{f: f}
	for g := range f.groups {
		if err := f.freeOf(g, system, free.add); err != nil {
			return nil, err
		}
	}
	if len(f.orphans.dead)+len(f.orphans.cut) == 0 {
		return free.set, nil
	}
	end := span.Set{{Off: 0, Len: f.blocks * f.bs}}
	err = f.freedByOrphans(func(blk, n int64) error {
		if len(free.set) >= maxSpans {
			return tooManySpans(blk * f.bs)
		}
		free.set = append(free.set, span.Span{Off: blk * f.bs, Len: n * f.bs})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return span.Make(free.set).Subtract(system).Intersect(end), nil
}

// bitmapsBelievable fails when something is known that makes the bitmaps wrong.
func (f *FS) bitmapsBelievable() error {
	bad := func(field int64, msg string, args ...any) error {
		return binread.Errorf(format, superOff+field, "free space is not known: "+msg, args...)
	}
	switch {
	case f.stale:
		return bad(0x60, "the journal could not be replayed")
	case f.badSum:
		return bad(0x3FC, "the superblock has a wrong checksum")
	case f.state&stateError != 0 || f.aborted:
		return bad(0x3A, "the file system is marked as having errors")
	case f.state&stateValid == 0 && f.compat&compatHasJournal == 0:
		return bad(0x3A, "the file system has no journal and was not unmounted")
	case f.ro&^roBitmapsKnown != 0:
		return bad(0x64, "feature set %#x is not known", f.ro&^roBitmapsKnown)
	case f.ro&roSharedBlocks != 0:
		return bad(0x64, "files share blocks")
	case f.blocks > f.volume/f.bs:
		return bad(4, "the volume is smaller than the file system")
	}
	return nil
}

// systemZone is where the superblock, the descriptors, the bitmaps and the
// inode tables are, with their copies.
func (f *FS) systemZone() (span.Set, error) {
	var zone []span.Span
	add := func(blk, n int64) {
		if k := len(zone); k > 0 && zone[k-1].End() == blk*f.bs {
			zone[k-1].Len += n * f.bs
			return
		}
		zone = append(zone, span.Span{Off: blk * f.bs, Len: n * f.bs})
	}
	add(0, superOff/f.bs+1)
	for g := range f.groups {
		d, err := f.group(g)
		if err != nil {
			return nil, err
		}
		if n := f.baseBlocks(g); n > 0 {
			add(f.firstBlock(g), n)
		}
		add(d.blockBitmap, 1)
		add(d.inodeBitmap, 1)
		add(d.inodeTable, f.tableBlocks())
	}
	return span.Make(zone), nil
}

// baseBlocks is the number of blocks at the start of group g for copies of the
// superblock and the descriptors (ext4_num_base_meta_blocks).
func (f *FS) baseBlocks(g uint32) (n int64) {
	per := f.descPerBlock()
	nth := int64(g) / per
	if f.hasSuper(g) {
		n = 1
		if f.first == 0 && g == 0 {
			n += superOff / f.bs // the boot block is a block of its own
		}
	}
	if f.incompat&incompatMetaBG != 0 && nth >= int64(f.firstMetaBG) {
		if in := int64(g) % per; in == 0 || in == 1 || in == per-1 {
			n++
		}
		return n
	}
	if n == 0 {
		return 0
	}
	if f.incompat&incompatMetaBG != 0 {
		return n + int64(f.firstMetaBG) + f.reservedGDT
	}
	return n + (int64(f.groups)+per-1)/per + f.reservedGDT
}

// freeOf yields the free clusters of group g as runs of blocks.
func (f *FS) freeOf(g uint32, system span.Set, yield func(blk, n int64) error) error {
	d, err := f.group(g)
	if err != nil {
		return err
	}
	base := f.firstBlock(g)
	blocks := min(f.bpg, f.blocks-base)
	clusters := (blocks + f.ratio - 1) / f.ratio
	count := int64(0)
	run := func(from, to int64) error {
		count += to - from
		return yield(base+from*f.ratio, min(to*f.ratio, blocks)-from*f.ratio)
	}
	here := span.Span{Off: base * f.bs, Len: blocks * f.bs}
	meta := overlapping(system, here)
	if d.flags&groupBlockUninit != 0 {
		err = f.uninitRuns(base, clusters, meta, run)
	} else {
		var b []byte
		if b, err = f.bitmap(d.blockBitmap, f.bpg/f.ratio, d.blockSum, "block"); err != nil {
			return err
		}
		if err := f.metaMarked(b, base, d.blockBitmap, meta); err != nil {
			return err
		}
		err = zeroRuns(b, clusters, run)
	}
	if err != nil {
		return err
	}
	if count != int64(d.freeClusters) {
		return binread.Errorf(format, d.off, "free space is not known: group %d has %d free clusters, but says %d", g, count, d.freeClusters)
	}
	return nil
}

// uninitRuns calls run for the clusters of a group without a bitmap of its own
// that hold no metadata.
func (f *FS) uninitRuns(base, clusters int64, meta []span.Span, run func(from, to int64) error) error {
	pos := int64(0)
	for _, m := range meta {
		lo, hi := f.clusterRange(m, base, clusters)
		if lo > pos {
			if err := run(pos, lo); err != nil {
				return err
			}
		}
		pos = max(pos, hi)
	}
	if pos < clusters {
		return run(pos, clusters)
	}
	return nil
}

// clusterRange is which clusters of the group at base m touches.
func (f *FS) clusterRange(m span.Span, base, clusters int64) (lo, hi int64) {
	first, end := m.Off/f.bs-base, m.End()/f.bs-base
	return max(first, 0) / f.ratio, min((end+f.ratio-1)/f.ratio, clusters)
}

// metaMarked fails when a bitmap calls metadata free.
func (f *FS) metaMarked(b []byte, base, at int64, meta []span.Span) error {
	for _, m := range meta {
		lo, hi := f.clusterRange(m, base, f.bpg/f.ratio)
		for c := lo; c < hi; c++ {
			if b[c/8]&(1<<(c%8)) == 0 {
				return binread.Errorf(format, at*f.bs+c/8, "free space is not known: the bitmap calls block %d free, which holds metadata", base+c*f.ratio)
			}
		}
	}
	return nil
}

// zeroRuns calls run for each run of clear bits among the first n of b.
func zeroRuns(b []byte, n int64, run func(from, to int64) error) error {
	for pos := int64(0); pos < n; {
		from := nextBit(b, pos, n, 0)
		if from >= n {
			return nil
		}
		pos = nextBit(b, from, n, 0xFF)
		if err := run(from, pos); err != nil {
			return err
		}
	}
	return nil
}

// nextBit returns the first bit from pos on that is clear (flip 0) or set
// (flip 0xFF), or n if there is none before.
func nextBit(b []byte, pos, n int64, flip byte) int64 {
	for pos < n {
		if x := ^(b[pos/8] ^ flip) & (0xFF << (pos % 8)); x != 0 {
			return min(pos/8*8+int64(bits.TrailingZeros8(x)), n)
		}
		pos = (pos/8 + 1) * 8
	}
	return n
}

// overlapping is the part of set that has something in common with s.
func overlapping(set span.Set, s span.Span) []span.Span {
	lo := sort.Search(len(set), func(i int) bool { return set[i].End() > s.Off })
	hi := sort.Search(len(set), func(i int) bool { return set[i].Off >= s.End() })
	return set[lo:max(lo, hi)]
}
