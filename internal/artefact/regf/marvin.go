package regf

import "math/bits"

// The halves of 0x82EF4D887A4E55C5, the seed with which the kernel hashes log
// entries.
const marvinLow, marvinHigh = 0x7A4E55C5, 0x82EF4D88

// marvin is the Marvin32 checksum of b, low half first.
func marvin(b []byte) uint64 {
	lo, hi := uint32(marvinLow), uint32(marvinHigh)
	mix := func(v uint32) {
		lo += v
		hi ^= lo
		lo = bits.RotateLeft32(lo, 20) + hi
		hi = bits.RotateLeft32(hi, 9) ^ lo
		lo = bits.RotateLeft32(lo, 27) + hi
		hi = bits.RotateLeft32(hi, 19)
	}
	for ; len(b) >= 4; b = b[4:] {
		mix(le.Uint32(b))
	}
	last := uint32(0x80)
	for i := len(b) - 1; i >= 0; i-- {
		last = last<<8 | uint32(b[i])
	}
	mix(last)
	mix(0)
	return uint64(hi)<<32 | uint64(lo)
}
