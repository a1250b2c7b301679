package xz

import (
	"errors"
	"io"
)

// ErrMemory is what a match gives that reaches back further than the memory
// that was granted.
var ErrMemory = errors.New("the dictionary is larger than the memory for it")

const firstWindow = 64 << 10

// A window is the last bytes that came out, in a ring that grows until it has
// the size of the dictionary or no more memory is granted.
type window struct {
	b      []byte
	w, r   int   // next place to write and to hand out; r <= w
	since  int64 // bytes since the dictionary's reset
	dict   int64
	capped bool
	take   func(int64) bool
	held   int64
}

// setDict declares the dictionary that the data may use.
func (w *window) setDict(n int64) {
	w.dict = max(n, 4096)
	w.capped = false
}

// room makes space for at least one byte. It must not be called before all
// was handed out.
func (w *window) room() error {
	if w.w < len(w.b) {
		return nil
	}
	n := min(max(2*int64(len(w.b)), firstWindow), w.dict)
	if n > int64(len(w.b)) && !w.capped {
		if w.take(n - int64(len(w.b))) {
			w.held += n - int64(len(w.b))
			b := make([]byte, n)
			copy(b, w.b)
			w.b = b
			return nil
		}
		w.capped = true
		if len(w.b) == 0 {
			return ErrMemory
		}
	}
	w.w, w.r = 0, 0
	return nil
}

// back is the byte at a distance of 1 or more that valid accepted.
func (w *window) back(dist int) byte {
	i := w.w - dist
	if i < 0 {
		i += len(w.b)
	}
	return w.b[i]
}

// valid reports whether a distance lies in what came out and is still held.
func (w *window) valid(dist int64) error {
	if dist > w.since || dist > w.dict {
		return errCorrupt
	}
	if dist > int64(len(w.b)) {
		return ErrMemory
	}
	return nil
}

// repeat copies up to n bytes from a distance and returns how many fitted
// before the place limit.
func (w *window) repeat(dist, n, limit int) int {
	n = min(n, limit-w.w)
	if from := w.w - dist; from >= 0 && dist >= n {
		copy(w.b[w.w:w.w+n], w.b[from:])
		w.w += n
	} else {
		if from < 0 {
			from += len(w.b)
		}
		for range n {
			w.b[w.w] = w.b[from]
			w.w++
			if from++; from == len(w.b) {
				from = 0
			}
		}
	}
	w.since += int64(n)
	return n
}

// run decodes symbols until n bytes came out, the ring's end or the end
// marker, which it reports.
func (d *lzma) run(w *window, n int) (marker bool, err error) {
	limit := min(w.w+n, len(w.b))
	if d.pending > 0 {
		d.pending -= w.repeat(int(d.rep[0])+1, d.pending, limit)
	}
	for w.w < limit {
		if d.ip > d.end {
			return false, io.ErrUnexpectedEOF
		}
		posState := uint32(w.since) & d.pbMask
		if d.bit(&d.isMatch[d.state<<4+posState]) == 0 {
			var prev, match byte
			if w.since > 0 {
				prev = w.back(1)
			}
			if d.state >= 7 {
				if err := w.valid(int64(d.rep[0]) + 1); err != nil {
					return false, err
				}
				match = w.back(int(d.rep[0]) + 1)
			}
			w.b[w.w] = d.literalByte(uint32(w.since), prev, match)
			w.w++
			w.since++
			continue
		}
		n := d.match(posState)
		if n == 0 {
			return true, nil
		}
		if err := w.valid(int64(d.rep[0]) + 1); err != nil {
			return false, err
		}
		d.pending = n - w.repeat(int(d.rep[0])+1, n, limit)
	}
	return false, nil
}
