package ext4

import (
	"bytes"
	"fmt"
	"io"
	"math/bits"

	"assay/internal/binread"
)

const format = "ext4"

// Where the superblock is (ext4_super_block).
const (
	superOff  = 1024
	superSize = 1024
	magic     = 0xEF53
)

// Bounds on the geometry. A volume of 64 TiB, the largest cloud disk, has 2^19
// groups of 4 KiB blocks.
const (
	maxGroups    = 1 << 20
	maxBlockSize = 64 << 10
)

// s_feature_compat.
const (
	compatHasJournal   = 0x4
	compatResizeInode  = 0x10
	compatSparseSuper2 = 0x200
	compatOrphanFile   = 0x1000
)

// s_feature_incompat.
const (
	incompatCompression = 0x1
	incompatFiletype    = 0x2
	incompatRecover     = 0x4
	incompatJournalDev  = 0x8
	incompatMetaBG      = 0x10
	incompatExtents     = 0x40
	incompat64Bit       = 0x80
	incompatMMP         = 0x100
	incompatFlexBG      = 0x200
	incompatEAInode     = 0x400
	incompatCsumSeed    = 0x2000
	incompatLargeDir    = 0x4000
	incompatInlineData  = 0x8000
	incompatEncrypt     = 0x10000
	incompatCasefold    = 0x20000

	incompatKnown = incompatFiletype | incompatRecover | incompatMetaBG | incompatExtents |
		incompat64Bit | incompatMMP | incompatFlexBG | incompatEAInode | incompatCsumSeed |
		incompatLargeDir | incompatInlineData | incompatEncrypt | incompatCasefold
	incompatExt3 = incompatFiletype | incompatRecover | incompatMetaBG
)

// s_feature_ro_compat.
const (
	roSparseSuper  = 0x1
	roLargeFile    = 0x2
	roBtreeDir     = 0x4
	roHugeFile     = 0x8
	roGDTCsum      = 0x10
	roBigalloc     = 0x200
	roMetadataCsum = 0x400
	roSharedBlocks = 0x4000

	roExt3 = roSparseSuper | roLargeFile | roBtreeDir
	// Those that do not change what the block bitmaps mean.
	roBitmapsKnown = roExt3 | roHugeFile | roGDTCsum | 0x20 /* dir_nlink */ | 0x40 /* extra_isize */ |
		0x100 /* quota */ | roBigalloc | roMetadataCsum | 0x1000 /* readonly */ | 0x2000 /* project */ |
		roSharedBlocks | 0x8000 /* verity */ | 0x10000 /* orphan_present */
)

// s_state.
const (
	stateValid = 1
	stateError = 2
)

// A super is the checked content of the superblock.
type super struct {
	compat, incompat, ro uint32
	bs                   int64 // bytes of a block
	blocks               int64 // blocks of the file system
	first                int64 // s_first_data_block
	bpg                  int64 // blocks in a group
	ratio                int64 // blocks in a cluster, 1 without bigalloc
	groups               uint32
	ipg                  uint32 // inodes in a group
	inodes               uint32
	inodeSize            int
	descSize             int
	firstIno             uint32
	firstMetaBG          uint32
	reservedGDT          int64
	backupBGs            [2]uint32
	state                uint16
	creatorOS            uint32
	journalIno           uint32
	lastOrphan           uint32
	orphanFile           uint32
	uuid                 [16]byte
	label                string
	seed                 uint32 // of all metadata checksums
	badSum               bool   // the superblock's own checksum is wrong
}

func (s *super) metaCsum() bool { return s.ro&roMetadataCsum != 0 }

// descPerBlock is the number of group descriptors in a block.
func (s *super) descPerBlock() int64 { return s.bs / int64(s.descSize) }

// readSuper reads and checks the superblock.
func readSuper(r io.ReaderAt, size int64) (*super, error) {
	if size < superOff+superSize {
		return nil, binread.ErrNotMine
	}
	raw, err := binread.At(r, format, superOff, superSize, 0)
	if err != nil {
		return nil, err
	}
	if le.Uint16(raw[0x38:]) != magic {
		return nil, binread.ErrNotMine
	}
	s := parseSuper(raw)
	if err := s.checkFeatures(); err != nil {
		return nil, err
	}
	if err := s.checkGeometry(raw); err != nil {
		return nil, err
	}
	return s, nil
}

