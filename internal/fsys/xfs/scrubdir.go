package xfs

import (
	"assay/internal/binread"
)

const (
	dirFreeOffset = 64 << 30 // XFS_DIR2_FREE_OFFSET: from here on the index of free space

	dirLeaf1V2, dirLeaf1V3 = 0xd2f1, 0x3df1
	dirLeafNV2, dirLeafNV3 = 0xd2ff, 0x3dff
	dirFreeV2, dirFreeV3   = 0x58443246, 0x58444633 // "XD2F", "XDF3"
)

// scrubDir zeroes the unused parts of every block of a directory.
func (e *Editor) scrubDir(i *inode, exts []extent) error {
	for at := int64(0); ; at += e.dirBlock {
		k := extentAt(exts, at)
		if k == len(exts) {
			return nil
		}
		at = max(at, exts[k].logical/e.dirBlock*e.dirBlock)
		b := make([]byte, e.dirBlock)
		if _, err := readExtents(e.dev, exts, b, at); err != nil {
			return err
		}
		if err := e.scrubDirBlock(i, exts, at, b); err != nil {
			return err
		}
	}
}

func (e *Editor) scrubDirBlock(i *inode, exts []extent, at int64, b []byte) error {
	k := extentAt(exts, at)
	off := exts[k].physical + max(0, at-exts[k].logical)
	if e.v5 {
		kd, ok := kindOf(b)
		if !ok {
			e.leave("%v", binread.Errorf(format, off, "directory %d: bad magic number", i.number))
			return nil
		}
		if err := e.checkMeta(b, off, kd.magic); err != nil {
			e.leave("%v", err)
			return nil
		}
	}
	now := append([]byte(nil), b...)
	var ok bool
	switch {
	case at < dirLeafOffset:
		ok = e.clearNames(now)
	case at < dirFreeOffset:
		ok = e.clearHashes(now)
	default:
		ok = e.clearFreeIndex(now)
	}
	if !ok {
		e.leave("%v", binread.Errorf(format, off, "directory %d: a block that makes no sense was left as it is", i.number))
		return nil
	}
	if !e.changed(b, now) {
		return nil
	}
	e.seal(now)
	return e.writeFork(exts, at, now)
}

// writeFork writes b to the blocks that a fork maps at an offset.
func (e *Editor) writeFork(exts []extent, at int64, b []byte) error {
	for k := extentAt(exts, at); k < len(exts) && len(b) > 0; k++ {
		x := exts[k]
		if x.logical > at {
			skip := min(x.logical-at, int64(len(b)))
			at, b = at+skip, b[skip:]
		}
		n := min(x.end()-at, int64(len(b)))
		if n <= 0 {
			continue
		}
		if err := e.write(x.physical+at-x.logical, b[:n]); err != nil {
			return err
		}
		at, b = at+n, b[n:]
	}
	return nil
}

// clearNames zeroes the unused entries of a block with names and the padding
// of the used ones. Every entry ends in its own offset, a tag of two bytes.
func (e *Editor) clearNames(b []byte) bool {
	pos, end, extra := 16, len(b), 0
	if e.v5 {
		pos = 64
	}
	if e.fType {
		extra = 1
	}
	switch be.Uint32(b) {
	case dirBlockV2, dirBlockV3:
		hashes := int64(be.Uint32(b[len(b)-8:]))
		if hashes > int64(len(b)-8-pos)/8 {
			return false
		}
		end = len(b) - 8 - 8*int(hashes)
	case dirDataV2, dirDataV3:
	default:
		return false
	}
	for pos < end {
		if end-pos < 8 {
			return false
		}
		if be.Uint16(b[pos:]) == dirFreeTag {
			n := int(be.Uint16(b[pos+2:]))
			if n == 0 || n%8 != 0 || n > end-pos {
				return false
			}
			clear(b[pos+4 : pos+n-2])
			pos += n
			continue
		}
		if end-pos < 16 { // the shortest used entry
			return false
		}
		used := 9 + int(b[pos+8]) + extra
		n := (used + 2 + 7) &^ 7
		if n > end-pos {
			return false
		}
		clear(b[pos+used : pos+n-2])
		pos += n
	}
	return true
}

// clearHashes zeroes what a leaf or a node of the hash index has behind its
// entries. The leaf of a directory that has only one ends in a table of the
// longest free entry of each block.
func (e *Editor) clearHashes(b []byte) bool {
	head, count := 16, 12
	if e.v5 {
		head, count = 64, 56
	}
	used, end := head+8*int(be.Uint16(b[count:])), len(b)
	switch be.Uint16(b[8:]) {
	case dirLeaf1V2, dirLeaf1V3:
		table := 4 + 2*int64(be.Uint32(b[len(b)-4:]))
		if table > int64(len(b)) {
			return false
		}
		end -= int(table)
	case dirLeafNV2, dirLeafNV3, daNodeV2, daNodeV3:
	default:
		return false
	}
	if used > end {
		return false
	}
	clear(b[used:end])
	return true
}

// clearFreeIndex zeroes what a block of the free space index has behind its
// table: struct xfs_dir2_free_hdr or xfs_dir3_free_hdr.
func (e *Editor) clearFreeIndex(b []byte) bool {
	head, count := 16, 8
	if e.v5 {
		head, count = 64, 52
	}
	if m := be.Uint32(b); m != dirFreeV2 && m != dirFreeV3 {
		return false
	}
	used := int64(head) + 2*int64(be.Uint32(b[count:]))
	if used > int64(len(b)) {
		return false
	}
	clear(b[used:])
	return true
}
