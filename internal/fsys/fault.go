package fsys

import (
	"context"
	"errors"
	"io/fs"

	"assay/finding"
	"assay/internal/binread"
)

// maxTreeFaults bounds the faults that a Tree remembers.
const maxTreeFaults = 1000

// A Fault is a file or directory that somebody wanted to read and that could
// not be read.
type Fault struct {
	Volume string
	Path   string
	Err    error
}

// Note remembers a failure at a path that hides something; whoever reads
// through places instead of paths calls it. What is simply not there, or
// of another kind than asked for, hides nothing.
func (t *Tree) Note(name string, p Place, err error) {
	if err == nil || harmless(err) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.faulty == nil {
		t.faulty = map[string]bool{}
	}
	if t.faulty[name] || len(t.faults) >= maxTreeFaults {
		return
	}
	t.faulty[name] = true
	t.faults = append(t.faults, Fault{t.VolumeOf(p), name, err})
}

func harmless(err error) bool {
	for _, e := range []error{ErrNotExist, ErrNotDir, ErrNotFile, ErrLoop, ErrTooLarge, ErrStop, errPathLong, fs.SkipDir, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Faults returns what could not be read so far, each path once, in no order.
func (t *Tree) Faults() []Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Fault(nil), t.faults...)
}

// Gap says why something could not be read, in the words of the stream.
func Gap(where finding.Where, err error) finding.Gap {
	var u *binread.UnsupportedError
	var f *binread.FormatError
	kind := finding.GapUnreadable
	switch {
	case errors.As(err, &u) && u.Encrypted:
		kind = finding.GapEncrypted
	case errors.As(err, &u):
		kind = finding.GapUnsupported
	case errors.As(err, &f):
		kind = finding.GapCorrupt
	}
	return finding.NewGap(kind, where, "%v", err)
}
