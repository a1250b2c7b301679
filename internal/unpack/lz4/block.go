package lz4

import "errors"

var errBlock = errors.New("a broken block")

// Block appends what a block decodes to, at most limit bytes. Matches may
// reach into what dst holds already.
func Block(dst, src []byte, limit int) ([]byte, error) {
	limit += len(dst)
	for len(src) > 0 {
		token := src[0]
		src = src[1:]
		n, rest, ok := length(int(token>>4), src)
		if !ok || n > len(rest) || n > limit-len(dst) {
			return dst, errBlock
		}
		dst = append(dst, rest[:n]...)
		src = rest[n:]
		if len(src) == 0 {
			return dst, nil // the last sequence has no match
		}
		if len(src) < 2 {
			return dst, errBlock
		}
		dist := int(src[0]) | int(src[1])<<8
		n, src, ok = length(int(token&15), src[2:])
		if n += 4; !ok || dist == 0 || dist > len(dst) || n > limit-len(dst) {
			return dst, errBlock
		}
		for n > 0 { // an overlapping match repeats itself
			k := min(n, dist)
			from := len(dst) - dist
			dst = append(dst, dst[from:from+k]...)
			n -= k
		}
	}
	return dst, errBlock
}

// length reads the bytes that follow a nibble of 15.
func length(n int, src []byte) (int, []byte, bool) {
	if n < 15 {
		return n, src, true
	}
	for i, c := range src {
		if n += int(c); c < 255 {
			return n, src[i+1:], true
		}
	}
	return 0, nil, false
}
