package ext4

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// A found is where an entry of a directory is: in the n bytes at off of the
// volume, a block or the part of an inode, with the entry before it, or -1.
type found struct {
	dir  uint32
	off  int64
	n    int64
	prev int
	at   dirent
}

// Remove implements fsys.Editor. A directory with an entry that cannot be read
// before the name is not changed, and neither is lost+found, which e2fsck
// wants.
func (e *Editor) Remove(dir fsys.Node, name string) error {
	if err := e.ready(); err != nil {
		return err
	}
	in, err := e.live(dir)
	if err != nil {
		return err
	}
	if in.kind() != fsys.Directory {
		return fsys.ErrNotDir
	}
	if err := e.own(in); err != nil {
		return err
	}
	want, ok := diskName(in, name)
	if !ok || name == "." || name == ".." || want == "" {
		return fmt.Errorf("ext4: %q in inode %d: %w", name, in.ino, fsys.ErrNotExist)
	}
	if in.ino == rootIno && name == "lost+found" {
		return cannot(in.ino, "keeps lost+found")
	}
	x, err := e.find(in, want)
	if err != nil {
		return err
	}
	t := e.begin()
	if err := t.removeEntry(in, x); err != nil {
		return err
	}
	if err := t.unlink(in, x.at.ino); err != nil {
		return err
	}
	if err := t.apply(); err != nil {
		return err
	}
	e.lastDir = x
	return nil
}

// find looks for a name, first where the last one was removed.
func (e *Editor) find(dir inode, name string) (found, error) {
	if x := e.lastDir; x.dir == dir.ino && !e.inline(dir) {
		if b, err := e.cache.bytes(x.off, x.n); err == nil {
			if ok, err := e.findIn(dir, &x, b, name); ok || err != nil {
				return x, err
			}
		}
	}
	x := found{dir: dir.ino}
	err := e.eachDirBlock(dir, func(b []byte, off, _ int64) error {
		x.off, x.n = off, int64(len(b))
		ok, err := e.findIn(dir, &x, b, name)
		if ok {
			return fsys.ErrStop
		}
		return err
	})
	switch err {
	case nil:
		return x, fmt.Errorf("ext4: %q in inode %d: %w", name, dir.ino, fsys.ErrNotExist)
	case fsys.ErrStop:
		return x, nil
	}
	return x, err
}

func (e *Editor) findIn(dir inode, x *found, b []byte, name string) (bool, error) {
	x.prev = -1
	err := e.eachEntry(dir, b, x.off, func(d dirent) error {
		if d.ino != 0 && string(d.name) == name {
			x.at = d
			return fsys.ErrStop
		}
		x.prev = d.off
		return nil
	})
	if err == fsys.ErrStop {
		return true, nil
	}
	return false, err
}

