package vhdx

import (
	"io"
	"maps"
	"slices"
	"sort"

	"assay/internal/span"
)

// overlay lays pages and zero ranges over a reader. It is written first, then
// sealed, then read, also concurrently.
type overlay struct {
	r      io.ReaderAt
	pages  map[int64][]byte // by file offset; they win over zeros
	zeros  []span.Span
	sorted []int64  // offsets of pages
	clear  span.Set // zeros, merged
}

func newOverlay(r io.ReaderAt) *overlay { return &overlay{r: r, pages: map[int64][]byte{}} }

func (o *overlay) write(off int64, p []byte) { o.pages[off] = p }

func (o *overlay) zero(off, n int64) {
	maps.DeleteFunc(o.pages, func(at int64, _ []byte) bool { return at >= off && at < off+n })
	o.zeros = append(o.zeros, span.Span{Off: off, Len: n})
}

func (o *overlay) seal() {
	o.sorted = slices.Sorted(maps.Keys(o.pages))
	o.clear = span.Make(o.zeros)
}

// ReadAt implements io.ReaderAt. A page or zero range past the file's end
// makes the file longer, as playing the log would.
func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.r.ReadAt(p, off)
	if err != nil && err != io.EOF {
		return n, err
	}
	clear(p[n:])
	end := off + int64(len(p))
	for i := sort.Search(len(o.clear), func(i int) bool { return o.clear[i].End() > off }); i < len(o.clear) && o.clear[i].Off < end; i++ {
		lo, hi := max(o.clear[i].Off, off), min(o.clear[i].End(), end)
		clear(p[lo-off : hi-off])
		n = max(n, int(hi-off))
	}
	for i := sort.Search(len(o.sorted), func(i int) bool { return o.sorted[i]+page > off }); i < len(o.sorted) && o.sorted[i] < end; i++ {
		at := o.sorted[i]
		lo, hi := max(at, off), min(at+page, end)
		copy(p[lo-off:hi-off], o.pages[at][lo-at:])
		n = max(n, int(hi-off))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
