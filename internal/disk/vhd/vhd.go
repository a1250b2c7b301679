package vhd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync"

	"assay/internal/binread"
	"assay/internal/disk/image"
	"assay/internal/span"
)

const (
	format    = "vhd"
	footerLen = 512
	sector    = 512
	unused    = 0xffff_ffff // BAT entry without a block
	maxBAT    = 64 << 20    // bytes: 32 TiB with the usual blocks of 2 MiB
)

// Disk types, footer offset 60.
const (
	typeFixed        = 2
	typeDynamic      = 3
	typeDifferencing = 4
)

var cookie = []byte("conectix")

// footer is the part of the "Hard Disk Footer Format" that reading needs.
type footer struct {
	at       int64 // where in the file it lies
	header   int64 // offset of the dynamic disk header
	creator  string
	size     int64 // current size in bytes
	geometry int64 // bytes by cylinders, heads and sectors
	kind     uint32
	saved    bool
	sumOK    bool
}

type disk struct {
	image.Mapper
	size int64
	info image.Info
	data func() (span.Set, error)
}

func (d *disk) Size() int64             { return d.size }
func (d *disk) Info() image.Info        { return d.info }
func (d *disk) Data() (span.Set, error) { return d.data() }
func (d *disk) ReadAt(p []byte, off int64) (int, error) {
	return image.Read(d, format, d.size, p, off)
}

// Open reads the VHD in r's first size bytes. It fails with
// binread.ErrNotMine when there is no footer, neither at the end nor, as
// dynamic disks have it, copied to the start.
func Open(r io.ReaderAt, size int64) (image.Image, error) {
	f, err := findFooter(r, size)
	if err != nil {
		return nil, err
	}
	d := &disk{size: f.size, info: image.Info{Format: format, Notes: f.notes(size)}}
	switch f.kind {
	case typeFixed:
		err = d.openFixed(r, f)
	case typeDynamic:
		err = d.openDynamic(r, f)
	case typeDifferencing:
		err = binread.Unsupported(format, "a differencing disk")
	default:
		err = binread.Unsupported(format, "disk type %d", f.kind)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// findFooter looks at the last 512 bytes, the last 511 (Virtual PC before
// 2004 wrote such a short footer) and the first 512.
func findFooter(r io.ReaderAt, size int64) (*footer, error) {
	var err error = binread.ErrNotMine
	for _, at := range []int64{size - footerLen, size - footerLen + 1, 0} {
		n := min(footerLen, size-at)
		if at < 0 || n < footerLen-1 {
			continue
		}
		b, rerr := binread.At(r, format, at, n, footerLen)
		if rerr != nil {
			return nil, rerr
		}
		if !bytes.HasPrefix(b, cookie) {
			continue
		}
		var f *footer
		if f, err = parseFooter(b, at); err != nil {
			continue
		}
		if at == 0 && f.kind == typeFixed {
			// Fixed disks have no copy in front: the footer at the end is lost.
			return nil, binread.Errorf(format, at, "a fixed disk's footer lies at the file's start")
		}
		return f, nil
	}
	return nil, err
}

func parseFooter(b []byte, at int64) (*footer, error) {
	buf := binread.Buf{B: b}
	size, header := buf.BE64(48), buf.BE64(16)
	if size > math.MaxInt64 {
		return nil, binread.Errorf(format, at+48, "a size of %#x bytes", size)
	}
	geometry := int64(buf.BE16(56)) * int64(buf.U8(58)) * int64(buf.U8(59)) * sector
	return &footer{
		at: at, header: int64(header), creator: string(buf.Bytes(28, 4)), size: int64(size), geometry: geometry,
		kind: buf.BE32(60), saved: buf.U8(84) != 0, sumOK: checksum(b, 64) == buf.BE32(64),
	}, nil
}

// checksum is the one's complement of the sum of all bytes but the four at
// field, where the checksum itself lies.
func checksum(b []byte, field int) uint32 {
	var sum uint32
	for i, c := range b {
		if i < field || i >= field+4 {
			sum += uint32(c)
		}
	}
	return ^sum
}

func (f *footer) notes(fileSize int64) (notes []string) {
	if !f.sumOK {
		notes = append(notes, fmt.Sprintf("the footer at byte %d has a wrong checksum", f.at))
	}
	if f.at == 0 && fileSize > footerLen {
		notes = append(notes, "the footer at the file's end is missing: the file may be cut short")
	}
	if f.saved {
		notes = append(notes, "the footer says that the machine was in a saved state")
	}
	if f.geometry != f.size {
		notes = append(notes, fmt.Sprintf("made by %q: the size is %d bytes, by the disk geometry it would be %d", f.creator, f.size, f.geometry))
	}
	return notes
}

func (d *disk) openFixed(r io.ReaderAt, f *footer) error {
	if d.size > f.at {
		return binread.Errorf(format, f.at, "the disk has %d bytes, but only %d lie before the footer", d.size, f.at)
	}
	d.info.Variant = "fixed"
	d.Mapper = flat{r, d.size}
	d.data = sync.OnceValues(func() (span.Set, error) { return image.HostData(r, d.size) })
	return nil
}

// flat is a fixed disk: the file's bytes in front of the footer.
type flat struct {
	r    io.ReaderAt
	size int64
}

func (f flat) Run(off, _ int64) (image.Run, error) {
	return image.Run{Len: f.size - off, Src: f.r, Off: off}, nil
}

// openDynamic reads the "Dynamic Disk Header Format" and the block allocation
// table. Each block is a bitmap of its sectors, padded to 512 bytes, and then
// the data. The bitmap is not looked at: in a disk without parent a sector
// that is not marked holds zeros, or something that is better seen.
func (d *disk) openDynamic(r io.ReaderAt, f *footer) error {
	b, err := binread.At(r, format, f.header, 1024, 1024)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(b, []byte("cxsparse")) {
		return binread.Errorf(format, f.header, "no dynamic disk header")
	}
	buf := binread.Buf{B: b}
	table, entries, block := int64(buf.BE64(16)), int64(buf.BE32(28)), int64(buf.BE32(32))
	if checksum(b, 36) != buf.BE32(36) {
		d.info.Notes = append(d.info.Notes, fmt.Sprintf("the dynamic disk header at byte %d has a wrong checksum", f.header))
	}
	if block < sector || block&(block-1) != 0 {
		return binread.Errorf(format, f.header+32, "a block size of %d bytes", block)
	}
	blocks := d.size / block
	if d.size%block != 0 {
		blocks++
	}
	if blocks > entries {
		return binread.Errorf(format, f.header+28, "a table of %d entries is too small: %d bytes need %d", entries, d.size, blocks)
	}
	bat, err := binread.At(r, format, table, 4*blocks, maxBAT)
	if err != nil {
		return err
	}
	bitmap := ((block/sector+7)/8 + sector - 1) &^ (sector - 1)
	m := &image.Blocks{Src: r, Size: d.size, BlockSize: block, Lookup: func(i int64) (int64, error) {
		e := binary.BigEndian.Uint32(bat[4*i:])
		if e == unused {
			return -1, nil
		}
		return int64(e)*sector + bitmap, nil
	}}
	d.info.Variant = "dynamic"
	d.Mapper, d.data = m, sync.OnceValues(m.Data)
	return nil
}
