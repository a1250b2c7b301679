package regf

import "fmt"

// A Residue says what Finish made zero.
type Residue struct {
	Free   int64 // bytes in unallocated cells and behind the last bin that were not zero
	Slack  int64 // bytes behind the content of cells in use
	Orphan int64 // bytes in allocated cells that no key owns
}

// Finish makes all that no key owns zero, marks the hive as completely written,
// and returns its bytes, as many as the file had. The logs beside it must be
// made empty then: they hold older pages.
func (e *Editor) Finish() ([]byte, Residue, error) {
	var r Residue
	h := e.h
	zero := func(b []byte, n *int64) {
		for i, x := range b {
			if x != 0 {
				*n++
				b[i] = 0
			}
		}
	}
	c, err := h.count(func(off uint32, n int) { zero(h.cell(off)[n:], &r.Slack) })
	if err != nil {
		return nil, r, fmt.Errorf("%w: after the changes: %w", ErrUnsafe, err)
	}
	for off := uint32(0); off < h.size; {
		n, _ := h.bin(off) // sound: count would have failed otherwise
		h.eachCell(off, n, func(at uint32, size int64) bool {
			p := baseLen + int64(at)
			switch {
			case size > 0:
				zero(h.b[p+4:p+size], &r.Free)
			case !c.owned.has(at):
				zero(h.b[p+4:p-size], &r.Orphan)
			}
			return true
		})
		h.coalesce(off, n)
		off += n
	}
	zero(h.b[baseLen+int64(h.size):], &r.Free)
	h.seal(max(le.Uint32(h.b[atSeq1:]), le.Uint32(h.b[atSeq2:])) + 1)
	return h.b, r, nil
}

// coalesce joins free cells that lie next to each other, as Windows does when
// it frees one. They are zero already.
func (h *Hive) coalesce(bin, n uint32) {
	last := int64(-1) // the free cell right before
	h.eachCell(bin, n, func(at uint32, size int64) bool {
		p := baseLen + int64(at)
		switch {
		case size < 0:
			last = -1
		case last < 0:
			last = p
		default:
			le.PutUint32(h.b[last:], uint32(p-last+size))
			clear(h.b[p : p+4])
		}
		return true
	})
}

// Deleted is how many bytes of deleted keys and values lie in the unallocated
// cells of h.
func (h *Hive) Deleted() (n int64) {
	h.Free(func(_ int64, b []byte) {
		for _, x := range b {
			if x != 0 {
				n++
			}
		}
	})
	return n
}
