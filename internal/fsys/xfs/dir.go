package xfs

import (
	"errors"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	dirLeafOffset = 32 << 30 // XFS_DIR2_LEAF_OFFSET: from here on a directory holds hashes, not names
	dirBlockV2    = 0x58443242
	dirBlockV3    = 0x58444233 // "XDB3": a directory of one block, which ends in its hashes
	dirDataV2     = 0x58443244
	dirDataV3     = 0x58444433 // "XDD3"
	dirFreeTag    = 0xffff
	dirRead       = 256 << 10 // bytes of directory blocks read at once
)

// dirKinds is XFS_DIR3_FT_*; 8 is a whiteout, a character device 0:0.
var dirKinds = [...]fsys.Kind{
	fsys.Unknown, fsys.Regular, fsys.Directory, fsys.CharDevice, fsys.BlockDevice, fsys.FIFO, fsys.Socket, fsys.Symlink,
	fsys.CharDevice,
}

// A dirReader yields the names of one directory. A broken entry or block is
// passed over and its error kept, so that what else is there is still seen.
type dirReader struct {
	fs    *FS
	ino   *inode
	yield func(fsys.Entry) error
	err   error // the first broken place
}

// ReadDir yields the entries of a directory. Only the blocks that hold names
// are followed; the hash index is not looked at.
func (fs *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	i, err := fs.inode(uint64(n))
	if err != nil {
		return err
	}
	if i.kind() != fsys.Directory {
		return fsys.ErrNotDir
	}
	d := dirReader{fs: fs, ino: i, yield: yield}
	if i.dataFork().format == formatLocal {
		err = d.short()
	} else {
		err = d.blocks()
	}
	if errors.Is(err, fsys.ErrStop) {
		return nil
	}
	if err != nil {
		return err
	}
	return d.err
}

func (d *dirReader) note(err error) {
	if d.err == nil {
		d.err = err
	}
}

// entry yields one name, which lies at byte off.
func (d *dirReader) entry(off int64, name []byte, ino uint64, ftype byte) error {
	s := string(name)
	if s == "." || s == ".." {
		return nil
	}
	if s == "" || strings.ContainsAny(s, "/\x00") {
		d.note(binread.Errorf(format, off, "directory %d has the impossible name %q", d.ino.number, s))
		return nil
	}
	e := fsys.Entry{Name: s, Node: fsys.Node(ino)}
	if int(ftype) < len(dirKinds) {
		e.Kind = dirKinds[ftype]
	}
	return d.yield(e)
}

// short reads a directory that lies in its inode: struct xfs_dir2_sf_hdr.
func (d *dirReader) short() error {
	f := d.ino.dataFork()
	b, base := f.b, d.ino.off+int64(f.off)
	if d.ino.size() < int64(len(b)) {
		b = b[:d.ino.size()]
	}
	buf := binread.Buf{B: b}
	n, width, extra := int(buf.U8(0)), 4, 0
	if buf.U8(1) > 0 {
		width = 8
	}
	if d.fs.fType {
		extra = 1
	}
	for at := 2 + width; n > 0; n-- {
		length := int(buf.U8(at))
		name := buf.Bytes(at+3, length)
		tail := at + 3 + length
		num := buf.Bytes(tail+extra, width)
		ftype := byte(0)
		if extra == 1 {
			ftype = buf.U8(tail)
		}
		if buf.Over() {
			return binread.Errorf(format, base+int64(at), "directory %d: an entry ends outside of the inode", d.ino.number)
		}
		ino := uint64(be.Uint32(num))
		if width == 8 {
			ino = be.Uint64(num)
		}
		if err := d.entry(base+int64(at), name, ino, ftype); err != nil {
			return err
		}
		at = tail + extra + width
	}
	return nil
}

