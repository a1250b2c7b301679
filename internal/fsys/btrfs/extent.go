package btrfs

import (
	"errors"
	"math"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// Kinds of file extents and their compression: btrfs_tree.h,
// BTRFS_FILE_EXTENT_*; fs/btrfs/fs.h, BTRFS_COMPRESS_*.
const (
	extentInline   = 0
	extentRegular  = 1
	extentPrealloc = 2

	compressNone = 0
	compressZlib = 1
	compressLZO  = 2
	compressZstd = 3
)

// An extent is one btrfs_file_extent_item, checked. Bytes are those of the
// file unless said otherwise.
type extent struct {
	start, length int64
	kind          uint8
	compression   uint8
	gen           uint64
	ram           uint64 // bytes of the whole extent when decompressed
	disk, diskLen uint64 // logical address of the whole extent; 0 is a hole
	offset        uint64 // where in the decompressed extent this piece starts
	it            item
}

func (e extent) end() int64   { return e.start + e.length }
func (e extent) hole() bool   { return e.kind != extentInline && e.disk == 0 }
func (e extent) zeroed() bool { return e.hole() || e.kind == extentPrealloc }

// inline is the content of an inline extent as it is stored.
func (e extent) inline() []byte { return e.it.data[extentHeadSize:] }

// parseExtent reads a btrfs_file_extent_item with the checks of Linux'
// check_extent_data_item.
func (f *FS) parseExtent(it item) (extent, error) {
	bad := func(msg string, args ...any) (extent, error) {
		return extent{}, binread.Errorf(format, f.where(it), "extent at byte %d of inode %d: "+msg,
			append([]any{it.key.offset, it.key.objectid}, args...)...)
	}
	if len(it.data) < extentHeadSize {
		return bad("an item of %d bytes", len(it.data))
	}
	b := it.buf()
	e := extent{start: int64(it.key.offset), gen: b.LE64(0), ram: b.LE64(8), compression: b.U8(16), kind: b.U8(20), it: it}
	switch {
	case e.start < 0:
		return bad("offset out of range")
	case e.compression > compressZstd:
		return extent{}, binread.Unsupported(format, "compression type %d", e.compression)
	case b.U8(17) != 0 || b.LE16(18) != 0:
		return extent{}, binread.Encrypted(format, "an encrypted or otherwise encoded extent")
	case e.compression != compressNone && e.ram > maxPacked:
		return bad("%d bytes when decompressed", e.ram)
	}
	if e.kind == extentInline {
		if e.start != 0 {
			return bad("inline, but not at the start")
		}
		e.length = int64(len(e.inline()))
		if e.compression != compressNone {
			e.length = int64(e.ram)
		}
		return e, nil
	}
	if len(it.data) != extentSize || e.kind > extentPrealloc {
		return bad("type %d, an item of %d bytes", e.kind, len(it.data))
	}
	e.disk, e.diskLen, e.offset = b.LE64(21), b.LE64(29), b.LE64(37)
	n := b.LE64(45)
	sector := uint64(f.sb.sectorsize)
	inner := e.diskLen // what offset and length must lie in
	if e.compression != compressNone {
		inner = e.ram
	}
	switch {
	case n == 0 || n > math.MaxInt64-it.key.offset || (n|it.key.offset)%sector != 0:
		return bad("%d bytes long", n)
	case e.disk == 0:
	case (e.disk|e.diskLen|e.offset)%sector != 0 || e.disk > math.MaxInt64 || e.diskLen > math.MaxInt64-e.disk:
		return bad("%d bytes at logical %d", e.diskLen, e.disk)
	case e.offset > inner || n > inner-e.offset:
		return bad("bytes %d to %d of an extent of %d", e.offset, e.offset+n, inner)
	case e.compression != compressNone && e.diskLen > maxPacked:
		return bad("%d compressed bytes", e.diskLen)
	}
	e.length = int64(n)
	return e, nil
}

// extents calls fn for each extent item of a file that touches [from, to), in
// order; errFound from fn ends it without an error. Explicit holes are given,
// implied ones are not.
func (f *FS) extents(r root, ino uint64, from, to int64, fn func(extent) error) error {
	start := key{ino, extentDataKey, uint64(from)}
	if from > 0 {
		it, ok, err := f.floor(r, start)
		if err != nil {
			return err
		}
		if ok && it.key.objectid == ino && it.key.typ == extentDataKey {
			start = it.key
		}
	}
	err := f.ascend(r, start, key{ino, extentDataKey, uint64(to) - 1}, func(it item) error {
		e, err := f.parseExtent(it)
		if err != nil {
			return err
		}
		if e.end() <= from {
			return nil
		}
		return fn(e)
	})
	if errors.Is(err, errFound) {
		return nil
	}
	return err
}

// judgeExtents is how many extents of a file Stat looks at.
const judgeExtents = 64

// A judge finds the flags of a file that only its extents tell. A file is
// MayBeShared when the volume has a snapshot and the file has any extent on
// disk, when the extent tree counts several references for one of its first
// extents, or when it has more extents than are looked at.
type judge struct {
	f    *FS
	meta *fsys.Meta
	n    int
}

func (j *judge) extent(e extent) error {
	if j.n++; j.n > judgeExtents {
		j.meta.Flags |= fsys.MayBeShared
		return errFound
	}
	if e.kind == extentInline {
		j.meta.Flags |= fsys.Inline
	}
	if e.compression != compressNone {
		j.meta.Flags |= fsys.Compressed
	}
	if e.kind != extentInline && !e.hole() && j.meta.Flags&fsys.MayBeShared == 0 && j.f.shared(e) {
		j.meta.Flags |= fsys.MayBeShared
	}
	return nil
}

// shared tells whether an extent may have another owner.
func (f *FS) shared(e extent) bool {
	tree, ok := f.trees[extentTreeID]
	if f.snapshot || f.sb.logRoot != 0 || !ok {
		return true
	}
	it, ok, err := f.get(tree, key{e.disk, extentItemKey, e.diskLen})
	return err != nil || !ok || it.buf().LE64(0) != 1
}

// Extents implements fsys.Extenter. Physical is the first copy; DUP has a
// second one. Inline content is Packed and points into its tree leaf;
// compressed content points to the start of the compressed extent.
func (f *FS) Extents(n fsys.Node) ([]fsys.Extent, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	if in.meta.Kind != fsys.Regular && in.meta.Kind != fsys.Symlink {
		return nil, nil
	}
	var out []fsys.Extent
	err = f.extents(in.tree.root, in.ino, 0, math.MaxInt64, func(e extent) error {
		x := fsys.Extent{Logical: e.start, Len: e.length, State: fsys.Packed}
		switch {
		case e.hole():
			return nil
		case e.kind == extentInline:
			x.Physical = f.where(e.it)
			if x.Physical >= 0 {
				x.Physical += extentHeadSize
			}
		case e.compression != compressNone:
			x.Physical, _ = f.chunks.physical(e.disk)
		default:
			out, err = f.plainExtents(out, e)
			return err
		}
		if x.Physical < 0 {
			return f.outside(e)
		}
		out = append(out, x)
		return nil
	})
	return out, err
}

// plainExtents adds an extent whose bytes are the file's, one for each chunk
// that it touches.
func (f *FS) plainExtents(out []fsys.Extent, e extent) ([]fsys.Extent, error) {
	state := fsys.Written
	if e.kind == extentPrealloc {
		state = fsys.Unwritten
	}
	for done := int64(0); done < e.length; {
		at, room := f.chunks.physical(e.disk + e.offset + uint64(done))
		if at < 0 {
			return out, f.outside(e)
		}
		n := min(room, e.length-done)
		out = append(out, fsys.Extent{Logical: e.start + done, Physical: at, Len: n, State: state})
		done += n
	}
	return out, nil
}

func (f *FS) outside(e extent) error {
	return binread.Errorf(format, f.where(e.it), "extent at byte %d of inode %d: logical %d is outside every chunk", e.start, e.it.key.objectid, e.disk)
}
