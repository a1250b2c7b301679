package btrfs

import (
	"math"
	"math/bits"
	"slices"

	"assay/internal/binread"
)

// A chunk maps a range of logical addresses to this device: btrfs_chunk.
// Each copy holds the whole range in one piece.
type chunk struct {
	logical, length uint64
	typ             uint64
	copies          []uint64 // physical byte offsets, one, or two for DUP
}

// A chunkMap is sorted by logical address, without overlaps.
type chunkMap []chunk

// parseChunk reads a btrfs_chunk with its stripes and returns it and its size
// in bytes. at is where it is on the volume, for errors.
func (f *FS) parseChunk(logical uint64, data []byte, at int64) (chunk, int, error) {
	b := &binread.Buf{B: data}
	c := chunk{logical: logical, length: b.LE64(0), typ: b.LE64(24)}
	stripes := int(b.LE16(44))
	size := chunkSize + stripes*stripeSize
	profile := c.typ & profileMask
	bad := func(msg string, args ...any) (chunk, int, error) {
		return chunk{}, 0, binread.Errorf(format, at, "chunk at logical %d: "+msg, append([]any{logical}, args...)...)
	}
	switch {
	case len(data) < size:
		return bad("ends after %d of %d bytes", len(data), size)
	case c.length == 0 || (logical|c.length)%uint64(f.sb.sectorsize) != 0 || logical > math.MaxInt64-c.length || c.length > math.MaxInt64:
		return bad("length %d", c.length)
	case b.LE64(16) != stripeLen:
		return bad("stripe length %d", b.LE64(16))
	case c.typ&blockTypeMask == 0 || bits.OnesCount64(profile) > 1:
		return bad("type %#x", c.typ)
	case profile&(profileRAID5|profileRAID6) != 0:
		return chunk{}, 0, binread.Unsupported(format, "RAID5/6")
	case profile == 0 && stripes != 1, profile == profileDUP && stripes != 2, stripes == 0:
		return bad("%d stripes for type %#x", stripes, c.typ)
	case profile != 0 && profile != profileDUP && !(profile == profileRAID0 && stripes == 1):
		return chunk{}, 0, binread.Unsupported(format, "a chunk of %d stripes over several devices (type %#x)", stripes, c.typ)
	}
	for i := range stripes {
		p := chunkSize + i*stripeSize
		if id := b.LE64(p); id != f.sb.devid {
			return chunk{}, 0, binread.Unsupported(format, "a chunk on device %d, which is missing,", id)
		}
		phys := b.LE64(p + 8)
		if phys > math.MaxInt64-c.length {
			return bad("stripe at %d", phys)
		}
		c.copies = append(c.copies, phys)
	}
	return c, size, nil
}

// sortChunks brings chunks in order; the same chunk twice is one, any other
// overlap is an error.
func sortChunks(cs []chunk) (chunkMap, error) {
	slices.SortStableFunc(cs, func(a, b chunk) int { return key{objectid: a.logical}.compare(key{objectid: b.logical}) })
	var out chunkMap
	for _, c := range cs {
		if n := len(out); n > 0 && c.logical < out[n-1].logical+out[n-1].length {
			o := out[n-1]
			if o.logical == c.logical && o.length == c.length && o.typ == c.typ && slices.Equal(o.copies, c.copies) {
				continue
			}
			return nil, binread.Errorf(format, -1, "the chunks at logical %d and %d overlap", o.logical, c.logical)
		}
		out = append(out, c)
	}
	return out, nil
}

// find returns the chunk that holds a logical address.
func (m chunkMap) find(logical uint64) (chunk, bool) {
	i, ok := slices.BinarySearchFunc(m, logical, func(c chunk, l uint64) int { return key{objectid: c.logical}.compare(key{objectid: l}) })
	if !ok {
		i--
	}
	if i < 0 || logical-m[i].logical >= m[i].length {
		return chunk{}, false
	}
	return m[i], true
}

// physical returns the byte offset of the first copy of a logical address and
// how many bytes follow it in one piece; -1 when nothing is there.
func (m chunkMap) physical(logical uint64) (at, n int64) {
	c, ok := m.find(logical)
	if !ok {
		return -1, 0
	}
	d := logical - c.logical
	return int64(c.copies[0] + d), int64(c.length - d)
}

// bootChunks reads the chunks of the superblock's system array, which lead to
// the chunk tree: btrfs_read_sys_array.
func (f *FS) bootChunks() error {
	a := f.sb.sysArray
	var cs []chunk
	for off := 0; off < len(a); {
		at := f.sb.at + int64(sysArrayOff+off)
		b := &binread.Buf{B: a[off:]}
		k := keyAt(b, 0)
		if b.Over() || k.typ != chunkItemKey {
			return binread.Errorf(format, at, "superblock: system chunk array has a key of type %d", k.typ)
		}
		c, n, err := f.parseChunk(k.offset, a[off+keySize:], at)
		if err != nil {
			return err
		}
		cs = append(cs, c)
		off += keySize + n
	}
	m, err := sortChunks(cs)
	f.chunks = m
	return err
}

// readChunks completes the map from the chunk tree.
func (f *FS) readChunks() error {
	cs := slices.Clone(f.chunks)
	root := root{id: chunkTreeID, bytenr: f.sb.chunkRoot, gen: f.sb.chunkGen, level: f.sb.chunkLevel}
	err := f.ascend(root, key{}, lastKey, func(it item) error {
		if it.key.typ != chunkItemKey {
			return nil
		}
		if len(cs) >= maxChunks {
			return binread.Errorf(format, f.where(it), "more than %d chunks", maxChunks)
		}
		c, _, err := f.parseChunk(it.key.offset, it.data, f.where(it))
		cs = append(cs, c)
		return err
	})
	if err != nil {
		return err
	}
	f.chunks, err = sortChunks(cs)
	return err
}
