package ext4

import (
	"errors"
	"io"
	"slices"
	"sync"

	"assay/internal/binread"
)

// Metadata is read in aligned chunks: large enough to be read-ahead for inode
// tables and neighbouring directory blocks, and no block or inode crosses one.
const (
	chunkSize   = 64 << 10
	cacheChunks = 256 // 16 MiB
)

// A cache keeps the chunks used last (clock replacement). What it returns is
// shared and must not be changed: an Editor's writes make new chunks.
type cache struct {
	r    io.ReaderAt
	size int64

	mu    sync.Mutex
	m     map[int64]*chunk
	slots []*chunk
	hand  int
}

type chunk struct {
	no   int64
	b    []byte // shorter than chunkSize at the end of the volume
	used bool
}

func newCache(r io.ReaderAt, size int64) *cache {
	return &cache{r: r, size: size, m: map[int64]*chunk{}}
}

// bytes returns n bytes at off, which must not cross a chunk.
func (c *cache) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n > c.size || off > c.size-n {
		return nil, binread.Errorf(format, off, "%d bytes lie past the end of the volume (%d bytes)", n, c.size)
	}
	no, in := off/chunkSize, off%chunkSize
	b, err := c.chunk(no)
	if err == nil && in+n <= int64(len(b)) {
		return b[in : in+n : in+n], nil
	}
	// The chunk has an unreadable part: perhaps not the one that is wanted.
	return binread.At(c.r, format, off, n, chunkSize)
}

func (c *cache) chunk(no int64) ([]byte, error) {
	c.mu.Lock()
	if k := c.m[no]; k != nil {
		k.used = true
		c.mu.Unlock()
		return k.b, nil
	}
	c.mu.Unlock()
	b := make([]byte, min(chunkSize, c.size-no*chunkSize))
	n, err := c.r.ReadAt(b, no*chunkSize)
	if n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
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

// put makes the cache see b, which was written at off and crosses no chunk.
func (c *cache) put(off int64, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.m[off/chunkSize]; k != nil {
		in := off % chunkSize
		k.b = slices.Clone(k.b) // somebody may hold a part of the old one
		copy(k.b[in:], b)
	}
}

// forget drops what the cache has of n bytes at off, which were written.
func (c *cache) forget(off, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := 0; i < len(c.slots); {
		k := c.slots[i]
		if k.no*chunkSize >= off+n || (k.no+1)*chunkSize <= off {
			i++
			continue
		}
		delete(c.m, k.no)
		last := len(c.slots) - 1
		c.slots[i] = c.slots[last]
		c.slots = c.slots[:last]
	}
	c.hand = 0
}
