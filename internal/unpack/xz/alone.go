package xz

import (
	"bufio"
	"encoding/binary"
	"io"
)

// NewLZMA reads an .lzma file: properties, dictionary size, length, data.
// It reads some bytes beyond the end of the data.
func NewLZMA(r *bufio.Reader, take func(int64) bool) (*Alone, error) {
	var h [13]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, eof(err)
	}
	size := int64(-1)
	if n := binary.LittleEndian.Uint64(h[5:]); n < 1<<62 {
		size = int64(n)
	}
	return NewRaw(r, h[:5], size, take)
}

// NewRaw reads LZMA data with the 5 bytes of properties given apart. size is
// the length of what comes out, or -1 when an end marker says it.
func NewRaw(r io.Reader, props []byte, size int64, take func(int64) bool) (*Alone, error) {
	if len(props) < 5 {
		return nil, errCorrupt
	}
	a := &Alone{r: r, left: size}
	a.win.take = take
	a.win.setDict(int64(binary.LittleEndian.Uint32(props[1:])))
	if err := a.d.props(props[0]); err != nil {
		return nil, err
	}
	a.d.reset()
	a.d.in = make([]byte, 1<<16+padding)
	a.refill()
	return a, a.d.start()
}

// An Alone reads LZMA data that is not in an .xz file.
type Alone struct {
	r    io.Reader
	d    lzma
	win  window
	left int64 // -1: until the marker
	err  error
	end  error // of r
}

// Held returns the memory that was taken and is to be given back.
func (a *Alone) Held() int64 { return a.win.held }

// refill moves the input that is left to the front and reads more. Padding
// follows the input always.
func (a *Alone) refill() {
	d := &a.d
	if d.ip <= d.end {
		d.end = copy(d.in, d.in[d.ip:d.end])
		d.ip = 0
	}
	for d.end < len(d.in)-padding && a.end == nil {
		var n int
		n, a.end = a.r.Read(d.in[d.end : len(d.in)-padding])
		d.end += n
		if d.end > 4096 {
			break
		}
	}
	clear(d.in[d.end : d.end+padding])
}

func (a *Alone) Read(p []byte) (int, error) {
	w := &a.win
	for {
		if w.r < w.w {
			n := copy(p, w.b[w.r:w.w])
			w.r += n
			return n, nil
		}
		if a.err == nil && a.left == 0 {
			a.err = io.EOF
		}
		if a.err == nil {
			a.err = w.room()
		}
		if a.err != nil || len(p) == 0 {
			return 0, a.err
		}
		a.step()
	}
}

// step decodes a few bytes: so few that the input at hand suffices. A symbol
// takes 21 bytes at most and gives one at least.
func (a *Alone) step() {
	d, w := &a.d, &a.win
	if d.end-d.ip < 4096 && a.end == nil {
		a.refill()
	}
	n := max((d.end-d.ip)/21-1, 1)
	if d.pending > 0 {
		n = d.pending
	}
	if a.left >= 0 {
		n = int(min(int64(n), a.left))
	}
	before := w.w
	marker, err := d.run(w, n)
	if a.left > 0 {
		a.left -= int64(w.w - before)
	}
	switch {
	case err == io.ErrUnexpectedEOF && a.end != io.EOF && a.end != nil:
		a.err = a.end
	case err != nil:
		a.err = err
	case d.ip > d.end:
		a.err = io.ErrUnexpectedEOF
	case marker && a.left < 0 && d.code == 0:
		a.err = io.EOF
	case marker:
		a.err = errCorrupt
	}
}
