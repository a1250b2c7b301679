package ext4

import (
	"assay/internal/fsys"
	"assay/internal/span"
)

// Slack returns the ranges of the volume that belong to a regular file or a
// slow symbolic link, but to no byte of it: the end of its last block, and
// with bigalloc the blocks of its clusters that it does not map. What is
// allocated past the end (fallocate, or verity data) is not slack; Extents
// lists it. Inline and encrypted content has none.
func (f *FS) Slack(n fsys.Node) (span.Set, error) {
	in, err := f.live(n)
	if err != nil {
		return nil, err
	}
	if k := in.kind(); k != fsys.Regular && k != fsys.Symlink || f.mapless(in) || in.has(flagEncrypt) {
		return nil, nil
	}
	size := f.size(in)
	last, part := size/f.bs, size%f.bs
	var out, mapped, clusters []span.Span
	if part == 0 {
		last = -1
	}
	err = f.walkLive(in, func(e extent) error {
		if e.lblk <= last && last < e.end() {
			off := (e.pblk+last-e.lblk)*f.bs + part
			out = append(out, span.Span{Off: off, Len: f.bs - part})
		}
		if f.ratio > 1 {
			lo, hi := e.pblk/f.ratio, (e.pblk+e.n+f.ratio-1)/f.ratio
			mapped = append(mapped, span.Span{Off: e.pblk * f.bs, Len: e.n * f.bs})
			clusters = append(clusters, span.Span{Off: lo * f.ratio * f.bs, Len: (hi - lo) * f.ratio * f.bs})
		}
		if len(mapped) > maxExtents {
			return tooManyExtents(in)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	unmapped := span.Make(clusters).Subtract(span.Make(mapped))
	return span.Make(append(out, unmapped...)), nil
}

// Journal returns where the internal journal is, in the order of its blocks:
// the first f.Describe().BlockSize bytes are its superblock, which must stay.
// It is nil, nil without an internal journal.
func (f *FS) Journal() ([]span.Span, error) {
	if f.compat&compatHasJournal == 0 || f.journalIno == 0 {
		return nil, nil
	}
	in, err := f.journalInode()
	if err != nil {
		return nil, err
	}
	var out []span.Span
	err = f.walkMap(in, 0, func(e extent) error {
		if len(out) == maxExtents {
			return tooManyExtents(in)
		}
		out = append(out, span.Span{Off: e.pblk * f.bs, Len: e.n * f.bs})
		return nil
	})
	return out, err
}

// UnusedInodes returns the parts of the inode tables that belong to no inode
// in use: deleted inodes keep their times, their map and small content there.
// It fails when the inode bitmaps cannot be trusted.
func (f *FS) UnusedInodes() (span.Set, error) {
	if err := f.bitmapsBelievable(); err != nil {
		return nil, err
	}
	var out []span.Span
	for g := range f.groups {
		d, err := f.group(g)
		if err != nil {
			return nil, err
		}
		n := int64(f.inodesOf(g))
		var used []byte
		if d.flags&groupInodeUninit != 0 {
			used = make([]byte, (n+7)/8)
		} else if used, err = f.bitmap(d.inodeBitmap, int64(f.ipg), d.inodeSum, "inode"); err != nil {
			return nil, err
		}
		size := int64(f.inodeSize)
		err = zeroRuns(used, n, func(from, to int64) error {
			if len(out) >= maxSpans {
				return tooManySpans(d.off)
			}
			out = append(out, span.Span{Off: d.inodeTable*f.bs + from*size, Len: (to - from) * size})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for ino := range f.orphans.dead {
		off, err := f.inodePlace(ino)
		if err != nil {
			return nil, err
		}
		out = append(out, span.Span{Off: off, Len: int64(f.inodeSize)})
	}
	return span.Make(out), nil
}
