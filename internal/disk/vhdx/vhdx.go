package vhdx

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"

	"assay/internal/binread"
	"assay/internal/disk/image"
)

const (
	format  = "vhdx"
	maxBAT  = 64 << 20 // bytes: 8 Mi entries
	mebi    = 1 << 20
	maxSize = 64 << 40 // 2.6.2.2: a virtual disk has at most 64 TiB
)

// Payload block states, 2.5.1.1.
const (
	blockNotPresent       = 0
	blockUndefined        = 1
	blockZero             = 2
	blockUnmapped         = 3
	blockFullyPresent     = 6
	blockPartiallyPresent = 7
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumOK verifies the CRC-32C that lies at offset 4 of b and covers b with that
// field as zero.
func sumOK(b []byte) bool {
	sum := crc32.Update(0, castagnoli, b[:4])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	return crc32.Update(sum, castagnoli, b[8:]) == binary.LittleEndian.Uint32(b[4:])
}

type guid [16]byte

// Open reads the VHDX in r's first size bytes. It fails with
// binread.ErrNotMine when the file identifier is missing.
func Open(r io.ReaderAt, size int64) (image.Image, error) {
	if size < 8 {
		return nil, binread.ErrNotMine
	}
	id, err := binread.At(r, format, 0, 8, 8)
	if err != nil {
		return nil, err
	}
	if string(id) != "vhdxfile" { // 2.2.1
		return nil, binread.ErrNotMine
	}
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	info := image.Info{Format: format}
	if h.logGUID != (guid{}) {
		note := ""
		if r, note, err = replay(r, size, h); err != nil {
			return nil, err
		}
		info.Notes = append(info.Notes, note)
	}
	blocks, fixed, err := open(r)
	if err != nil {
		return nil, err
	}
	info.Variant = "dynamic"
	if fixed {
		info.Variant = "fixed"
	}
	return image.NewTable(blocks, info), nil
}

// open reads regions, metadata and the block allocation table.
func open(r io.ReaderAt) (blocks *image.Blocks, fixed bool, err error) {
	bat, meta, err := readRegions(r)
	if err != nil {
		return nil, false, err
	}
	m, err := readMetadata(r, meta)
	if err != nil {
		return nil, false, err
	}
	count := m.size / m.block
	if m.size%m.block != 0 {
		count++
	}
	// 2.5.1: after every chunk of payload blocks comes one sector bitmap
	// block, whose entry is skipped: only differencing disks use them.
	chunk := (1 << 23) * m.sector / m.block
	entries := count
	if count > 0 {
		entries += (count - 1) / chunk
	}
	if 8*entries > bat.len {
		return nil, false, binread.Errorf(format, bat.off, "a block allocation table of %d bytes is too small for %d entries", bat.len, entries)
	}
	table, err := binread.At(r, format, bat.off, 8*entries, maxBAT)
	if err != nil {
		return nil, false, err
	}
	return &image.Blocks{Src: r, Size: m.size, BlockSize: m.block, Lookup: func(i int64) (int64, error) {
		at := 8 * (i + i/chunk)
		e := binary.LittleEndian.Uint64(table[at:])
		switch e & 7 {
		case blockFullyPresent:
			if e > math.MaxInt64 {
				return 0, binread.Errorf(format, bat.off+at, "block %d at %#x", i, e)
			}
			return int64(e) &^ (mebi - 1), nil
		case blockNotPresent, blockUndefined, blockZero, blockUnmapped:
			return -1, nil
		case blockPartiallyPresent:
			return 0, binread.Errorf(format, bat.off+at, "block %d is partly in a parent, but the disk has none", i)
		}
		return 0, binread.Errorf(format, bat.off+at, "block %d has the unknown state %d", i, e&7)
	}}, m.fixed, nil
}
