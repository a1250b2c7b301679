package vhdx

import (
	"encoding/binary"
	"encoding/hex"
	"io"

	"assay/internal/binread"
)

// header is what reading needs of a header, 2.2.2.
type header struct {
	sequence       uint64
	logGUID        guid
	logLen, logOff int64
}

// readHeader returns the current header: of the two at 64 and 128 KiB that
// are whole, the one with the higher sequence number.
func readHeader(r io.ReaderAt) (*header, error) {
	var best *header
	for _, off := range []int64{64 << 10, 128 << 10} {
		b, err := binread.At(r, format, off, 4096, 4096)
		if err != nil {
			return nil, err
		}
		if string(b[:4]) != "head" || !sumOK(b) {
			continue
		}
		buf := binread.Buf{B: b}
		if v := buf.LE16(66); v != 1 {
			return nil, binread.Unsupported(format, "version %d", v)
		}
		h := &header{sequence: buf.LE64(8), logGUID: guid(buf.Bytes(48, 16)), logLen: int64(buf.LE32(68)), logOff: int64(buf.LE64(72))}
		if best != nil && best.sequence >= h.sequence {
			continue
		}
		if v := buf.LE16(64); v != 0 && h.logGUID != (guid{}) {
			return nil, binread.Unsupported(format, "log version %d", v)
		}
		best = h
	}
	if best == nil {
		return nil, binread.Errorf(format, 64<<10, "neither header is whole")
	}
	return best, nil
}

// region is a range of the file.
type region struct{ off, len int64 }

// GUIDs in hexadecimal as they lie in the file, the first three groups
// little-endian: of regions, 2.2.3.2, and of metadata items, 2.6.2.
const (
	regionBAT      = "6677c22d23f600429d64115e9bfd4a08" // 2DC27766-F623-4200-9D64-115E9BFD4A08
	regionMetadata = "06a27c8b90479a4bb8fe575f050f886e" // 8B7CA206-4790-4B9A-B8FE-575F050F886E

	itemParameters = "3767a1ca36fa434db3b633f0aa44e76b" // CAA16737-FA36-4D43-B3B6-33F0AA44E76B
	itemSize       = "2442a52f1bcd7648b2115dbed83bf4b8" // 2FA54224-CD1B-4876-B211-5DBED83BF4B8
	itemSector     = "1dbf41816fa90947ba47f233a8faab5f" // 8141BF1D-A96F-4709-BA47-F233A8FAAB5F
	itemPhysical   = "c748a3cd5d4471449cc9e9885251c556" // CDA348C7-445D-4471-9CC9-E9885251C556
	itemDiskID     = "ab12cabee6b2234593efc309e000c746" // BECA12AB-B2E6-4523-93EF-C309E000C746
	itemParent     = "2d5fd3a80bb34d45abf7d3d84834ab0c" // A8D35F2D-B30B-454D-ABF7-D3D84834AB0C
)

// readRegions reads the region table, 2.2.3, of which there are two copies.
func readRegions(r io.ReaderAt) (bat, meta region, err error) {
	for _, off := range []int64{192 << 10, 256 << 10} {
		b, rerr := binread.At(r, format, off, 64<<10, 64<<10)
		if rerr != nil {
			return bat, meta, rerr
		}
		if string(b[:4]) != "regi" || !sumOK(b) {
			continue
		}
		return parseRegions(b, off)
	}
	return bat, meta, binread.Errorf(format, 192<<10, "neither region table is whole")
}

func parseRegions(b []byte, off int64) (bat, meta region, err error) {
	n := binary.LittleEndian.Uint32(b[8:])
	if n > 2047 {
		return bat, meta, binread.Errorf(format, off+8, "%d regions", n)
	}
	for at := 16; at < 16+32*int(n); at += 32 {
		e := binread.Buf{B: b[at : at+32]}
		reg := region{int64(e.LE64(16)), int64(e.LE32(24))}
		if reg.off < mebi {
			return bat, meta, binread.Errorf(format, off+int64(at)+16, "a region at byte %d", reg.off)
		}
		switch hex.EncodeToString(b[at : at+16]) {
		case regionBAT:
			bat = reg
		case regionMetadata:
			meta = reg
		default:
			if e.LE32(28)&1 != 0 {
				return bat, meta, binread.Unsupported(format, "the required region %x", b[at:at+16])
			}
		}
	}
	if bat.len == 0 || meta.len == 0 {
		return bat, meta, binread.Errorf(format, off, "no block allocation table or no metadata region")
	}
	return bat, meta, nil
}

// metadata is what the metadata items say, 2.6.2.
type metadata struct {
	size, block, sector int64
	fixed, parent       bool
}

// readMetadata reads the metadata table, 2.6.1, in the region's first 64 KiB,
// and the items it names.
func readMetadata(r io.ReaderAt, reg region) (*metadata, error) {
	b, err := binread.At(r, format, reg.off, 64<<10, 64<<10)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint16(b[10:])
	if string(b[:8]) != "metadata" || n > 2047 {
		return nil, binread.Errorf(format, reg.off, "no metadata table, or one with %d entries", n)
	}
	m := &metadata{}
	for at := 32; at < 32+32*int(n); at += 32 {
		if err := m.item(r, reg, b[at:at+32]); err != nil {
			return nil, err
		}
	}
	return m, m.check(reg.off)
}

// item reads one metadata item into m. An item that is not known is refused
// when its entry says that it is required.
func (m *metadata) item(r io.ReaderAt, reg region, entry []byte) error {
	e := binread.Buf{B: entry}
	off, n := int64(e.LE32(16)), int64(e.LE32(20))
	id := hex.EncodeToString(entry[:16])
	switch id {
	case itemParameters, itemSize, itemSector:
	case itemPhysical, itemDiskID, itemParent:
		return nil
	default:
		if e.LE32(24)&4 != 0 {
			return binread.Unsupported(format, "the required metadata item %s", id)
		}
		return nil
	}
	if off < 64<<10 || n > reg.len || off > reg.len-n {
		return binread.Errorf(format, reg.off, "a metadata item of %d bytes at %d is outside the region", n, off)
	}
	b, err := binread.At(r, format, reg.off+off, n, 64)
	if err != nil {
		return err
	}
	v := binread.Buf{B: b}
	switch id {
	case itemParameters:
		m.block = int64(v.LE32(0))
		m.fixed, m.parent = v.LE32(4)&1 != 0, v.LE32(4)&2 != 0
	case itemSize:
		m.size = int64(v.LE64(0))
	case itemSector:
		m.sector = int64(v.LE32(0))
	}
	if v.Over() {
		return binread.Errorf(format, reg.off+off, "a metadata item of %d bytes is too short", n)
	}
	return nil
}

func (m *metadata) check(off int64) error {
	switch {
	case m.parent:
		return binread.Unsupported(format, "a differencing disk")
	case m.block < mebi || m.block > 256*mebi || m.block&(m.block-1) != 0:
		return binread.Errorf(format, off, "a block size of %d bytes", m.block)
	case m.sector != 512 && m.sector != 4096:
		return binread.Errorf(format, off, "a logical sector size of %d bytes", m.sector)
	case m.size < 0 || m.size > maxSize || m.size%m.sector != 0:
		return binread.Errorf(format, off, "a virtual size of %d bytes", m.size)
	}
	return nil
}
