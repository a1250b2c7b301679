package fat

import (
	"encoding/binary"
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

var le = binary.LittleEndian

// Scrub zeroes what no live file owns: free clusters, the tails of files,
// deleted directory entries and what lies behind the last one.
func (e *Editor) Scrub() (fsys.Report, error) {
	if e.failed != nil {
		return fsys.Report{}, e.failed
	}
	for _, part := range []func() error{e.scrubTree, e.scrubFree} {
		if err := part(); err != nil {
			e.failed = err
			return fsys.Report{}, err
		}
	}
	if e.lost > 0 {
		e.left = append(e.left, fmt.Sprintf("vfat: %d clusters are in use, but belong to no file; fsck.fat gives them back", e.lost))
	}
	r, err := e.Commit()
	e.failed = errScrubbed
	return r, err
}

// scrubFree zeroes the free clusters, and the space behind the last cluster
// that is too short for one.
func (e *Editor) scrubFree() error {
	free, err := e.Free()
	if err != nil {
		return err
	}
	end := e.g.data + int64(e.g.clusters)*e.g.cluster
	for _, s := range span.Make(append(free, span.Span{Off: end, Len: e.g.size - end})) {
		if err := e.zero(s.Off, s.Len); err != nil {
			return err
		}
	}
	return nil
}

// scrubTree visits every directory. That none is visited twice was proven when
// the editor was opened.
func (e *Editor) scrubTree() error {
	todo := []fsys.Node{rootNode}
	for len(todo) > 0 {
		dir := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if err := e.scrubDir(dir); err != nil {
			return err
		}
		err := e.entries(dir, func(x *entry) error {
			if x.dir() {
				if len(todo) == maxDirs {
					return binread.Unsupported(format, "more than %d directories", maxDirs)
				}
				todo = append(todo, fsys.Node(x.at))
				return nil
			}
			return e.scrubTail(x)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// scrubTail zeroes the clusters of a file behind its end.
func (e *Editor) scrubTail(x *entry) error {
	runs, err := e.fileRuns(x)
	if err != nil {
		return err
	}
	return e.each(runs, x.size(), capacity(runs, e.g.cluster)-x.size(), e.zeroIfUsed)
}

// zeroIfUsed zeroes a short range only when it is not zero already, so that
// many clean tails do not make many entries in the patch.
func (e *Editor) zeroIfUsed(off, n int64) error {
	if n > pageSize {
		return e.zero(off, n)
	}
	b, err := binread.At(e.p, format, off, n, pageSize)
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

// scrubDir erases the deleted entries of a directory and the parts of long
// names that belong to no file, and zeroes everything behind its end.
func (e *Editor) scrubDir(dir fsys.Node) error {
	places, err := e.places(dir)
	if err != nil {
		return err
	}
	s := dirScrub{e: e}
	for _, p := range places {
		for done := int64(0); done < p.Len; done += pageSize {
			if err := s.part(p.Physical+done, min(pageSize, p.Len-done)); err != nil {
				return err
			}
		}
	}
	return s.orphans()
}

// A dirScrub goes through one directory.
type dirScrub struct {
	e     *Editor
	ended bool
	long  longName
	parts []int64 // of a long name whose file has not come yet
}

// part scrubs n bytes of the directory at off.
func (s *dirScrub) part(off, n int64) error {
	b, err := binread.At(s.e.p, format, off, n, pageSize)
	if err != nil {
		return err
	}
	for k := int64(0); k+entrySize <= n; k += entrySize {
		slot := b[k : k+entrySize]
		switch {
		case s.ended || slot[0] == 0:
			s.ended = true
			if err := s.e.zeroIfUsed(off+k, n-k); err != nil {
				return err
			}
			return s.orphans()
		case slot[0] == deleted:
			if err := s.orphans(); err != nil {
				return err
			}
			if [entrySize]byte(slot) != [entrySize]byte{deleted} {
				if err := s.e.erase(off + k); err != nil {
					return err
				}
			}
		case slot[11]&0x3f == attrLong:
			if slot[0]&0x40 != 0 {
				if err := s.orphans(); err != nil {
					return err
				}
			}
			s.long.add(slot)
			if s.parts = append(s.parts, off+k); len(s.parts) > maxLong {
				s.long.remaining = -1
			}
		default:
			if _, ok := s.long.name(slot); ok {
				s.parts = s.parts[:0]
			}
			if err := s.orphans(); err != nil {
				return err
			}
		}
	}
	return nil
}

// orphans erases the parts of a long name whose file did not come.
func (s *dirScrub) orphans() error {
	s.long.remaining = -1
	for _, at := range s.parts {
		if err := s.e.erase(at); err != nil {
			return err
		}
	}
	s.parts = s.parts[:0]
	return nil
}
