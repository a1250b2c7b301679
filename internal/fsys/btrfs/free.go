package btrfs

import (
	"slices"

	"assay/internal/binread"
	"assay/internal/span"
)

// A block is a range of logical addresses.
type block struct{ logical, length uint64 }

// Free implements fsys.FreeSpace: what no chunk covers, and what the extent
// tree gives to nobody inside chunks, in every copy. The first MiB and 64 KiB
// at each superblock stay out. It fails unless device extents, chunks, block
// groups and extents agree to the byte.
func (f *FS) Free() (span.Set, error) {
	if f.sb.logRoot != 0 && !f.replayed {
		return nil, binread.Unsupported(format, "free space beside a log that was not replayed")
	}
	device := min(int64(f.sb.devBytes), f.size)
	if err := f.checkDeviceExtents(); err != nil {
		return nil, err
	}
	owned, err := f.extentSpans()
	if err != nil {
		return nil, err
	}
	for _, b := range f.logOwned {
		owned = f.appendPhysical(owned, b)
	}
	owned = append(owned, span.Span{Off: 0, Len: 1 << 20})
	for _, off := range superOffsets {
		owned = append(owned, span.Span{Off: off, Len: stripeLen})
	}
	return span.Make(owned).Invert(device), nil
}

// checkDeviceExtents proves that the device tree and the chunk tree say the
// same of this device.
func (f *FS) checkDeviceExtents() error {
	tree, ok := f.trees[devTreeID]
	if !ok {
		return binread.Errorf(format, -1, "there is no device tree")
	}
	want := 0
	var ranges []span.Span
	for _, c := range f.chunks {
		for _, at := range c.copies {
			ranges = append(ranges, span.Span{Off: int64(at), Len: int64(c.length)})
			want++
		}
	}
	slices.SortFunc(ranges, func(a, b span.Span) int { return int(min(max(a.Off-b.Off, -1), 1)) })
	for i, r := range ranges {
		if r.End() > int64(f.sb.devBytes) || i > 0 && r.Off < ranges[i-1].End() {
			return binread.Errorf(format, r.Off, "a chunk overlaps another or the end of the device")
		}
	}
	got := 0
	err := f.ascend(tree, key{f.sb.devid, devExtentKey, 0}, key{f.sb.devid, devExtentKey, ^uint64(0)}, func(it item) error {
		b := it.buf()
		c, ok := f.chunks.find(b.LE64(16))
		if !ok || c.logical != b.LE64(16) || c.length != b.LE64(24) || !slices.Contains(c.copies, it.key.offset) {
			return binread.Errorf(format, f.where(it), "the device extent at %d belongs to no chunk", it.key.offset)
		}
		got++
		return nil
	})
	if err == nil && got != want {
		err = binread.Errorf(format, -1, "chunks have %d stripes, but the device has %d extents", want, got)
	}
	return err
}

// extentSpans returns what the extent tree says is owned, as byte ranges of
// the volume, after comparing it with the block groups.
func (f *FS) extentSpans() ([]span.Span, error) {
	tree, ok := f.trees[extentTreeID]
	if !ok {
		return nil, binread.Errorf(format, -1, "there is no extent tree")
	}
	used := make(map[uint64]uint64, len(f.chunks)) // by logical start of the chunk
	var owned []span.Span
	var run block // extents that follow each other
	end := uint64(0)
	err := f.ascend(tree, key{}, lastKey, func(it item) error {
		b := block{it.key.objectid, it.key.offset}
		switch it.key.typ {
		case metadataItemKey:
			b.length = uint64(f.sb.nodesize)
		case extentItemKey:
		default:
			return nil
		}
		c, ok := f.chunks.find(b.logical)
		if !ok || b.length == 0 || b.length > c.length-(b.logical-c.logical) || b.logical < end || (b.logical|b.length)%uint64(f.sb.sectorsize) != 0 {
			return binread.Errorf(format, f.where(it), "the extent of %d bytes at logical %d is out of place", b.length, b.logical)
		}
		end = b.logical + b.length
		used[c.logical] += b.length
		if run.logical+run.length == b.logical && b.logical != c.logical {
			run.length += b.length
			return nil
		}
		owned = f.appendPhysical(owned, run)
		run = b
		if len(owned) > maxFreeSpans {
			return binread.Errorf(format, f.where(it), "more than %d pieces of space in use", maxFreeSpans)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f.appendPhysical(owned, run), f.checkBlockGroups(tree, used)
}

// appendPhysical adds all copies of a block, which lies in one chunk.
func (f *FS) appendPhysical(out []span.Span, b block) []span.Span {
	c, ok := f.chunks.find(b.logical)
	if !ok || b.length == 0 {
		return out
	}
	d := b.logical - c.logical
	for _, at := range c.copies {
		out = append(out, span.Span{Off: int64(at + d), Len: int64(min(b.length, c.length-d))})
	}
	return out
}

// checkBlockGroups proves that every chunk has its block group, and that the
// extents in it add up to what it says is used.
func (f *FS) checkBlockGroups(tree root, used map[uint64]uint64) error {
	if f.sb.compatRO&compatROBlockGroupTree != 0 {
		var ok bool
		if tree, ok = f.trees[blockGroupTreeID]; !ok {
			return binread.Errorf(format, -1, "there is no block group tree")
		}
	}
	total := uint64(0)
	for _, c := range f.chunks {
		it, ok, err := f.get(tree, key{c.logical, blockGroupKey, c.length})
		if err != nil {
			return err
		}
		if !ok || len(it.data) < 8 {
			return binread.Errorf(format, -1, "the chunk at logical %d has no block group", c.logical)
		}
		u := it.buf().LE64(0)
		if u != used[c.logical] {
			return binread.Errorf(format, f.where(it), "the block group at logical %d says %d bytes are used, its extents say %d", c.logical, u, used[c.logical])
		}
		total += u
	}
	if total != f.sb.bytesUsed {
		return binread.Errorf(format, f.sb.at+120, "the superblock says %d bytes are used, the extents say %d", f.sb.bytesUsed, total)
	}
	return nil
}
