package btrfs

import (
	"errors"

	"assay/internal/fsys"
)

// Scan implements fsys.InodeScanner: one pass over the leaves of every
// subvolume, in the order of ids and inode numbers. Files that are deleted but
// not yet cleaned up are left out. A broken place ends the pass over its
// subvolume; the first one is returned after the last subvolume.
func (f *FS) Scan(yield func(fsys.Node, fsys.Meta) error) error {
	var first error
	for _, t := range f.subvols {
		var stop error
		err := f.scanTree(t, func(n fsys.Node, m fsys.Meta) error {
			stop = yield(n, m)
			return stop
		})
		switch {
		case errors.Is(stop, fsys.ErrStop):
			return nil
		case stop != nil:
			return stop
		case first == nil:
			first = err
		}
	}
	return first
}

func (f *FS) scanTree(t *subvol, yield func(fsys.Node, fsys.Meta) error) error {
	var in inode
	var j judge
	var broken error // the first inode that cannot be read
	flush := func() error {
		if in.tree == nil || in.meta.Nlink == 0 {
			return nil
		}
		n := t.node(in.ino)
		in.tree = nil
		return yield(n, in.meta)
	}
	err := f.ascend(t.root, key{firstFree, 0, 0}, key{lastFree, 255, ^uint64(0)}, func(it item) error {
		switch it.key.typ {
		case inodeItemKey:
			if err := flush(); err != nil || it.key.objectid > maxObjectid {
				return err
			}
			var err error
			if in, err = f.parseInode(t, it); err != nil && broken == nil {
				broken = err
			}
			j = judge{f: f, meta: &in.meta}
		case extentDataKey:
			if in.tree == nil || it.key.objectid != in.ino || in.meta.Kind != fsys.Regular || j.n > judgeExtents {
				return nil
			}
			e, err := f.parseExtent(it)
			if err != nil {
				return nil // Open names it
			}
			if err := j.extent(e); !errors.Is(err, errFound) {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = broken
	}
	return err
}
