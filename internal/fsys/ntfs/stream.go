package ntfs

import (
	"io"
	"sync"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	maxUnit      = 4 // 16 clusters, the only exponent in use
	maxUnitBytes = 1 << 20
)

// A stream is the value of one attribute.
type stream struct {
	f        *FS
	at       int64 // of its attribute on the volume, for errors
	first    *attr // nil for an attribute list
	flags    uint16
	resident []byte // the value, when it lies in the record
	runs     []run
	size     int64
	init     int64 // bytes from here on read as zero
	alloc    int64
	unit     int64 // bytes of a compression unit, 0 when it is not compressed
}

// Size implements fsys.File.
func (s *stream) Size() int64 { return s.size }

// all reads the whole stream if it has at most limit bytes.
func (s *stream) all(limit int64) ([]byte, error) {
	if s.size > limit {
		return nil, binread.Errorf(format, s.at, "%d bytes, over the bound of %d", s.size, limit)
	}
	b := make([]byte, s.size)
	if _, err := s.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// ReadAt implements io.ReaderAt for what is not compressed.
func (s *stream) ReadAt(b []byte, off int64) (int, error) {
	b, end, err := s.clip(b, off)
	if err != nil {
		return 0, err
	}
	if s.resident != nil {
		return copy(b, s.resident[off:]), end
	}
	n, err := s.raw(b, off)
	if err != nil {
		return n, err
	}
	return n, end
}

// clip cuts b at the stream's end and says what a full read of it returns.
func (s *stream) clip(b []byte, off int64) (_ []byte, end, err error) {
	if off < 0 {
		return nil, nil, binread.Errorf(format, s.at, "negative offset")
	}
	if off >= s.size {
		return nil, nil, io.EOF
	}
	if int64(len(b)) > s.size-off {
		return b[:s.size-off], io.EOF, nil
	}
	return b, nil, nil
}

// raw reads bytes as they are stored; those not yet written are zero.
func (s *stream) raw(b []byte, off int64) (int, error) {
	valid := min(int64(len(b)), max(0, s.init-off))
	clear(b[valid:])
	done := int64(0)
	err := s.f.pieces(s.runs, off, valid, s.at, func(p piece) error {
		part := b[done : done+p.n]
		done += p.n
		if p.at == hole {
			clear(part)
			return nil
		}
		return binread.Full(s.f.r, format, part, p.at)
	})
	if err != nil {
		return int(done), err
	}
	return len(b), nil
}

// file returns the stream as a file: itself, or with its units unpacked.
func (s *stream) file() (fsys.File, error) {
	if s.flags&attrEncrypted != 0 {
		return nil, binread.Encrypted(format, "an encrypted file (EFS)")
	}
	if s.unit == 0 {
		return s, nil
	}
	return &packed{stream: s, no: -1}, nil
}

// A packed file reads compressed units, one at a time. The unit read last is
// kept, so that reading in order unpacks each unit once.
type packed struct {
	*stream

	mu   sync.Mutex
	no   int64 // of the unit in plain
	data []byte
}

// ReadAt implements io.ReaderAt.
func (p *packed) ReadAt(b []byte, off int64) (int, error) {
	b, end, err := p.clip(b, off)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for done := 0; done < len(b); {
		at := off + int64(done)
		if at >= p.init {
			clear(b[done:])
			break
		}
		if no := at / p.unit; no != p.no {
			if p.data == nil {
				p.data = make([]byte, p.unit)
			}
			p.no = -1
			if err := p.unpack(no, p.data); err != nil {
				return done, err
			}
			p.no = no
		}
		n := min(p.init-at, p.unit-at%p.unit)
		done += copy(b[done:], p.data[at%p.unit:][:n])
	}
	return len(b), end
}

// A unit is where one compression unit is stored: its clusters in order, and
// how many bytes they have. A full one is stored plain, an empty one is zero,
// anything between is LZNT1 (and fills the first clusters of the unit).
type unit struct {
	pieces []piece
	stored int64
}

func (s *stream) unitAt(no int64) (u unit, err error) {
	off := no * s.unit
	end := s.unit
	if last := s.runs; len(last) > 0 {
		end = min(end, last[len(last)-1].end()*s.f.cluster-off)
	}
	err = s.f.pieces(s.runs, off, end, s.at, func(p piece) error {
		if p.at != hole {
			u.pieces = append(u.pieces, p)
			u.stored += p.n
		}
		return nil
	})
	return u, err
}

// load reads the stored bytes of a unit.
func (s *stream) load(u unit) ([]byte, error) {
	b := make([]byte, u.stored)
	done := int64(0)
	for _, p := range u.pieces {
		if err := binread.Full(s.f.r, format, b[done:done+p.n], p.at); err != nil {
			return nil, err
		}
		done += p.n
	}
	return b, nil
}

// unpack gives the plain bytes of unit no in out, which has s.unit bytes.
func (s *stream) unpack(no int64, out []byte) error {
	clear(out)
	u, err := s.unitAt(no)
	if err != nil || u.stored == 0 {
		return err
	}
	b, err := s.load(u)
	if err != nil {
		return err
	}
	if u.stored >= s.unit {
		copy(out, b)
		return nil
	}
	if _, err := decompress(out, b); err != nil {
		return binread.Errorf(format, u.pieces[0].at, "compressed unit %d: %v", no, err)
	}
	return nil
}
