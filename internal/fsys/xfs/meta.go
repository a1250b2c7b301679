package xfs

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"assay/internal/binread"
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	zeros4     = make([]byte, 4)
)

// sum is the CRC-32C of b with the four bytes at off taken as zero, which is
// how every structure of version 5 is protected; it is stored little-endian.
func sum(b []byte, off int) uint32 {
	c := crc32.Update(0, castagnoli, b[:off])
	c = crc32.Update(c, castagnoli, zeros4)
	return crc32.Update(c, castagnoli, b[off+4:])
}

// checkSum verifies the checksum at off of b, which was read at byte at.
func checkSum(b []byte, at int64, off int, what string) error {
	if got, want := sum(b, off), binary.LittleEndian.Uint32(b[off:]); got != want {
		return binread.Errorf(format, at, "bad checksum of %s: stored %#x, computed %#x", what, want, got)
	}
	return nil
}

// setSum stores the checksum at off of b.
func setSum(b []byte, off int) { binary.LittleEndian.PutUint32(b[off:], sum(b, off)) }

// A kind describes the header of one kind of version 5 metadata: where its
// magic number, checksum, LSN, UUID and own address are.
type kind struct {
	magic          uint32
	magicOff       int // 0: 32 bits; 8: 16 bits (struct xfs_da3_blkinfo)
	sum, lsn, uuid int
	addr           int // of the 64-bit address in 512-byte units, 0 for none
	unordered      bool
	name           string
	super          bool // its UUID is sb_meta_uuid where there is one
}

// kinds is every kind that recovery can meet (xlog_recover_get_buf_lsn).
var kinds = []kind{
	{magic: 0x41423342, sum: 52, lsn: 24, uuid: 32, addr: 16, name: "a free space tree block"},    // AB3B
	{magic: 0x41423343, sum: 52, lsn: 24, uuid: 32, addr: 16, name: "a free space tree block"},    // AB3C
	{magic: 0x49414233, sum: 52, lsn: 24, uuid: 32, addr: 16, name: "an inode tree block"},        // IAB3
	{magic: 0x46494233, sum: 52, lsn: 24, uuid: 32, addr: 16, name: "a free inode tree block"},    // FIB3
	{magic: 0x524d4233, sum: 52, lsn: 24, uuid: 32, addr: 16, name: "a reverse map tree block"},   // RMB3
	{magic: 0x52334643, sum: 52, lsn: 24, uuid: 32, addr: 16, name: "a reference count block"},    // R3FC
	{magic: 0x424d4133, sum: 64, lsn: 32, uuid: 40, addr: 24, name: "an extent tree block"},       // BMA3
	{magic: 0x58414746, sum: 216, lsn: 208, uuid: 64, name: "the AGF"},                            // XAGF
	{magic: 0x5841464c, sum: 32, lsn: 24, uuid: 8, name: "the AGFL"},                              // XAFL
	{magic: 0x58414749, sum: 312, lsn: 320, uuid: 296, name: "the AGI"},                           // XAGI
	{magic: 0x58534c4d, sum: 12, lsn: 48, uuid: 16, addr: 40, name: "a symbolic link block"},      // XSLM
	{magic: 0x58444233, sum: 4, lsn: 16, uuid: 24, addr: 8, name: "a directory block"},            // XDB3
	{magic: 0x58444433, sum: 4, lsn: 16, uuid: 24, addr: 8, name: "a directory block"},            // XDD3
	{magic: 0x58444633, sum: 4, lsn: 16, uuid: 24, addr: 8, name: "a directory free block"},       // XDF3
	{magic: 0x5841524d, sum: 12, uuid: 16, addr: 40, unordered: true, name: "an attribute value"}, // XARM
	{magic: superMagic, sum: 224, lsn: 240, uuid: 32, super: true, name: "a super block"},         // XFSB
	{magic: 0x3df1, magicOff: 8, sum: 12, lsn: 24, uuid: 32, addr: 16, name: "a directory leaf"},  // leaf of a one-leaf directory
	{magic: 0x3dff, magicOff: 8, sum: 12, lsn: 24, uuid: 32, addr: 16, name: "a directory leaf"},  // leaf below a node
	{magic: 0x3bee, magicOff: 8, sum: 12, lsn: 24, uuid: 32, addr: 16, name: "an attribute leaf"},
	{magic: 0x3ebe, magicOff: 8, sum: 12, lsn: 24, uuid: 32, addr: 16, name: "a hash node"},
}

// kindOf recognises a version 5 metadata buffer by its magic number.
func kindOf(b []byte) (kind, bool) {
	for _, k := range kinds {
		if len(b) < k.sum+4 || len(b) < k.lsn+8 || len(b) < k.uuid+16 {
			continue
		}
		if k.magicOff == 0 && be.Uint32(b) == k.magic || k.magicOff == 8 && uint32(be.Uint16(b[8:])) == k.magic {
			return k, true
		}
	}
	return kind{}, false
}

// checkMeta verifies a version 5 buffer that was read at byte at: its
// checksum, its UUID and that it lies where it says. Version 4 has none of it.
func (s *super) checkMeta(b []byte, at int64, magic uint32) error {
	if !s.v5 {
		return nil
	}
	k, ok := kindOf(b)
	if !ok || k.magic != magic {
		return binread.Errorf(format, at, "bad magic number")
	}
	if err := checkSum(b, at, k.sum, k.name); err != nil {
		return err
	}
	if !bytes.Equal(b[k.uuid:k.uuid+16], s.metaUUID[:]) {
		return binread.Errorf(format, at, "%s of another file system", k.name)
	}
	if k.addr != 0 && be.Uint64(b[k.addr:]) != uint64(at)>>9 {
		return binread.Errorf(format, at, "%s that says it belongs at sector %d", k.name, be.Uint64(b[k.addr:]))
	}
	return nil
}
