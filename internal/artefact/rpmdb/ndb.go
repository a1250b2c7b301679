package rpmdb

import (
	"io"

	"assay/internal/binread"
)

// Layout of Packages.db (rpmpkg.c): a header of 32 bytes, then slots of 16
// bytes each in whole pages of 4096, then blobs in blocks of 16 bytes. All
// numbers are little-endian.
const (
	ndbMagic     = 'R' | 'p'<<8 | 'm'<<16 | 'P'<<24
	slotMagic    = 'S' | 'l'<<8 | 'o'<<16 | 't'<<24
	blobMagic    = 'B' | 'l'<<8 | 'b'<<16 | 'S'<<24
	ndbPage      = 4096
	ndbBlock     = 16
	ndbSlot      = 16
	ndbSlotStart = 2 // the header takes the place of two slots
	blobHead     = 16
	maxSlotPages = 2048
	maxBlob      = 64 << 20
)

// NDB calls yield for each header blob of a Packages.db. Slots with a broken
// blob are skipped; the first such fault is returned after all others.
func NDB(r io.ReaderAt, size int64, yield func(blob []byte) error) error {
	h, err := binread.At(r, "rpm ndb", 0, 32, 0)
	if err != nil {
		return binread.ErrNotMine
	}
	b := binread.Buf{B: h}
	if b.LE32(0) != ndbMagic {
		return binread.ErrNotMine
	}
	if v := b.LE32(4); v != 0 {
		return binread.Unsupported("rpm ndb", "version %d", v)
	}
	pages := int64(b.LE32(12))
	if pages == 0 || pages > maxSlotPages || pages*ndbPage > size {
		return binread.Errorf("rpm ndb", 12, "%d pages of slots", pages)
	}
	slots, err := binread.At(r, "rpm ndb", 0, pages*ndbPage, 0)
	if err != nil {
		return err
	}
	b = binread.Buf{B: slots}
	var fault error
	budget := size // blobs do not overlap
	for at := ndbSlotStart * ndbSlot; at+ndbSlot <= len(slots); at += ndbSlot {
		index, block := b.LE32(at+4), int64(b.LE32(at+8))
		if b.LE32(at) != slotMagic || block == 0 {
			continue
		}
		blob, err := ndbBlob(r, size, block*ndbBlock, index)
		if budget -= int64(len(blob)); err == nil && budget < 0 {
			return binread.Errorf("rpm ndb", int64(at), "blobs overlap")
		}
		if err != nil {
			if fault == nil {
				fault = err
			}
			continue
		}
		if err := yield(blob); err != nil {
			return err
		}
	}
	return fault
}

// ndbBlob reads a blob: magic, index, generation, length, data.
func ndbBlob(r io.ReaderAt, size, off int64, index uint32) ([]byte, error) {
	h, err := binread.At(r, "rpm ndb", off, blobHead, 0)
	if err != nil {
		return nil, err
	}
	b := binread.Buf{B: h}
	n := int64(b.LE32(12))
	if b.LE32(0) != blobMagic || b.LE32(4) != index || n > size-off-blobHead {
		return nil, binread.Errorf("rpm ndb", off, "a slot leads to no blob of its package")
	}
	return binread.At(r, "rpm ndb", off+blobHead, n, maxBlob)
}
