package vhd

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"

	"assay/internal/binread"
	"assay/internal/disk/image"
)

// What is written. Offsets are those of Microsoft's "Virtual Hard Disk Image
// Format Specification", version 1.0.
const (
	outBlock  = 2 << 20 // bytes of a block; one window of a pass
	headerAt  = footerLen
	headerLen = 1024
	tableAt   = headerAt + headerLen
	bitmapLen = outBlock / sector / 8
	page      = 4096
	// maxSize is what 32-bit sector numbers reach and Hyper-V allows.
	maxSize = 2040 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write writes img into out, which must be empty, as a dynamic VHD, or as a
// fixed one: the disk's bytes and a footer. The size is exact, but rounded up
// to 512 bytes; the footer names a creator for which QEMU takes the size from
// there and not from the disk geometry, which cannot express it. Nothing in
// the file depends on the clock: the same disk gives the same file.
func Write(ctx context.Context, out image.Out, img image.Image, fixed bool, o image.WriteOptions) error {
	size := (img.Size() + sector - 1) &^ (sector - 1)
	if size > maxSize {
		return binread.Unsupported(format, "writing a disk of %d bytes, which are more than %d,", size, int64(maxSize))
	}
	w := &writer{out: out, size: size, id: sha256.New()}
	p := image.Pass[uint32]{WriteOptions: o, Image: img, Block: page}
	p.Work = func(piece *image.Piece[uint32]) error {
		piece.Work = crc32.Checksum(piece.B, castagnoli)
		return nil
	}
	if fixed {
		p.Sink = func(piece *image.Piece[uint32]) error { return w.runs(piece, piece.Off) }
		if err := p.Run(ctx); err != nil {
			return err
		}
		return w.put(w.footer(typeFixed), size)
	}
	w.table = make([]byte, ((size+outBlock-1)/outBlock*4+sector-1)&^(sector-1))
	for i := range w.table {
		w.table[i] = 0xff // unused
	}
	w.end = tableAt + int64(len(w.table))
	p.Sink = w.block
	if err := p.Run(ctx); err != nil {
		return err
	}
	return w.finish()
}

// writer makes one file.
type writer struct {
	out   image.Out
	size  int64
	id    hash.Hash // of what the disk holds
	table []byte    // block allocation table
	end   int64     // of the last block
}

func (w *writer) put(b []byte, off int64) error {
	if _, err := w.out.WriteAt(b, off); err != nil {
		return fmt.Errorf("vhd: writing at byte %d: %w", off, err)
	}
	return nil
}

// runs writes what of a window is not zero; at is where it begins in the file.
func (w *writer) runs(p *image.Piece[uint32], at int64) error {
	_ = binary.Write(w.id, binary.BigEndian, [2]int64{p.Off, int64(p.Work)}) // a hash takes everything
	for _, r := range p.Runs {
		if err := w.put(p.B[r.Off:r.End()], at+r.Off); err != nil {
			return err
		}
	}
	return nil
}

// block writes a window, which is a block or a part of one. A block has a
// bitmap of its sectors, all marked, in front, and the file is kept such that
// the data begins on a page, so that zeros in it are holes of the file.
func (w *writer) block(p *image.Piece[uint32]) error {
	entry := w.table[p.Off/outBlock*4:]
	at := int64(binary.BigEndian.Uint32(entry)) * sector
	if at == unused*sector {
		at = (w.end+bitmapLen+page-1)&^(page-1) - bitmapLen
		w.end = at + bitmapLen + outBlock
		binary.BigEndian.PutUint32(entry, uint32(at/sector))
		bitmap := make([]byte, bitmapLen)
		for i := range bitmap {
			bitmap[i] = 0xff
		}
		if err := w.put(bitmap, at); err != nil {
			return err
		}
	}
	return w.runs(p, at+bitmapLen+p.Off%outBlock)
}

// finish writes the table, and the footer at both ends, which makes the file
// an image.
func (w *writer) finish() error {
	w.id.Write(w.table)
	if err := w.put(w.table, tableAt); err != nil {
		return err
	}
	if err := w.put(w.header(), headerAt); err != nil {
		return err
	}
	f := w.footer(typeDynamic)
	if err := w.put(f, w.end); err != nil {
		return err
	}
	return w.put(f, 0)
}

// header is the dynamic disk header.
func (w *writer) header() []byte {
	b := make([]byte, headerLen)
	be := binary.BigEndian
	copy(b, "cxsparse")
	be.PutUint64(b[8:], 1<<64-1) // no further structure
	be.PutUint64(b[16:], tableAt)
	be.PutUint32(b[24:], 0x10000)
	be.PutUint32(b[28:], uint32((w.size+outBlock-1)/outBlock))
	be.PutUint32(b[32:], outBlock)
	be.PutUint32(b[36:], checksum(b, 36))
	return b
}

// footer is the hard disk footer. Its time is the start of 2000, from which
// times are counted.
func (w *writer) footer(kind uint32) []byte {
	b := make([]byte, footerLen)
	be := binary.BigEndian
	copy(b, cookie)
	be.PutUint32(b[8:], 2) // a bit that is always set
	be.PutUint32(b[12:], 0x10000)
	be.PutUint64(b[16:], 1<<64-1)
	if kind == typeDynamic {
		be.PutUint64(b[16:], headerAt)
	}
	copy(b[28:], "win ")
	be.PutUint32(b[32:], 0xa0000)
	copy(b[36:], "Wi2k")
	be.PutUint64(b[40:], uint64(w.size))
	be.PutUint64(b[48:], uint64(w.size))
	cylinders, heads, sectors := geometry(w.size / sector)
	be.PutUint16(b[56:], uint16(cylinders))
	b[58], b[59] = byte(heads), byte(sectors)
	be.PutUint32(b[60:], kind)
	copy(b[68:84], w.id.Sum(nil))
	b[68+6] = b[68+6]&0x0f | 0x80 // a UUID of the kind that is made as one likes (RFC 9562, version 8)
	b[68+8] = b[68+8]&0x3f | 0x80
	be.PutUint32(b[64:], checksum(b, 64))
	return b
}

// geometry gives cylinders, heads and sectors as the specification's appendix
// computes them.
func geometry(total int64) (cylinders, heads, sectors int64) {
	total = min(total, 65535*16*255)
	if total >= 65535*16*63 {
		return total / (16 * 255), 16, 255
	}
	sectors = 17
	by := total / sectors
	heads = max((by+1023)/1024, 4)
	if by >= heads*1024 || heads > 16 {
		sectors, heads = 31, 16
		by = total / sectors
	}
	if by >= heads*1024 {
		sectors, heads = 63, 16
		by = total / sectors
	}
	return by / heads, heads, sectors
}
