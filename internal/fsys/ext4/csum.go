package ext4

import (
	"encoding/binary"
	"hash/crc32"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian

	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	crc16Table = makeCRC16()
	crcBETable = makeCRCBE()
)

// crc32c is the kernel's crc32c_le: no inversion before or after.
func crc32c(seed uint32, b []byte) uint32 { return ^crc32.Update(^seed, castagnoli, b) }

func crc32cLE32(seed, v uint32) uint32 {
	var b [4]byte
	le.PutUint32(b[:], v)
	return crc32c(seed, b[:])
}

func crc32cLE64(seed uint32, v uint64) uint32 {
	var b [8]byte
	le.PutUint64(b[:], v)
	return crc32c(seed, b[:])
}

// crc32cHole is crc32c over b with n bytes at off taken as zero, because a
// structure that holds its own checksum is summed with that field zeroed.
func crc32cHole(seed uint32, b []byte, off, n int) uint32 {
	var zero [4]byte
	c := crc32c(seed, b[:off])
	c = crc32c(c, zero[:n])
	return crc32c(c, b[off+n:])
}

// crc16 is the kernel's lib/crc16.c (reflected 0x8005), used by uninit_bg.
func crc16(c uint16, b []byte) uint16 {
	for _, x := range b {
		c = c>>8 ^ crc16Table[byte(c)^x]
	}
	return c
}

func makeCRC16() (t [256]uint16) {
	for i := range t {
		c := uint16(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0xA001
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}

// crc32BE is the kernel's crc32_be, used by version 1 journal checksums.
func crc32BE(c uint32, b []byte) uint32 {
	for _, x := range b {
		c = c<<8 ^ crcBETable[byte(c>>24)^x]
	}
	return c
}

func makeCRCBE() (t [256]uint32) {
	for i := range t {
		c := uint32(i) << 24
		for range 8 {
			if c&(1<<31) != 0 {
				c = c<<1 ^ 0x04C11DB7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}
