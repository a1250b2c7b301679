package ext4

import (
	"bytes"
	"encoding/base64"
	"errors"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// Bounds on one directory.
const (
	maxDirSize   = 4 << 30 // bytes: forty million names
	maxBadBlocks = 16      // broken blocks before the rest is given up
)

// The tail that holds the checksum of a directory block (ext4_dir_entry_tail):
// an unused entry of 12 bytes with a file type of its own.
const (
	dirTailSize = 12
	dirTailType = 0xDE
)

// ReadDir implements fsys.FS. An indexed directory is read block by block,
// since the index is made to look like unused entries. Blocks behind a broken
// one are read as well; the error names the first. Names in an encrypted
// directory are base64url of the bytes on disk.
func (f *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	in, err := f.live(n)
	if err != nil {
		return err
	}
	if in.kind() != fsys.Directory {
		return fsys.ErrNotDir
	}
	d := dirReader{f: f, in: in, yield: yield, encrypted: in.has(flagEncrypt)}
	if f.inline(in) {
		err = d.inline()
	} else {
		err = d.blocks()
	}
	if errors.Is(err, fsys.ErrStop) {
		return nil
	}
	if err == nil {
		err = d.broken
	}
	return err
}

type dirReader struct {
	f         *FS
	in        inode
	yield     func(fsys.Entry) error
	encrypted bool
	broken    error // the first one
	bad       int
}

// fail notes what is broken; it returns an error once there is too much of it.
func (d *dirReader) fail(err error) error {
	if d.broken == nil {
		d.broken = err
	}
	if d.bad++; d.bad >= maxBadBlocks {
		return d.broken
	}
	return nil
}

// inline reads a directory in i_block, after the parent's inode number, and in
// the attribute system.data.
func (d *dirReader) inline() error {
	tail, at, err := d.f.inlineTail(d.in)
	if err != nil {
		return err
	}
	if err := d.entries(d.in.iblock()[4:], d.in.off+0x2C); err != nil {
		return err
	}
	return d.entries(tail, at)
}

func (d *dirReader) blocks() error {
	f, size := d.f, d.f.size(d.in)
	if size > maxDirSize {
		return binread.Errorf(format, d.in.off+4, "directory inode %d of %d bytes is over the bound", d.in.ino, size)
	}
	end := (size + f.bs - 1) / f.bs
	next := int64(0)
	err := f.walkMap(d.in, 0, func(e extent) error {
		if e.lblk > next && next < end {
			if err := d.hole(next); err != nil {
				return err
			}
		}
		next = e.end()
		if e.lblk >= end || e.unwritten {
			return nil
		}
		for i := range min(e.n, end-e.lblk) {
			if err := d.block(e.lblk+i, e.pblk+i); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && next < end {
		return d.hole(next)
	}
	return err
}

func (d *dirReader) hole(lblk int64) error {
	return d.fail(binread.Errorf(format, d.in.off, "directory inode %d has a hole at block %d", d.in.ino, lblk))
}

func (d *dirReader) block(lblk, pblk int64) error {
	at := pblk * d.f.bs
	b, err := d.f.cache.bytes(at, d.f.bs)
	if err == nil && !d.sumOK(b, lblk) {
		err = binread.Errorf(format, at, "block %d of directory inode %d has a wrong checksum", lblk, d.in.ino)
	}
	if err != nil {
		return d.fail(err)
	}
	return d.entries(b, at)
}

// sumOK checks the checksum of a leaf, or of an index block, which begins with
// an entry that spans it (dx_node) or with "." and a ".." that does (dx_root).
func (d *dirReader) sumOK(b []byte, lblk int64) bool {
	f := d.f
	if !f.metaCsum() {
		return true
	}
	seed := f.inodeSeed(d.in)
	if d.in.has(flagIndex) {
		switch {
		case lblk == 0 && f.recLen(b) == 12 && f.recLen(b[12:]) == len(b)-12 && b[24+5] == 8:
			return dxSumOK(seed, b, 0x20)
		case lblk > 0 && le.Uint32(b) == 0 && f.recLen(b) == len(b):
			return dxSumOK(seed, b, 8)
		}
	}
	t := b[len(b)-dirTailSize:]
	return le.Uint32(t) == 0 && le.Uint16(t[4:]) == dirTailSize && t[6] == 0 && t[7] == dirTailType &&
		crc32c(seed, b[:len(b)-dirTailSize]) == le.Uint32(t[8:])
}

// dxSumOK checks an index block whose dx_countlimit is at off: the sum is over
// the used entries and the zeroed dx_tail behind the last possible one.
func dxSumOK(seed uint32, b []byte, off int) bool {
	limit, count := int(le.Uint16(b[off:])), int(le.Uint16(b[off+2:]))
	tail := off + 8*limit
	if count > limit || tail+8 > len(b) {
		return false
	}
	return crc32cHole(crc32c(seed, b[:off+8*count]), b[tail:tail+8], 4, 4) == le.Uint32(b[tail+4:])
}

// recLen decodes rec_len, whose low bits extend it in blocks of 64 KiB.
func (f *FS) recLen(b []byte) int {
	n := int(le.Uint16(b[4:]))
	if f.bs < maxBlockSize {
		return n
	}
	if n == 0xFFFF || n == 0 {
		return maxBlockSize
	}
	return n&^3 | n&3<<16
}

// A dirent is one entry of a directory, used or not, at byte off of its block.
type dirent struct {
	off, rec int
	ino      uint32 // 0: not used
	name     []byte
	kind     byte // file_type
}

// eachEntry visits all entries of b, a block or the part of one in an inode,
// found at byte at. It ends with the first broken one or yield's first error.
func (f *FS) eachEntry(in inode, b []byte, at int64, yield func(dirent) error) error {
	for o := 0; o < len(b); {
		here := at + int64(o)
		if o+8 > len(b) {
			return binread.Errorf(format, here, "directory inode %d: an entry is cut off", in.ino)
		}
		e := b[o:]
		rec, nameLen := f.recLen(e), int(e[6])
		if rec < 8 || rec%4 != 0 || rec > len(e) || rec < 8+nameLen {
			return binread.Errorf(format, here, "directory inode %d: an entry of %d bytes with a name of %d", in.ino, rec, nameLen)
		}
		if err := yield(dirent{o, rec, le.Uint32(e), e[8 : 8+nameLen], e[7]}); err != nil {
			return err
		}
		o += rec
	}
	return nil
}

// entries yields the names in b, a block or the part of one in an inode.
func (d *dirReader) entries(b []byte, at int64) error {
	var stop error
	err := d.f.eachEntry(d.in, b, at, func(e dirent) error {
		if e.ino == 0 {
			return nil
		}
		kind := fsys.Unknown
		if d.f.incompat&incompatFiletype != 0 {
			kind = entryKind(e.kind)
		}
		stop = d.entry(e.ino, e.name, kind, at+int64(e.off))
		return stop
	})
	if err != nil && stop == nil {
		return d.fail(err)
	}
	return stop
}

func (d *dirReader) entry(ino uint32, name []byte, kind fsys.Kind, at int64) error {
	switch {
	case string(name) == "." || string(name) == "..":
		return nil
	case ino > d.f.inodes:
		return d.fail(binread.Errorf(format, at, "directory inode %d names inode %d of %d", d.in.ino, ino, d.f.inodes))
	case d.encrypted && len(name) > 0:
		return d.yield(fsys.Entry{Name: base64.RawURLEncoding.EncodeToString(name), Node: fsys.Node(ino), Kind: kind})
	case len(name) == 0 || bytes.IndexByte(name, '/') >= 0 || bytes.IndexByte(name, 0) >= 0:
		return d.fail(binread.Errorf(format, at, "directory inode %d: the name %q is impossible", d.in.ino, name))
	}
	return d.yield(fsys.Entry{Name: string(name), Node: fsys.Node(ino), Kind: kind})
}

// entryKind turns a directory entry's file type into a Kind.
func entryKind(t byte) fsys.Kind {
	kinds := [...]fsys.Kind{fsys.Unknown, fsys.Regular, fsys.Directory, fsys.CharDevice,
		fsys.BlockDevice, fsys.FIFO, fsys.Socket, fsys.Symlink}
	if int(t) < len(kinds) {
		return kinds[t]
	}
	return fsys.Unknown
}
