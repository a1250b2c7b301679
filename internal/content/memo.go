package content

import (
	"encoding/binary"
	"hash/maphash"
	"io"
	"slices"
	"sync"

	"assay/internal/fsys"
)

// A Memo carries verdicts from the inspection of an image to that of its copy,
// in one process. What a file gives depends on its name and its bytes alone;
// so where the copy has, at the same path, the same bytes (all of them are read
// again), the verdict on them is the same. What a package brought is asked anew.
//
// Bytes are compared by keyed digests: 64 bits for each 64 KiB, under seeds
// that are drawn for each process and never leave it. Who made the image
// cannot aim at them, and other bytes pass by chance once in 2^64 pieces.
type Memo struct {
	seeds [2]maphash.Seed

	mu    sync.Mutex
	again bool
	clean map[digest]struct{} // files that gave nothing
	gave  map[digest]Result   // before the vendor's was dropped
}

// A digest stands for a file's place and bytes.
type digest [2]uint64

const (
	// maxRemembered bounds the files of a Memo, about 40 bytes each: those
	// beyond are judged again.
	maxRemembered = 2 << 20
	// chunk is how many bytes one digest is made of: a small file is one.
	chunk = small
	// maxSummed bounds the bytes of a file that is remembered, at 8 bytes a
	// chunk.
	maxSummed = 64 << 30
)

// NewMemo makes an empty Memo.
func NewMemo() *Memo {
	return &Memo{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, clean: map[digest]struct{}{}, gave: map[digest]Result{}}
}

// Again says that what is inspected from now on is the copy.
func (m *Memo) Again() { m.again = true }

// put keeps what a file gave.
func (m *Memo) put(d digest, r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(m.clean)+len(m.gave) >= maxRemembered:
	case len(r.Hits)+len(r.Gaps) == 0:
		m.clean[d] = struct{}{}
	default:
		r.Hits, r.Gaps = slices.Clone(r.Hits), slices.Clone(r.Gaps)
		m.gave[d] = r
	}
}

func (m *Memo) get(d digest) (Result, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.clean[d]; ok {
		return Result{Files: 1}, true
	}
	r, ok := m.gave[d]
	r.Hits, r.Gaps = slices.Clone(r.Hits), slices.Clone(r.Gaps)
	return r, ok
}

// A summed file takes the digest of each chunk when it is read first.
type summed struct {
	*faulty
	seed maphash.Seed
	size int64 // that is judged
	buf  []byte
	held int64    // number of the chunk in buf, -1 for none
	sums []uint64 // of each chunk; 0 when it was not read yet
}

// load reads chunk k, which was not read yet, into buf.
func (s *summed) load(k int64) error {
	b := s.buf[:min(chunk, s.size-k*chunk)]
	s.held = -1
	if n, err := s.faulty.ReadAt(b, k*chunk); n < len(b) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF // shorter than it says: not remembered
		}
		return err
	}
	s.held, s.sums[k] = k, max(maphash.Bytes(s.seed, b), 1)
	return nil
}

// ReadAt reads what was read before as usual, and the rest by chunks.
func (s *summed) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		k := at / chunk
		if at < 0 || at >= s.size || s.held != k && s.sums[k] != 0 {
			m, err := s.faulty.ReadAt(p[n:], at)
			return n + m, err
		}
		if s.held != k {
			if err := s.load(k); err != nil {
				m, err := s.faulty.ReadAt(p[n:], at)
				return n + m, err
			}
		}
		n += copy(p[n:], s.buf[at-k*chunk:min(chunk, s.size-k*chunk)])
	}
	return n, nil
}

// digest reads what was not read yet, and sums up. It fails where the file
// cannot be read to its end.
func (s *summed) digest(seeds [2]maphash.Seed, c *collector) (d digest, ok bool) {
	for k, sum := range s.sums {
		if sum == 0 && s.load(int64(k)) != nil {
			return d, false
		}
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(s.size))
	for _, name := range []string{c.volume, c.path, c.stream} {
		b = append(binary.LittleEndian.AppendUint64(b, uint64(len(name))), name...)
	}
	for _, sum := range s.sums {
		b = binary.LittleEndian.AppendUint64(b, sum)
	}
	return digest{maphash.Bytes(seeds[0], b), maphash.Bytes(seeds[1], b)}, true
}

// judge reads the runs of a file and judges them, or finds that this was done.
func (c *collector) judge(f *faulty, runs []runOf) {
	m := c.w.o.Memo
	if m == nil || len(runs) != 1 || runs[0].Off != 0 || runs[0].Len > maxSummed {
		c.all(f, runs)
		return
	}
	w, size := c.w, runs[0].Len
	if w.sumBuf == nil {
		w.sumBuf = make([]byte, chunk)
	}
	w.sums = slices.Grow(w.sums[:0], int((size+chunk-1)/chunk))[:(size+chunk-1)/chunk]
	clear(w.sums)
	s := &summed{faulty: f, seed: m.seeds[0], size: size, buf: w.sumBuf, held: -1, sums: w.sums}
	if m.again {
		if d, ok := s.digest(m.seeds, c); ok {
			if r, ok := m.get(d); ok {
				r.Bytes = max(r.Bytes, size)
				*c.r = r
				return
			}
		}
		c.all(f, runs)
		return
	}
	c.all(s, runs)
	if d, ok := s.digest(m.seeds, c); ok && f.err == nil && w.ctx.Err() == nil && c.r.Sealed == 0 {
		m.put(d, *c.r)
	}
}

// all judges the runs of a file.
func (c *collector) all(f fsys.File, runs []runOf) {
	if len(runs) == 1 && runs[0].Off == 0 {
		c.whole(f, runs[0].Len)
		return
	}
	for _, run := range runs {
		c.piece(f, run)
	}
}
