package xfs

import (
	"math"
	"sort"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	maxExtents = 2 << 20 // of one fork in memory
	bmapV4     = 0x424d4150
	bmapV5     = 0x424d4133 // "BMA3"
)

// An extent maps a range of a fork to the volume, in bytes.
type extent struct {
	logical, physical, length int64
	unwritten                 bool
}

func (e extent) end() int64 { return e.logical + e.length }

// extentAt is the index of the extent that holds offset at, or of the next
// one, or len(exts).
func extentAt(exts []extent, at int64) int {
	return sort.Search(len(exts), func(i int) bool { return exts[i].end() > at })
}

// A mapper collects the extents of one fork.
type mapper struct {
	fs    *FS
	f     fork
	exts  []extent
	count uint64                // records
	total uint64                // blocks that they map
	each  func(treeBlock) error // is shown every block of the tree; may be nil
}

// extentList returns the mapping of a fork in logical order; neighbours that
// continue each other are one. With an error it returns what lies before the
// broken place.
func (f fork) extentList() ([]extent, error) { return f.extentsAnd(nil) }

// extentsAnd does what extentList does, and shows each the blocks of the
// fork's tree, where it has one.
func (f fork) extentsAnd(each func(treeBlock) error) ([]extent, error) {
	m := mapper{fs: f.ino.fs, f: f, each: each}
	if f.extents > maxExtents {
		return nil, binread.Unsupported(format, "a %s fork of %d extents (inode %d)", f.name, f.extents, f.ino.number)
	}
	if f.name == "data" && f.ino.flags()&flagRealtime != 0 && f.extents > 0 && f.ino.kind() == fsys.Regular {
		return nil, binread.Unsupported(format, "a file on the realtime device (inode %d)", f.ino.number)
	}
	var err error
	switch f.format {
	case formatExtents:
		if f.extents > uint64(len(f.b)/16) {
			return nil, f.ino.bad(f.off, "%d extents in a %s fork of %d bytes", f.extents, f.name, len(f.b))
		}
		err = m.records(f.b, int(f.extents), f.ino.off+int64(f.off))
	case formatBtree:
		err = m.root()
	default:
		return nil, f.ino.bad(f.off, "no extents in a %s fork of format %d", f.name, f.format)
	}
	if err == nil && m.count != f.extents {
		err = f.ino.bad(f.off, "%d extents in a %s fork that should have %d", m.count, f.name, f.extents)
	}
	return m.exts, err
}

// records takes n records (struct xfs_bmbt_rec) from b, which is at byte off.
func (m *mapper) records(b []byte, n int, off int64) error {
	for i := range n {
		hi, lo := be.Uint64(b[16*i:]), be.Uint64(b[16*i+8:])
		start := hi << 1 >> 10
		block := hi&0x1ff<<43 | lo>>21
		count := lo & 0x1fffff
		at, ok := m.fs.blockRange(block, count)
		if !ok || start > math.MaxInt64>>m.fs.blockLog-count {
			return binread.Errorf(format, off+16*int64(i), "inode %d: an extent of %d blocks at %#x for block %d is out of range",
				m.f.ino.number, count, block, start)
		}
		e := extent{int64(start) << m.fs.blockLog, at, int64(count) << m.fs.blockLog, hi>>63 != 0}
		if m.count++; m.count > m.f.extents {
			return binread.Errorf(format, off, "inode %d: more than %d extents", m.f.ino.number, m.f.extents)
		}
		if m.total += count; m.total > m.fs.blocks { // no block is mapped twice by one fork
			return binread.Errorf(format, off+16*int64(i), "inode %d: maps more blocks than there are", m.f.ino.number)
		}
		if k := len(m.exts) - 1; k >= 0 {
			last := &m.exts[k]
			if e.logical < last.end() {
				return binread.Errorf(format, off+16*int64(i), "inode %d: extents are out of order", m.f.ino.number)
			}
			if e.logical == last.end() && e.physical == last.physical+last.length && e.unwritten == last.unwritten {
				last.length += e.length
				continue
			}
		}
		m.exts = append(m.exts, e)
	}
	return nil
}

// root walks a fork in B-tree format from struct xfs_bmdr_block in the inode.
func (m *mapper) root() error {
	b := m.f.b
	if len(b) < 4 {
		return m.f.ino.bad(m.f.off, "a %s fork of %d bytes", m.f.name, len(b))
	}
	level, n, fit := be.Uint16(b), int(be.Uint16(b[2:])), (len(b)-4)/16
	if level == 0 || level > maxLevels || n == 0 || n > fit {
		return m.f.ino.bad(m.f.off, "a %s fork tree of level %d with %d entries", m.f.name, level, n)
	}
	return m.children(b[4+8*fit:], n, level-1)
}

func (m *mapper) children(ptrs []byte, n int, level uint16) error {
	for i := range n {
		if err := m.visit(be.Uint64(ptrs[8*i:]), level); err != nil {
			return err
		}
	}
	return nil
}

// visit reads one block of the extent tree. Levels fall by one from block to
// block and no block is empty, so a block used twice breaks the order of
// extents at its first record: there are no loops to guard against.
func (m *mapper) visit(block uint64, level uint16) error {
	off, ok := m.fs.blockRange(block, 1)
	if !ok {
		return m.f.ino.bad(m.f.off, "the %s fork tree points to block %#x", m.f.name, block)
	}
	b, err := m.fs.block(off, m.fs.blockSize, bmapV4, bmapV5)
	if err != nil {
		return err
	}
	head := 24 // struct xfs_btree_block, long form
	if m.fs.v5 {
		head = 72
	}
	got, n, body := be.Uint16(b[4:]), int(be.Uint16(b[6:])), b[head:]
	if got != level || n == 0 || n > len(body)/16 {
		return binread.Errorf(format, off, "extent tree block of level %d with %d entries where level %d belongs", got, n, level)
	}
	if m.each != nil {
		if err := m.each(treeBlock{off, b, head, level == 0, n}); err != nil {
			return err
		}
	}
	if level == 0 {
		return m.records(body, n, off+int64(head))
	}
	return m.children(body[8*(len(body)/16):], n, level-1)
}

// Extents lists the extents of a node's data fork. A node whose content lies
// in its inode has one Packed extent there; a device has none.
func (fs *FS) Extents(n fsys.Node) ([]fsys.Extent, error) {
	i, err := fs.inode(uint64(n))
	if err != nil {
		return nil, err
	}
	f := i.dataFork()
	switch f.format {
	case formatDev:
		return nil, nil
	case formatLocal:
		size := min(i.size(), int64(len(f.b)))
		if size == 0 {
			return nil, nil
		}
		return []fsys.Extent{{Physical: i.off + int64(f.off), Len: size, State: fsys.Packed}}, nil
	}
	list, err := f.extentList()
	out := make([]fsys.Extent, len(list))
	for k, e := range list {
		out[k] = fsys.Extent{Logical: e.logical, Physical: e.physical, Len: e.length}
		if e.unwritten {
			out[k].State = fsys.Unwritten
		}
	}
	return out, err
}
