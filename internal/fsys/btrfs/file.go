package btrfs

import (
	"fmt"
	"io"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// pieceSize is how much file data is read and verified at once.
const pieceSize = 256 << 10

// A file reads extents as it is asked: it keeps nothing but its inode.
type file struct {
	f *FS
	inode
}

func (f *FS) file(in inode) *file { return &file{f, in} }

// Open implements fsys.FS. Reads verify the checksums of file data, as Linux
// does, unless the file has none.
func (f *FS) Open(n fsys.Node) (fsys.File, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	if in.meta.Kind != fsys.Regular {
		return nil, fsys.ErrNotFile
	}
	return f.file(in), nil
}

// Size implements fsys.File.
func (x *file) Size() int64 { return x.meta.Size }

// ReadAt implements fsys.File.
func (x *file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, binread.Errorf(format, -1, "read at negative offset %d of a file", off)
	}
	if off >= x.meta.Size {
		return 0, io.EOF
	}
	want := len(p)
	if left := x.meta.Size - off; int64(want) > left {
		p = p[:left]
	}
	if len(p) == 0 {
		return 0, nil
	}
	clear(p)
	good := 0 // with an error: what is before the extent that has it, and the start of that
	end := off + int64(len(p))
	err := x.f.extents(x.tree.root, x.ino, off, end, func(e extent) error {
		lo, hi := max(off, e.start), min(end, e.end())
		if lo >= hi {
			return nil
		}
		n, err := x.f.readExtent(p[lo-off:hi-off], e, lo-e.start, x.flags&inodeNoDataSum == 0)
		good = int(lo-off) + n
		if err != nil {
			return fmt.Errorf("subvolume %d, inode %d, byte %d: %w", x.tree.root.id, x.ino, lo+int64(n), err)
		}
		return nil
	})
	if err != nil {
		return good, err
	}
	if len(p) < want {
		return len(p), io.EOF
	}
	return len(p), nil
}

// readExtent fills p, which is zero, from byte pos of e's piece, and returns
// how many bytes are good.
func (f *FS) readExtent(p []byte, e extent, pos int64, verify bool) (int, error) {
	switch {
	case e.zeroed():
		return len(p), nil
	case e.kind == extentInline && e.compression == compressNone:
		copy(p, e.inline()[pos:])
		return len(p), nil
	case e.kind == extentInline:
		b, err := f.codecs.unpack(e.compression, e.inline(), int(e.ram), int(f.sb.sectorsize))
		if err != nil {
			return 0, binread.Errorf(format, f.where(e.it), "inline data: %v", err)
		}
		copy(p, b[min(int64(len(b)), pos):])
		return len(p), nil
	case e.compression == compressNone:
		return f.readData(p, e.disk+e.offset+uint64(pos), verify)
	}
	b, err := f.unpackExtent(e, verify)
	if err != nil {
		return 0, err
	}
	from := min(uint64(len(b)), e.offset+uint64(pos))
	copy(p, b[from:])
	return len(p), nil
}

// A plainExtent is a decompressed extent in the cache.
type plainExtent struct {
	gen, diskLen, ram uint64
	compression       uint8
	verified          bool
	b                 []byte
}

// unpackExtent decompresses a whole extent, or finds it in the cache. Items
// that tell different things of one address do not share it.
func (f *FS) unpackExtent(e extent, verify bool) ([]byte, error) {
	want := plainExtent{gen: e.gen, diskLen: e.diskLen, ram: e.ram, compression: e.compression, verified: verify}
	if c, ok := f.plain.get(e.disk); ok {
		have := *c
		have.b = nil
		if have.gen == want.gen && have.diskLen == want.diskLen && have.ram == want.ram &&
			have.compression == want.compression && (have.verified || !verify) {
			return c.b, nil
		}
	}
	packed := make([]byte, e.diskLen)
	if _, err := f.readData(packed, e.disk, verify); err != nil {
		return nil, err
	}
	b, err := f.codecs.unpack(e.compression, packed, int(e.ram), int(f.sb.sectorsize))
	if err != nil {
		at, _ := f.chunks.physical(e.disk)
		return nil, binread.Errorf(format, at, "compressed data: %v", err)
	}
	want.b = b
	f.plain.put(e.disk, &want, cap(b)+64)
	return b, nil
}

// readData fills p from a logical address, verifying whole sectors. It
// returns how many bytes are good.
func (f *FS) readData(p []byte, logical uint64, verify bool) (int, error) {
	sector := uint64(f.sb.sectorsize)
	var room []byte // one sector, for ends that are not aligned
	for done := 0; done < len(p); {
		at, left := logical+uint64(done), len(p)-done
		if at%sector == 0 && uint64(left) >= sector {
			n := min(left, pieceSize)
			n -= n % int(sector)
			if good, err := f.readSectors(p[done:done+n], at, verify); err != nil {
				return done + good, err
			}
			done += n
			continue
		}
		if room == nil {
			room = make([]byte, sector)
		}
		skip := at % sector
		if _, err := f.readSectors(room, at-skip, verify); err != nil {
			return done, err
		}
		done += copy(p[done:], room[skip:])
	}
	return len(p), nil
}

// readSectors fills p, whole sectors, from an aligned logical address. A
// sector whose checksum is wrong is taken from the second copy if there is
// one. It returns how many bytes are good.
func (f *FS) readSectors(p []byte, logical uint64, verify bool) (int, error) {
	var sums sums
	if verify {
		var err error
		if sums, err = f.dataSums(logical, len(p)); err != nil {
			return 0, err
		}
	}
	size := int(f.sb.sectorsize)
	for done := 0; done < len(p); {
		c, ok := f.chunks.find(logical + uint64(done))
		if !ok {
			return done, binread.Errorf(format, -1, "file data at logical %d is outside every chunk", logical+uint64(done))
		}
		d := logical + uint64(done) - c.logical
		n := int(min(uint64(len(p)-done), c.length-d))
		whole := binread.Full(f.r, format, p[done:done+n], int64(c.copies[0]+d))
		for i := done; i < done+n; i += size {
			s := p[i : i+size]
			err := whole
			if err == nil {
				err = f.sectorError(s, sums, i/size, int64(c.copies[0]+d)+int64(i-done))
			}
			for _, other := range c.copies[1:] {
				if err == nil {
					break
				}
				at := int64(other+d) + int64(i-done)
				if e := binread.Full(f.r, format, s, at); e == nil && f.sectorError(s, sums, i/size, at) == nil {
					err = nil
				}
			}
			if err != nil {
				return i, err
			}
		}
		done += n
	}
	return len(p), nil
}
