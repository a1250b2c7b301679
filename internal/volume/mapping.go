package volume

import (
	"errors"
	"io"
	"sort"

	"assay/internal/binread"
)

// A place is a byte of one disk.
type place struct {
	disk int
	off  int64
}

// A run is a part of a volume that lies on one or more places: stripe bytes on
// the first, as many on the next, and round again.
type run struct {
	at, len int64 // in the volume
	stripe  int64
	parts   []place
}

// A mapping reads a volume that consists of runs. Stripes are computed, not
// listed, so that its size does not depend on theirs.
type mapping struct {
	disks []Disk
	runs  []run
	size  int64
}

// add puts r after what is there. Empty runs are kept: the caller counts them.
func (m *mapping) add(r run) {
	r.at = m.size
	m.runs = append(m.runs, r)
	m.size += r.len
}

// find returns where the byte at off is and how many follow it there.
func (r *run) find(off int64) (place, int64) {
	off -= r.at
	n := int64(len(r.parts))
	row, in := off/r.stripe, off%r.stripe
	p := r.parts[row%n]
	return place{p.disk, p.off + row/n*r.stripe + in}, min(r.stripe-in, r.len-off)
}

// ReadAt implements io.ReaderAt.
func (m *mapping) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf("lvm2", off, "negative offset")
	}
	done := 0
	k := sort.Search(len(m.runs), func(i int) bool { return m.runs[i].at+m.runs[i].len > off })
	for ; k < len(m.runs) && done < len(b); k++ {
		r := &m.runs[k]
		for off < r.at+r.len && done < len(b) {
			p, n := r.find(off)
			piece := b[done:min(int64(len(b)), int64(done)+n)]
			got, err := m.disks[p.disk].ReadAt(piece, p.off)
			done, off = done+got, off+int64(got)
			if got == len(piece) {
				continue
			}
			if err == nil || errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the disk ends, the volume does not
			}
			return done, err
		}
	}
	if done < len(b) {
		return done, io.EOF
	}
	return done, nil
}

// segments lists where all bytes are. It takes their number off budget and
// returns nil when that is not enough.
func (m *mapping) segments(budget *int) []Segment {
	n := int64(0)
	for _, r := range m.runs {
		if r.len > 0 {
			n += (r.len-1)/r.stripe + 1
		}
	}
	if n > int64(*budget) {
		return nil
	}
	*budget -= int(n)
	out := make([]Segment, 0, n)
	for _, r := range m.runs {
		for off := r.at; off < r.at+r.len; {
			p, n := r.find(off)
			out = append(out, Segment{off, n, p.disk, p.off})
			off += n
		}
	}
	return out
}

// unreadable stands for the bytes of a volume with a problem.
type unreadable struct{ problem *Problem }

func (u unreadable) ReadAt([]byte, int64) (int, error) {
	return 0, binread.Unsupported(u.problem.Volume, "%s", u.problem.Detail)
}
