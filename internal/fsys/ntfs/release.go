package ntfs

import (
	"fmt"
	"slices"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// release makes a compressed stream empty. It cannot keep its clusters as
// others do: neither Windows nor ntfs-3g leaves compressed clusters past the
// end of a stream, and the latter fails to append to such a file. So they are
// given back to $Bitmap, and the attribute becomes resident with no value, as
// that of an empty file is in a compressed directory. A stream that is mapped
// by several records is fsys.ErrCannot.
func (e *Editor) release(in *inode, s *stream, entries []place) error {
	a := s.first
	for _, p := range in.attrs {
		if p != a && p.typ == a.typ && slices.Equal(p.name, a.name) {
			return fmt.Errorf("%w: a compressed stream in several records", fsys.ErrCannot)
		}
	}
	if err := e.zero(s.runs, 0, -1); err != nil {
		return err
	}
	a.empty()
	if err := e.put(a.rec); err != nil {
		return err
	}
	if err := e.giveBack(s.runs); err != nil {
		return err
	}
	return e.patchEntries(entries, [2]int64{0, 0})
}

// empty makes an attribute resident without a value.
func (a *attr) empty() {
	r := a.rec
	b := r.b[a.off : a.off+a.len]
	used, name := r.used(), slices.Clone(a.name)
	head := (0x18 + len(name) + 7) &^ 7
	clear(b[0x10:])
	copy(b[0x18:], name)
	b[8] = 0
	le.PutUint32(b[4:], uint32(head))
	le.PutUint16(b[0x0A:], 0x18)
	le.PutUint16(b[0x14:], uint16(head))
	copy(r.b[a.off+head:], r.b[a.off+a.len:used])
	le.PutUint32(r.b[0x18:], uint32(used-a.len+head))
	clear(r.b[used-a.len+head:])
}

// giveBack marks clusters as free.
func (e *Editor) giveBack(runs []run) error {
	bitmap, err := e.systemStream(recordBitmap, typeData, "")
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.lcn == hole {
			continue
		}
		from, to := r.lcn/8, (r.lcn+r.n-1)/8+1
		if to > bitmap.size || bitmap.resident != nil {
			return binread.Errorf(format, bitmap.at, "$Bitmap has %d bytes", bitmap.size)
		}
		for k := r.lcn; k < r.lcn+r.n; k++ {
			e.census.bitmap[k/8] &^= 1 << (k % 8)
			e.census.owned[k/64] &^= 1 << (k % 64)
		}
		if err := e.write(bitmap.runs, from, e.census.bitmap[from:to], bitmap.at); err != nil {
			return err
		}
	}
	return nil
}
