package ext4

import (
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// i_flags.
const (
	flagImmutable  = 0x10
	flagAppend     = 0x20
	flagEncrypt    = 0x800
	flagIndex      = 0x1000
	flagHugeFile   = 0x40000
	flagExtents    = 0x80000
	flagVerity     = 0x100000
	flagEAInode    = 0x200000
	flagInlineData = 0x10000000
	flagCasefold   = 0x40000000
)

// Reserved inodes: what is below s_first_ino has no name, but for the root.
const rootIno = 2

// s_creator_os whose inodes have no high halves of owners.
const osHurd = 1

// An inode is one raw, checked inode. b aliases the cache.
type inode struct {
	ino uint32
	off int64 // on the volume
	b   []byte
}

func (in inode) mode() uint16         { return le.Uint16(in.b) }
func (in inode) flags() uint32        { return le.Uint32(in.b[0x20:]) }
func (in inode) has(flag uint32) bool { return in.flags()&flag != 0 }
func (in inode) nlink() uint32        { return uint32(le.Uint16(in.b[0x1A:])) }
func (in inode) dtime() uint32        { return le.Uint32(in.b[0x14:]) }

// iblock is i_block: the map of the file, or its first bytes.
func (in inode) iblock() []byte { return in.b[0x28:0x64] }

// extra is i_extra_isize: the bytes used behind the first 128.
func (in inode) extra() int {
	if len(in.b) <= 128 {
		return 0
	}
	return int(le.Uint16(in.b[0x80:]))
}

func (in inode) kind() fsys.Kind {
	switch in.mode() >> 12 {
	case 1:
		return fsys.FIFO
	case 2:
		return fsys.CharDevice
	case 4:
		return fsys.Directory
	case 6:
		return fsys.BlockDevice
	case 8:
		return fsys.Regular
	case 10:
		return fsys.Symlink
	case 12:
		return fsys.Socket
	}
	return fsys.Unknown
}

// inodePlace is where inode ino is on the volume.
func (f *FS) inodePlace(ino uint32) (int64, error) {
	if ino == 0 || ino > f.inodes {
		return 0, binread.Errorf(format, -1, "inode %d of %d does not exist", ino, f.inodes)
	}
	g, err := f.group((ino - 1) / f.ipg)
	if err != nil {
		return 0, err
	}
	return g.inodeTable*f.bs + int64((ino-1)%f.ipg)*int64(f.inodeSize), nil
}

// readInode reads inode ino, in use or not, and checks its checksum.
func (f *FS) readInode(ino uint32) (inode, error) {
	off, err := f.inodePlace(ino)
	if err != nil {
		return inode{}, err
	}
	b, err := f.cache.bytes(off, int64(f.inodeSize))
	if err != nil {
		return inode{}, err
	}
	in := inode{ino, off, b}
	return in, f.checkInode(in)
}

// checkInode fails for an inode that the kernel would refuse as broken.
func (f *FS) checkInode(in inode) error {
	if !f.sumOK(in) {
		return binread.Errorf(format, in.off, "inode %d has a wrong checksum", in.ino)
	}
	if x := in.extra(); x%4 != 0 || x > max(len(in.b)-128, 0) {
		return binread.Errorf(format, in.off+0x80, "inode %d claims %d extra bytes", in.ino, x)
	}
	if f.size(in) < 0 {
		return binread.Errorf(format, in.off+0x6C, "inode %d claims a negative size", in.ino)
	}
	return nil
}

func (f *FS) sumOK(in inode) bool {
	if !f.metaCsum() {
		return true
	}
	c := f.inodeSum(in)
	if in.extra() < 4 {
		return uint16(c) == le.Uint16(in.b[0x7C:])
	}
	return c == uint32(le.Uint16(in.b[0x7C:]))|uint32(le.Uint16(in.b[0x82:]))<<16
}

// inodeSum is what the checksum of an inode must be: 32 bits where
// i_checksum_hi is there, else the lower 16 of them.
func (f *FS) inodeSum(in inode) uint32 {
	c := crc32cHole(f.inodeSeed(in), in.b[:0x7E], 0x7C, 2)
	if in.extra() < 4 {
		return crc32c(c, in.b[0x7E:])
	}
	return crc32cHole(c, in.b[0x7E:], 4, 2)
}

// inodeSeed starts the checksums of an inode and of its metadata blocks.
func (f *FS) inodeSeed(in inode) uint32 {
	return crc32c(crc32cLE32(f.seed, in.ino), in.b[0x64:0x68])
}

// live reads an inode that the guest can reach.
func (f *FS) live(n fsys.Node) (inode, error) {
	if n > fsys.Node(f.inodes) {
		return inode{}, binread.Errorf(format, -1, "inode %d of %d does not exist", n, f.inodes)
	}
	ino := uint32(n)
	if f.orphans.dead[ino] {
		return inode{}, fmt.Errorf("ext4: inode %d is deleted: %w", ino, fsys.ErrNotExist)
	}
	in, err := f.readInode(ino)
	if err == nil && in.mode() == 0 {
		err = binread.Errorf(format, in.off, "inode %d is not in use", ino)
	}
	return in, err
}

// size is i_size in bytes.
func (f *FS) size(in inode) int64 {
	n := int64(le.Uint32(in.b[4:]))
	if in.kind() == fsys.Regular || f.incompat&incompatLargeDir != 0 {
		n |= int64(le.Uint32(in.b[0x6C:])) << 32
	}
	return n
}

// allocated is i_blocks in bytes: what the file takes on the volume with its
// map and attributes.
func (f *FS) allocated(in inode) uint64 {
	n := uint64(le.Uint32(in.b[0x1C:]))
	if f.ro&roHugeFile != 0 {
		n |= uint64(le.Uint16(in.b[0x74:])) << 32
		if in.has(flagHugeFile) {
			return n * uint64(f.bs)
		}
	}
	return n * 512
}

// inline says that content lies in the inode itself.
func (f *FS) inline(in inode) bool {
	return f.incompat&incompatInlineData != 0 && in.has(flagInlineData)
}

// fileACL is the block with further extended attributes, or 0.
func (in inode) fileACL() int64 {
	return int64(le.Uint32(in.b[0x68:])) | int64(le.Uint16(in.b[0x76:]))<<32
}

// Stat implements fsys.FS. The flag Sparse is set when fewer bytes are
// allocated than the size says.
func (f *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	in, err := f.live(n)
	if err != nil {
		return fsys.Meta{}, err
	}
	return f.meta(in), nil
}

func (f *FS) meta(in inode) fsys.Meta {
	b := in.b
	m := fsys.Meta{
		Kind:  in.kind(),
		Mode:  in.mode() & 0o7777,
		UID:   uint32(le.Uint16(b[2:])),
		GID:   uint32(le.Uint16(b[0x18:])),
		Nlink: in.nlink(),
		Inode: uint64(in.ino),
		Size:  f.size(in),
		Atime: in.time(8, 0x8C),
		Ctime: in.time(0xC, 0x84),
		Mtime: in.time(0x10, 0x88),
	}
	if in.extra() >= 0x98-0x80 {
		m.Btime = in.time(0x90, 0x94)
	}
	if f.creatorOS != osHurd {
		m.UID |= uint32(le.Uint16(b[0x78:])) << 16
		m.GID |= uint32(le.Uint16(b[0x7A:])) << 16
	}
	if m.Kind == fsys.CharDevice || m.Kind == fsys.BlockDevice {
		m.Rdev = in.rdev()
	}
	for _, x := range []struct {
		on   uint32
		flag fsys.Flags
	}{{flagEncrypt, fsys.Encrypted}, {flagVerity, fsys.Verity}, {flagImmutable, fsys.Immutable}, {flagAppend, fsys.AppendOnly}} {
		if in.has(x.on) {
			m.Flags |= x.flag
		}
	}
	switch {
	case f.inline(in):
		m.Flags |= fsys.Inline
	case m.Kind == fsys.Regular && f.allocated(in) < uint64(m.Size):
		m.Flags |= fsys.Sparse
	}
	if f.ro&roSharedBlocks != 0 {
		m.Flags |= fsys.MayBeShared
	}
	return m
}

// time reads a time from its 32 signed bits at lo and, if the inode is large
// enough, the two epoch bits and the nanoseconds at hi.
func (in inode) time(lo, hi int) fsys.Time {
	t := fsys.Time{Sec: int64(int32(le.Uint32(in.b[lo:])))}
	if in.extra() >= hi+4-0x80 {
		x := le.Uint32(in.b[hi:])
		t.Sec += int64(x&3) << 32
		t.Nsec = x >> 2
	}
	return t
}

// rdev is major<<20 | minor from the old or the new encoding in i_block.
func (in inode) rdev() uint32 {
	if old := le.Uint32(in.iblock()); old != 0 {
		return (old>>8&0xFF)<<20 | old&0xFF
	}
	d := le.Uint32(in.iblock()[4:])
	return (d>>8&0xFFF)<<20 | d&0xFF | d>>12&0xFFF00
}
