package unpack

import (
	"io"
	"iter"
)

// A pushed turns rows that are pushed into a stream that is pulled. The rows
// are made as they are read.
type pushed struct {
	next func() ([]byte, bool)
	rest []byte
	err  error // of the maker, after its end
}

const batch = 32 << 10

// rows reads what make hands to emit: make ends early when emit says false.
// stop must be called.
func rows(make func(emit func(b []byte) bool) error) (p *pushed, stop func()) {
	p = &pushed{}
	next, stop := iter.Pull(func(yield func([]byte) bool) {
		var buf []byte
		err := make(func(b []byte) bool {
			if buf = append(buf, b...); len(buf) < batch {
				return true
			}
			ok := yield(buf)
			if buf = buf[:0]; cap(buf) > 4*batch {
				buf = nil
			}
			return ok
		})
		if len(buf) > 0 {
			yield(buf)
		}
		p.err = err
	})
	p.next = next
	return p, stop
}

func (p *pushed) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		next, ok := p.next()
		if !ok {
			if p.err != nil {
				return 0, p.err
			}
			return 0, io.EOF
		}
		p.rest = next
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// table gives rows made from s to the visitor.
func (w *walker) table(s *source, f Format, name string, kind Kind, make func(emit func([]byte) bool) error) error {
	if err := w.entry(s); err != nil {
		return err
	}
	r, stop := rows(make)
	defer stop()
	m := w.meter(s, f, r)
	m.in = s.size
	c := w.child(s, f, name, m, -1)
	m.path = c.path
	err := w.part(c, kind)
	w.release(c)
	return err
}
