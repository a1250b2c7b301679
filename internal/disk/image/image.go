package image

import (
	"io"

	"assay/internal/span"
)

// An Image is a disk's bytes as the machine sees them. ReadAt is safe for
// concurrent use; unallocated ranges read as zero. Implementations live in the
// format packages beside this one and are read only.
type Image interface {
	io.ReaderAt
	// Size is the virtual size in bytes.
	Size() int64
	// Data returns the ranges that may hold non-zero bytes; all else is known
	// to be zero. It may be computed on the first call and then kept; the
	// caller must not change it.
	Data() (span.Set, error)
	// Info says what the container tells of itself.
	Info() Info
}

// Info is what an image file tells of itself.
type Info struct {
	Format    string   // "raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi"
	Variant   string   // "v3, zstd", "dynamic", "streamOptimized", …
	Backing   string   // name of the backing file that the header asks for, "" if none; data, never opened by itself
	Snapshots []string // names of internal snapshots: old content that lies in the file
	Notes     []string // further facts for the reader, in English
}

// HostData returns the ranges of [0, size) of r that may hold non-zero bytes:
// what r tells by a Data method of its own, as disk's wrapper of a host file
// with holes does, or else everything.
func HostData(r io.ReaderAt, size int64) (span.Set, error) {
	whole := span.Make([]span.Span{{Off: 0, Len: size}})
	if d, ok := r.(interface{ Data() (span.Set, error) }); ok {
		s, err := d.Data()
		if err != nil {
			return nil, err
		}
		return s.Intersect(whole), nil
	}
	return whole, nil
}
