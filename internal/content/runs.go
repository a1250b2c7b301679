package content

import (
	"assay/internal/fsys"
	"assay/internal/span"
)

// hole is the length from which a hole is jumped over; shorter ones are read
// as the zeros they are.
const hole = 1 << 20

// maxRuns bounds the pieces of one file: a file with more holes is read whole.
const maxRuns = 100_000

type runOf = span.Span

// runs cuts a file where it has large holes. A sparse file of 8 EiB then costs
// what it holds, not what it claims.
func (w *worker) runs(j job, size int64) []runOf {
	whole := []runOf{{Off: 0, Len: size}}
	if size < 2*hole {
		return whole
	}
	extents, err := w.extents(j)
	if err != nil || extents == nil || len(extents) > maxRuns {
		return whole
	}
	var out []runOf
	for _, e := range extents {
		if e.State == fsys.Unwritten || e.Logical >= size {
			continue // reads as zero
		}
		n := min(e.Len, size-e.Logical)
		if k := len(out); k > 0 && e.Logical-out[k-1].End() < hole {
			out[k-1].Len = max(out[k-1].End(), e.Logical+n) - out[k-1].Off
			continue
		}
		out = append(out, runOf{Off: e.Logical, Len: n})
	}
	if len(out) == 1 && out[0].Off < hole {
		// A bit of what was set aside behind the data belongs to it: journald
		// preallocates, and its last object reaches into zeros.
		return []runOf{{Off: 0, Len: min(size, out[0].End()+hole)}}
	}
	return out
}

// extents are those of what a job reads, nil where the file system tells none.
func (w *worker) extents(j job) ([]fsys.Extent, error) {
	f := w.g.Tree.Mounts()[j.place.Mount].FS
	if x, ok := f.(fsys.Streamer); ok && j.stream != "" {
		return x.StreamExtents(j.place.Node, j.stream)
	}
	if x, ok := f.(fsys.Extenter); ok && j.stream == "" {
		return x.Extents(j.place.Node)
	}
	return nil, nil
}
