package ext4

import (
	"errors"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// scanChunk is what Scan reads of an inode table at once.
const scanChunk = 256 << 10

// Scan implements fsys.InodeScanner. It yields the root and every inode in use
// that can have a name: not the journal and other inodes of the file system's
// own, not values of attributes, not deleted orphans. An inode without a link
// that is nevertheless in use is yielded. Broken inodes are passed over; the
// error at the end names the first of them and their number.
func (f *FS) Scan(yield func(fsys.Node, fsys.Meta) error) error {
	broken := brokenCount{}
	buf := make([]byte, scanChunk)
	for g := range f.groups {
		err := f.scanGroup(g, buf, &broken, yield)
		if errors.Is(err, fsys.ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return broken.err()
}

// A brokenCount remembers the first error and how many there were.
type brokenCount struct {
	n     int
	first error
}

// maxBroken ends a scan of what is broken all over.
const maxBroken = 4096

func (b *brokenCount) add(err error) error {
	if b.first == nil {
		b.first = err
	}
	if b.n++; b.n >= maxBroken {
		return b.err()
	}
	return nil
}

func (b *brokenCount) err() error {
	if b.n < 2 {
		return b.first
	}
	var fe *binread.FormatError
	if errors.As(b.first, &fe) {
		return binread.Errorf(format, fe.Offset, "%s (the first of %d broken places)", fe.Msg, b.n)
	}
	return b.first
}

func (f *FS) scanGroup(g uint32, buf []byte, broken *brokenCount, yield func(fsys.Node, fsys.Meta) error) error {
	used, d, n, err := f.usedInodes(g)
	if err != nil {
		if err := broken.add(err); err != nil {
			return err
		}
	}
	size := int64(f.inodeSize)
	per := uint32(int64(len(buf)) / size)
	for from := uint32(0); from < n; from += per {
		count := min(per, n-from)
		if used != nil && nextBit(used, int64(from), int64(from+count), 0xFF) == int64(from+count) {
			continue
		}
		at := d.inodeTable*f.bs + int64(from)*size
		b := buf[:int64(count)*size]
		if err := binread.Full(f.dev, format, b, at); err != nil {
			if err := broken.add(err); err != nil {
				return err
			}
			continue
		}
		for i := range count {
			bit := from + i
			if used != nil && used[bit/8]&(1<<(bit%8)) == 0 {
				continue
			}
			in := inode{ino: uint32(uint64(g)*uint64(f.ipg)) + bit + 1, off: at + int64(i)*size, b: b[int64(i)*size : int64(i+1)*size]}
			if err := f.scanInode(in, used != nil, broken, yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// usedInodes gives the inode bitmap of group g and how many inodes of it can
// be in use. The bitmap is nil if it cannot be believed.
func (f *FS) usedInodes(g uint32) (used []byte, d group, n uint32, err error) {
	d, err = f.group(g)
	if err != nil || d.flags&groupInodeUninit != 0 {
		return nil, d, 0, err
	}
	n = f.inodesOf(g)
	n -= min(n, d.unusedIno)
	used, err = f.bitmap(d.inodeBitmap, int64(f.ipg), d.inodeSum, "inode")
	return used, d, n, err
}

func (f *FS) scanInode(in inode, sure bool, broken *brokenCount, yield func(fsys.Node, fsys.Meta) error) error {
	if in.mode() == 0 || in.ino != rootIno && in.ino < f.firstIno || !sure && in.nlink() == 0 {
		return nil
	}
	if err := f.checkInode(in); err != nil {
		return broken.add(err)
	}
	if in.has(flagEAInode) || f.orphans.dead[in.ino] || f.compat&compatOrphanFile != 0 && in.ino == f.orphanFile {
		return nil
	}
	return yield(fsys.Node(in.ino), f.meta(in))
}
