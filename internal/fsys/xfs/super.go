package xfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"assay/internal/binread"
)

const (
	format     = "xfs"
	superMagic = 0x58465342 // "XFSB"
	superLen   = 512        // bytes of the super block that are read before the sector size is known

	// Bits of sb_versionnum and sb_features2 (version 4), and of
	// sb_features_incompat and sb_features_log_incompat (version 5).
	versionLogV2   = 0x0400
	versionDirV2   = 0x2000
	versionMore    = 0x8000
	features2FType = 0x0200

	features2LazyCount = 0x0002

	// Bits of sb_features_ro_compat (version 5): trees that only a writer has to know.
	roFreeInodes = 1 << 0 // finobt
	roReverseMap = 1 << 1 // rmapbt
	roReflink    = 1 << 2 // refcountbt
	roInodeCount = 1 << 3 // inobtcount: agi_iblocks and agi_fblocks
	roKnown      = roFreeInodes | roReverseMap | roReflink | roInodeCount

	incompatFType       = 1 << 0
	incompatSparse      = 1 << 1
	incompatMetaUUID    = 1 << 2
	incompatBigTime     = 1 << 3
	incompatNeedsRepair = 1 << 4
	incompatNrext64     = 1 << 5
	incompatExchange    = 1 << 6
	incompatParent      = 1 << 7
	incompatMetaDir     = 1 << 8
	incompatZoned       = 1 << 9
	incompatZoneGaps    = 1 << 10
	incompatKnown       = incompatFType | incompatSparse | incompatMetaUUID | incompatBigTime |
		incompatNeedsRepair | incompatNrext64 | incompatExchange | incompatParent

	logIncompatXattrs = 1 << 0

	maxAGs = 1 << 20 // allocation groups; a 16 TiB volume of the smallest usual groups has that many
)

var be = binary.BigEndian

// A super is the geometry and the features of one file system: struct xfs_dsb.
type super struct {
	v5         bool
	blockSize  int64
	sectorSize int64
	inodeSize  int64
	dirBlock   int64 // bytes of a directory block

	blockLog, inodeLog, inopLog, agLog uint // agLog: bits of a block number inside its group

	blocks            uint64 // of the whole data device
	agBlocks, agCount uint32
	inodeAlign        uint32 // blocks
	root              uint64
	internal          [5]uint64 // inodes that are not files: realtime bitmap and summary, quotas

	fType, sparse  bool
	inProgress     bool   // mkfs.xfs did not finish
	lazyCount      bool   // the counters of the super block are right only after an unmount
	roCompat       uint32 // version 5
	incompat       uint32
	logIncompat    uint32
	uuid, metaUUID [16]byte
	label          string
	realtime       uint64 // blocks of the realtime device; 0 for none

	logStart   uint64 // file system block; 0 for an external log
	logBlocks  uint32
	logVersion int
	logUnit    uint32 // bytes to which records are rounded up; 0 or 1 for none
}

