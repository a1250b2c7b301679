package xfs

import (
	"assay/internal/binread"
	"assay/internal/span"
)

// window is the number of blocks whose owners are noted at once: with two bits
// a block, 64 MiB. A larger volume is gone through more than once.
const window = 1 << 28

// A census counts the owners of every block of a part of the volume, so that
// nothing is zeroed or overwritten that anybody else relies on. Only regular
// files that say so may share blocks, and only with each other.
type census struct {
	fs     *FS
	base   int64 // first block
	n      int64 // blocks
	own    []uint64
	clones []uint64
	cow    []span.Span
}

// census proves that no block has two owners and counts the blocks without
// any. On the way it collects what the editor has to know.
func (e *Editor) census() error {
	total := int64(e.blocks)
	for base := int64(0); base < total; base += window {
		n := min(window, total-base)
		c := &census{fs: e.FS, base: base, n: n, own: make([]uint64, (n+63)/64), clones: make([]uint64, (n+63)/64)}
		e.clones = e.clones[:0]
		if err := c.take(e); err != nil {
			return err
		}
		e.cow = span.Make(c.cow)
		e.lost += c.ownerless() << e.blockLog
	}
	return nil
}

func (c *census) take(e *Editor) error {
	for ag := range c.fs.agCount {
		if err := c.group(ag); err != nil {
			return err
		}
	}
	if w := c.fs.log.Where; w.Len > 0 {
		if err := c.claim(w.Off, w.Len, false); err != nil {
			return err
		}
	}
	return c.fs.eachInode(func(i *inode) error {
		if clone(i) {
			if e.clones = append(e.clones, i.number); len(e.clones) > maxShared {
				return binread.Unsupported(format, "more than %d files that share blocks", maxShared)
			}
		}
		return c.inode(i)
	})
}

// group claims the headers, the trees, the free space and the inode chunks of
// one group.
func (c *census) group(ag uint32) error {
	fs := c.fs
	if err := c.claim(fs.agByte(ag, 0), int64(fs.firstBlock())<<fs.blockLog, false); err != nil {
		return err
	}
	known := len(c.cow)
	err := fs.eachTree(ag, func(_ agTree, b treeBlock) error {
		return c.claim(b.off, fs.blockSize, false)
	}, func(x span.Span) {
		c.cow = append(c.cow, x)
	})
	if err != nil {
		return err
	}
	for _, x := range c.cow[known:] {
		if err := c.claim(x.Off, x.Len, false); err != nil {
			return err
		}
	}
	lists, err := fs.freeList(ag)
	if err != nil {
		return err
	}
	free, err := fs.freeTree(nil, ag)
	if err != nil {
		return err
	}
	for _, s := range append(free, lists...) {
		if err := c.claim(s.Off, s.Len, false); err != nil {
			return err
		}
	}
	return c.chunks(ag)
}

// chunks claims the blocks of inode chunks, but for the holes of sparse ones.
func (c *census) chunks(ag uint32) error {
	fs := c.fs
	g := fs.inodesOf(ag)
	if g.err != nil {
		return g.err
	}
	step := uint32(1) << fs.inopLog
	for _, rec := range g.chunks {
		if rec.start%step != 0 { // the second chunk in a block of more than 64 inodes
			continue
		}
		for n := uint32(0); n < chunkInodes; n += step {
			if !rec.exists(n) {
				continue
			}
			if err := c.claim(fs.agByte(ag, (rec.start+n)>>fs.inopLog), fs.blockSize, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// inode claims everything that the forks of an inode map.
func (c *census) inode(i *inode) error {
	tree := func(b treeBlock) error { return c.claim(b.off, c.fs.blockSize, false) }
	fork := func(f fork, shared bool) error {
		exts, err := f.extentsAnd(tree)
		if err != nil {
			return err
		}
		for _, x := range exts {
			if err := c.claim(x.physical, x.length, shared); err != nil {
				return err
			}
		}
		return nil
	}
	mapped, err := hasExtents(i)
	if err != nil {
		return err
	}
	if mapped {
		if err := fork(i.dataFork(), clone(i)); err != nil {
			return err
		}
	}
	f, ok := i.attrFork()
	switch {
	case !ok || f.format == formatLocal:
		return nil
	case f.format != formatExtents && f.format != formatBtree:
		return i.bad(83, "an attribute fork of format %d", f.format)
	}
	return fork(f, false)
}

// claim notes the owner of a byte range of whole blocks.
func (c *census) claim(off, length int64, shared bool) error {
	from := max(off>>c.fs.blockLog-c.base, 0)
	to := min((off+length)>>c.fs.blockLog-c.base, c.n)
	for at := from; at < to; {
		word, bit := at/64, at%64
		n := min(64-bit, to-at)
		mask := ^uint64(0) >> (64 - n) << bit
		taken := c.own[word] & mask
		if !shared {
			taken |= c.clones[word] & mask
		}
		if taken != 0 {
			return binread.Errorf(format, (c.base+at)<<c.fs.blockLog, "a block has two owners, the second of %d bytes at %d", length, off)
		}
		if shared {
			c.clones[word] |= mask
		} else {
			c.own[word] |= mask
		}
		at += n
	}
	return nil
}

// ownerless is the number of blocks that nobody claimed.
func (c *census) ownerless() (lost int64) {
	for at := int64(0); at < c.n; at++ {
		if w := c.own[at/64] | c.clones[at/64]; w == ^uint64(0) {
			at |= 63
		} else if w>>(at%64)&1 == 0 {
			lost++
		}
	}
	return lost
}
