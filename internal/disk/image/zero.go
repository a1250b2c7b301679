package image

import "bytes"

// IsZero reports whether all of b is zero.
func IsZero(b []byte) bool {
	// A buffer whose first byte is zero and that equals itself one byte on is
	// all zero; bytes.Equal compares many bytes at a time.
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[:len(b)-1], b[1:])
}