// blocks reads all data blocks of a directory.
func (d *dirReader) blocks() error {
	exts, err := d.ino.dataFork().extentList()
	if err != nil {
		d.note(err)
	}
	size := d.fs.dirBlock
	end := int64(0) // of the part that holds names
	for _, e := range exts {
		if e.logical < dirLeafOffset {
			end = min(e.end(), dirLeafOffset)
		}
	}
	buf := make([]byte, min(max(dirRead, size), (end+size-1)/size*size))
	for at := int64(0); at < end; {
		at = nextMapped(exts, at) / size * size
		if at >= end {
			break
		}
		n := min(int64(len(buf)), (end-at+size-1)/size*size, mappedRun(exts, at, size))
		if _, err := readExtents(d.fs.dev, exts, buf[:n], at); err != nil {
			d.note(err)
			at += n
			continue
		}
		for o := int64(0); o < n; o += size {
			if err := d.block(exts, at+o, buf[o:o+size]); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// nextMapped is the first offset at or after at that is mapped.
func nextMapped(exts []extent, at int64) int64 {
	k := extentAt(exts, at)
	if k == len(exts) {
		return dirLeafOffset
	}
	return max(at, exts[k].logical)
}

// mappedRun is how many whole directory blocks from at on lie in one extent,
// in bytes, and at least one.
func mappedRun(exts []extent, at, size int64) int64 {
	k := extentAt(exts, at)
	return max((exts[k].end()-at)/size*size, size)
}

// block reads one directory block: struct xfs_dir2_data_hdr or xfs_dir3_data_hdr
// and then entries. at is its offset in the directory.
func (d *dirReader) block(exts []extent, at int64, b []byte) error {
	k := extentAt(exts, at)
	off := exts[k].physical + max(0, at-exts[k].logical)
	magic := be.Uint32(b)
	pos, end := 16, len(b)
	switch {
	case d.fs.v5 && (magic == dirBlockV3 || magic == dirDataV3):
		pos = 64
		if err := d.fs.checkMeta(b, off, magic); err != nil {
			d.note(err)
			return nil
		}
	case d.fs.v5 || magic != dirBlockV2 && magic != dirDataV2:
		d.note(binread.Errorf(format, off, "directory %d: bad magic number %#x", d.ino.number, magic))
		return nil
	}
	if magic == dirBlockV2 || magic == dirBlockV3 {
		hashes := be.Uint32(b[len(b)-8:])
		if int64(hashes) > int64(len(b)-8-pos)/8 {
			d.note(binread.Errorf(format, off+int64(len(b))-8, "directory %d: %d hashes in one block", d.ino.number, hashes))
			return nil
		}
		end = len(b) - 8 - 8*int(hashes)
	}
	return d.entries(off, b[:end], pos)
}

// entries yields the entries of b from pos on; off is where b lies when the
// block is in one piece.
func (d *dirReader) entries(off int64, b []byte, pos int) error {
	extra := 0
	if d.fs.fType {
		extra = 1
	}
	broken := func(at int, what string) {
		d.note(binread.Errorf(format, off+int64(at), "directory %d: %s", d.ino.number, what))
	}
	for pos < len(b) {
		if len(b)-pos < 8 {
			broken(pos, "the entries do not end with the block")
			return nil
		}
		if be.Uint16(b[pos:]) == dirFreeTag {
			n := int(be.Uint16(b[pos+2:]))
			if n == 0 || n%8 != 0 || n > len(b)-pos {
				broken(pos, "an unused entry of impossible length")
				return nil
			}
			pos += n
			continue
		}
		if len(b)-pos < 16 {
			broken(pos, "the entries do not end with the block")
			return nil
		}
		length := int(b[pos+8])
		n := (9 + length + extra + 2 + 7) &^ 7
		if n > len(b)-pos {
			broken(pos, "an entry reaches over the end of its block")
			return nil
		}
		ftype := byte(0)
		if extra == 1 {
			ftype = b[pos+9+length]
		}
		if err := d.entry(off+int64(pos), b[pos+9:pos+9+length], be.Uint64(b[pos:]), ftype); err != nil {
			return err
		}
		pos += n
	}
	return nil
}
