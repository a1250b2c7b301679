package ntfs

import (
	"bytes"
	"slices"

	"assay/internal/binread"
)

// release makes a compressed stream empty. It cannot keep its clusters as
// others do: neither Windows nor ntfs-3g leaves compressed clusters past the
// end of a stream, and the latter fails to append to such a file. So they are
// given back to $Bitmap, and the attribute becomes resident with no value, as
// that of an empty file is in a compressed directory. Where several records
// map the stream, the first piece is that attribute, the others are removed,
// and a record that has nothing else is given back to the MFT.
func (e *Editor) release(in *inode, s *stream, entries []place) error {
	pieces := in.pieces(s.first)
	var list []byte
	if len(pieces) > 1 {
		var err error
		if list, err = e.shorterList(in, pieces[1:]); err != nil {
			return err
		}
	}
	if err := e.zero(s.runs, 0, -1); err != nil {
		return err
	}
	records := []*record{in.base}
	for _, p := range slices.Backward(pieces) { // the first piece last: its place does not move until then
		if !slices.Contains(records, p.rec) {
			records = append(records, p.rec)
		}
		if at := p.rec.find(p); at == nil {
			return binread.Errorf(format, p.where(), "MFT record %d has lost an attribute", p.rec.no)
		} else if p.lowest == 0 {
			at.empty()
		} else {
			p.rec.remove(at)
		}
	}
	if list != nil {
		if err := e.setList(in, list); err != nil {
			return err
		}
	}
	for _, r := range records {
		if r != in.base && le.Uint32(r.b[r.first():]) == typeEnd {
			if err := e.dismiss(r); err != nil {
				return err
			}
		} else if err := e.put(r); err != nil {
			return err
		}
	}
	if err := e.giveBack(s.runs); err != nil {
		return err
	}
	return e.patchEntries(entries, [2]int64{0, 0})
}

// pieces lists the attributes that map the same stream as a, in order.
func (in *inode) pieces(a *attr) (out []*attr) {
	for _, p := range in.attrs {
		if p.typ == a.typ && !p.resident && bytes.Equal(p.name, a.name) {
			out = append(out, p)
		}
	}
	return out
}

// find parses the record again and finds a, which may have moved.
func (r *record) find(a *attr) (found *attr) {
	_ = r.each(func(b *attr) error {
		if b.typ == a.typ && b.resident == a.resident && b.lowest == a.lowest && bytes.Equal(b.name, a.name) {
			found = b
		}
		return nil
	})
	return found
}

// remove takes an attribute out of its record.
func (r *record) remove(a *attr) {
	used := r.used()
	copy(r.b[a.off:], r.b[a.off+a.len:used])
	clear(r.b[used-a.len:])
	le.PutUint32(r.b[0x18:], uint32(used-a.len))
}

// empty makes an attribute resident without a value.
func (a *attr) empty() {
	r := a.rec
	b := r.b[a.off : a.off+a.len]
	used, name := r.used(), bytes.Clone(a.name)
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

// shorterList is the attribute list of a file without the pieces given.
func (e *Editor) shorterList(in *inode, gone []*attr) ([]byte, error) {
	if in.list == nil {
		return nil, binread.Errorf(format, in.base.at, "MFT record %d has a stream in pieces and no attribute list", in.base.no)
	}
	b, err := e.listBytes(in.list)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(b))
	for len(b) >= 0x1A {
		n := int(le.Uint16(b[4:]))
		if n < 0x1A || n > len(b) {
			return nil, binread.Errorf(format, in.list.where(), "an entry of %d bytes in an attribute list", n)
		}
		from, length := int(b[7]), 2*int(b[6])
		if length > 0 && from+length > n {
			return nil, binread.Errorf(format, in.list.where(), "an entry of %d bytes with a name to %d", n, from+length)
		}
		if !slices.ContainsFunc(gone, func(a *attr) bool {
			return le.Uint32(b) == a.typ && int64(le.Uint64(b[8:])) == a.lowest && length == len(a.name) && (length == 0 || bytes.Equal(b[from:from+length], a.name))
		}) {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out, nil
}

// setList gives a file a shorter attribute list. The caller writes the base
// record.
func (e *Editor) setList(in *inode, b []byte) error {
	list := in.base.find(in.list)
	if list == nil {
		return binread.Errorf(format, in.base.at, "MFT record %d has lost its attribute list", in.base.no)
	}
	if list.resident {
		copy(list.value(), b)
		in.base.shrink(list, len(b))
		return nil
	}
	runs, err := e.decodeRuns(nil, list.rec.b[list.pairs:list.off+list.len], list.lowest, list.highest, list.where())
	if err != nil {
		return err
	}
	if err := e.write(runs, 0, b, list.where()); err != nil {
		return err
	}
	list.setSize(int64(len(b)), int64(len(b)))
	return e.zero(runs, int64(len(b)), -1)
}

// dismiss gives a record without attributes back to the MFT, as ntfs-3g does:
// its sequence number goes on, so that no old reference finds it.
func (e *Editor) dismiss(r *record) error {
	seq := r.seq() + 1
	if seq == 0 {
		seq = 1
	}
	le.PutUint16(r.b[0x10:], seq)
	le.PutUint16(r.b[0x16:], r.flags()&^recordInUse)
	le.PutUint64(r.b[0x20:], 0)
	if err := e.put(r); err != nil {
		return err
	}
	s, err := e.systemStream(recordMFT, typeBitmap, "")
	if err != nil {
		return err
	}
	return e.clearBits(s, int64(r.no), 1)
}

// giveBack marks clusters as free.
func (e *Editor) giveBack(runs []run) error {
	s, err := e.systemStream(recordBitmap, typeData, "")
	if err != nil {
		return err
	}
	for _, r := range runs {
		if r.lcn == hole {
			continue
		}
		for k := r.lcn; k < r.lcn+r.n; k++ {
			e.census.bitmap[k/8] &^= 1 << (k % 8)
			e.census.owned[k/64] &^= 1 << (k % 64)
		}
		if err := e.clearBits(s, r.lcn, r.n); err != nil {
			return err
		}
	}
	return nil
}

// clearBits clears n bits of a bitmap.
func (e *Editor) clearBits(s *stream, bit, n int64) error {
	from, to := bit/8, (bit+n-1)/8+1
	if to > s.size {
		return binread.Errorf(format, s.at, "a bitmap of %d bytes has no bit %d", s.size, bit+n-1)
	}
	b := make([]byte, to-from)
	if _, err := s.ReadAt(b, from); err != nil && to < s.size {
		return err
	}
	for k := bit; k < bit+n; k++ {
		b[k/8-from] &^= 1 << (k % 8)
	}
	if s.resident != nil {
		copy(s.resident[from:], b)
		return e.put(s.first.rec)
	}
	return e.write(s.runs, from, b, s.at)
}
