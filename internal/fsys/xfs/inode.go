package xfs

import (
	"bytes"
	"slices"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	inodeMagic = 0x494e // "IN"
	coreV2     = 100    // bytes before the data fork: struct xfs_dinode up to version 2
	coreV3     = 176

	// di_format and di_aformat
	formatDev     = 0
	formatLocal   = 1
	formatExtents = 2
	formatBtree   = 3

	// di_mode
	modeType = 0xf000

	// di_flags and di_flags2
	flagRealtime  = 1 << 0
	flagImmutable = 1 << 3
	flagAppend    = 1 << 4
	flag2Reflink  = 1 << 1
	flag2BigTime  = 1 << 3
	flag2Nrext64  = 1 << 4
	flag2Metadata = 1 << 5

	bigTimeEpoch = -(1 << 31) // seconds: the start of bigtime is the least legacy time
)

// An inode is struct xfs_dinode, checked. b MUST NOT be changed.
type inode struct {
	fs     *FS
	number uint64
	off    int64 // on the volume
	b      []byte
}

func (i *inode) bad(at int, msg string, args ...any) error {
	return binread.Errorf(format, i.off+int64(at), "inode %d: "+msg, append([]any{i.number}, args...)...)
}

// check verifies what every reader of the inode relies on.
func (i *inode) check() error {
	if be.Uint16(i.b) != inodeMagic {
		return i.bad(0, "bad magic number %#x", be.Uint16(i.b))
	}
	v := i.b[4]
	if i.fs.v5 != (v == 3) || v < 1 || v > 3 {
		return i.bad(4, "version %d", v)
	}
	if i.fs.v5 {
		if err := checkSum(i.b, i.off, 100, "an inode"); err != nil {
			return err
		}
		if be.Uint64(i.b[152:]) != i.number {
			return i.bad(152, "says it is inode %d", be.Uint64(i.b[152:]))
		}
		if !bytes.Equal(i.b[160:176], i.fs.metaUUID[:]) {
			return i.bad(160, "belongs to another file system")
		}
	}
	if int(i.b[82])*8 > len(i.b)-i.core() {
		return i.bad(82, "attribute fork at %d", int(i.b[82])*8)
	}
	if i.size() < 0 {
		return i.bad(56, "negative size")
	}
	return nil
}

func (i *inode) core() int {
	if i.b[4] == 3 {
		return coreV3
	}
	return coreV2
}

func (i *inode) mode() uint16 { return be.Uint16(i.b[2:]) }
func (i *inode) size() int64  { return int64(be.Uint64(i.b[56:])) }
func (i *inode) flags() uint16 {
	return be.Uint16(i.b[90:])
}

func (i *inode) flags2() uint64 {
	if i.b[4] != 3 {
		return 0
	}
	return be.Uint64(i.b[120:])
}

// nlink is the number of names; version 1 kept it in 16 bits elsewhere.
func (i *inode) nlink() uint32 {
	if i.b[4] == 1 {
		return uint32(be.Uint16(i.b[6:]))
	}
	return be.Uint32(i.b[16:])
}

// A fork is one of the two mappings of an inode.
type fork struct {
	ino     *inode
	name    string
	format  uint8
	off     int    // in the inode
	b       []byte // the part of the inode that is its own
	extents uint64
}

func (i *inode) dataFork() fork {
	f := fork{ino: i, name: "data", format: i.b[5], off: i.core(), b: i.b[i.core():]}
	if n := int(i.b[82]) * 8; n != 0 {
		f.b = f.b[:n]
	}
	f.extents = uint64(be.Uint32(i.b[76:]))
	if i.flags2()&flag2Nrext64 != 0 {
		f.extents = be.Uint64(i.b[24:])
	}
	return f
}

// attrFork returns the attribute fork; ok is false when there is none.
func (i *inode) attrFork() (f fork, ok bool) {
	n := int(i.b[82]) * 8
	if n == 0 {
		return fork{}, false
	}
	f = fork{ino: i, name: "attribute", format: i.b[83], off: i.core() + n, b: i.b[i.core()+n:]}
	f.extents = uint64(be.Uint16(i.b[80:]))
	if i.flags2()&flag2Nrext64 != 0 {
		f.extents = uint64(be.Uint32(i.b[76:]))
	}
	return f, true
}

// time decodes the timestamp at off: two signed 32-bit numbers, or with
// bigtime one count of nanoseconds since 1901.
func (i *inode) time(off int) fsys.Time {
	v := be.Uint64(i.b[off:])
	if i.flags2()&flag2BigTime != 0 {
		return fsys.Time{Sec: int64(v/1e9) + bigTimeEpoch, Nsec: uint32(v % 1e9)}
	}
	return fsys.Time{Sec: int64(int32(v >> 32)), Nsec: uint32(v)}
}

func kindOfMode(m uint16) fsys.Kind {
	switch m & modeType {
	case 0x1000:
		return fsys.FIFO
	case 0x2000:
		return fsys.CharDevice
	case 0x4000:
		return fsys.Directory
	case 0x6000:
		return fsys.BlockDevice
	case 0x8000:
		return fsys.Regular
	case 0xa000:
		return fsys.Symlink
	case 0xc000:
		return fsys.Socket
	}
	return fsys.Unknown
}

func (i *inode) kind() fsys.Kind { return kindOfMode(i.mode()) }

func (i *inode) meta() fsys.Meta {
	m := fsys.Meta{
		Kind: i.kind(), Mode: i.mode() & 0o7777,
		UID: be.Uint32(i.b[8:]), GID: be.Uint32(i.b[12:]), Nlink: i.nlink(),
		Inode: i.number, Size: i.size(),
		Atime: i.time(32), Mtime: i.time(40), Ctime: i.time(48),
	}
	if i.b[4] == 3 {
		m.Btime = i.time(144)
	}
	if i.b[5] == formatDev && (m.Kind == fsys.CharDevice || m.Kind == fsys.BlockDevice) {
		// xfs_dinode_get_rdev: 14 bits of major (9 are used), 18 of minor number
		d := be.Uint32(i.b[i.core():])
		m.Rdev = d>>18&0x1ff<<20 | d&0x3ffff
	}
	for _, f := range []struct {
		set  bool
		flag fsys.Flags
	}{
		{i.flags()&flagImmutable != 0, fsys.Immutable},
		{i.flags()&flagAppend != 0, fsys.AppendOnly},
		{i.flags2()&flag2Reflink != 0, fsys.MayBeShared},
		{i.b[5] == formatLocal, fsys.Inline},
		// di_nblocks counts tree blocks too, so a few small holes can escape.
		{m.Kind == fsys.Regular && be.Uint64(i.b[64:]) < uint64(m.Size)>>i.fs.blockLog, fsys.Sparse},
	} {
		if f.set {
			m.Flags |= f.flag
		}
	}
	return m
}

// Stat returns what the inode says.
func (fs *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	i, err := fs.inode(uint64(n))
	if err != nil {
		return fsys.Meta{}, err
	}
	return i.meta(), nil
}

// hidden reports whether an inode belongs to the file system itself.
func (fs *FS) hidden(i *inode) bool {
	return slices.Contains(fs.internal[:], i.number) && i.number != 0 || i.flags2()&flag2Metadata != 0
}
