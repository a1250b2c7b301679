package overlay

import (
	"fmt"
	"io"
	"slices"
	"sync"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

const format = "overlay"

// Bounds on memory.
const (
	// DefaultMemLimit is how many bytes of changed pages are kept in memory
	// when the caller does not say.
	DefaultMemLimit = 256 << 20
	// MaxZeroRuns bounds the ranges of zeros that do not touch: 128 MiB when
	// they came in order.
	MaxZeroRuns = 8 << 20
)

// Options says what an overlay may use. The zero value keeps everything in
// memory, up to DefaultMemLimit, and then fails.
type Options struct {
	// MemLimit is how many bytes of changed pages are kept in memory, 0 for
	// DefaultMemLimit. What is known of zeros comes on top (see MaxZeroRuns).
	MemLimit int64
	// Spill opens the file for what is over the limit. It is called once, when
	// it is needed; the overlay closes what it returns. It holds pages of the
	// changed disk, so it should have no name, or lose it at Close.
	Spill func() (SpillFile, error)
}

// An Overlay is an image with changes. Reads see every change made so far; a
// range that was zeroed and then written holds what was written, and the other
// way round. Any number of goroutines may read while one writes.
//
// Where the image beneath cannot be read, an overlay can still be written and
// zeroed in whole pages of 4 KiB, and then read there.
type Overlay struct {
	base  image.Image
	size  int64
	mu    sync.RWMutex
	zeros runs   // beneath the pages
	pages *pages // each whole: what is in them hides all else
}

// New lays an empty overlay over base, which it never closes.
func New(base image.Image, o Options) *Overlay {
	if o.MemLimit <= 0 {
		o.MemLimit = DefaultMemLimit
	}
	return &Overlay{base: base, size: base.Size(), pages: newPages(o.MemLimit, o.Spill)}
}

// Size implements image.Image.
func (o *Overlay) Size() int64 { return o.size }

// Info implements image.Image: that of the image beneath.
func (o *Overlay) Info() image.Info { return o.base.Info() }

// Base is the image beneath.
func (o *Overlay) Base() image.Image { return o.base }

// Close gives up the pages and closes the spill file. The overlay must not be
// used after it.
func (o *Overlay) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pages.close()
}

// ReadAt implements image.Image.
func (o *Overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, off, "negative offset")
	}
	if len(p) == 0 {
		return 0, nil
	}
	if off >= o.size {
		return 0, io.EOF
	}
	var atEnd error
	if int64(len(p)) > o.size-off {
		p, atEnd = p[:o.size-off], io.EOF
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	for n := 0; n < len(p); {
		k, err := o.read(p[n:], off+int64(n))
		if err != nil {
			return n, err
		}
		n += k
	}
	return len(p), atEnd
}

// read fills the start of p: the rest of one page, or all up to the next page.
func (o *Overlay) read(p []byte, off int64) (int, error) {
	page, in := off/pageSize, off%pageSize
	if slot, ok := o.pages.slots[page]; ok {
		p = p[:min(int64(len(p)), pageSize-in)]
		return len(p), o.pages.read(slot, p, in)
	}
	touched := (in + int64(len(p)) + pageSize - 1) / pageSize
	if n := o.pages.gap(page, touched); n < touched {
		p = p[:n*pageSize-in]
	}
	return len(p), o.beneath(p, off)
}

// beneath reads what lies under the pages: the image and the zeros over it.
func (o *Overlay) beneath(p []byte, off int64) error {
	c := o.zeros.seek(off + 1)
	for len(p) > 0 {
		z, ok := o.zeros.at(c)
		if end := off + int64(len(p)); !ok || z.off > end {
			z = run{end, end}
		}
		if n := z.off - off; n > 0 {
			if err := binread.Full(o.base, format, p[:n], off); err != nil {
				return err
			}
			p, off = p[n:], off+n
		}
		n := min(z.end-off, int64(len(p)))
		clear(p[:n])
		p, off = p[n:], off+n
		if len(p) > 0 {
			c = o.zeros.next(c)
		}
	}
	return nil
}

// inside refuses a range that is not on the disk.
func (o *Overlay) inside(off, n int64) error {
	if off < 0 || n < 0 || off > o.size || n > o.size-off {
		return binread.Errorf(format, off, "a change of %d bytes is outside the disk of %d", n, o.size)
	}
	return nil
}

