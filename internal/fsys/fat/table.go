package fat

import (
	"errors"
	"io"
	"sync"

	"assay/internal/binread"
)

const (
	pageSize  = 64 << 10
	maxPages  = 32      // of the FAT kept in memory
	maxFile   = 4 << 30 // bytes that a chain may have: a file's size has 32 bits
	maxDir    = 2 << 20 // bytes of a directory: 65536 entries
	maxRuns   = 1 << 20 // fragments of one file; 4 GiB in clusters of 4 KiB, none beside its next
	freeEntry = 0
)

// A table gives the entries of a FAT, reading it page by page.
type table struct {
	r io.ReaderAt
	g *geometry

	mu    sync.Mutex
	pages map[int64][]byte // by number; never changed once there
	order []int64          // oldest first
}

// page returns the bytes of the FAT from n*pageSize on, with three more than a
// page so that an entry of FAT12 may cross its end.
func (t *table) page(n int64) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b, ok := t.pages[n]; ok {
		return b, nil
	}
	size := min(pageSize+3, t.g.fatLen-n*pageSize)
	b, err := binread.At(t.r, format, t.g.fat+n*pageSize, size, pageSize+3)
	if err != nil {
		return nil, err
	}
	if len(t.order) == maxPages {
		delete(t.pages, t.order[0])
		t.order = t.order[1:]
	}
	t.pages[n], t.order = b, append(t.order, n)
	return b, nil
}

// forget drops what is kept of the FAT, which was changed.
func (t *table) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.pages)
	t.order = t.order[:0]
}

// A cursor reads entries and remembers the page of the last one.
type cursor struct {
	t  *table
	n  int64
	at []byte
}

func (t *table) cursor() *cursor { return &cursor{t: t, n: -1} }

// next returns the entry of a cluster, which must be valid.
func (c *cursor) next(cluster uint32) (uint32, error) {
	pos := c.t.g.entryAt(cluster) - c.t.g.fat
	if n := pos / pageSize; n != c.n {
		b, err := c.t.page(n)
		if err != nil {
			return 0, err
		}
		c.n, c.at = n, b
	}
	b := binread.Buf{B: c.at}
	at := int(pos % pageSize)
	switch c.t.g.bits {
	case 32:
		return b.LE32(at) & 0x0fffffff, nil
	case 16:
		return uint32(b.LE16(at)), nil
	}
	v := b.LE16(at)
	if cluster%2 == 1 {
		v >>= 4
	}
	return uint32(v & 0xfff), nil
}

// last reports whether an entry ends a chain.
func (g *geometry) last(entry uint32) bool {
	return entry >= [...]uint32{12: 0xff8, 16: 0xfff8, 32: 0x0ffffff8}[g.bits]
}

// A run is consecutive clusters of one file.
type run struct {
	logical uint32 // index of the first in the file
	first   uint32
	count   uint32
}

// errStop ends a walk early.
var errStop = errors.New("stop")

// walk calls visit for each cluster of a chain of at most limit bytes. from is
// the byte of the directory entry that names the first. Loops end it with an
// error, found by Brent's method: a cluster is remembered at every power of
// two steps and compared with those that follow.
func (t *table) walk(first uint32, from, limit int64, visit func(cluster uint32) error) error {
	if !t.g.valid(first) {
		return binread.Errorf(format, from, "the first cluster is %d of %d", first, t.g.clusters)
	}
	c := t.cursor()
	cluster, mark := first, first
	steps, power := int64(0), int64(1)
	for n := int64(1); ; n++ {
		if n > (limit+t.g.cluster-1)/t.g.cluster {
			return binread.Errorf(format, t.g.entryAt(cluster), "a chain from cluster %d is longer than %d bytes", first, limit)
		}
		if err := visit(cluster); err != nil {
			return err
		}
		next, err := c.next(cluster)
		switch {
		case err != nil:
			return err
		case t.g.last(next):
			return nil
		case !t.g.valid(next):
			return binread.Errorf(format, t.g.entryAt(cluster), "cluster %d is followed by %d of %d", cluster, next, t.g.clusters)
		case next == mark:
			return binread.Errorf(format, t.g.entryAt(cluster), "the chain from cluster %d is a loop", first)
		}
		cluster = next
		if steps++; steps == power {
			mark, steps, power = cluster, 0, power*2
		}
	}
}

// runs lists a chain as runs. With an error it returns what comes before.
func (t *table) runs(first uint32, from, limit int64) ([]run, error) {
	var out []run
	index := uint32(0)
	err := t.walk(first, from, limit, func(cluster uint32) error {
		index++
		if k := len(out) - 1; k >= 0 && out[k].first+out[k].count == cluster {
			out[k].count++
			return nil
		}
		if len(out) == maxRuns {
			return binread.Unsupported(format, "a chain of more than %d fragments, at byte %d", maxRuns, t.g.entryAt(cluster))
		}
		out = append(out, run{index - 1, cluster, 1})
		return nil
	})
	return out, err
}