func parseSuper(raw []byte) *super {
	u32 := func(off int) uint32 { return le.Uint32(raw[off:]) }
	s := &super{
		compat: u32(0x5C), incompat: u32(0x60), ro: u32(0x64),
		blocks: int64(u32(0x4)), first: int64(u32(0x14)), bpg: int64(u32(0x20)),
		ratio: 1, ipg: u32(0x28), inodes: u32(0),
		inodeSize: 128, descSize: 32, firstIno: 11,
		firstMetaBG: u32(0x104), reservedGDT: int64(le.Uint16(raw[0xCE:])),
		backupBGs: [2]uint32{u32(0x24C), u32(0x250)},
		state:     le.Uint16(raw[0x3A:]), creatorOS: u32(0x48),
		journalIno: u32(0xE0), lastOrphan: u32(0xE8), orphanFile: u32(0x280),
		uuid: [16]byte(raw[0x68:0x78]),
	}
	name, _, _ := bytes.Cut(raw[0x78:0x88], []byte{0})
	s.label = string(name)
	if u32(0x4C) > 0 { // s_rev_level: dynamic
		s.inodeSize, s.firstIno = int(le.Uint16(raw[0x58:])), u32(0x54)
	} else {
		s.compat, s.incompat, s.ro = 0, 0, 0
	}
	if s.incompat&incompat64Bit != 0 {
		s.descSize = int(le.Uint16(raw[0xFE:]))
		s.blocks |= int64(u32(0x150)&0x7FFF) << 32 // 48 bits are all that an extent can address
	}
	switch {
	case s.incompat&incompatCsumSeed != 0:
		s.seed = u32(0x270)
	case s.metaCsum():
		s.seed = crc32c(^uint32(0), s.uuid[:])
	}
	s.badSum = s.metaCsum() && crc32c(^uint32(0), raw[:0x3FC]) != u32(0x3FC)
	return s
}

func (s *super) checkFeatures() error {
	switch {
	case s.incompat&incompatJournalDev != 0:
		return binread.Unsupported(format, "an external journal device")
	case s.incompat&incompatCompression != 0:
		return binread.Unsupported(format, "the compression feature")
	case s.incompat&^incompatKnown != 0:
		return binread.Unsupported(format, "incompatible feature set %#x", s.incompat&^incompatKnown)
	}
	return nil
}

func (s *super) checkGeometry(raw []byte) error {
	bad := func(field int64, msg string, args ...any) error {
		return binread.Errorf(format, superOff+field, msg, args...)
	}
	log := le.Uint32(raw[0x18:])
	if log > 6 {
		return bad(0x18, "a block size of 2^%d KiB is out of range", log)
	}
	s.bs = 1024 << log
	if s.ro&roBigalloc != 0 {
		clog := le.Uint32(raw[0x1C:])
		if clog < log || clog > 20 {
			return bad(0x1C, "a cluster size of 2^%d KiB is out of range", clog)
		}
		s.ratio = 1 << (clog - log)
		if cpg := int64(le.Uint32(raw[0x24:])); cpg == 0 || cpg > s.bs*8 || s.bpg != cpg*s.ratio {
			return bad(0x24, "%d clusters in a group do not fit %d blocks", cpg, s.bpg)
		}
	}
	n := s.inodeSize
	switch {
	case n < 128 || bits.OnesCount(uint(n)) != 1 || int64(n) > s.bs:
		return bad(0x58, "an inode size of %d bytes is out of range", n)
	case s.descSize < 32 || s.descSize > 1024 || bits.OnesCount(uint(s.descSize)) != 1,
		s.incompat&incompat64Bit != 0 && s.descSize < 64:
		return bad(0xFE, "a group descriptor size of %d bytes is out of range", s.descSize)
	case s.bpg <= 0 || s.bpg/s.ratio > s.bs*8:
		return bad(0x20, "%d blocks in a group are out of range", s.bpg)
	case s.first > 1 || s.blocks <= s.first:
		return bad(0x4, "%d blocks from block %d on make no file system", s.blocks, s.first)
	case s.ipg == 0 || int64(s.ipg) > s.bs*8:
		return bad(0x28, "%d inodes in a group are out of range", s.ipg)
	}
	groups := (s.blocks - s.first + s.bpg - 1) / s.bpg
	if groups > maxGroups {
		return bad(0x4, "%d block groups are over the bound of %d", groups, maxGroups)
	}
	s.groups = uint32(groups)
	if s.inodes < 2 || uint64(s.inodes) > uint64(groups)*uint64(s.ipg) {
		return bad(0, "%d inodes do not fit %d groups of %d", s.inodes, groups, s.ipg)
	}
	return nil
}

// kind names the file system as blkid does: by the features, not by the driver.
func (s *super) kind() string {
	switch {
	case s.incompat&^incompatExt3 != 0 || s.ro&^roExt3 != 0:
		return "ext4"
	case s.compat&compatHasJournal != 0:
		return "ext3"
	}
	return "ext2"
}

func (s *super) uuidString() string {
	u := s.uuid
	if u == [16]byte{} {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// hasSuper says whether group g starts with a copy of the superblock.
func (s *super) hasSuper(g uint32) bool {
	switch {
	case g == 0:
		return true
	case s.compat&compatSparseSuper2 != 0:
		return g == s.backupBGs[0] || g == s.backupBGs[1]
	case g == 1 || s.ro&roSparseSuper == 0:
		return true
	}
	for _, base := range []uint64{3, 5, 7} {
		p := base
		for p < uint64(g) {
			p *= base
		}
		if p == uint64(g) {
			return true
		}
	}
	return false
}
