package secret

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
)

// The window. A match looks at no byte further than back before and ahead
// after its keyword, and is made only when these bytes are there or the stream
// ends before them: so it does not matter where one window ends and the next
// begins.
const (
	BufferSize = 256 << 10 // bytes of a stream held at a time

	back    = 4 << 10  // what a match sees before its keyword
	ahead   = 16 << 10 // and after: a PEM key of 16,384 bits takes 12.5 KiB
	front   = 8        // readable bytes before the window, for filter
	tailPad = 256      // and after it

	sniffLen = 32 << 10 // of the first bytes, by which the kind of a stream is told
	maxIdle  = 100      // reads without a byte after which a reader is broken

	// maxTries bounds how often one rule is tried in one window, and dearTries
	// one with a regular expression: bytes made of nothing but its keyword would
	// else cost seconds each window. Lists of a library's symbols stay below.
	maxTries  = 16 << 10
	dearTries = 2000
)

// ErrTooMuch says that a stream holds so many beginnings of one kind of secret
// that not all were tried: what was found was reported, more may be there.
var ErrTooMuch = errors.New("too many beginnings of secrets: not all were looked at")

// stream moves the window over r. Invariant: buf[front:front+n] is the window,
// done of it is worked through, base is the place of its first unit in the
// stream, in units (bytes, or pairs of bytes for UTF-16).
func (s *Scanner) stream(ctx context.Context, r io.Reader) error {
	run := &s.run
	run.window = s.buf
	s.ctx, s.tooMuch = ctx, false
	n, done, first := 0, 0, true
	var odd []byte // half a UTF-16 unit
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := fill(r, s.buf[front+n+len(odd):front+BufferSize])
		copy(s.buf[front+n:], odd)
		got += len(odd)
		odd = nil
		end := errors.Is(err, io.EOF)
		fresh := s.buf[front+n : front+n+got]
		if first {
			run.sniff(fresh[:min(len(fresh), sniffLen)])
			first = false
		}
		if run.wide != 0 {
			if len(fresh)%2 == 1 {
				odd = []byte{fresh[len(fresh)-1]}
			}
			got = compact(fresh, run.wide)
		}
		n += got
		limit := n
		if err == nil {
			limit = max(n-ahead, done)
		}
		run.n = n
		s.process(front+done, front+limit)
		done = limit
		if err != nil {
			run.flush(math.MaxInt64)
			switch {
			case !end:
				return err
			case s.tooMuch:
				return ErrTooMuch
			}
			return ctx.Err()
		}
		run.flush(run.settled(front + limit))
		keep := max(limit-back, 0)
		run.retire(keep)
		copy(s.buf[front:], s.buf[front+keep:front+n])
		n, done = n-keep, done-keep
	}
}

// fill reads until b is full. At the end of the stream it returns io.EOF with
// what it read.
func fill(r io.Reader, b []byte) (n int, err error) {
	idle := 0
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if idle++; idle > maxIdle && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// process makes candidates of the keywords in buf[from:to].
func (s *Scanner) process(from, to int) {
	run := &s.run
	if from >= to {
		return
	}
	end := front + run.n
	s.hits = run.filter.find(s.buf, from, to, end, s.hits[:0])
	clear(s.tries)
	for i, h := range s.hits {
		if i%64 == 63 && s.ctx.Err() != nil {
			return
		}
		w := &run.filter.words[h.word]
		at := int(h.at)
		lo := max(at-back, front)
		s.view = view{run: run, b: s.buf[lo:min(at+ahead, end)], at: at - lo, lo: lo, word: w}
		for _, r := range w.rules {
			if r.offHere(run) {
				continue
			}
			if s.tries[r.number]++; s.tries[r.number] > r.tries() {
				s.tooMuch = true
				continue
			}
			r.match(r, &s.view)
		}
	}
	if from == front && run.base == 0 && !run.src.HighOnly {
		s.view = view{run: run, b: s.buf[front:min(front+ahead, end)], lo: front}
		for _, r := range run.e.start {
			r.match(r, &s.view)
		}
	}
	if len(run.lineRules) > 0 {
		s.lines(from, to, end)
	}
}

// tries is how often r is tried in one window.
func (r *rule) tries() int32 {
	if r.pattern != nil {
		return dearTries
	}
	return maxTries
}

// lines runs the rules of a known file over the lines that begin in
// buf[from:to].
func (s *Scanner) lines(from, to, end int) {
	run := &s.run
	at := from
	if from != front || run.base != 0 {
		at--
		next := bytes.IndexByte(s.buf[at:to], '\n')
		if next < 0 {
			return
		}
		at += next + 1
	}
	for at < to {
		s.view = view{run: run, b: s.buf[at:min(at+ahead, end)], lo: at}
		v := &s.view
		if e := bytes.IndexByte(v.b, '\n'); e >= 0 {
			v.b = v.b[:e]
		}
		v.b = bytes.TrimSuffix(v.b, []byte("\r"))
		for _, r := range run.lineRules {
			r.match(r, v)
		}
		next := bytes.IndexByte(s.buf[at:to], '\n')
		if next < 0 {
			return
		}
		at += next + 1
	}
}

// A view is what a rule sees of a stream: b, with the keyword at b[at:].
type view struct {
	run  *run
	b    []byte
	at   int
	lo   int // index of b[0] in the window
	word *word

	parsed bool // pair holds the assignment at this keyword
	pair   pair
	ok     bool
}

const (
	lineBack  = 1 << 10 // of the line before a keyword
	lineAhead = 4 << 10 // and after it
)

// line is the part of b that holds the keyword's line, bounded.
func (v *view) line() (start, end int) {
	start, end = max(v.at-lineBack, 0), min(v.at+lineAhead, len(v.b))
	if i := bytes.LastIndexByte(v.b[start:v.at], '\n'); i >= 0 {
		start += i + 1
	}
	if i := bytes.IndexByte(v.b[v.at:end], '\n'); i >= 0 {
		end = v.at + i
	}
	if end > v.at && v.b[end-1] == '\r' {
		end--
	}
	return start, end
}

// compact turns UTF-16 into one byte a unit, in place, and returns how many:
// ASCII and Latin-1 as they are, everything else as 0xfe.
func compact(b []byte, order byte) int {
	lo := 0
	if order == bigEndian {
		lo = 1
	}
	n := 0
	for i := 0; i+1 < len(b); i += 2 {
		c := b[i+lo]
		if b[i+1-lo] != 0 {
			c = 0xfe
		}
		b[n] = c
		n++
	}
	return n
}