// readSuper reads and checks the first super block.
func readSuper(r io.ReaderAt) (*super, error) {
	b, err := binread.At(r, format, 0, superLen, 0)
	var short *binread.FormatError
	switch {
	case errors.As(err, &short):
		return nil, binread.ErrNotMine
	case err != nil:
		return nil, err
	case be.Uint32(b) != superMagic:
		return nil, binread.ErrNotMine
	}
	s, err := parseSuper(b)
	if err != nil {
		return nil, err
	}
	if s.v5 {
		whole, err := binread.At(r, format, 0, s.sectorSize, 0)
		if err != nil {
			return nil, err
		}
		if err := checkSum(whole, 0, 224, "the super block"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func parseSuper(b []byte) (*super, error) {
	version := be.Uint16(b[100:])
	s := &super{
		blockSize:  int64(be.Uint32(b[4:])),
		blocks:     be.Uint64(b[8:]),
		realtime:   be.Uint64(b[16:]),
		uuid:       [16]byte(b[32:48]),
		metaUUID:   [16]byte(b[32:48]),
		logStart:   be.Uint64(b[48:]),
		root:       be.Uint64(b[56:]),
		agBlocks:   be.Uint32(b[84:]),
		agCount:    be.Uint32(b[88:]),
		logBlocks:  be.Uint32(b[96:]),
		sectorSize: int64(be.Uint16(b[102:])),
		inodeSize:  int64(be.Uint16(b[104:])),
		label:      strings.TrimRight(string(b[108:120]), "\x00"),
		blockLog:   uint(b[120]),
		inodeLog:   uint(b[122]),
		inopLog:    uint(b[123]),
		agLog:      uint(b[124]),
		inodeAlign: be.Uint32(b[180:]),
		inProgress: b[126] != 0,
		logVersion: 1,
		logUnit:    be.Uint32(b[196:]),
		internal: [5]uint64{
			be.Uint64(b[64:]), be.Uint64(b[72:]), be.Uint64(b[160:]), be.Uint64(b[168:]),
		},
	}
	if version&versionLogV2 != 0 {
		s.logVersion = 2
	}
	switch version & 0xf {
	case 4:
		if version&versionDirV2 == 0 {
			return nil, binread.Unsupported(format, "the first directory format")
		}
		s.fType = version&versionMore != 0 && be.Uint32(b[200:])&features2FType != 0
		s.lazyCount = version&versionMore != 0 && be.Uint32(b[200:])&features2LazyCount != 0
	case 5:
		if err := s.features(b); err != nil {
			return nil, err
		}
	default:
		return nil, binread.Unsupported(format, "version %d", version&0xf)
	}
	return s, s.check(b)
}

// features takes what only version 5 has.
func (s *super) features(b []byte) error {
	s.v5, s.lazyCount = true, true
	s.roCompat = be.Uint32(b[212:])
	s.incompat = be.Uint32(b[216:])
	s.logIncompat = be.Uint32(b[220:])
	s.internal[4] = be.Uint64(b[232:])
	s.fType = s.incompat&incompatFType != 0
	s.sparse = s.incompat&incompatSparse != 0
	if s.incompat&incompatMetaUUID != 0 {
		s.metaUUID = [16]byte(b[248:264])
	}
	switch {
	case s.incompat&incompatMetaDir != 0:
		return binread.Unsupported(format, "a metadata directory (metadir)")
	case s.incompat&(incompatZoned|incompatZoneGaps) != 0:
		return binread.Unsupported(format, "a zoned device")
	case s.incompat&^uint32(incompatKnown) != 0:
		return binread.Unsupported(format, "incompatible feature bits %#x", s.incompat&^uint32(incompatKnown))
	}
	return nil
}

// check refuses a geometry on which arithmetic would overflow or that
// contradicts itself, as xfs_validate_sb_common does.
func (s *super) check(b []byte) error {
	dirLog := uint(b[192])
	bad := func(off int64, msg string, args ...any) error { return binread.Errorf(format, off, msg, args...) }
	switch {
	case s.blockLog < 9 || s.blockLog > 16 || s.blockSize != 1<<s.blockLog:
		return bad(4, "a block size of %d bytes with a logarithm of %d", s.blockSize, s.blockLog)
	case s.sectorSize < 512 || s.sectorSize > 32<<10 || s.sectorSize&(s.sectorSize-1) != 0:
		return bad(102, "a sector size of %d bytes", s.sectorSize)
	case s.inodeLog < 8 || s.inodeLog > 11 || s.inodeSize != 1<<s.inodeLog || s.inodeLog > s.blockLog:
		return bad(104, "an inode size of %d bytes with a logarithm of %d", s.inodeSize, s.inodeLog)
	case s.inopLog != s.blockLog-s.inodeLog:
		return bad(123, "a logarithm of %d for the inodes of a block", s.inopLog)
	case dirLog+s.blockLog > 16:
		return bad(192, "a directory block of 2^%d bytes", dirLog+s.blockLog)
	case s.agBlocks < 64 || s.agLog > 31 || uint64(s.agBlocks) > 1<<s.agLog || uint64(s.agBlocks) <= 1<<s.agLog>>1:
		return bad(84, "%d blocks in a group with a logarithm of %d", s.agBlocks, s.agLog)
	case s.agCount == 0 || s.blocks > math.MaxInt64>>s.blockLog:
		return bad(8, "%d groups, %d blocks", s.agCount, s.blocks)
	case uint64(s.agCount-1)*uint64(s.agBlocks) >= s.blocks || uint64(s.agCount)*uint64(s.agBlocks) < s.blocks:
		return bad(88, "%d groups of %d blocks do not make %d blocks", s.agCount, s.agBlocks, s.blocks)
	case s.agCount > maxAGs:
		return binread.Unsupported(format, "more than %d allocation groups", maxAGs)
	case s.v5 && s.inodeSize < 512:
		return bad(104, "an inode size of %d bytes in version 5", s.inodeSize)
	}
	s.dirBlock = s.blockSize << dirLog
	return nil
}

// size is the number of bytes that the file system claims.
func (s *super) size() int64 { return int64(s.blocks) << s.blockLog }

// agLen is the number of blocks of one group; the last one may be shorter.
func (s *super) agLen(ag uint32) uint32 {
	if ag == s.agCount-1 {
		return uint32(s.blocks - uint64(ag)*uint64(s.agBlocks))
	}
	return s.agBlocks
}

// agByte is the offset of a block of a group; both MUST be in range.
func (s *super) agByte(ag, block uint32) int64 {
	return (int64(ag)*int64(s.agBlocks) + int64(block)) << s.blockLog
}

// firstBlock is the first block of a group behind its four headers: the super
// block, AGF, AGI and AGFL, a sector each.
func (s *super) firstBlock() uint32 {
	return uint32((4*s.sectorSize + s.blockSize - 1) >> s.blockLog)
}

// blockRange turns a file system block number (group and block packed) and a
// length in blocks into a byte offset. It reports false unless the whole range
// is inside one group, behind its headers.
func (s *super) blockRange(fsb, count uint64) (int64, bool) {
	ag, block := fsb>>s.agLog, fsb&(1<<s.agLog-1)
	if ag >= uint64(s.agCount) || block < uint64(s.firstBlock()) {
		return 0, false
	}
	n := uint64(s.agLen(uint32(ag)))
	if block >= n || count == 0 || count > n-block {
		return 0, false
	}
	return s.agByte(uint32(ag), uint32(block)), true
}

// uuidString prints a UUID as blkid does.
func uuidString(u [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
