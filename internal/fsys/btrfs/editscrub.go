package btrfs

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// Scrub zeroes what nobody owns: free space, bytes of extents that no file can
// be read from, and what lies between the items of tree blocks. The first MiB,
// for boot loaders, and the superblocks with 64 KiB each stay.
func (e *Editor) Scrub() (fsys.Report, error) {
	if e.failed != nil {
		return fsys.Report{}, e.failed
	}
	if err := e.scrub(); err != nil {
		return fsys.Report{}, e.done(err)
	}
	e.failed = errScrubbed
	return e.report(), nil
}

func (e *Editor) scrub() error {
	var err error
	if e.owners, err = e.census(); err != nil {
		return err
	}
	if err := e.scrubExtents(); err != nil {
		return err
	}
	free, err := e.Free()
	if err != nil {
		return err
	}
	if end := int64(e.sb.devBytes); end < e.size { // behind the device that mkfs or resize made
		free = append(free, span.Span{Off: end, Len: e.size - end})
	}
	for _, s := range free {
		if err := e.zero(s.Off, s.Len); err != nil {
			return err
		}
	}
	if e.deleted > 0 {
		e.left = append(e.left, fmt.Sprintf("names and inline files of %d deleted subvolumes, which Linux removes when the volume is mounted next", e.deleted))
	}
	return nil
}

// Flags of btrfs_extent_item: btrfs_tree.h, BTRFS_EXTENT_FLAG_*.
const (
	extentIsData  = 1 << 0
	extentIsBlock = 1 << 1
)

// scrubExtents goes through the extent tree: it zeroes the bytes of data
// extents that are not live, and the slack of tree blocks.
func (e *Editor) scrubExtents() error {
	var data []span.Span
	var blocks []uint64
	lost := 0 // tree blocks that could not be trusted
	flush := func() error {
		for _, at := range blocks {
			ok, err := e.scrubBlock(at)
			if err != nil {
				return err
			}
			if !ok {
				lost++
			}
		}
		blocks = blocks[:0]
		return nil
	}
	err := e.ascend(e.trees[extentTreeID], key{}, lastKey, func(it item) error {
		if it.key.typ != metadataItemKey && it.key.typ != extentItemKey {
			return nil
		}
		if len(it.data) < extentItemSize {
			return binread.Errorf(format, e.where(it), "an extent item of %d bytes", len(it.data))
		}
		switch flags := it.buf().LE64(16); {
		case it.key.typ == metadataItemKey || flags&extentIsBlock != 0:
			if blocks = append(blocks, it.key.objectid); len(blocks) >= maxFreeSpans {
				return flush()
			}
		case flags&extentIsData != 0:
			if k := len(data); k > 0 && data[k-1].End() == int64(it.key.objectid) {
				data[k-1].Len += int64(it.key.offset)
				break
			}
			data = append(data, span.Span{Off: int64(it.key.objectid), Len: int64(it.key.offset)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	var tails []span.Span
	for _, x := range e.owners.tail {
		if overlaps(e.owners.live, x.onDisk()) {
			continue
		}
		tails = append(tails, x.onDisk())
		if err := e.zeroPacked(x); err != nil {
			return err
		}
	}
	for _, s := range span.Make(data).Subtract(e.owners.live).Subtract(span.Make(tails)) {
		if err := e.zeroBytes(uint64(s.Off), uint64(s.Len)); err != nil {
			return err
		}
	}
	if err := e.scrubPartial(); err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	if lost > 0 {
		e.left = append(e.left, fmt.Sprintf("the unused bytes of %d tree blocks that are damaged", lost))
	}
	return nil
}

// scrubPartial takes what no file can be read from out of compressed extents.
func (e *Editor) scrubPartial() error {
	left := 0
	for _, p := range e.owners.partial {
		refs, err := e.dataRefs(p.x)
		if err != nil {
			return err
		}
		gaps := span.Make(p.spans).Invert(int64(p.x.ram))
		if refs != p.n || len(gaps) == 0 { // somebody needs all of it, or everything is needed by somebody
			continue
		}
		b, err := e.repack(p.x, func(plain []byte) {
			for _, g := range gaps {
				clear(plain[g.Off:g.End()])
			}
		})
		if err != nil {
			left++
			continue
		}
		if err := e.putPacked(p.x, b); err != nil {
			return err
		}
	}
	if left > 0 {
		e.left = append(e.left, fmt.Sprintf("parts of %d compressed extents that no file can be read from, and which cannot be compressed again in their place", left))
	}
	return nil
}

// scrubBlock zeroes the slack of one tree block in every copy. It returns
// false when a copy is damaged.
func (e *Editor) scrubBlock(logical uint64) (bool, error) {
	c, ok := e.chunks.find(logical)
	if !ok || c.length-(logical-c.logical) < uint64(e.sb.nodesize) {
		return false, nil
	}
	for _, start := range c.copies {
		at := int64(start + logical - c.logical)
		b, err := binread.At(e.p, format, at, int64(e.sb.nodesize), int64(e.sb.nodesize))
		if err != nil {
			return false, err
		}
		n := &node{b: b, bytenr: logical}
		if n.check(e.sb) != "" {
			ok = false
			continue
		}
		from, to := n.slack()
		if allZero(b[from:to]) {
			continue
		}
		clear(b[from:to])
		clear(b[:32])
		e.sb.sums.sum(b[:0], b[32:])
		if err := e.zero(at+int64(from), int64(to-from)); err != nil {
			return false, err
		}
		if err := e.write(at, b[:32]); err != nil {
			return false, err
		}
	}
	return ok, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
