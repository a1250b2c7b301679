package rpmdb

import (
	"encoding/binary"
	"io"

	"assay/internal/binread"
)

// Layout of a Berkeley DB hash file (db_page.h). Numbers have the byte order of
// the machine that wrote it, which the magic tells.
const (
	bdbMagic      = 0x061561 // DB_HASHMAGIC
	bdbMetaLen    = 512
	bdbHeadLen    = 26 // of every page
	pageUnsorted  = 2  // P_HASH_UNSORTED
	pageHash      = 13 // P_HASH
	pageOverflow  = 7  // P_OVERFLOW
	itemKeyData   = 1  // H_KEYDATA: the bytes are here
	itemOffPage   = 3  // H_OFFPAGE: they are on a chain of overflow pages
	offPageLength = 12
)

type bdb struct {
	r        io.ReaderAt
	order    binary.ByteOrder
	pageSize int64
	pages    int64
	budget   int64 // overflow pages that may still be read: none belongs to two items
}

// BDB calls yield for each value of a hash database that is long enough to be
// a package header: in rpm's Packages the values are header blobs. Pages are
// read in file order. Broken items are skipped; the first fault is returned
// after all others.
func BDB(r io.ReaderAt, size int64, yield func(blob []byte) error) error {
	h, err := binread.At(r, "bdb", 0, bdbMetaLen, 0)
	if err != nil {
		return binread.ErrNotMine
	}
	d := bdb{r: r, order: binary.LittleEndian}
	if binary.BigEndian.Uint32(h[12:]) == bdbMagic {
		d.order = binary.BigEndian
	} else if binary.LittleEndian.Uint32(h[12:]) != bdbMagic {
		return binread.ErrNotMine
	}
	d.pageSize = int64(d.order.Uint32(h[20:]))
	if d.pageSize < 512 || d.pageSize > 65536 || d.pageSize&(d.pageSize-1) != 0 {
		return binread.Errorf("bdb", 20, "page size %d", d.pageSize)
	}
	if h[24] != 0 {
		return binread.Encrypted("bdb", "encryption")
	}
	d.pages = size / d.pageSize
	d.budget = d.pages
	var fault error
	for n := int64(1); n < d.pages; n++ {
		p, err := binread.At(r, "bdb", n*d.pageSize, d.pageSize, 0)
		if err != nil {
			return err
		}
		if kind := p[25]; kind != pageHash && kind != pageUnsorted {
			continue
		}
		err = d.items(p, n*d.pageSize, func(err error) {
			if fault == nil {
				fault = err
			}
		}, yield)
		if err != nil {
			return err
		}
	}
	return fault
}

// items visits the values of a hash page: its items are key and value in turn.
func (d *bdb) items(p []byte, off int64, fault func(error), yield func([]byte) error) error {
	count := int(d.order.Uint16(p[20:]))
	if bdbHeadLen+2*count > len(p) {
		fault(binread.Errorf("bdb", off+20, "%d items on a page", count))
		return nil
	}
	end := len(p) // an item reaches from its offset to that of the one before
	for i := range count {
		at := int(d.order.Uint16(p[bdbHeadLen+2*i:]))
		if at < bdbHeadLen || at >= end {
			fault(binread.Errorf("bdb", off+int64(bdbHeadLen+2*i), "an item at %d of its page", at))
			return nil
		}
		item := p[at:end]
		end = at
		if i%2 == 0 {
			continue
		}
		blob, err := d.value(item, off+int64(at))
		if err != nil {
			fault(err)
			continue
		}
		if len(blob) > 16 {
			if err := yield(blob); err != nil {
				return err
			}
		}
	}
	return nil
}

// value reads one item, and the overflow pages that it leads to.
func (d *bdb) value(item []byte, off int64) ([]byte, error) {
	if item[0] == itemKeyData {
		return item[1:], nil
	}
	if item[0] != itemOffPage || len(item) < offPageLength {
		return nil, nil // duplicates: rpm's Packages has none
	}
	next, left := int64(d.order.Uint32(item[4:])), int64(d.order.Uint32(item[8:]))
	if left > maxBlob {
		return nil, binread.Errorf("bdb", off, "a value of %d bytes", left)
	}
	var out []byte
	for left > 0 {
		if d.budget--; next == 0 || next >= d.pages || d.budget < 0 {
			return nil, binread.Errorf("bdb", off, "a chain of overflow pages leads to page %d of %d", next, d.pages)
		}
		p, err := binread.At(d.r, "bdb", next*d.pageSize, d.pageSize, 0)
		if err != nil {
			return nil, err
		}
		n := int64(d.order.Uint16(p[22:])) // hf_offset: bytes used on an overflow page
		if p[25] != pageOverflow || n == 0 || n > d.pageSize-bdbHeadLen {
			return nil, binread.Errorf("bdb", next*d.pageSize, "not an overflow page")
		}
		n = min(n, left)
		out = append(out, p[bdbHeadLen:bdbHeadLen+n]...)
		left -= n
		next = int64(d.order.Uint32(p[16:]))
	}
	return out, nil
}
