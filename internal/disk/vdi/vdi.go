package vdi

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"assay/internal/binread"
	"assay/internal/disk/image"
)

const (
	format    = "vdi"
	signature = 0xbeda107f
	maxMap    = 64 << 20  // bytes: 16 TiB with the usual blocks of 1 MiB
	maxBlock  = 256 << 20 // keeps the product of block number and size in 61 bits
	// Block map entries from here on have no block: "free" reads as zero in an
	// image without parent, "zero" always does.
	firstSpecial = 0xffff_fffe
)

// Image types, header offset 0x4c.
const (
	typeDynamic = 1
	typeFixed   = 2
	typeUndo    = 3
	typeDiff    = 4
)

// Open reads the VDI in r's first size bytes. It fails with
// binread.ErrNotMine when the signature is missing.
func Open(r io.ReaderAt, size int64) (image.Image, error) {
	if size < 0x48 {
		return nil, binread.ErrNotMine
	}
	b, err := binread.At(r, format, 0, min(size, 512), 512)
	if err != nil {
		return nil, err
	}
	h := binread.Buf{B: b}
	if h.LE32(0x40) != signature {
		return nil, binread.ErrNotMine
	}
	if v := h.LE32(0x44); v>>16 != 1 {
		return nil, binread.Unsupported(format, "version %d.%d", v>>16, v&0xffff)
	}
	kind, mapAt, dataAt := h.LE32(0x4c), int64(h.LE32(0x154)), int64(h.LE32(0x158))
	sectorSize, diskSize := h.LE32(0x168), h.LE64(0x170)
	block, extra, blocks := int64(h.LE32(0x178)), int64(h.LE32(0x17c)), int64(h.LE32(0x180))
	if h.Over() {
		return nil, binread.Errorf(format, 0, "the file ends inside the header")
	}
	variant := ""
	switch kind {
	case typeDynamic:
		variant = "dynamic"
	case typeFixed:
		variant = "fixed"
	case typeUndo, typeDiff:
		return nil, binread.Unsupported(format, "a differencing disk")
	default:
		return nil, binread.Unsupported(format, "image type %d", kind)
	}
	switch {
	case diskSize > math.MaxInt64:
		return nil, binread.Errorf(format, 0x170, "a size of %#x bytes", diskSize)
	case block < 512 || block > maxBlock || block&(block-1) != 0 || extra > maxBlock:
		return nil, binread.Errorf(format, 0x178, "a block size of %d and %d bytes", block, extra)
	case diskSize > 0 && int64(diskSize-1)/block >= blocks:
		return nil, binread.Errorf(format, 0x180, "a map of %d blocks is too small for %d bytes", blocks, diskSize)
	}
	if diskSize > 0 {
		blocks = int64(diskSize-1)/block + 1
	}
	table, err := binread.At(r, format, mapAt, 4*blocks, maxMap)
	if err != nil {
		return nil, err
	}
	m := &image.Blocks{Src: r, Size: int64(diskSize), BlockSize: block, Lookup: func(i int64) (int64, error) {
		e := binary.LittleEndian.Uint32(table[4*i:])
		if e >= firstSpecial {
			return -1, nil
		}
		return dataAt + int64(e)*(block+extra) + extra, nil
	}}
	info := image.Info{Format: format, Variant: variant}
	if sectorSize != 512 {
		info.Notes = append(info.Notes, fmt.Sprintf("sectors of %d bytes", sectorSize))
	}
	return image.NewTable(m, info), nil
}
