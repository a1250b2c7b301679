package xfs

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

const (
	maxLeft   = 1000    // notes of one report
	maxShared = 2 << 20 // extents, in memory, of files that may share blocks
)

// eachClone calls do with every regular file that may share blocks.
func (e *Editor) eachClone(do func(i *inode, exts []extent) error) error {
	for _, number := range e.clones {
		i, err := e.inode(number)
		if err != nil {
			return err
		}
		exts, err := i.dataFork().extentList()
		if err != nil {
			return err
		}
		if err := do(i, exts); err != nil {
			return err
		}
	}
	return nil
}

// findShared learns which blocks have more than one owner. Extents never
// change here, so this is done once.
func (e *Editor) findShared() error {
	var all []span.Span
	err := e.eachClone(func(_ *inode, exts []extent) error {
		if len(all)+len(exts) > maxShared {
			return binread.Unsupported(format, "more than %d extents of files that share blocks", maxShared)
		}
		for _, x := range exts {
			all = append(all, span.Span{Off: x.physical, Len: x.length})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b span.Span) int { return cmp.Compare(a.Off, b.Off) })
	var twice []span.Span
	end := int64(0)
	for _, s := range all {
		if s.Off < end {
			twice = append(twice, span.Span{Off: s.Off, Len: min(end, s.End()) - s.Off})
		}
		end = max(end, s.End())
	}
	e.shared = span.Make(twice)
	return nil
}

// unneeded returns what of the blocks of clones no owner shows to anybody:
// tails, unwritten extents, what lies past the end. A file that was emptied
// shows nothing.
func (e *Editor) unneeded() (free, needed span.Set, err error) {
	var mapped, shown []span.Span
	err = e.eachClone(func(i *inode, exts []extent) error {
		for _, x := range exts {
			mapped = append(mapped, span.Span{Off: x.physical, Len: x.length})
			if n := min(i.size(), x.end()) - x.logical; n > 0 && !x.unwritten {
				shown = append(shown, span.Span{Off: x.physical, Len: n})
			}
		}
		return nil
	})
	needed = span.Make(shown)
	return span.Make(mapped).Subtract(needed), needed, err
}

// zeroClones zeroes the unneeded blocks of clones.
func (e *Editor) zeroClones() error {
	free, _, err := e.unneeded()
	if err != nil {
		return err
	}
	for _, s := range free {
		if err := e.zero(s.Off, s.Len); err != nil {
			return err
		}
	}
	return nil
}

// noteShared names the emptied files whose blocks others still need.
func (e *Editor) noteShared() error {
	_, needed, err := e.unneeded()
	if err != nil {
		return err
	}
	return e.eachClone(func(i *inode, exts []extent) error {
		if !e.blanked[i.number] {
			return nil
		}
		kept := int64(0)
		for _, x := range exts {
			kept += overlap(needed, x.physical, x.length)
		}
		if kept > 0 {
			e.leave("inode %d was emptied, but %d bytes of its blocks are shared with files that stay", i.number, kept)
		}
		return nil
	})
}

// overlap is how many bytes of a range are in a set.
func overlap(s span.Set, off, n int64) (total int64) {
	k := sort.Search(len(s), func(k int) bool { return s[k].End() > off })
	for ; k < len(s) && s[k].Off < off+n; k++ {
		total += min(s[k].End(), off+n) - max(s[k].Off, off)
	}
	return total
}

// leave notes what was not cleaned.
func (e *Editor) leave(msg string, args ...any) {
	switch {
	case len(e.left) < maxLeft:
		e.left = append(e.left, fmt.Sprintf("xfs: "+msg, args...))
	case len(e.left) == maxLeft:
		e.left = append(e.left, "xfs: and more of the same")
	}
}

// eachInode calls do with every inode in use, also nameless ones and the file
// system's own, group by group in disk order. It ends at the first error.
func (fs *FS) eachInode(do func(i *inode) error) error {
	for ag := range fs.agCount {
		g := fs.inodesOf(ag)
		if g.err != nil {
			return g.err
		}
		first := uint64(ag) << (fs.agLog + fs.inopLog)
		for _, rec := range g.chunks {
			for n := range uint32(chunkInodes) {
				if !rec.live(n) {
					continue
				}
				i, err := fs.inode(first | uint64(rec.start+n))
				if err != nil {
					return err
				}
				if err := do(i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// hasExtents reports whether the data fork maps blocks: for a regular file it
// must.
func hasExtents(i *inode) (bool, error) {
	switch i.b[5] {
	case formatExtents, formatBtree:
		return true, nil
	case formatLocal:
		if k := i.kind(); k == fsys.Directory || k == fsys.Symlink {
			return false, nil
		}
	case formatDev:
		switch i.kind() {
		case fsys.CharDevice, fsys.BlockDevice, fsys.FIFO, fsys.Socket:
			return false, nil
		}
	}
	return false, i.bad(5, "a data fork of format %d in a file of mode %o", i.b[5], i.mode())
}
