package ntfs

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// packUnit gives the bytes to store for the plain bytes of unit no in the
// clusters that u has: fsys.ErrCannot when they do not fit.
func (s *stream) packUnit(no int64, u unit, plain []byte) ([]byte, error) {
	if u.stored >= s.unit {
		return plain, nil
	}
	// Chunks past the end of the file are not stored.
	n := min(s.unit, (s.size-no*s.unit+chunkPlain-1)/chunkPlain*chunkPlain)
	b := compress(plain[:n])
	if int64(len(b)) > u.stored {
		return nil, fmt.Errorf("%w: compressed unit %d needs %d bytes and has %d", fsys.ErrCannot, no, len(b), u.stored)
	}
	return append(b, make([]byte, u.stored-int64(len(b)))...), nil
}

// storeUnit writes what packUnit gave.
func (e *Editor) storeUnit(u unit, b []byte) error {
	for _, p := range u.pieces {
		if _, err := e.p.WriteAt(b[:p.n], p.at); err != nil {
			return err
		}
		b = b[p.n:]
	}
	return nil
}

// plainUnit unpacks unit no for a change, with zeros from the end of what is
// valid on.
func (s *stream) plainUnit(no int64) ([]byte, error) {
	b := make([]byte, s.unit)
	if err := s.unpack(no, b); err != nil {
		return nil, err
	}
	if valid := s.init - no*s.unit; valid < s.unit {
		clear(b[max(0, valid):])
	}
	return b, nil
}

// A newUnit is a unit to be written.
type newUnit struct {
	unit
	b []byte
}

// change packs unit no again after edit has changed its plain bytes.
func (s *stream) change(no int64, edit func(plain []byte)) (newUnit, error) {
	u, err := s.unitAt(no)
	if err != nil {
		return newUnit{}, err
	}
	if u.stored == 0 {
		return newUnit{}, fmt.Errorf("%w: byte %d lies in a hole", fsys.ErrCannot, no*s.unit)
	}
	plain, err := s.plainUnit(no)
	if err != nil {
		return newUnit{}, err
	}
	edit(plain)
	b, err := s.packUnit(no, u, plain)
	return newUnit{u, b}, err
}

// overwriteUnits changes plain bytes of a compressed stream. All units are
// packed before the first is written. Bytes past what is valid are refused:
// the units between would have to become valid, too.
func (e *Editor) overwriteUnits(s *stream, off int64, b []byte) error {
	end := off + int64(len(b))
	if end > s.init {
		return fmt.Errorf("%w: byte %d of a compressed file was never written", fsys.ErrCannot, s.init)
	}
	var units []newUnit
	for no := off / s.unit; no*s.unit < end; no++ {
		u, err := s.change(no, func(plain []byte) {
			from := max(0, off-no*s.unit)
			copy(plain[from:], b[no*s.unit+from-off:])
		})
		if err != nil {
			return err
		}
		units = append(units, u)
	}
	for _, u := range units {
		if err := e.storeUnit(u.unit, u.b); err != nil {
			return err
		}
	}
	return nil
}

// clearUnits zeroes plain bytes of a compressed stream. The units at both ends
// are packed first, as only they might not fit.
func (e *Editor) clearUnits(s *stream, off, length int64) error {
	end := off + length
	clearIn := func(no int64) func([]byte) {
		return func(plain []byte) {
			clear(plain[max(0, off-no*s.unit):min(s.unit, end-no*s.unit)])
		}
	}
	ends := map[int64]newUnit{}
	for _, no := range []int64{off / s.unit, (end - 1) / s.unit} {
		if u, err := s.unitAt(no); err != nil {
			return err
		} else if u.stored == 0 {
			continue
		}
		u, err := s.change(no, clearIn(no))
		if err != nil {
			return err
		}
		ends[no] = u
	}
	for _, r := range s.runs {
		if r.lcn == hole {
			continue
		}
		first := max(r.vcn*e.cluster/s.unit, off/s.unit)
		for no := first; no*s.unit < min(r.end()*e.cluster, end); no++ {
			u, ok := ends[no]
			if !ok {
				var err error
				if u, err = s.zeroUnit(no); err != nil {
					return err
				}
			}
			if err := e.storeUnit(u.unit, u.b); err != nil {
				return err
			}
			e.zeroed += u.stored
		}
	}
	return nil
}

// zeroUnit is unit no with all its bytes zero.
func (s *stream) zeroUnit(no int64) (newUnit, error) {
	u, err := s.unitAt(no)
	if err != nil {
		return newUnit{}, err
	}
	b, err := s.packUnit(no, u, make([]byte, s.unit))
	return newUnit{u, b}, err
}

// unitTails zeroes what the units of a compressed stream have behind their
// LZNT1 data, and plain bytes past the end of what is valid. It returns false
// when a unit could not be packed again.
func (e *Editor) unitTails(s *stream) (bool, error) {
	done, whole := int64(-1), true
	buf := make([]byte, s.unit)
	for _, r := range s.runs {
		if r.lcn == hole {
			continue
		}
		for no := max(r.vcn*e.cluster/s.unit, done+1); no*s.unit < r.end()*e.cluster; no++ {
			done = no
			ok, err := e.unitTail(s, no, buf)
			if err != nil {
				return false, err
			}
			whole = whole && ok
		}
	}
	return whole, nil
}

func (e *Editor) unitTail(s *stream, no int64, buf []byte) (bool, error) {
	u, err := s.unitAt(no)
	if err != nil || u.stored == 0 {
		return true, err
	}
	valid := s.init - no*s.unit
	if valid <= 0 {
		return true, e.zeroPieces(u, 0)
	}
	if u.stored >= s.unit {
		return true, e.zeroPieces(u, min(valid, u.stored))
	}
	b, err := s.load(u)
	if err != nil {
		return false, err
	}
	clear(buf)
	n, err := decompress(buf, b)
	if err != nil {
		return false, binread.Errorf(format, u.pieces[0].at, "compressed unit %d: %v", no, err)
	}
	if valid < s.unit && !zeros(buf[valid:]) {
		clear(buf[valid:])
		packed, err := s.packUnit(no, u, buf)
		if err != nil {
			return false, nil
		}
		return true, e.storeUnit(u, packed)
	}
	if zeros(b[n:]) {
		return true, nil
	}
	return true, e.zeroPieces(u, int64(n))
}

// zeroPieces zeroes what u stores from byte off on.
func (e *Editor) zeroPieces(u unit, off int64) error {
	for _, p := range u.pieces {
		if skip := min(off, p.n); skip < p.n {
			if err := e.zeroAt(p.at+skip, p.n-skip); err != nil {
				return err
			}
		}
		off -= min(off, p.n)
	}
	return nil
}

func zeros(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
