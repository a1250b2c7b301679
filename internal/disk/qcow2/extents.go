package qcow2

import (
	"encoding/binary"
	"slices"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

// walk calls table for every L2 table in use and visit for every piece that
// it maps below the virtual size. A table that two L1 entries share is an
// error: no writer makes one, and reading it again and again would let a small
// file keep us busy for years.
func (im *Image) walk(table func(host int64), visit func(virt, n int64, p piece)) error {
	if err := im.sharedTables(); err != nil {
		return err
	}
	unit := im.h.clusterSize() / im.piecesPer()
	pieces := im.h.perTable() * im.piecesPer()
	for i := range int64(len(im.l1) / 8) {
		at, err := im.l1Entry(i)
		if err != nil {
			return err
		}
		if at == 0 {
			continue
		}
		t, err := im.loadTable(at) // not through the cache: each is used once
		if err != nil {
			return err
		}
		table(at)
		virt := i * pieces * unit
		for j := int64(0); j < pieces && virt < im.h.size; j++ {
			p, err := im.piece(t, at, j)
			if err != nil {
				return err
			}
			visit(virt, min(unit, im.h.size-virt), p)
			if virt > im.h.size-unit {
				break // the next offset could overflow
			}
			virt += unit
		}
	}
	return nil
}

// sharedTables fails when two L1 entries name the same L2 table.
func (im *Image) sharedTables() error {
	var offs []int64
	for i := range int64(len(im.l1) / 8) {
		if e := int64(binary.BigEndian.Uint64(im.l1[8*i:]) & offsetMask); e != 0 {
			offs = append(offs, e)
		}
	}
	slices.Sort(offs)
	for i := 1; i < len(offs); i++ {
		if offs[i] == offs[i-1] {
			return binread.Errorf(format, im.h.l1Offset, "two L1 entries share the L2 table at %#x", offs[i])
		}
	}
	return nil
}

// findData computes Data: what is allocated here, and what the backing file
// holds where nothing is allocated here and nothing was zeroed.
func (im *Image) findData() (span.Set, error) {
	var here, zeroed image.Collector
	err := im.walk(func(int64) {}, func(virt, n int64, p piece) {
		switch p.kind {
		case data, compressed:
			here.Add(virt, n)
		case zero:
			zeroed.Add(virt, n)
		}
	})
	if err != nil || im.backing == nil {
		return here.Set(), err
	}
	behind, err := im.backing.Data()
	if err != nil {
		return nil, err
	}
	behind = behind.Intersect(span.Set{{Off: 0, Len: im.h.size}})
	if !zeroed.Widened() { // a widened set would take away too much
		behind = behind.Subtract(zeroed.Set())
	}
	return span.Make(slices.Concat(here.Set(), behind)), nil
}

// maxReferenced bounds the list of ranges that Unreferenced builds.
const maxReferenced = 4 << 20

// Unreferenced returns the ranges of the image file that no active structure
// refers to: neither the header's cluster, the L1 and L2 tables, the refcount
// table and blocks, the snapshot table, nor guest data that can be read today.
// What is left is old: freed clusters, the content of internal snapshots,
// clusters that were zeroed or discarded but kept, bitmaps, slack.
func (im *Image) Unreferenced() (span.Set, error) {
	var used []span.Span
	full := false
	add := func(off, n int64) {
		if n = min(n, im.fileSize-off); n <= 0 {
			return
		}
		if k := len(used); k > 0 && used[k-1].End() == off {
			used[k-1].Len += n
			return
		}
		if len(used) == maxReferenced {
			used = span.Make(used)
			full = full || len(used) > maxReferenced/2
		}
		if !full {
			used = append(used, span.Span{Off: off, Len: n})
		}
	}
	add(0, im.h.clusterSize())
	add(im.h.l1Offset, 8*int64(im.h.l1Size))
	if im.snapshotsEnd > im.h.snapshots {
		add(im.h.snapshots, im.snapshotsEnd-im.h.snapshots)
	}
	if err := im.refcounts(add); err != nil {
		return nil, err
	}
	unit := im.h.clusterSize() / im.piecesPer()
	err := im.walk(func(host int64) { add(host, im.h.clusterSize()) }, func(virt, _ int64, p piece) {
		switch {
		case p.kind == data:
			add(p.host, unit)
		case p.kind == compressed && virt%im.h.clusterSize() == 0: // once a cluster
			add(im.compressedRange(p.host))
		}
	})
	if err != nil {
		return nil, err
	}
	if full {
		return nil, binread.Errorf(format, -1, "over %d scattered ranges are in use", maxReferenced/2)
	}
	return span.Make(used).Invert(im.fileSize), nil
}

// refcounts adds the refcount table and the blocks it names.
func (im *Image) refcounts(add func(off, n int64)) error {
	h := im.h
	t, err := binread.At(im.r, format, h.refTableOffset, min(h.refTableLen, max(0, im.fileSize-h.refTableOffset)), maxRefTable)
	if err != nil {
		return err
	}
	add(h.refTableOffset, h.refTableLen)
	for i := 0; i+8 <= len(t); i += 8 {
		if b := int64(binary.BigEndian.Uint64(t[i:]) & offsetMask); b != 0 {
			add(b, h.clusterSize())
		}
	}
	return nil
}