// WriteAt implements io.WriterAt. A range that is not wholly on the disk is
// refused. An error of the image beneath or of the spill file leaves the pages
// before it written, and n says how far.
func (o *Overlay) WriteAt(p []byte, off int64) (n int, err error) {
	if err := o.inside(off, int64(len(p))); err != nil {
		return 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for n < len(p) {
		in := off % pageSize
		piece := p[n:min(int64(len(p)), int64(n)+pageSize-in)]
		if err := o.writePage(piece, off/pageSize, in); err != nil {
			return n, err
		}
		n, off = n+len(piece), off+int64(len(piece))
	}
	return n, nil
}

func (o *Overlay) writePage(p []byte, page, in int64) error {
	if slot, ok := o.pages.slots[page]; ok {
		return o.pages.write(slot, p, in)
	}
	start := page * pageSize
	whole := min(pageSize, o.size-start)
	if int64(len(p)) < whole {
		b := make([]byte, whole)
		if err := o.beneath(b, start); err != nil {
			return err
		}
		copy(b[in:], p)
		p, in = b, 0
	}
	slot, err := o.pages.add(page)
	if err != nil {
		return err
	}
	if err := o.pages.write(slot, p, in); err != nil {
		o.pages.forget(page)
		return err
	}
	return nil
}

// Zero makes n bytes at off zero. It needs no memory by the byte, and neither
// reads the image beneath nor writes to the spill file, but for the ends of
// pages that were written before.
func (o *Overlay) Zero(off, n int64) error {
	if err := o.inside(off, n); err != nil || n == 0 {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	end := off + n
	if o.zeros.n >= MaxZeroRuns && !o.zeros.touches(off, end) {
		return fmt.Errorf("overlay: at byte %d: more than %d ranges of zeros", off, MaxZeroRuns)
	}
	first, last := off/pageSize, (end-1)/pageSize
	for _, page := range []int64{first, last} {
		if err := o.zeroPart(page, off, end); err != nil {
			return err
		}
	}
	if first+1 < last {
		o.pages.drop(first+1, last)
	}
	o.zeros.add(off, end)
	return nil
}

// zeroPart makes zero what of an existing page lies in [off, end), or drops
// the page if that is all of it.
func (o *Overlay) zeroPart(page, off, end int64) error {
	slot, ok := o.pages.slots[page]
	if !ok {
		return nil
	}
	start := page * pageSize
	from, to := max(off-start, 0), min(end-start, pageSize)
	if from == 0 && (to == pageSize || end == o.size) {
		o.pages.forget(page)
		return nil
	}
	return o.pages.write(slot, make([]byte, to-from), from)
}

// Data implements image.Image: what may be data beneath and was not zeroed, and
// all that was written. Unlike that of an image it is computed at each call.
func (o *Overlay) Data() (span.Set, error) {
	base, err := o.base.Data()
	if err != nil {
		return nil, err
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	m := merger{pages: o.sorted(), size: o.size}
	if len(base) == 0 {
		return m.finish(), nil
	}
	c := o.zeros.seek(base[0].Off)
	for _, s := range base {
		off := s.Off
		for off < s.End() {
			z, ok := o.zeros.at(c)
			if !ok || z.off >= s.End() {
				m.add(off, s.End())
				break
			}
			m.add(off, z.off)
			off = max(off, z.end)
			if z.end > s.End() {
				break // it may reach into the next span
			}
			c = o.zeros.next(c)
		}
	}
	return m.finish(), nil
}

// Changed returns what was written, in whole pages of 4 KiB, and what was
// zeroed. When that is in more than a million ranges, small gaps are closed.
func (o *Overlay) Changed() span.Set {
	o.mu.RLock()
	defer o.mu.RUnlock()
	m := merger{pages: o.sorted(), size: o.size}
	for _, chunk := range o.zeros.chunks {
		for _, z := range chunk {
			m.add(z.off, z.end)
		}
	}
	return m.finish()
}

// sorted lists the numbers of all pages in order.
func (o *Overlay) sorted() []int64 {
	all := make([]int64, 0, len(o.pages.slots))
	for page := range o.pages.slots {
		all = append(all, page)
	}
	slices.Sort(all)
	return all
}

// A merger makes one set of ranges, which come in order, and of pages.
type merger struct {
	c     image.Collector
	pages []int64
	size  int64
}

// add takes [off, end), which may be empty.
func (m *merger) add(off, end int64) {
	if off < end {
		m.upTo(off)
		m.c.Add(off, end-off)
	}
}

// upTo takes the pages that begin at or before off.
func (m *merger) upTo(off int64) {
	for len(m.pages) > 0 && m.pages[0]*pageSize <= off {
		start := m.pages[0] * pageSize
		m.c.Add(start, min(pageSize, m.size-start))
		m.pages = m.pages[1:]
	}
}

func (m *merger) finish() span.Set {
	m.upTo(m.size)
	return m.c.Set()
}
