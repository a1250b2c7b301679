package xfs

import (
	"container/list"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"assay/internal/binread"
)

const (
	chunkInodes   = 64       // inodes of one inode tree record
	maxRecords    = 4 << 20  // of chunks in memory, for 256 million inodes
	maxChunkBytes = 16 << 20 // of inode chunks cached
)

// A group is what is known of the inodes of one allocation group.
type group struct {
	once   sync.Once
	chunks []chunkRec // by start
	err    error      // the inode tree is broken; chunks is what could be read of it
}

// A chunkRec is struct xfs_inobt_rec: 64 inodes from start on. A bit of holes
// stands for four of them that have no space on disk; a bit of free for an
// inode that is not in use.
type chunkRec struct {
	start uint32
	holes uint16
	free  uint64
}

func (c chunkRec) exists(i uint32) bool { return c.holes>>(i/4)&1 == 0 }
func (c chunkRec) live(i uint32) bool   { return c.exists(i) && c.free>>i&1 == 0 }

// inodesOf returns the inode chunks of a group, read on first use.
func (fs *FS) inodesOf(ag uint32) *group {
	fs.mu.Lock()
	g := fs.groups[ag]
	if g == nil {
		g = &group{}
		fs.groups[ag] = g
	}
	fs.mu.Unlock()
	g.once.Do(func() { g.chunks, g.err = fs.readInodeTree(ag) })
	return g
}

func (fs *FS) readInodeTree(ag uint32) ([]chunkRec, error) {
	agi, off, err := fs.groupHeader(ag, 2, agiMagic)
	if err != nil {
		return nil, err
	}
	var recs []chunkRec
	limit := uint64(fs.agLen(ag)) << fs.inopLog
	err = fs.walkTree(inoTree, ag, be.Uint32(agi[20:]), be.Uint32(agi[24:]), func(r []byte) error {
		c := chunkRec{start: be.Uint32(r), free: be.Uint64(r[8:])}
		if fs.sparse {
			c.holes = be.Uint16(r[4:])
		}
		last := uint64(c.start) + chunkInodes
		for i := uint32(chunkInodes); i > 0 && !c.exists(i-1); i-- {
			last--
		}
		if c.start>>fs.inopLog < fs.firstBlock() || last > limit {
			return binread.Errorf(format, off, "the inode tree of group %d has a chunk at %d", ag, c.start)
		}
		if n := len(recs); n > 0 && c.start-recs[n-1].start < chunkInodes {
			return binread.Errorf(format, off, "the inode tree of group %d has overlapping chunks at %d", ag, c.start)
		}
		if fs.countRecord() > maxRecords {
			return binread.Unsupported(format, "a file system with more than %d inodes", maxRecords*chunkInodes)
		}
		recs = append(recs, c)
		return nil
	})
	return slices.Clip(recs), err
}

func (fs *FS) countRecord() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.records++
	return fs.records
}

// A chunk is the bytes of 64 inodes and which of them were found good.
type chunk struct {
	off  int64 // on the volume
	b    []byte
	good atomic.Uint64
}

// inode returns the inode of that number, checked.
func (fs *FS) inode(number uint64) (*inode, error) {
	bits := fs.agLog + fs.inopLog
	if number>>bits >= uint64(fs.agCount) {
		return nil, binread.Errorf(format, -1, "inode %d is outside of the file system", number)
	}
	ag, in := uint32(number>>bits), number&(1<<bits-1)
	if in > math.MaxUint32 {
		return nil, binread.Errorf(format, -1, "inode %d is outside of the file system", number)
	}
	g := fs.inodesOf(ag)
	i, found := slices.BinarySearchFunc(g.chunks, uint32(in), func(c chunkRec, n uint32) int {
		switch {
		case n < c.start:
			return 1
		case n-c.start >= chunkInodes:
			return -1
		}
		return 0
	})
	if !found {
		if g.err != nil {
			return nil, g.err
		}
		return nil, binread.Errorf(format, -1, "inode %d is not in an allocated chunk", number)
	}
	rec := g.chunks[i]
	nth := uint32(in) - rec.start
	if !rec.live(nth) {
		return nil, binread.Errorf(format, fs.agByte(ag, 0)+int64(in)<<fs.inodeLog, "inode %d is not in use", number)
	}
	c, err := fs.chunk(ag, rec)
	if err != nil {
		return nil, err
	}
	return fs.inodeIn(c, number, nth)
}

// inodeIn returns the nth inode of a chunk, checked.
func (fs *FS) inodeIn(c *chunk, number uint64, nth uint32) (*inode, error) {
	at := int64(nth) << fs.inodeLog
	ino := &inode{fs: fs, number: number, off: c.off + at, b: c.b[at : at+fs.inodeSize]}
	if c.good.Load()>>nth&1 == 0 {
		if err := ino.check(); err != nil {
			return nil, err
		}
		c.good.Or(1 << nth)
	}
	return ino, nil
}

// chunk returns the bytes of a chunk, from the cache or read now.
func (fs *FS) chunk(ag uint32, rec chunkRec) (*chunk, error) {
	off := fs.agByte(ag, 0) + int64(rec.start)<<fs.inodeLog
	if c := fs.chunks.get(off); c != nil {
		return c, nil
	}
	n := int64(chunkInodes) << fs.inodeLog
	c := &chunk{off: off, b: make([]byte, n)}
	// A sparse chunk may reach over the end of its group, where it has no inodes.
	have := min(n, fs.agByte(ag, 0)+int64(fs.agLen(ag))<<fs.blockLog-off)
	if err := binread.Full(fs.dev, format, c.b[:have], off); err != nil {
		return nil, err
	}
	fs.chunks.put(c)
	return c, nil
}

// A chunkCache keeps the chunks used last, within a bound of bytes.
type chunkCache struct {
	mu    sync.Mutex
	most  int
	order *list.List // of *chunk, used last first
	at    map[int64]*list.Element
}

func (c *chunkCache) init(s *super) {
	c.most = maxChunkBytes / (chunkInodes << s.inodeLog)
	c.order, c.at = list.New(), map[int64]*list.Element{}
}

func (c *chunkCache) get(off int64) *chunk {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at[off]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*chunk)
}

func (c *chunkCache) put(x *chunk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at[x.off] != nil {
		return
	}
	c.at[x.off] = c.order.PushFront(x)
	for c.order.Len() > c.most {
		e := c.order.Back()
		delete(c.at, e.Value.(*chunk).off)
		c.order.Remove(e)
	}
}
