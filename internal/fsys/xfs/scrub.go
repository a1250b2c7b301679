package xfs

import (
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// Scrub zeroes what no live file owns: free space, the unused parts of every
// tree block, inode, directory and attribute block, the tails of files, and
// the log.
func (e *Editor) Scrub() (fsys.Report, error) {
	done, err := e.Commit()
	if err != nil {
		return done, err
	}
	for _, part := range []func() error{e.scrubFree, e.scrubGroups, e.scrubInodes, e.zeroClones, e.scrubLog} {
		if err := part(); err != nil {
			e.failed = err
			return fsys.Report{}, err
		}
	}
	if e.lost > 0 {
		e.leave("%d bytes belong to nobody and are not free either; xfs_repair gives them back", e.lost)
	}
	e.failed = errScrubbed
	out := e.report()
	out.Zeroed += done.Zeroed
	out.Left = append(done.Left, out.Left...)
	return out, nil
}

// scrubFree zeroes free space, with the free lists and what was set aside for
// copies on write.
func (e *Editor) scrubFree() error {
	free, err := e.Free()
	if err != nil {
		return err
	}
	for _, s := range span.Make(append(free, e.cow...)) {
		if err := e.zero(s.Off, s.Len); err != nil {
			return err
		}
	}
	return nil
}

// scrubGroups zeroes, in each group, the end of the block with the four
// headers, the unused parts of the trees and the bodies of free inodes.
func (e *Editor) scrubGroups() error {
	for ag := range e.agCount {
		if headers := 4 * e.sectorSize; ag > 0 && headers < e.blockSize { // in the first one a boot loader may live
			if err := e.zeroIfUsed(e.agByte(ag, 0)+headers, e.blockSize-headers); err != nil {
				return err
			}
		}
		err := e.eachTree(ag, func(t agTree, b treeBlock) error {
			return e.scrubTree(b, t.recLen, t.keyLen, 4)
		}, func(span.Span) {})
		if err != nil {
			return err
		}
		if err := e.scrubFreeInodes(ag); err != nil {
			return err
		}
	}
	return nil
}

// scrubTree zeroes what a B-tree block has behind its entries: records in a
// leaf, keys and then pointers in a node.
func (e *Editor) scrubTree(b treeBlock, record, key, pointer int) error {
	return e.rewrite(b.off, b.b, func(b2 []byte) {
		body := b2[b.head:]
		if b.leaf {
			clear(body[b.count*record:])
			return
		}
		fit := len(body) / (key + pointer)
		clear(body[b.count*key : fit*key])
		clear(body[fit*key+b.count*pointer:])
	})
}

// rewrite lets change zero parts of a metadata block that lies in one piece at
// off, sets its checksum and writes it, all only if something changed.
func (e *Editor) rewrite(off int64, b []byte, change func([]byte)) error {
	now := append([]byte(nil), b...)
	change(now)
	if !e.changed(b, now) {
		return nil
	}
	e.seal(now)
	return e.write(off, now)
}

// changed counts the bytes that were made zero.
func (e *Editor) changed(before, now []byte) bool {
	n := int64(0)
	for k, c := range before {
		if c != now[k] {
			n++
		}
	}
	e.zeroed += n
	return n > 0
}

// seal sets the checksum of a version 5 block.
func (e *Editor) seal(b []byte) {
	if k, ok := kindOf(b); ok && e.v5 {
		setSum(b, k.sum)
	}
}

// zeroIfUsed zeroes a short range only when it is not zero already, so that a
// million clean tails do not make a million entries in the patch.
func (e *Editor) zeroIfUsed(off, n int64) error {
	const read = 64 << 10
	if n <= 0 {
		return nil
	}
	if n > read {
		return e.zero(off, n)
	}
	b, err := binread.At(e.dev, format, off, n, read)
	if err != nil {
		return err
	}
	for k, c := range b {
		if c != 0 {
			return e.zero(off+int64(k), n-int64(k))
		}
	}
	return nil
}

// scrubFreeInodes zeroes the bodies of inodes that are not in use.
func (e *Editor) scrubFreeInodes(ag uint32) error {
	g := e.inodesOf(ag)
	if g.err != nil {
		return g.err
	}
	for _, rec := range g.chunks {
		if rec.free == 0 {
			continue
		}
		c, err := e.chunk(ag, rec)
		if err != nil {
			return err
		}
		for n := range uint32(chunkInodes) {
			if !rec.exists(n) || rec.live(n) {
				continue
			}
			at := int64(n) << e.inodeLog
			if err := e.scrubFreeInode(c.off+at, c.b[at:at+e.inodeSize]); err != nil {
				return err
			}
		}
	}
	return nil
}

// scrubFreeInode zeroes everything behind the core of one inode, and what the
// core says of a file that is gone: its owner and its size.
func (e *Editor) scrubFreeInode(off int64, b []byte) error {
	core := coreV2
	if e.v5 {
		core = coreV3
	}
	if be.Uint16(b) != inodeMagic || e.v5 && checkSum(b, off, 100, "a free inode") != nil {
		e.leave("at byte %d: a free inode is damaged and was left as it is", off)
		return nil
	}
	now := append([]byte(nil), b...)
	clear(now[core:])
	if !e.changed(b, now) {
		return nil
	}
	if e.v5 {
		setSum(now, 100)
	}
	if err := e.write(off, now); err != nil {
		return err
	}
	copy(b, now)
	return nil
}
