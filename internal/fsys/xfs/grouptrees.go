package xfs

import (
	"assay/internal/binread"
	"assay/internal/span"
)

// cowFlag marks a record of the reference count tree that stands for blocks
// set aside for a copy on write (XFS_REFC_COWFLAG).
const cowFlag = 1 << 31

// A groupRoot is where one tree of a group begins.
type groupRoot struct {
	tree         agTree
	root, levels uint32
}

// trees returns the trees that a group has, from its AGF and AGI.
func (fs *FS) trees(ag uint32) ([]groupRoot, error) {
	agf, _, err := fs.groupHeader(ag, 1, agfMagic)
	if err != nil {
		return nil, err
	}
	agi, _, err := fs.groupHeader(ag, 2, agiMagic)
	if err != nil {
		return nil, err
	}
	out := []groupRoot{
		{bnoTree, be.Uint32(agf[16:]), be.Uint32(agf[28:])},
		{cntTree, be.Uint32(agf[20:]), be.Uint32(agf[32:])},
		{inoTree, be.Uint32(agi[20:]), be.Uint32(agi[24:])},
	}
	if fs.roCompat&roFreeInodes != 0 {
		out = append(out, groupRoot{finTree, be.Uint32(agi[328:]), be.Uint32(agi[332:])})
	}
	if fs.roCompat&roReverseMap != 0 {
		out = append(out, groupRoot{rmapTree, be.Uint32(agf[24:]), be.Uint32(agf[36:])})
	}
	if fs.roCompat&roReflink != 0 {
		out = append(out, groupRoot{refTree, be.Uint32(agf[88:]), be.Uint32(agf[92:])})
	}
	return out, nil
}

// eachTree shows every block of every tree of a group to each, and the blocks
// set aside for copies on write to cow.
func (fs *FS) eachTree(ag uint32, each func(agTree, treeBlock) error, cow func(span.Span)) error {
	roots, err := fs.trees(ag)
	if err != nil {
		return err
	}
	for _, t := range roots {
		rec := func(r []byte) error {
			start, n := be.Uint32(r), be.Uint32(r[4:])
			if t.tree.v5 != refTree.v5 || start&cowFlag == 0 {
				return nil
			}
			start &^= cowFlag
			if start < fs.firstBlock() || uint64(start)+uint64(n) > uint64(fs.agLen(ag)) {
				return binread.Errorf(format, fs.agByte(ag, 0), "the reference count tree of group %d has %d blocks at %d", ag, n, start)
			}
			cow(span.Span{Off: fs.agByte(ag, start), Len: int64(n) << fs.blockLog})
			return nil
		}
		err := fs.walkTreeBlocks(t.tree, ag, t.root, t.levels, rec, func(b treeBlock) error { return each(t.tree, b) })
		if err != nil {
			return err
		}
	}
	return nil
}
