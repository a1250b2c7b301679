package sqlite

import (
	"bytes"
	"encoding/binary"
	"io"

	"assay/internal/binread"
)

const (
	walHeader   = 32
	frameHeader = 24
	maxFrames   = 1 << 20
)

// readWAL notes where the log holds newer copies of pages: all frames up to the
// last commit whose salts and checksums are right (section 4.4).
func (d *DB) readWAL(r io.ReaderAt, size int64) {
	h, err := binread.At(r, format+" wal", 0, walHeader, 0)
	if err != nil {
		return
	}
	magic := binary.BigEndian.Uint32(h)
	var order binary.ByteOrder = binary.LittleEndian
	if magic == 0x377f0683 {
		order = binary.BigEndian
	}
	if magic&^1 != 0x377f0682 || int64(binary.BigEndian.Uint32(h[8:])) != d.pageSize {
		return
	}
	sum := checksum{order: order}
	sum.add(h[:24])
	if !sum.is(h[24:]) {
		return
	}
	log, pages := map[uint32]int64{}, d.pages
	pending := map[uint32]int64{}
	at := int64(walHeader)
	for n := 0; n < maxFrames && at+frameHeader+d.pageSize <= size; n++ {
		f, err := binread.At(r, format+" wal", at, frameHeader+d.pageSize, 0)
		if err != nil || !bytes.Equal(f[8:16], h[16:24]) {
			break
		}
		sum.add(f[:8])
		sum.add(f[frameHeader:])
		if !sum.is(f[16:]) {
			break
		}
		pending[binary.BigEndian.Uint32(f)] = at + frameHeader
		if total := binary.BigEndian.Uint32(f[4:]); total > 0 { // a commit
			for p, off := range pending {
				log[p] = off
			}
			clear(pending)
			pages = int64(total)
		}
		at += frameHeader + d.pageSize
	}
	if len(log) > 0 {
		d.wal, d.log, d.pages = r, log, min(max(pages, 1), d.size/d.pageSize+maxFrames)
	}
}

// A checksum is the running pair of section 4.2.
type checksum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (c *checksum) add(p []byte) {
	for ; len(p) >= 8; p = p[8:] {
		c.a += c.order.Uint32(p) + c.b
		c.b += c.order.Uint32(p[4:]) + c.a
	}
}

// is compares with a stored pair, which is big-endian always.
func (c *checksum) is(p []byte) bool {
	return binary.BigEndian.Uint32(p) == c.a && binary.BigEndian.Uint32(p[4:]) == c.b
}
