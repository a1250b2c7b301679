package regf

import (
	"sync"

	"assay/internal/binread"
)

// maxFaults bounds the faults that a hive remembers.
const maxFaults = 50

// A Hive is one hive in memory, as Windows would see it. It is read only and
// safe for concurrent use.
type Hive struct {
	b       []byte // base block and bins; longer than the file when replay grew the hive
	fileLen int
	state   State
	minor   uint32
	root    uint32
	size    uint32 // of all bins
	cells   bitmap // where an allocated cell begins

	mu     sync.Mutex
	faults []error
	known  map[int64]bool // offsets of faults
}

// State says whether the hive was written completely.
func (h *Hive) State() State { return h.state }

// Faults are the damaged places met so far, on opening and on reading, each
// with its byte offset in the file. What lies there was left out.
func (h *Hive) Faults() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]error(nil), h.faults...)
}

// fault remembers that what lies at offset off of the bins is damaged.
func (h *Hive) fault(off uint32, msg string, args ...any) {
	at := int64(off) + baseLen
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known[at] || len(h.faults) >= maxFaults {
		return
	}
	if h.known == nil {
		h.known = map[int64]bool{}
	}
	h.known[at] = true
	h.faults = append(h.faults, binread.Errorf(format, at, msg, args...))
}

// Root is the key at the top. Windows gives it a name of its own, which is no
// part of any path.
func (h *Hive) Root() Key { return Key{h, h.root} }

// Key finds a key by its path from the root, names separated by "\", without
// regard to case. The zero Key, which has nothing in it, is returned when there
// is none.
func (h *Hive) Key(path string) Key { return h.Root().Key(path) }

// A bitmap has a bit for each 8 bytes of the bins: cells begin at multiples of 8.
type bitmap []uint64

func newBitmap(size uint32) bitmap { return make(bitmap, size/512+1) }
func (m bitmap) has(off uint32) bool {
	return off%8 == 0 && off/512 < uint32(len(m)) && m[off/512]>>(off/8%64)&1 == 1
}
func (m bitmap) set(off uint32)   { m[off/512] |= 1 << (off / 8 % 64) }
func (m bitmap) clear(off uint32) { m[off/512] &^= 1 << (off / 8 % 64) }
func (m bitmap) add(off uint32) (new bool) {
	new = !m.has(off)
	m.set(off)
	return new
}

// scan walks bins and cells and notes where allocated cells begin, so that any
// later reference leads to a whole cell or nowhere. After a damaged bin it goes
// on at the next page that begins one.
func (h *Hive) scan() {
	h.cells = newBitmap(h.size)
	for off := uint32(0); off < h.size; {
		n, ok := h.bin(off)
		if !ok {
			off = h.lost(off)
			continue
		}
		h.eachCell(off, n, func(at uint32, size int64) bool {
			if size < 0 {
				h.cells.set(at)
			}
			return true
		})
		off += n
	}
}

// lost notes that no bin begins at off and returns the next page that begins
// one, or the end.
func (h *Hive) lost(off uint32) uint32 {
	next := off + binAlign
	for next < h.size {
		if _, ok := h.bin(next); ok {
			break
		}
		next += binAlign
	}
	h.fault(off, "no sound hive bin in %d bytes", next-off)
	return next
}

// bin returns the length of the bin at off.
func (h *Hive) bin(off uint32) (uint32, bool) {
	b := h.b[baseLen+int64(off):]
	n := le.Uint32(b[atBinSize:])
	ok := string(b[:4]) == "hbin" && le.Uint32(b[atBinOffset:]) == off && n > 0 && n%binAlign == 0 && n <= h.size-off
	return n, ok
}

// eachCell calls fn with offset and size (negative: allocated) of each cell of
// a bin, until fn returns false. A damaged size is a fault and ends the bin.
func (h *Hive) eachCell(bin, n uint32, fn func(at uint32, size int64) bool) {
	end := int64(bin) + int64(n)
	for at := int64(bin) + binHeader; at < end; {
		size := int64(int32(le.Uint32(h.b[baseLen+at:])))
		abs := max(size, -size)
		if abs < 8 || abs%8 != 0 || at+abs > end {
			h.fault(uint32(at), "a cell of %d bytes does not fit into its hive bin", abs)
			return
		}
		if !fn(uint32(at), size) {
			return
		}
		at += abs
	}
}

// cell returns the content of the allocated cell at off; it aliases the hive.
// nil and a fault when there is none.
func (h *Hive) cell(off uint32) []byte {
	if !h.cells.has(off) {
		h.fault(off, "a reference to offset %d leads to no allocated cell", off)
		return nil
	}
	at := baseLen + int64(off)
	size := -int64(int32(le.Uint32(h.b[at:])))
	return h.b[at+4 : at+size : at+size]
}
