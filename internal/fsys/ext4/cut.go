package ext4

import "assay/internal/binread"

// cut frees what a file has from logical block keep on and ends its map there.
// The size is the caller's. Of an inline file there is nothing to cut.
func (t *tx) cut(in inode, keep int64) error {
	f := t.e.FS
	if f.inline(in) || f.mapless(in) {
		return nil
	}
	runs, err := f.heldFrom(in, keep)
	if err != nil || len(runs) == 0 {
		return err
	}
	c := cutter{tx: t, in: in, keep: keep}
	if in.has(flagExtents) {
		_, err = c.node(in.iblock())
	} else {
		err = c.root(in.iblock())
	}
	if err != nil {
		return err
	}
	runs = append(runs, c.empty...)
	total := int64(0)
	for _, r := range runs {
		total += r.n
	}
	if err := f.takeBlocks(in, total); err != nil {
		return err
	}
	return t.free(runs)
}

// takeBlocks subtracts n blocks from i_blocks, which counts sectors of 512
// bytes or, with EXT4_HUGE_FILE_FL, blocks.
func (f *FS) takeBlocks(in inode, n int64) error {
	have := uint64(le.Uint32(in.b[0x1C:]))
	huge := f.ro&roHugeFile != 0
	if huge {
		have |= uint64(le.Uint16(in.b[0x74:])) << 32
	}
	take := uint64(n)
	if !huge || !in.has(flagHugeFile) {
		take *= uint64(f.bs / 512)
	}
	if take > have {
		return binread.Errorf(format, in.off+0x1C, "inode %d has more blocks than it counts", in.ino)
	}
	have -= take
	le.PutUint32(in.b[0x1C:], uint32(have))
	if huge {
		le.PutUint16(in.b[0x74:], uint16(have>>32))
	}
	return nil
}

// A cutter shortens a map that was walked, and so found good, just before.
type cutter struct {
	*tx
	in    inode
	keep  int64
	empty []run // blocks of the map in which nothing is left, though they begin below keep
}

// node shortens a node of an extent tree. It says whether anything is left.
func (c *cutter) node(b []byte) (bool, error) {
	n := int(le.Uint16(b[2:]))
	left := n
	for left > 0 && int64(le.Uint32(b[12*left:])) >= c.keep {
		left--
	}
	if left > 0 {
		last := b[12*left : 12*left+12]
		kept := true
		if le.Uint16(b[6:]) == 0 {
			shorten(last, c.keep)
		} else {
			var err error
			if kept, err = c.child(last); err != nil {
				return false, err
			}
		}
		if !kept {
			left--
		}
	}
	clear(b[12+12*left : 12+12*n])
	le.PutUint16(b[2:], uint16(left))
	if left == 0 {
		le.PutUint16(b[6:], 0) // an empty tree has no depth
	}
	return left > 0, nil
}

// shorten ends an extent before block keep.
func shorten(x []byte, keep int64) {
	first, n := int64(le.Uint32(x)), int64(le.Uint16(x[4:]))
	unwritten := int64(0)
	if n > maxInitLen {
		n, unwritten = n-maxInitLen, maxInitLen
	}
	if first+n > keep {
		le.PutUint16(x[4:], uint16(keep-first+unwritten))
	}
}

// child shortens the node to which an index entry leads, if it reaches keep.
func (c *cutter) child(index []byte) (bool, error) {
	f := c.e.FS
	blk := int64(le.Uint32(index[4:])) | int64(le.Uint16(index[8:]))<<32
	b, err := c.block(blk)
	if err != nil {
		return false, err
	}
	left, err := c.node(b)
	if err != nil {
		return false, err
	}
	if !left {
		c.empty = append(c.empty, run{blk, 1})
		return false, nil
	}
	f.sumExtents(c.in, b)
	return true, nil
}

// sumExtents makes the checksum of a node of an extent tree (ext4_extent_tail).
func (f *FS) sumExtents(in inode, b []byte) {
	if f.metaCsum() {
		tail := 12 + 12*int(le.Uint16(b[4:]))
		le.PutUint32(b[tail:], crc32c(f.inodeSeed(in), b[:tail]))
	}
}

// root shortens a map of ext2: twelve pointers and three trees of pointers.
func (c *cutter) root(b []byte) error {
	if err := c.pointers(b[:48], 0, 0); err != nil {
		return err
	}
	lblk, span := int64(12), int64(1)
	for level := 1; level <= 3; level++ {
		span *= c.e.bs / 4
		if err := c.pointers(b[44+4*level:48+4*level], lblk, level); err != nil {
			return err
		}
		lblk += span
	}
	return nil
}

// pointers clears those pointers to trees of a level that lead behind keep.
func (c *cutter) pointers(b []byte, lblk int64, level int) error {
	span := int64(1)
	for range level {
		span *= c.e.bs / 4
	}
	for i := 0; i+4 <= len(b); i, lblk = i+4, lblk+span {
		blk := int64(le.Uint32(b[i:]))
		switch {
		case blk == 0 || lblk+span <= c.keep:
		case lblk >= c.keep:
			clear(b[i : i+4])
		default:
			table, err := c.block(blk)
			if err == nil {
				err = c.pointers(table, lblk, level-1)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
