package assay

import (
	"errors"
	"io"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/fsys"
	"assay/internal/guest"
	"assay/internal/span"
)

const (
	// maxTails bounds the ranges of one volume, 16 bytes each.
	maxTails = 1 << 20
	// maxNodes bounds the nodes of a file system that has to be walked.
	maxNodes = 4 << 20
)

var errTails = errors.New("more places behind the ends of files than can be kept")

// tails lists what the files of a volume own and do not show: the rest of their
// last block, blocks behind their end, and what was set aside and never
// written. Reading the files shows none of it; the disk still holds what was
// there before. Rests of blocks are read here, because nearly all are zeros. A
// file whose extents cannot be told is left to those who read it: they say so.
func tails(s guest.Source, f fsys.Extenter) (span.Set, error) {
	t := &tail{s: s, f: f, block: make([]byte, max(s.FS.Describe().BlockSize, 512))}
	if scanner, ok := s.FS.(fsys.InodeScanner); ok {
		if err := scanner.Scan(t.file); err != nil && !damaged(err) {
			return nil, err
		}
		return span.Make(t.out), nil
	}
	if err := t.walk(s.FS.Root(), 0); err != nil {
		return nil, err
	}
	return span.Make(t.out), nil
}

// damaged errors name a broken place, which is a gap of its own.
func damaged(err error) bool {
	var format *binread.FormatError
	return errors.As(err, &format)
}

// tail is one search for tails.
type tail struct {
	s     guest.Source
	f     fsys.Extenter
	block []byte
	out   []span.Span
	nodes int
}

// file adds what lies behind the end of a file.
func (t *tail) file(n fsys.Node, m fsys.Meta) error {
	if m.Kind != fsys.Regular {
		return nil
	}
	extents, err := t.f.Extents(n)
	if err != nil {
		return nil
	}
	for _, e := range extents {
		shown := min(max(m.Size-e.Logical, 0), e.Len)
		if e.State == fsys.Packed || e.State == fsys.Written && shown == e.Len {
			continue
		}
		if e.State == fsys.Unwritten {
			shown = 0
		}
		if at := (span.Span{Off: e.Physical + shown, Len: e.Len - shown}); !t.zero(at) {
			if len(t.out) == maxTails {
				return errTails
			}
			t.out = append(t.out, at)
		}
	}
	return nil
}

// zero reports whether a range within one block holds nothing. A longer one is
// not read here.
func (t *tail) zero(at span.Span) bool {
	if at.Len > int64(len(t.block)) {
		return false
	}
	b := t.block[:at.Len]
	if n, err := t.s.Bytes.ReadAt(b, at.Off); n < len(b) {
		return errors.Is(err, io.EOF) // the search reads it again, and says why it cannot
	}
	return image.IsZero(b)
}

// maxDepth bounds the folders within each other.
const maxDepth = 256

// walk goes through a file system that does not list its nodes.
func (t *tail) walk(n fsys.Node, depth int) error {
	if depth > maxDepth {
		return nil
	}
	return t.s.FS.ReadDir(n, func(e fsys.Entry) error {
		if t.nodes++; t.nodes > maxNodes {
			return errTails
		}
		m, err := t.s.FS.Stat(e.Node)
		switch {
		case err != nil:
			return nil
		case m.Kind == fsys.Directory:
			if err := t.walk(e.Node, depth+1); err != nil && !damaged(err) {
				return err
			}
			return nil
		}
		return t.file(e.Node, m)
	})
}
