package xfs

import (
	"assay/internal/binread"
	"assay/internal/fsys"
)

// scrubInodes zeroes what each inode in use has of old bytes: in its own body,
// in the blocks that it maps and past the end of its content.
func (e *Editor) scrubInodes() error {
	return e.eachInode(func(i *inode) error {
		if err := e.scrubBody(i); err != nil {
			return err
		}
		mapped, err := hasExtents(i)
		if err != nil {
			return err
		}
		if mapped {
			if err := e.scrubMapped(i); err != nil {
				return err
			}
		}
		return e.scrubAttrs(i)
	})
}

// scrubBody zeroes the unused parts of the two forks inside of an inode.
func (e *Editor) scrubBody(i *inode) error {
	now := append([]byte(nil), i.b...)
	data := i.dataFork()
	clearFork(now[data.off:data.off+len(data.b)], data, int(min(i.size(), int64(len(data.b)))))
	if f, ok := i.attrFork(); ok {
		local := len(f.b)
		if len(f.b) >= 4 {
			if n := int(be.Uint16(f.b)); n >= 4 { // struct xfs_attr_sf_hdr: totsize
				local = min(n, len(f.b))
			}
		}
		clearFork(now[f.off:f.off+len(f.b)], f, local)
	}
	if !e.changed(i.b, now) {
		return nil
	}
	return e.putInode(i, now)
}

// clearFork zeroes what a fork's part b of an inode has behind its content;
// local is the length of content that lies in the inode itself.
func clearFork(b []byte, f fork, local int) {
	switch f.format {
	case formatDev:
		clear(b[min(4, len(b)):])
	case formatLocal:
		clear(b[local:])
	case formatExtents:
		if n := uint64(len(b) / 16); f.extents <= n {
			clear(b[16*f.extents:])
		}
	case formatBtree: // struct xfs_bmdr_block: level, count, keys, pointers
		if len(b) < 4 {
			return
		}
		n, fit := int(be.Uint16(b[2:])), (len(b)-4)/16
		if n <= fit {
			clear(b[4+8*n : 4+8*fit])
			clear(b[4+8*fit+8*n:])
		}
	}
}

// scrubMapped zeroes the unused parts of the blocks of a data fork, and those
// of the tree that maps them.
func (e *Editor) scrubMapped(i *inode) error {
	exts, err := e.forkExtents(i.dataFork())
	if err != nil {
		return err
	}
	switch i.kind() {
	case fsys.Directory:
		return e.scrubDir(i, exts)
	case fsys.Symlink:
		return e.scrubLink(i, exts)
	case fsys.Regular:
		// Of clones zeroClones knows what is needed; the size of the file
		// system's own files, such as quotas, says nothing.
		if !clone(i) && !e.hidden(i) {
			return e.scrubTail(i, exts)
		}
	}
	return nil
}

// forkExtents returns the extents of a fork and scrubs its tree on the way.
func (e *Editor) forkExtents(f fork) ([]extent, error) {
	return f.extentsAnd(func(b treeBlock) error { return e.scrubTree(b, 16, 8, 8) })
}

// scrubTail zeroes unwritten extents and what lies past the end of a file.
func (e *Editor) scrubTail(i *inode, exts []extent) error {
	for _, x := range exts {
		from := max(i.size()-x.logical, 0)
		if x.unwritten {
			from = 0
		}
		if from < x.length {
			if err := e.zeroIfUsed(x.physical+from, x.length-from); err != nil {
				return err
			}
		}
	}
	return nil
}

// scrubLink zeroes what the blocks of a symbolic link have behind its target.
func (e *Editor) scrubLink(i *inode, exts []extent) error {
	done := int64(0)
	for _, x := range exts {
		b, err := binread.At(e.dev, format, x.physical, min(x.length, 1<<16), 1<<16)
		if err != nil {
			return err
		}
		used := min(max(i.size()-done, 0), int64(len(b)))
		if e.v5 {
			if err := e.checkMeta(b, x.physical, symlinkMagic); err != nil {
				e.leave("%v", err)
				continue
			}
			used = min(int64(be.Uint32(b[8:]))+symlinkHeader, int64(len(b)))
		}
		done += used
		if err := e.rewrite(x.physical, b, func(b []byte) { clear(b[used:]) }); err != nil {
			return err
		}
	}
	return nil
}
