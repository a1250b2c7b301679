package overlay

import "slices"

// A run is the byte range [off, end).
type run struct{ off, end int64 }

// chunkRuns is the number of runs in one chunk: small enough that an insertion
// moves little, large enough that the list of chunks stays short.
const chunkRuns = 512

// runs is a set of byte ranges that neither touch nor overlap. It holds them in
// order, cut into chunks, since free space comes as millions of runs and not
// always in order: 16 bytes a run, and at most as much again where chunks are
// half full. No chunk is empty.
type runs struct {
	chunks [][]run
	n      int
}

// A cursor is a place in runs; it is valid until the next add.
type cursor struct{ chunk, i int }

// seek returns the place of the first run that ends at or after off.
func (r *runs) seek(off int64) cursor {
	c, _ := slices.BinarySearchFunc(r.chunks, off, func(chunk []run, off int64) int {
		if chunk[len(chunk)-1].end < off {
			return -1
		}
		return 1
	})
	if c == len(r.chunks) {
		return cursor{c, 0}
	}
	i, _ := slices.BinarySearchFunc(r.chunks[c], off, func(x run, off int64) int {
		if x.end < off {
			return -1
		}
		return 1
	})
	return cursor{c, i}
}

// at returns the run at c; false after the last.
func (r *runs) at(c cursor) (run, bool) {
	if c.chunk >= len(r.chunks) {
		return run{}, false
	}
	return r.chunks[c.chunk][c.i], true
}

// next returns the place after c.
func (r *runs) next(c cursor) cursor {
	if c.i++; c.i >= len(r.chunks[c.chunk]) {
		return cursor{c.chunk + 1, 0}
	}
	return c
}

// touches reports whether adding [off, end) would not make the set longer.
func (r *runs) touches(off, end int64) bool {
	x, ok := r.at(r.seek(off))
	return ok && x.off <= end
}

// add puts [off, end), which is not empty, into the set.
func (r *runs) add(off, end int64) {
	c := r.seek(off)
	x, ok := r.at(c)
	if !ok || x.off > end {
		r.insert(c, run{off, end})
		return
	}
	merged := run{min(off, x.off), max(end, x.end)}
	last := c // the last run that the new one swallows
	for k := r.next(c); ; k = r.next(k) {
		x, ok := r.at(k)
		if !ok || x.off > end {
			break
		}
		merged.end = max(merged.end, x.end)
		last = k
	}
	r.chunks[c.chunk][c.i] = merged
	r.remove(c, last)
}

// insert puts x in front of the run at c, which is in no chunk when x comes
// after all.
func (r *runs) insert(c cursor, x run) {
	r.n++
	if c.chunk == len(r.chunks) { // after the last: a full chunk stays full
		if k := len(r.chunks); k > 0 && len(r.chunks[k-1]) < chunkRuns {
			r.chunks[k-1] = append(r.chunks[k-1], x)
			return
		}
		r.chunks = append(r.chunks, append(make([]run, 0, chunkRuns), x))
		return
	}
	chunk := r.chunks[c.chunk]
	if len(chunk) == chunkRuns {
		half := append(make([]run, 0, chunkRuns), chunk[chunkRuns/2:]...)
		chunk = chunk[:chunkRuns/2]
		r.chunks[c.chunk] = chunk
		r.chunks = slices.Insert(r.chunks, c.chunk+1, half)
		if c.i > len(chunk) {
			c = cursor{c.chunk + 1, c.i - len(chunk)}
		}
	}
	r.chunks[c.chunk] = slices.Insert(r.chunks[c.chunk], c.i, x)
}

// remove drops the runs after first, up to and with last.
func (r *runs) remove(first, last cursor) {
	if first == last {
		return
	}
	if first.chunk == last.chunk {
		r.n -= last.i - first.i
		r.chunks[first.chunk] = slices.Delete(r.chunks[first.chunk], first.i+1, last.i+1)
		return
	}
	r.n -= len(r.chunks[first.chunk]) - first.i - 1
	r.chunks[first.chunk] = r.chunks[first.chunk][:first.i+1]
	for _, chunk := range r.chunks[first.chunk+1 : last.chunk] {
		r.n -= len(chunk)
	}
	r.n -= last.i + 1
	rest := slices.Delete(r.chunks[last.chunk], 0, last.i+1)
	to := last.chunk
	if len(rest) == 0 {
		to++
	} else {
		r.chunks[last.chunk] = rest
	}
	r.chunks = slices.Delete(r.chunks, first.chunk+1, to)
}
