package xfs

import (
	"errors"

	"assay/internal/fsys"
)

const maxErrors = 16 // that Scan joins

// Scan yields every inode in use that has a name, group by group in disk
// order, reading a chunk of 64 at once. The file system's own inodes (realtime
// bitmap, quota) and deleted ones are left out. A broken inode or tree does
// not end it: the first few errors are returned, joined, at the end.
func (fs *FS) Scan(yield func(fsys.Node, fsys.Meta) error) error {
	var errs []error
	note := func(err error) {
		if err != nil && len(errs) < maxErrors {
			errs = append(errs, err)
		}
	}
	for ag := range fs.agCount {
		g := fs.inodesOf(ag)
		note(g.err)
		for _, rec := range g.chunks {
			err := fs.scanChunk(ag, rec, note, yield)
			if errors.Is(err, fsys.ErrStop) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	return errors.Join(errs...)
}

func (fs *FS) scanChunk(ag uint32, rec chunkRec, note func(error), yield func(fsys.Node, fsys.Meta) error) error {
	if rec.free == ^uint64(0) {
		return nil
	}
	c, err := fs.chunk(ag, rec)
	if err != nil {
		note(err)
		return nil
	}
	first := uint64(ag)<<(fs.agLog+fs.inopLog) | uint64(rec.start)
	for n := range uint32(chunkInodes) {
		if !rec.live(n) {
			continue
		}
		i, err := fs.inodeIn(c, first+uint64(n), n)
		if err != nil {
			note(err)
			continue
		}
		if i.nlink() == 0 || fs.hidden(i) {
			continue
		}
		if err := yield(fsys.Node(i.number), i.meta()); err != nil {
			return err
		}
	}
	return nil
}
