package unpack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"assay/internal/binread"
)

var (
	// errReported is how a stream ends whose trouble is a gap already.
	errReported = errors.New("unpack: reported")
	// errSpent ends the walk: a limit of the whole walk is used up.
	errSpent = errors.New("unpack: limits are used up")
	// errLimit marks an error as a limit's.
	errLimit    = errors.New("over the limit")
	errNoSeek   = errors.New("unpack: cannot seek")
	errNegative = errors.New("a negative length")
)

// A walker is the state of one walk.
type walker struct {
	ctx      context.Context
	lim      Limits
	visit    func(Part) error
	gaps     []Gap
	more     int // gaps beyond maxGaps
	moreKind GapKind
	entries  int
	left     int64 // bytes that decoders may still give
	mem      int64 // bytes of memory that are free
	stop     error // ends everything: the visitor's, the context's or errSpent
	free     []*bufio.Reader
	pool     pool
}

// A source is one stream that may be a container.
type source struct {
	path  string
	via   string
	depth int
	size  int64       // -1 when not known
	at    io.ReaderAt // nil for a stream that can be read only once
	buf   *bufio.Reader
	under counter
	// origin is where the source begins in the file that path names: a part of
	// an archive that is no entry.
	origin int64
}

// A counter counts what it gives; with a section it can seek.
type counter struct {
	r   io.Reader
	sec *io.SectionReader
	n   int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

const bufSize = 4096

// maxHeld is how much of a stream is held in memory at most when its format
// has to be read at random: twice this, at the next doubling.
const maxHeld = 8 << 20

// spare is the memory that is left to decoders inside of what is held.
const spare = 2 << 20

func (w *walker) buffer(s *source) {
	if n := len(w.free); n > 0 {
		s.buf, w.free = w.free[n-1], w.free[:n-1]
		s.buf.Reset(&s.under)
		return
	}
	s.buf = bufio.NewReaderSize(&s.under, bufSize)
}

// release gives back the buffer of a source that nobody reads any more.
func (w *walker) release(s *source) {
	if s.buf != nil {
		s.buf.Reset(nil)
		w.free, s.buf = append(w.free, s.buf), nil
	}
}

// atSource is a source that can be read at random.
func (w *walker) atSource(path string, r io.ReaderAt, size int64) *source {
	s := &source{path: path, size: size, at: r}
	sec := io.NewSectionReader(r, 0, size)
	s.under = counter{r: sec, sec: sec}
	w.buffer(s)
	return s
}

// child is what s holds when its format is opened: the same path for a
// compressed stream, one more element for a named entry.
func (w *walker) child(s *source, format Format, name string, r io.Reader, size int64) *source {
	c := &source{path: s.path, via: join(s.via, format), depth: s.depth + 1, size: size}
	if name != "" {
		c.path += "!/" + short(name)
	}
	c.under = counter{r: r}
	w.buffer(c)
	return c
}

// section is a child that lies in s as it is, at a known place.
func (w *walker) section(s *source, format Format, name string, off, size int64) *source {
	if s.at == nil || off < 0 || size < 0 || off > s.size-size {
		return nil
	}
	sec := io.NewSectionReader(s.at, off, size)
	c := w.child(s, format, name, sec, size)
	c.at, c.under.sec = sec, sec
	return c
}

func join(via string, f Format) string {
	if via == "" {
		return f.String()
	}
	return via + "+" + f.String()
}

func short(name string) string {
	if len(name) > maxName {
		return strings.Clone(name[:maxName]) + "…"
	}
	return name
}

// pos is the offset of the next byte that buf gives.
func (s *source) pos() int64 { return s.under.n - int64(s.buf.Buffered()) }

// offset is pos in the file that path names.
func (s *source) offset() int64 { return s.origin + s.pos() }

// skip passes n bytes. It reads them only where it cannot jump.
func (s *source) skip(n int64) error {
	if n < 0 {
		return errNegative
	}
	if s.under.sec != nil && n > int64(s.buf.Buffered()) {
		to := s.pos() + n
		if n > s.size || to > s.size {
			return io.ErrUnexpectedEOF
		}
		if _, err := s.under.sec.Seek(to, io.SeekStart); err != nil {
			return err
		}
		s.under.n = to
		s.buf.Reset(&s.under)
		return nil
	}
	for n > 0 {
		k, err := s.buf.Discard(int(min(n, 1<<20)))
		if n -= int64(k); err != nil && n > 0 {
			if err == io.EOF {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// hold makes a stream readable at random by reading it into memory, which is
// given back by calling done. Where it is longer than there is room for, the
// source is as it was, and the error says so.
func (w *walker) hold(s *source) (done func(), err error) {
	at := s.pos()
	if s.at != nil {
		if at > 0 { // it follows another container
			s.origin += at
			s.size -= at
			sec := io.NewSectionReader(s.at, at, s.size)
			s.at, s.under = sec, counter{r: sec, sec: sec}
			s.buf.Reset(&s.under)
		}
		return func() {}, nil
	}
	s.origin += at
	var b []byte
	var held int64
	done = func() { w.mem += held }
	for {
		if int64(len(b)) == held {
			n := max(held, 64<<10) // a growing slice is there twice while it is copied
			if held > maxHeld || w.mem-n < spare || !w.take(n) {
				next, _ := s.buf.Peek(s.buf.Buffered())
				read := bytes.NewReader(append(b, next...))
				s.under = counter{r: io.MultiReader(read, s.under.r)}
				s.buf.Reset(&s.under)
				return done, fmt.Errorf("%w: it has to be held in memory and has more than %d bytes", errLimit, len(b))
			}
			held += n
			b = append(make([]byte, 0, held), b...)
		}
		if err := w.check(); err != nil {
			return done, err
		}
		n, err := s.buf.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil && err != io.EOF {
			if stop := w.fault(s, Plain, err); stop != nil {
				return done, stop
			}
		}
		if err != nil {
			break
		}
	}
	sec := io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
	s.at, s.size, s.under = sec, int64(len(b)), counter{r: sec, sec: sec}
	s.buf.Reset(&s.under)
	return done, nil
}

// zeros passes zero bytes and reports whether anything follows them.
func (w *walker) zeros(s *source) (bool, error) {
	for {
		if err := w.check(); err != nil {
			return false, err
		}
		b, _ := s.buf.Peek(1)
		if len(b) == 0 {
			return false, nil
		}
		b, _ = s.buf.Peek(s.buf.Buffered())
		for i, c := range b {
			if c != 0 {
				s.buf.Discard(i)
				return true, nil
			}
		}
		s.buf.Discard(len(b))
	}
}

// check reports why the walk ends now, if it does.
func (w *walker) check() error {
	if w.stop == nil {
		w.stop = w.ctx.Err()
	}
	return w.stop
}

// entry counts one entry of an archive.
func (w *walker) entry(s *source) error {
	if w.entries++; w.entries > w.lim.Entries && w.stop == nil {
		w.gap(s.path, Limit, s.offset(), "more than %d entries; the rest was not read", w.lim.Entries)
		w.stop = errSpent
	}
	return w.check()
}

// take reserves memory, or reports that there is not as much.
func (w *walker) take(n int64) bool {
	if n > w.mem {
		return false
	}
	w.mem -= n
	return true
}

func (w *walker) give(n int64) { w.mem += n }

func (w *walker) gap(path string, kind GapKind, off int64, msg string, args ...any) {
	if len(w.gaps) >= maxGaps {
		if w.more++; w.more == 1 {
			w.moreKind = kind
		}
		return
	}
	w.gaps = append(w.gaps, Gap{path, kind, off, fmt.Sprintf(msg, args...)})
}

// fault makes a gap of an error met in the structure of s, unless it is one
// already. It returns the error that ends the walk, or nil.
func (w *walker) fault(s *source, f Format, err error) error {
	return w.faultAt(s.path, s.offset(), f, err)
}

func (w *walker) faultAt(path string, off int64, f Format, err error) error {
	if w.check() != nil || err == nil || errors.Is(err, errReported) {
		return w.stop
	}
	var fe *binread.FormatError
	if errors.As(err, &fe) && fe.Offset >= 0 {
		off = fe.Offset
	}
	msg := strings.ToValidUTF8(err.Error(), "?")
	if !strings.HasPrefix(msg, f.String()) {
		msg = f.String() + ": " + msg
	}
	w.gap(path, reason(err), off, "%s", msg)
	return nil
}

// open gives the parts of a source, whatever it is. After a container ends,
// what follows it in the same stream is opened too (an initramfs is several
// archives one after the other). It returns an error only to end the walk.
func (w *walker) open(s *source) error {
	for first := true; ; first = false {
		head, err := s.buf.Peek(SniffLen)
		if err != nil && err != io.EOF && !errors.Is(err, errReported) {
			if err := w.fault(s, Plain, err); err != nil {
				return err
			}
		}
		f := Sniff(head)
		if f == maybeZip {
			f = w.hasZipEnd(s)
		}
		h := opener(f)
		kind := File
		if !first {
			kind = Raw
		}
		switch {
		case f == Plain:
			return w.part(s, kind)
		case h == nil:
			w.gap(s.path, Unsupported, s.offset(), "%s is not read", f)
			return w.part(s, kind)
		case s.depth >= w.lim.Depth:
			w.gap(s.path, Limit, s.offset(), "%s: more than %d containers within each other", f, w.lim.Depth)
			return w.part(s, kind)
		}
		err = h(w, s)
		if stop := w.fault(s, f, err); stop != nil {
			return stop
		}
		if err != nil && !f.stored() {
			return nil
		}
		if more, stop := w.zeros(s); !more {
			return stop
		}
		if err != nil {
			return w.part(s, Raw)
		}
		if err := w.entry(s); err != nil {
			return err
		}
	}
}

// part gives the rest of a source to the visitor as it is.
func (w *walker) part(s *source, kind Kind) error {
	base := s.pos()
	size := s.size
	if size >= 0 {
		size = max(size-base, 0)
	}
	p := Part{Path: s.path, Via: s.via, Kind: kind, Size: size, Base: s.origin + base, Reader: &partReader{w, s}}
	if s.at != nil {
		p.At = s.at
		if base > 0 {
			p.At = io.NewSectionReader(s.at, base, size)
		}
	}
	if kind == File {
		p.Base = 0
	}
	return w.tell(p)
}

func (w *walker) tell(p Part) error {
	if err := w.check(); err != nil {
		return err
	}
	if err := w.visit(p); err != nil && w.stop == nil {
		w.stop = err
	}
	if w.stop != nil && w.stop != errSpent {
		return w.stop
	}
	return w.check()
}

// A partReader is what a visitor reads: damage is a gap and an end.
type partReader struct {
	w *walker
	s *source
}

func (r *partReader) Read(p []byte) (int, error) {
	if err := r.w.check(); err != nil {
		if err == errSpent {
			err = io.EOF
		}
		return 0, err
	}
	n, err := r.s.buf.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	if err := r.w.fault(r.s, Plain, err); err != nil && err != errSpent {
		return n, err
	}
	return n, io.EOF
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
