package image

import (
	"io"

	"assay/internal/span"
)

// Blocks maps a disk that a table cuts into blocks of equal size, as VHD,
// VHDX, VDI and sparse VMDK extents do.
type Blocks struct {
	Src       io.ReaderAt
	Size      int64 // of the virtual disk; positive offsets below it are asked for
	BlockSize int64 // positive
	// Lookup returns the host offset of block i, or a negative number when
	// the block reads as zero.
	Lookup func(i int64) (int64, error)
}

// Run implements Mapper. Blocks that follow each other in the host become one
// run, so that a long read is one read of the host.
func (b *Blocks) Run(off, want int64) (Run, error) {
	want = min(want, b.Size-off)
	i, in := off/b.BlockSize, off%b.BlockSize
	host, err := b.Lookup(i)
	if err != nil {
		return Run{}, err
	}
	r := Run{Len: b.BlockSize - in}
	if host >= 0 {
		r.Src, r.Off = b.Src, host+in
	}
	for r.Len < want {
		i++
		next, err := b.Lookup(i)
		if err != nil || (host < 0) != (next < 0) || (host >= 0 && next != r.Off+r.Len) {
			break // an error is told when the read comes to that block
		}
		r.Len += b.BlockSize
	}
	return r, nil
}

// Data returns the blocks that lie in the host, cut at the disk's end.
func (b *Blocks) Data() (span.Set, error) {
	var c Collector
	for i, off := int64(0), int64(0); off < b.Size; i, off = i+1, off+b.BlockSize {
		host, err := b.Lookup(i)
		if err != nil {
			return nil, err
		}
		if host >= 0 {
			c.Add(off, min(b.BlockSize, b.Size-off))
		}
		if off > b.Size-b.BlockSize {
			break // off+BlockSize could overflow
		}
	}
	return c.Set(), nil
}
