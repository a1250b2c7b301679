package ntfs

import (
	"sync"

	"assay/internal/binread"
)

// The MFT is read in chunks of its stream, so that neighbouring records come
// with one read wherever their clusters are.
const (
	chunkSize   = 64 << 10 // a multiple of maxRecord
	cacheChunks = 256      // 16 MiB
)

// A cache keeps the chunks used last (clock replacement). What it returns is
// never changed.
type cache struct {
	mu    sync.Mutex
	m     map[int64]*chunk
	slots []*chunk
	hand  int
}

type chunk struct {
	no   int64
	b    []byte
	used bool
}

func newCache() *cache { return &cache{m: map[int64]*chunk{}} }

// get returns chunk no, which load reads when it is not there.
func (c *cache) get(no int64, load func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	if k := c.m[no]; k != nil {
		k.used = true
		c.mu.Unlock()
		return k.b, nil
	}
	c.mu.Unlock()
	b, err := load()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(&chunk{no: no, b: b})
	return b, nil
}

func (c *cache) add(k *chunk) {
	if c.m[k.no] != nil {
		return
	}
	c.m[k.no] = k
	if len(c.slots) < cacheChunks {
		c.slots = append(c.slots, k)
		return
	}
	for c.slots[c.hand].used {
		c.slots[c.hand].used = false
		c.hand = (c.hand + 1) % cacheChunks
	}
	delete(c.m, c.slots[c.hand].no)
	c.slots[c.hand] = k
	c.hand = (c.hand + 1) % cacheChunks
}

// drop forgets chunk no, which was changed on the volume.
func (c *cache) drop(no int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.m[no]; k != nil {
		delete(c.m, no)
		k.no, k.used = -1, false
	}
}

// mftBytes reads n bytes of the MFT at off; they must not cross a chunk.
func (f *FS) mftBytes(off, n int64) ([]byte, error) {
	no := off / chunkSize
	b, err := f.cache.get(no, func() ([]byte, error) {
		b := make([]byte, min(chunkSize, f.mft.size-no*chunkSize))
		_, err := f.mft.raw(b, no*chunkSize)
		return b, err
	})
	in := off % chunkSize
	if err == nil && in+n <= int64(len(b)) {
		return b[in : in+n], nil
	}
	// The chunk has an unreadable part: perhaps not the one that is wanted.
	out := make([]byte, n)
	_, err = f.mft.raw(out, off)
	return out, err
}

// place is where record no begins on the volume.
func (f *FS) place(no uint64) (int64, error) {
	if no >= f.records() {
		return 0, binread.Errorf(format, f.mft.at, "MFT record %d of %d", no, f.records())
	}
	at := int64(-1)
	err := f.pieces(f.mft.runs, int64(no)*f.recordSize, f.recordSize, f.mft.at, func(p piece) error {
		if p.at == hole {
			return binread.Errorf(format, f.mft.at, "MFT record %d lies in a hole", no)
		}
		if at < 0 {
			at = p.at
		}
		return nil
	})
	return at, err
}

// raw reads record no of the MFT.
func (f *FS) raw(no uint64) (*record, error) {
	at, err := f.place(no)
	if err != nil {
		return nil, err
	}
	b, err := f.mftBytes(int64(no)*f.recordSize, f.recordSize)
	if err != nil {
		return nil, err
	}
	r := &record{no: no, at: at, b: append([]byte(nil), b...)}
	return r, unprotect(r.b, "FILE", at)
}

// record reads record no of the MFT; it is not an error that it is not in use.
func (f *FS) record(no uint64) (*record, error) {
	r, err := f.raw(no)
	if err != nil {
		return nil, err
	}
	return r, r.check()
}
