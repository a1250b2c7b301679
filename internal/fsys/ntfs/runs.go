package ntfs

import (
	"math"
	"sort"

	"assay/internal/binread"
)

// maxRuns bounds the runs of one stream: 48 MiB of memory. An attribute list,
// which has at most 256 KiB, could name somewhat more.
const maxRuns = 2 << 20

// hole is the LCN of a run that has no clusters.
const hole = -1

// A run maps n clusters of a stream from vcn on to the volume's from lcn on.
type run struct{ vcn, lcn, n int64 }

func (r run) end() int64 { return r.vcn + r.n }

// decodeRuns appends the mapping pairs in b to runs. They must begin at
// cluster lowest of the stream and end with cluster highest; at is where they
// are on the volume, for errors.
func (g *geometry) decodeRuns(runs []run, b []byte, lowest, highest, at int64) ([]run, error) {
	limit := math.MaxInt64 / g.cluster
	if lowest < 0 || highest < lowest-1 || highest >= limit {
		return runs, binread.Errorf(format, at, "a piece of a stream from cluster %d to %d", lowest, highest)
	}
	vcn, lcn := lowest, int64(0)
	for p := 0; ; {
		if p >= len(b) {
			return runs, binread.Errorf(format, at, "mapping pairs do not end")
		}
		nl, ol := int(b[p]&15), int(b[p]>>4)
		if b[p] == 0 {
			break
		}
		if nl == 0 || nl > 8 || ol > 8 || p+1+nl+ol > len(b) {
			return runs, binread.Errorf(format, at, "a mapping pair of %d and %d bytes", nl, ol)
		}
		n := signed(b[p+1 : p+1+nl])
		r := run{vcn, hole, n}
		if n <= 0 || n > highest+1-vcn {
			return runs, binread.Errorf(format, at, "a run of %d clusters at %d of %d", n, vcn, highest+1)
		}
		if ol > 0 {
			lcn += signed(b[p+1+nl : p+1+nl+ol])
			if lcn < 0 || lcn >= g.clusters || n > g.clusters-lcn {
				return runs, binread.Errorf(format, at, "a run of %d clusters at cluster %d of %d", n, lcn, g.clusters)
			}
			r.lcn = lcn
		}
		if len(runs) >= maxRuns {
			return runs, binread.Errorf(format, at, "more than %d runs", maxRuns)
		}
		runs = join(runs, r)
		vcn += n
		p += 1 + nl + ol
	}
	if vcn != highest+1 {
		return runs, binread.Errorf(format, at, "runs end at cluster %d instead of %d", vcn, highest+1)
	}
	return runs, nil
}

// join appends r, which follows the last run.
func join(runs []run, r run) []run {
	if k := len(runs) - 1; k >= 0 && runs[k].end() == r.vcn &&
		(r.lcn == hole && runs[k].lcn == hole || r.lcn != hole && runs[k].lcn != hole && runs[k].lcn+runs[k].n == r.lcn) {
		runs[k].n += r.n
		return runs
	}
	return append(runs, r)
}

// signed decodes a little-endian number of 1 to 8 bytes.
func signed(b []byte) int64 {
	v := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	return v
}

// runAt is the index of the run that holds cluster vcn, len(runs) past the end.
func runAt(runs []run, vcn int64) int {
	return sort.Search(len(runs), func(i int) bool { return runs[i].end() > vcn })
}

// A piece is a range of a stream on the volume; at is negative in a hole.
type piece struct{ off, at, n int64 }

// pieces calls visit for the ranges of [off, off+n) of a stream in order. It
// fails where the runs end.
func (g *geometry) pieces(runs []run, off, n, where int64, visit func(piece) error) error {
	for k := runAt(runs, off/g.cluster); n > 0; k++ {
		if k >= len(runs) || runs[k].vcn*g.cluster > off {
			return binread.Errorf(format, where, "no cluster for byte %d of a stream", off)
		}
		in := off - runs[k].vcn*g.cluster
		p := piece{off, hole, min(n, runs[k].n*g.cluster-in)}
		if runs[k].lcn != hole {
			p.at = runs[k].lcn*g.cluster + in
		}
		if err := visit(p); err != nil {
			return err
		}
		off, n = off+p.n, n-p.n
	}
	return nil
}
