package binread

import (
	"errors"
	"fmt"
)

// ErrNotMine is what a probe returns when the bytes are of another format: ask
// the next probe. Any other error means "mine, but broken or not supported".
var ErrNotMine = errors.New("not this format")

// A FormatError says that a structure is mine but broken, and where.
type FormatError struct {
	Format string // "qcow2", "ext4", "gpt", …
	Offset int64  // byte offset in the reader that was given; -1 when none fits
	Msg    string // what is wrong, without the offset
}

func (e *FormatError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s: %s", e.Format, e.Msg)
	}
	return fmt.Sprintf("%s: at byte %d: %s", e.Format, e.Offset, e.Msg)
}

// Errorf makes a FormatError.
func Errorf(format string, offset int64, msg string, args ...any) error {
	return &FormatError{format, offset, fmt.Sprintf(msg, args...)}
}

// An UnsupportedError says that the bytes are recognised but that assay does
// not read this variant. It becomes a gap, never silence.
type UnsupportedError struct {
	Format    string // "qcow2", "luks", …
	Feature   string // "AES encryption", "thin pool", …
	Encrypted bool   // the reason is encryption
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: %s is not supported", e.Format, e.Feature)
}

// Unsupported makes an UnsupportedError.
func Unsupported(format, feature string, args ...any) error {
	return &UnsupportedError{Format: format, Feature: fmt.Sprintf(feature, args...)}
}

// Encrypted makes an UnsupportedError whose reason is encryption.
func Encrypted(format, feature string) error {
	return &UnsupportedError{Format: format, Feature: feature, Encrypted: true}
}
