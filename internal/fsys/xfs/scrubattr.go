package xfs

import (
	"assay/internal/span"
)

// scrubAttrs zeroes the unused parts of the blocks of an attribute fork: in
// them the names and values of removed attributes stay.
func (e *Editor) scrubAttrs(i *inode) error {
	f, ok := i.attrFork()
	if !ok || f.format == formatLocal || f.format == formatExtents && f.extents == 0 {
		return nil
	}
	exts, err := e.forkExtents(f)
	if err != nil {
		return err
	}
	r := attrReader{fs: e.FS, ino: i, exts: exts, seen: map[uint32]bool{}}
	var failed error
	r.each = func(off int64, b []byte) {
		if failed == nil && r.err == nil { // only what made sense so far
			failed = e.rewrite(off, b, e.clearAttrs)
		}
	}
	r.value = func(block, length uint32) {
		if failed == nil {
			failed = e.scrubValue(&r, block, length)
		}
	}
	r.tree(0, -1)
	if r.err != nil {
		e.leave("attributes of inode %d were not all cleaned: %v", i.number, r.err)
	}
	return failed
}

// clearAttrs zeroes everything of an attribute leaf that no entry uses, or
// what a node has behind its entries. The block was checked in reading.
func (e *Editor) clearAttrs(b []byte) {
	info := 12 // struct xfs_da_blkinfo, xfs_da3_blkinfo
	node := 16
	leaf := 32
	if e.v5 {
		info, node, leaf = 56, 64, 80
	}
	n := int(be.Uint16(b[info:]))
	if m := be.Uint16(b[8:]); m == daNodeV2 || m == daNodeV3 {
		if node+8*n <= len(b) {
			clear(b[node+8*n:])
		}
		return
	}
	used := []span.Span{{Off: 0, Len: int64(leaf + 8*n)}}
	for k := range n {
		entry := b[leaf+8*k:]
		at := int(be.Uint16(entry[4:]))
		size := 9 + int(b[at+8]) // struct xfs_attr_leaf_name_remote
		if entry[6]&attrLocal != 0 {
			size = 3 + int(b[at+2]) + int(be.Uint16(b[at:]))
		}
		used = append(used, span.Span{Off: int64(at), Len: int64(size)})
	}
	for _, s := range span.Make(used).Invert(int64(len(b))) {
		clear(b[s.Off:s.End()])
	}
}

// scrubValue zeroes the blocks of an attribute's value behind its end.
func (e *Editor) scrubValue(r *attrReader, block, length uint32) error {
	if !e.v5 {
		tail := (e.blockSize - int64(length)%e.blockSize) % e.blockSize
		at := int64(block)<<e.blockLog + int64(length)
		k := extentAt(r.exts, at)
		if tail == 0 || k == len(r.exts) || r.exts[k].logical > at {
			return nil
		}
		return e.zeroIfUsed(r.exts[k].physical+at-r.exts[k].logical, tail)
	}
	for done := uint32(0); done < length; block++ {
		b, off, err := r.read(block, e.blockSize)
		if err != nil {
			return err
		}
		n := be.Uint32(b[8:])
		if n == 0 || int64(n)+attrRemoteHeader > e.blockSize { // it was checked in reading
			return nil
		}
		if err := e.rewrite(off, b, func(b []byte) { clear(b[attrRemoteHeader+n:]) }); err != nil {
			return err
		}
		done += n
	}
	return nil
}
