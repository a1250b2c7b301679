package btrfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	superSize   = 4096
	superMagic  = "_BHRfS_M"
	sysArrayOff = 811
	sysArrayMax = 2048
)

// superOffsets are where the superblock and its mirrors are: BTRFS_SUPER_INFO_OFFSET
// and btrfs_sb_offset in fs/btrfs/disk-io.h.
var superOffsets = [...]int64{64 << 10, 64 << 20, 256 << 30}

// Feature bits: include/uapi/linux/btrfs.h, BTRFS_FEATURE_*.
const (
	incompatNoHoles      = 1 << 9
	incompatMetadataUUID = 1 << 10
	incompatZoned        = 1 << 12
	incompatExtentTreeV2 = 1 << 13
	incompatStripeTree   = 1 << 14
	incompatSimpleQuota  = 1 << 16
	incompatRead         = 1<<12 - 1 | incompatSimpleQuota // those whose volumes are read here; RAID56 fails on its chunks

	compatROBlockGroupTree = 1 << 3

	superFlagMetadump   = 1 << 33
	superFlagMetadumpV2 = 1 << 34
)

// A super is the part of btrfs_super_block that is used, checked.
type super struct {
	at         int64 // byte offset of the copy that was used
	fsid       [16]byte
	nodeFsid   [16]byte // what tree blocks carry
	flags      uint64
	generation uint64
	root       uint64
	chunkRoot  uint64
	logRoot    uint64
	totalBytes uint64
	bytesUsed  uint64
	rootDir    uint64
	devices    uint64
	sectorsize uint32
	nodesize   uint32
	chunkGen   uint64
	compatRO   uint64
	incompat   uint64
	rootLevel  uint8
	chunkLevel uint8
	logLevel   uint8
	devid      uint64
	devBytes   uint64
	label      string
	sysArray   []byte
	sums       summer
}

// readSuper returns the superblock. The first copy alone decides whether the
// volume is btrfs and is used whenever it is intact, as Linux does: a mirror
// can be a relic under another file system. When the first is damaged, the
// intact mirror of the newest generation stands in, and problems say so.
func readSuper(r io.ReaderAt, size int64) (*super, []fsys.Problem, error) {
	if size < superOffsets[0]+superSize {
		return nil, nil, binread.ErrNotMine
	}
	var first error
	var best *super
	for i, off := range superOffsets {
		if off > size-superSize {
			break
		}
		b, err := binread.At(r, format, off, superSize, superSize)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 && string(b[64:72]) != superMagic {
			return nil, nil, binread.ErrNotMine
		}
		s, err := parseSuper(b, off)
		switch {
		case i == 0 && err == nil:
			return s, nil, s.readable()
		case i == 0:
			first = err
			var un *binread.UnsupportedError
			if errors.As(err, &un) {
				return nil, nil, err
			}
		case err == nil && (best == nil || s.generation > best.generation):
			best = s
		}
	}
	if best == nil {
		return nil, nil, first
	}
	return best, []fsys.Problem{{
		Kind:   finding.GapCorrupt,
		Detail: fmt.Sprintf("the first superblock is damaged (%v); its mirror at byte %d was used, which Linux does not do", first, best.at),
	}}, best.readable()
}

func parseSuper(raw []byte, at int64) (*super, error) {
	b := &binread.Buf{B: raw}
	fail := func(field int64, msg string, args ...any) (*super, error) {
		return nil, binread.Errorf(format, at+field, "superblock: "+msg, args...)
	}
	if string(raw[64:72]) != superMagic {
		return fail(64, "no magic")
	}
	s := &super{
		at: at, flags: b.LE64(56), generation: b.LE64(72), root: b.LE64(80), chunkRoot: b.LE64(88), logRoot: b.LE64(96),
		totalBytes: b.LE64(112), bytesUsed: b.LE64(120), rootDir: b.LE64(128), devices: b.LE64(136),
		sectorsize: b.LE32(144), nodesize: b.LE32(148), chunkGen: b.LE64(164), compatRO: b.LE64(180), incompat: b.LE64(188),
		rootLevel: b.U8(198), chunkLevel: b.U8(199), logLevel: b.U8(200), devid: b.LE64(201), devBytes: b.LE64(209),
	}
	copy(s.fsid[:], raw[32:])
	s.nodeFsid = s.fsid
	if s.incompat&incompatMetadataUUID != 0 {
		copy(s.nodeFsid[:], raw[571:])
	}
	label, _, _ := bytes.Cut(raw[299:555], []byte{0})
	s.label = string(label)
	var err error
	if s.sums, err = newSummer(b.LE16(196)); err != nil {
		return nil, err
	}
	n := b.LE32(160)
	switch {
	case !s.sums.ok(raw[32:], raw[:32]):
		return fail(0, "wrong checksum")
	case b.LE64(48) != uint64(at):
		return fail(48, "says it belongs at byte %d", b.LE64(48))
	case bits.OnesCount32(s.sectorsize) != 1 || s.sectorsize < 4096 || s.sectorsize > 65536:
		return fail(144, "sector size %d", s.sectorsize)
	case bits.OnesCount32(s.nodesize) != 1 || s.nodesize < s.sectorsize || s.nodesize > 65536:
		return fail(148, "node size %d", s.nodesize)
	case s.rootLevel > maxLevel || s.chunkLevel > maxLevel || s.logLevel > maxLevel:
		return fail(198, "tree levels %d, %d, %d", s.rootLevel, s.chunkLevel, s.logLevel)
	case (s.root|s.chunkRoot|s.logRoot)%uint64(s.sectorsize) != 0:
		return fail(80, "a tree root is not aligned")
	case s.totalBytes == 0 || s.totalBytes > math.MaxInt64 || s.devBytes > math.MaxInt64:
		return fail(112, "total size %d, device size %d", s.totalBytes, s.devBytes)
	case s.devices == 0:
		return fail(136, "no devices")
	case n > sysArrayMax:
		return fail(160, "system chunk array of %d bytes", n)
	}
	s.sysArray = raw[sysArrayOff : sysArrayOff+int(n)]
	return s, nil
}

// readable tells what of a good superblock is beyond this package.
func (s *super) readable() error {
	switch {
	case s.devices > 1:
		return binread.Unsupported(format, "a volume of %d devices, %d of them missing,", s.devices, s.devices-1)
	case s.incompat&incompatZoned != 0:
		return binread.Unsupported(format, "a zoned volume")
	case s.incompat&incompatExtentTreeV2 != 0:
		return binread.Unsupported(format, "extent tree v2")
	case s.incompat&incompatStripeTree != 0:
		return binread.Unsupported(format, "the RAID stripe tree")
	case s.incompat&^incompatRead != 0:
		return binread.Unsupported(format, "incompatible feature mask %#x", s.incompat&^incompatRead)
	}
	return nil
}

// problems lists what of the superblock the caller should make gaps of.
func (s *super) problems(size int64) (out []fsys.Problem) {
	if s.flags&(superFlagMetadump|superFlagMetadumpV2) != 0 {
		out = append(out, fsys.Problem{Kind: finding.GapUnsupported, Detail: "a metadata dump made by btrfs-image: it holds no file data"})
	}
	if s.devBytes > uint64(size) {
		out = append(out, fsys.Problem{Kind: finding.GapCorrupt,
			Detail: fmt.Sprintf("the volume has %d bytes, but the file system's device had %d", size, s.devBytes)})
	}
	return out
}
