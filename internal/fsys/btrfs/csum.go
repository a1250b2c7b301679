package btrfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/bits"

	"golang.org/x/crypto/blake2b"

	"assay/internal/binread"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A summer makes one kind of checksum: enum btrfs_csum_type.
type summer struct {
	size int // bytes stored
	sum  func(dst, b []byte) []byte
}

func newSummer(typ uint16) (summer, error) {
	switch typ {
	case 0:
		return summer{4, func(dst, b []byte) []byte {
			return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(b, castagnoli))
		}}, nil
	case 1:
		return summer{8, func(dst, b []byte) []byte {
			return binary.LittleEndian.AppendUint64(dst, xxhash64(b))
		}}, nil
	case 2:
		return summer{32, func(dst, b []byte) []byte {
			h := sha256.Sum256(b)
			return append(dst, h[:]...)
		}}, nil
	case 3:
		return summer{32, func(dst, b []byte) []byte {
			h := blake2b.Sum256(b)
			return append(dst, h[:]...)
		}}, nil
	}
	return summer{}, binread.Unsupported(format, "checksum type %d", typ)
}

// ok tells whether want, which may be longer, starts with b's checksum.
func (s summer) ok(b, want []byte) bool {
	var room [32]byte
	return len(want) >= s.size && bytes.Equal(s.sum(room[:0], b), want[:s.size])
}

// nameHash is btrfs_name_hash, the key offset of DIR_ITEM and XATTR_ITEM:
// CRC-32C with the seed ~1 and without the last inversion.
func nameHash(name string) uint64 { return uint64(crc32cSeed(^uint32(1), name)) }

// crc32cSeed is Linux' crc32c(): the caller gives the seed, nothing is inverted.
func crc32cSeed(seed uint32, s string) uint32 {
	return ^crc32.Update(^seed, castagnoli, []byte(s))
}

// The primes of XXH64 (xxHash specification, 0.1.1).
const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

func xxRound(acc, lane uint64) uint64 {
	return bits.RotateLeft64(acc+lane*prime2, 31) * prime1
}

// xxhash64 is XXH64 with seed 0.
func xxhash64(b []byte) uint64 {
	n := uint64(len(b))
	h := prime5
	if len(b) >= 32 {
		p1, p2 := prime1, prime2
		v := [4]uint64{p1 + p2, p2, 0, -p1}
		for ; len(b) >= 32; b = b[32:] {
			for i := range v {
				v[i] = xxRound(v[i], binary.LittleEndian.Uint64(b[8*i:]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) + bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for i := range v {
			h = (h^xxRound(0, v[i]))*prime1 + prime4
		}
	}
	h += n
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^xxRound(0, binary.LittleEndian.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}