// eachDirBlock visits the blocks of a directory, or the two parts of an inline
// one, and where they are. It fails at a hole and at a wrong checksum.
func (f *FS) eachDirBlock(dir inode, yield func(b []byte, off, lblk int64) error) error {
	if f.inline(dir) {
		tail, at, err := f.inlineTail(dir)
		if err == nil {
			err = yield(dir.iblock()[4:], dir.off+0x2C, 0)
		}
		if err == nil && len(tail) > 0 {
			err = yield(tail, at, 0)
		}
		return err
	}
	size := f.size(dir)
	if size > maxDirSize {
		return binread.Errorf(format, dir.off+4, "directory inode %d of %d bytes is over the bound", dir.ino, size)
	}
	d := dirReader{f: f, in: dir}
	end, next := (size+f.bs-1)/f.bs, int64(0)
	err := f.walkMap(dir, 0, func(e extent) error {
		if e.lblk != next && next < end || e.unwritten {
			return binread.Errorf(format, dir.off, "directory inode %d has a hole at block %d", dir.ino, next)
		}
		next = e.end()
		for i := range max(min(e.n, end-e.lblk), 0) {
			off, lblk := (e.pblk+i)*f.bs, e.lblk+i
			b, err := f.cache.bytes(off, f.bs)
			if err != nil {
				return err
			}
			if !d.sumOK(b, lblk) {
				return binread.Errorf(format, off, "block %d of directory inode %d has a wrong checksum", lblk, dir.ino)
			}
			if err := yield(b, off, lblk); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && next < end {
		return binread.Errorf(format, dir.off, "directory inode %d has a hole at block %d", dir.ino, next)
	}
	return err
}

// removeEntry takes an entry away: the one before it grows over it, or the
// first of its block becomes an unused one. Its bytes become zero.
func (t *tx) removeEntry(dir inode, x found) error {
	f := t.e.FS
	if f.inline(dir) {
		if _, err := t.inode(dir.ino); err != nil { // which has to be summed
			return err
		}
	}
	b, err := t.bytes(x.off, x.n)
	if err != nil {
		return err
	}
	e := b[x.at.off : x.at.off+x.at.rec]
	t.zeroed += int64(8 + len(x.at.name))
	if x.prev >= 0 {
		clear(e)
		f.putRecLen(b[x.prev:], f.recLen(b[x.prev:])+x.at.rec)
	} else {
		clear(e[:4])
		clear(e[6:])
	}
	if !f.inline(dir) {
		f.sumDirBlock(dir, b)
	}
	return nil
}

// putRecLen encodes rec_len as recLen decodes it.
func (f *FS) putRecLen(b []byte, n int) {
	switch {
	case f.bs < maxBlockSize:
	case n >= maxBlockSize:
		n = 0xFFFF
	default:
		n = n&0xFFFC | n>>16&3
	}
	le.PutUint16(b[4:], uint16(n))
}

// sumDirBlock makes the checksum of a leaf of a directory.
func (f *FS) sumDirBlock(dir inode, b []byte) {
	if f.metaCsum() {
		tail := len(b) - dirTailSize
		le.PutUint32(b[tail+8:], crc32c(f.inodeSeed(dir), b[:tail]))
	}
}

// unlink takes one name from an inode, and gives it back with the last one.
func (t *tx) unlink(dir inode, ino uint32) error {
	f := t.e.FS
	if ino > f.inodes || ino < f.firstIno {
		return binread.Errorf(format, dir.off, "directory inode %d names inode %d", dir.ino, ino)
	}
	in, err := t.inode(ino)
	if err != nil {
		return err
	}
	if err := f.own(in); err != nil {
		return err
	}
	if in.kind() == fsys.Directory {
		if err := t.unlinkDir(dir, in); err != nil {
			return err
		}
		return t.release(in)
	}
	if n := in.nlink(); n > 1 {
		le.PutUint16(in.b[0x1A:], uint16(n-1))
		return nil
	}
	return t.release(in)
}

// unlinkDir checks that a directory is empty and takes its ".." from the links
// of its parent. A parent with one link has too many to count
// (EXT4_FEATURE_RO_COMPAT_DIR_NLINK), and e2fsck wants it counted again once
// they are few.
func (t *tx) unlinkDir(parent, in inode) error {
	f := t.e.FS
	up := uint32(0)
	if f.inline(in) {
		up = le.Uint32(in.iblock())
	}
	err := f.eachDirBlock(in, func(b []byte, off, lblk int64) error {
		return f.eachEntry(in, b, off, func(d dirent) error {
			switch n := string(d.name); {
			case d.ino == 0 || n == ".":
			case n == "..":
				up = d.ino
			default:
				return cannot(in.ino, "is a directory that is not empty")
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if up != parent.ino || in.nlink() != 2 {
		return binread.Errorf(format, in.off, "directory inode %d with %d links has its parent in inode %d", in.ino, in.nlink(), up)
	}
	p, err := t.inode(parent.ino)
	if err != nil {
		return err
	}
	switch n := p.nlink(); {
	case n == 1:
		return cannot(p.ino, "has more directories than it can count")
	case n == 2:
		return binread.Errorf(format, p.off+0x1A, "directory inode %d has fewer links than directories", p.ino)
	default:
		le.PutUint16(p.b[0x1A:], uint16(n-1))
	}
	return nil
}
