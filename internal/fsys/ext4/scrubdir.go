package ext4

import (
	"bytes"

	"assay/internal/binread"
)

// Bounds on the index of a directory.
const (
	maxDxLevels = 3       // ext4_dir_htree_level with large_dir
	maxDxBlocks = 1 << 18 // over one leaf for each of the four gigabytes' blocks
)

// Where dx_countlimit is in a block of an index (struct dx_root, dx_node).
const (
	dxRootCount = 0x20
	dxNodeCount = 8
)

// scrubDir clears the gaps between the entries of a directory and, of its
// index, what follows the last used entry: names, where a leaf became the root.
func (t *tx) scrubDir(in inode) error {
	f := t.e.FS
	index, err := f.indexBlocks(in)
	if err != nil {
		return err
	}
	return f.eachDirBlock(in, func(old []byte, off, lblk int64) error {
		b := bytes.Clone(old)
		if at := index[lblk]; at > 0 {
			if err := f.scrubIndex(in, b, off, at); err != nil {
				return err
			}
			return t.change(off, old, b)
		}
		leaf := b
		if f.metaCsum() {
			leaf = b[:len(b)-dirTailSize]
		}
		if err := f.scrubEntries(in, leaf, off); err != nil {
			return err
		}
		if !bytes.Equal(b, old) {
			f.sumDirBlock(in, b)
		}
		return t.change(off, old, b)
	})
}

// indexBlocks lists the blocks of a directory that hold its index, each with
// where its dx_countlimit is.
func (f *FS) indexBlocks(in inode) (map[int64]int, error) {
	out := map[int64]int{}
	if !in.has(flagIndex) {
		return out, nil
	}
	b, at, err := f.dirBlock(in, 0)
	if err != nil {
		return nil, err
	}
	if f.recLen(b) != 12 || f.recLen(b[12:]) != len(b)-12 || b[29] != 8 || int(b[30]) > maxDxLevels {
		return nil, binread.Errorf(format, at, "directory inode %d has no root of its index", in.ino)
	}
	out[0] = dxRootCount
	level, err := f.indexEntries(in, b, at, dxRootCount)
	for depth := int(b[30]); err == nil && depth > 0; depth-- { // indirect_levels
		var next []int64
		for _, lblk := range level {
			if out[lblk] != 0 || len(out) >= maxDxBlocks {
				return nil, binread.Errorf(format, at, "the index of directory inode %d uses block %d twice", in.ino, lblk)
			}
			out[lblk] = dxNodeCount
			if depth == 1 {
				continue
			}
			if b, at, err = f.dirBlock(in, lblk); err != nil {
				return nil, err
			}
			below, err := f.indexEntries(in, b, at, dxNodeCount)
			if err != nil {
				return nil, err
			}
			if next = append(next, below...); len(next) > maxDxBlocks {
				return nil, binread.Errorf(format, at, "the index of directory inode %d has more than %d blocks", in.ino, maxDxBlocks)
			}
		}
		level = next
	}
	return out, err
}

// indexEntries lists the blocks that a block of an index names.
func (f *FS) indexEntries(in inode, b []byte, off int64, at int) ([]int64, error) {
	limit, count := int(le.Uint16(b[at:])), int(le.Uint16(b[at+2:]))
	if count < 1 || count > limit || at+8*limit > len(b) {
		return nil, binread.Errorf(format, off+int64(at), "the index of directory inode %d counts %d of %d entries", in.ino, count, limit)
	}
	out := make([]int64, count)
	for i := range out {
		out[i] = int64(le.Uint32(b[at+8*i+4:]) & 0x0FFFFFFF)
	}
	return out, nil
}

// dirBlock reads block lblk of a directory.
func (f *FS) dirBlock(in inode, lblk int64) (b []byte, at int64, err error) {
	at = -1
	err = f.walkMap(in, lblk, func(e extent) error {
		if e.lblk <= lblk && !e.unwritten {
			at = (e.pblk + lblk - e.lblk) * f.bs
		}
		return errFull
	})
	if err != nil && err != errFull {
		return nil, at, err
	}
	if at < 0 {
		return nil, at, binread.Errorf(format, in.off, "directory inode %d has a hole at block %d", in.ino, lblk)
	}
	b, err = f.cache.bytes(at, f.bs)
	return b, at, err
}

// scrubIndex clears a block of an index behind its entries and redoes its
// checksum (struct dx_tail).
func (f *FS) scrubIndex(in inode, b []byte, off int64, at int) error {
	if _, err := f.indexEntries(in, b, off, at); err != nil {
		return err
	}
	limit, count := int(le.Uint16(b[at:])), int(le.Uint16(b[at+2:]))
	used, tail := at+8*count, at+8*limit
	clear(b[used:])
	if !f.metaCsum() {
		return nil
	}
	if tail+8 > len(b) {
		return binread.Errorf(format, off+int64(at), "the index of directory inode %d has no room for its checksum", in.ino)
	}
	le.PutUint32(b[tail+4:], crc32cHole(crc32c(f.inodeSeed(in), b[:used]), b[tail:tail+8], 4, 4))
	return nil
}

// scrubEntries clears in b all that is no entry in use, and the name of those
// that are not. An entry of a directory that is both encrypted and casefolded
// has its hash behind the name (ext4_dir_entry_hash).
func (f *FS) scrubEntries(in inode, b []byte, at int64) error {
	hashed := in.has(flagEncrypt) && in.has(flagCasefold)
	return f.eachEntry(in, b, at, func(d dirent) error {
		e := b[d.off : d.off+d.rec]
		if d.ino == 0 {
			clear(e[6:])
			return nil
		}
		used := 8 + len(d.name)
		if n := string(d.name); hashed && n != "." && n != ".." {
			used = min((used+3)&^3+8, d.rec)
		}
		clear(e[used:])
		return nil
	})
}
