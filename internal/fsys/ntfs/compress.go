package ntfs

// compress packs b, whose length is a multiple of chunkPlain, as LZNT1.
func compress(b []byte) []byte {
	var out []byte
	for ; len(b) >= chunkPlain; b = b[chunkPlain:] {
		out = packChunk(out, b[:chunkPlain])
	}
	return out
}

const (
	hashBits = 12
	maxChain = 64 // earlier places tried for the longest match
)

// packChunk appends one chunk: packed, or as it is when that is shorter.
func packChunk(out, in []byte) []byte {
	var last [1 << hashBits]int16 // place after which a hash was seen, 0 for none
	var before [chunkPlain]int16  // the one before it
	start := len(out)
	out = append(out, 0, 0)
	hash := func(p int) uint32 {
		return (uint32(in[p]) | uint32(in[p+1])<<8 | uint32(in[p+2])<<16) * 2654435761 >> (32 - hashBits)
	}
	remember := func(p int) {
		if p+3 <= len(in) {
			h := hash(p)
			before[p], last[h] = last[h], int16(p+1)
		}
	}
	bits := uint(4)
	for p := 0; p < len(in); {
		flagAt := len(out)
		out = append(out, 0)
		for i := 0; i < 8 && p < len(in); i++ {
			for bits < 12 && p > 1<<bits {
				bits++
			}
			back, n := 0, 0
			if p+3 <= len(in) {
				back, n = match(in, p, int(last[hash(p)])-1, before[:], min(len(in)-p, 1<<(16-bits)+2))
			}
			if n < 3 {
				out = append(out, in[p])
				remember(p)
				p++
				continue
			}
			out[flagAt] |= 1 << i
			v := (back-1)<<(16-bits) | (n - 3)
			out = append(out, byte(v), byte(v>>8))
			for ; n > 0; n-- {
				remember(p)
				p++
			}
		}
		if len(out)-start > len(in)+2 {
			out = append(append(out[:start], 0xFF, 0x3F), in...)
			return out
		}
	}
	le.PutUint16(out[start:], 0xB000|uint16(len(out)-start-3))
	return out
}

// match finds the longest run of bytes before p that equals those at p.
func match(in []byte, p, at int, before []int16, limit int) (back, n int) {
	for range maxChain {
		if at < 0 {
			break
		}
		k := 0
		for k < limit && in[at+k] == in[p+k] {
			k++
		}
		if k > n {
			back, n = p-at, k
		}
		at = int(before[at]) - 1
	}
	return back, n
}
