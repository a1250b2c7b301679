package ext4

import "assay/internal/binread"

// bg_flags.
const (
	groupInodeUninit = 1
	groupBlockUninit = 2
)

// A group is one group descriptor (ext4_group_desc).
type group struct {
	off                      int64 // of the descriptor
	blockBitmap, blockSum    int64
	inodeBitmap, inodeSum    int64
	inodeTable               int64
	freeClusters, freeInodes uint32
	unusedIno                uint32
	flags                    uint16
}

// descBlock is the block that holds the nth block of group descriptors.
func (s *super) descBlock(nth int64) int64 {
	if s.incompat&incompatMetaBG == 0 || nth < int64(s.firstMetaBG) {
		return superOff/s.bs + 1 + nth
	}
	g := nth * s.descPerBlock()
	blk := s.first + g*s.bpg
	if s.hasSuper(uint32(g)) {
		blk++
	}
	if s.bs == 1024 && nth == 0 && s.first == 0 {
		blk++
	}
	return blk
}

// group reads and checks the descriptor of group g.
func (f *FS) group(g uint32) (group, error) {
	per := f.descPerBlock()
	off := f.descBlock(int64(g)/per)*f.bs + int64(g)%per*int64(f.descSize)
	b, err := f.cache.bytes(off, int64(f.descSize))
	if err != nil {
		return group{}, err
	}
	d := group{
		off:          off,
		blockBitmap:  int64(le.Uint32(b)),
		inodeBitmap:  int64(le.Uint32(b[4:])),
		inodeTable:   int64(le.Uint32(b[8:])),
		freeClusters: uint32(le.Uint16(b[0xC:])),
		freeInodes:   uint32(le.Uint16(b[0xE:])),
		flags:        le.Uint16(b[0x12:]),
		blockSum:     int64(le.Uint16(b[0x18:])),
		inodeSum:     int64(le.Uint16(b[0x1A:])),
		unusedIno:    uint32(le.Uint16(b[0x1C:])),
	}
	if f.descSize >= 64 {
		d.blockBitmap |= int64(le.Uint32(b[0x20:])&0xFFFF) << 32
		d.inodeBitmap |= int64(le.Uint32(b[0x24:])&0xFFFF) << 32
		d.inodeTable |= int64(le.Uint32(b[0x28:])&0xFFFF) << 32
		d.freeClusters |= uint32(le.Uint16(b[0x2C:])) << 16
		d.freeInodes |= uint32(le.Uint16(b[0x2E:])) << 16
		d.unusedIno |= uint32(le.Uint16(b[0x32:])) << 16
		d.blockSum |= int64(le.Uint16(b[0x38:])) << 16
		d.inodeSum |= int64(le.Uint16(b[0x3A:])) << 16
	}
	if f.ro&(roMetadataCsum|roGDTCsum) == 0 {
		d.flags, d.unusedIno = 0, 0 // not kept without checksums
	}
	if le.Uint16(b[0x1E:]) != f.groupSum(g, b) {
		return d, binread.Errorf(format, off, "the descriptor of group %d has a wrong checksum", g)
	}
	for _, blk := range []int64{d.blockBitmap, d.inodeBitmap, d.inodeTable + f.tableBlocks() - 1} {
		if blk < f.first || blk >= f.blocks {
			return d, binread.Errorf(format, off, "group %d places its metadata at block %d of %d", g, blk, f.blocks)
		}
	}
	if d.inodeTable < f.first {
		return d, binread.Errorf(format, off, "group %d places its inodes at block %d", g, d.inodeTable)
	}
	return d, nil
}

// tableBlocks is the number of blocks of one group's inode table.
func (s *super) tableBlocks() int64 {
	return (int64(s.ipg)*int64(s.inodeSize) + s.bs - 1) / s.bs
}

// inodesOf is the number of inodes of group g; the last groups may have fewer.
func (s *super) inodesOf(g uint32) uint32 {
	before := min(uint64(g)*uint64(s.ipg), uint64(s.inodes))
	return uint32(min(uint64(s.ipg), uint64(s.inodes)-before))
}

// groupSum is what bg_checksum of descriptor b must be.
func (f *FS) groupSum(g uint32, b []byte) uint16 {
	switch {
	case f.metaCsum():
		return uint16(crc32cHole(crc32cLE32(f.seed, g), b, 0x1E, 2))
	case f.ro&roGDTCsum != 0:
		var n [4]byte
		le.PutUint32(n[:], g)
		c := crc16(crc16(0xFFFF, f.uuid[:]), n[:])
		return crc16(crc16(c, b[:0x1E]), b[0x20:])
	}
	return le.Uint16(b[0x1E:])
}

// bitmap reads a bitmap block of which n bits count, and checks its checksum.
func (f *FS) bitmap(blk int64, n int64, sum int64, what string) ([]byte, error) {
	b, err := f.cache.bytes(blk*f.bs, f.bs)
	if err != nil {
		return nil, err
	}
	if !f.metaCsum() {
		return b, nil
	}
	got := int64(crc32c(f.seed, b[:n/8]))
	if f.descSize < 64 {
		got &= 0xFFFF
	}
	if got != sum {
		return nil, binread.Errorf(format, blk*f.bs, "the %s bitmap has a wrong checksum", what)
	}
	return b, nil
}

// firstBlock is the first block of group g.
func (s *super) firstBlock(g uint32) int64 { return s.first + int64(g)*s.bpg }

// checkGroups returns the error of the first descriptor that is broken. It
// costs no more than there are good descriptors.
func (f *FS) checkGroups() error {
	for g := range f.groups {
		if _, err := f.group(g); err != nil {
			return err
		}
	}
	return nil
}
