package btrfs

import (
	"errors"
	"math"

	"assay/finding"
	"assay/internal/binread"
)

// errLogLimit says that a log is larger than is replayed in memory.
var errLogLimit = errors.New("the log is too large to be replayed in memory")

// readLog applies the log trees to their subvolumes in memory, as Linux'
// btrfs_recover_log_trees would on disk. It does so for all of them or for
// none; in the second case a problem says why.
func (f *FS) readLog() {
	l := logReader{f: f, overlays: map[int]*overlay{}}
	if err := l.read(); err != nil {
		f.logged, f.logOwned = nil, nil
		for i := range l.overlays {
			f.subvols[i].root.over = nil
		}
		f.problem(finding.GapJournal, "the log tree at logical %d, with what was written by fsync since the last commit, was not applied: %v", f.sb.logRoot, err)
		return
	}
	f.replayed = true
}

// A logReader goes through the tree of log trees.
type logReader struct {
	f        *FS
	items    int
	sums     int              // bytes of checksums
	overlays map[int]*overlay // by index of the subvolume
}

func (l *logReader) read() error {
	f := l.f
	top := root{id: logTreeID, bytenr: f.sb.logRoot, gen: f.sb.generation + 1, level: f.sb.logLevel}
	if err := l.own(top.want()); err != nil {
		return err
	}
	return f.ascend(top, key{logTreeID, rootItemKey, 0}, key{logTreeID, rootItemKey, ^uint64(0)}, func(it item) error {
		log, _, err := f.parseRoot(it)
		if err != nil {
			return err
		}
		if err := l.own(log.root.want()); err != nil {
			return err
		}
		i, ok := f.byID[it.key.offset]
		if !ok { // deleted since: Linux skips it too
			return nil
		}
		if err := l.scan(log.root); err != nil {
			return err
		}
		over := newOverlay()
		l.overlays[i] = over
		f.subvols[i].root.over = over
		r := replay{f: f, t: f.subvols[i], log: log.root, over: over, fix: map[uint64]bool{}, ignored: map[uint64]bool{}}
		if err := r.run(); err != nil {
			return err
		}
		over.seal()
		return nil
	})
}

// own notes the tree blocks of a log, which no extent tree has.
func (l *logReader) own(w want) error {
	if len(l.f.logOwned) > maxLogItems {
		return errLogLimit
	}
	n, err := l.f.node(w)
	if err != nil {
		return err
	}
	l.f.logOwned = append(l.f.logOwned, block{w.bytenr, uint64(l.f.sb.nodesize)})
	for i := 0; n.level > 0 && i < n.n; i++ {
		if err := l.own(n.descend(i, w.under)); err != nil {
			return err
		}
	}
	return nil
}

// scan counts a log's items, and notes the extents and checksums in it.
func (l *logReader) scan(log root) error {
	f := l.f
	return f.ascend(log, key{}, lastKey, func(it item) error {
		if l.items++; l.items > maxLogItems {
			return errLogLimit
		}
		switch it.key.typ {
		case extentDataKey:
			e, err := f.parseExtent(it)
			if err != nil {
				return err
			}
			if e.kind != extentInline && !e.hole() {
				f.logOwned = append(f.logOwned, block{e.disk, e.diskLen})
			}
		case extentCsumKey:
			n := uint64(len(it.data)/f.sb.sums.size) * uint64(f.sb.sectorsize)
			if it.key.objectid != csumObjectid || it.key.offset > math.MaxInt64-n {
				return binread.Errorf(format, f.where(it), "checksums of logical %d are out of place", it.key.offset)
			}
			if l.sums += len(it.data); l.sums > maxLogBytes {
				return errLogLimit
			}
			f.logged = append(f.logged, logSum{it.key.offset, it.key.offset + n, it.own().data})
		}
		return nil
	})
}
