package fat

import (
	"fmt"
	"io"

	"assay/internal/binread"
)

const format = "vfat"

// Limits of the three kinds: fewer clusters than these make a FAT12 or FAT16.
const (
	maxFAT12 = 4085
	maxFAT16 = 65525
	maxFAT32 = 0x0ffffff5
)

// A geometry is what the boot sector says, in bytes from the volume's start.
type geometry struct {
	bits     int   // of a FAT entry: 12, 16 or 32
	cluster  int64 // bytes of a cluster
	sector   int64
	fat      int64 // the FAT in use
	fatLen   int64
	fats     []int64 // all copies that are kept equal
	root     int64   // root directory of FAT12 and FAT16
	rootLen  int64
	rootAt   uint32 // first cluster of FAT32's root directory
	data     int64  // cluster 2
	clusters uint32 // their number; the last one is clusters+1
	size     int64  // of the volume
	serial   uint32
	hasID    bool
}

// readGeometry reads and checks the boot sector.
func readGeometry(r io.ReaderAt, size int64) (*geometry, error) {
	if size < 512 {
		return nil, binread.ErrNotMine
	}
	raw, err := binread.At(r, format, 0, 512, 512)
	if err != nil {
		return nil, err
	}
	b := &binread.Buf{B: raw}
	g := &geometry{sector: int64(b.LE16(11))}
	perCluster, reserved, copies := int64(b.U8(13)), int64(b.LE16(14)), int64(b.U8(16))
	wrong := ""
	switch media := b.U8(21); {
	case g.sector < 512 || g.sector > 4096 || g.sector&(g.sector-1) != 0:
		wrong = fmt.Sprintf("a sector has %d bytes", g.sector)
	case perCluster == 0 || perCluster&(perCluster-1) != 0:
		wrong = fmt.Sprintf("a cluster has %d sectors", perCluster)
	case reserved == 0:
		wrong = "there are no reserved sectors"
	case copies == 0:
		wrong = "there is no FAT"
	case media < 0xf8 && media != 0xf0:
		wrong = fmt.Sprintf("the media byte is %#02x", media)
	}
	if wrong != "" {
		if raw[510] == 0x55 && raw[511] == 0xaa && (string(raw[54:57]) == "FAT" || string(raw[82:87]) == "FAT32") {
			return nil, binread.Errorf(format, 11, "%s", wrong)
		}
		return nil, binread.ErrNotMine
	}
	g.cluster = g.sector * perCluster
	return g, g.layout(b, reserved, copies)
}

// layout computes where everything is.
func (g *geometry) layout(b *binread.Buf, reserved, copies int64) error {
	total := int64(b.LE16(19))
	if total == 0 {
		total = int64(b.LE32(32))
	}
	fatSectors := int64(b.LE16(22))
	old := fatSectors != 0 // FAT12 or FAT16: Linux, too, tells FAT32 by this field being zero
	ext := 38              // of the extended boot signature and the serial number after it
	if !old {
		fatSectors, ext = int64(b.LE32(36)), 66
		if v := b.LE16(42); v != 0 {
			return binread.Unsupported(format, "FAT32 version %d.%d", v>>8, v&0xff)
		}
		g.rootAt = b.LE32(44) & 0x0fffffff
	}
	g.rootLen = int64(b.LE16(17)) * 32
	g.fat, g.fatLen = reserved*g.sector, fatSectors*g.sector
	g.root = g.fat + copies*g.fatLen
	g.data = g.root + (g.rootLen+g.sector-1)/g.sector*g.sector
	g.size = total * g.sector
	if fatSectors == 0 || g.data >= g.size {
		return binread.Errorf(format, 19, "%d sectors of %d bytes leave no room for data, which begins at byte %d", total, g.sector, g.data)
	}
	n := (g.size - g.data) / g.cluster
	switch {
	case !old && n <= maxFAT32:
		g.bits = 32
	case old && n < maxFAT12:
		g.bits = 12
	case old && n < maxFAT16:
		g.bits = 16
	default:
		return binread.Errorf(format, 19, "%d clusters are too many", n)
	}
	g.clusters = uint32(max(min(n, g.fatLen*8/int64(g.bits)-2), 0))
	g.copies(b, copies)
	if s := b.U8(ext); s == 0x29 || s == 0x28 {
		g.serial, g.hasID = b.LE32(ext+1), true
	}
	return nil
}

// copies lists the FATs that are kept equal; with mirroring switched off
// (FAT32 only) that is one, not always the first.
func (g *geometry) copies(b *binread.Buf, copies int64) {
	if flags := b.LE16(40); g.bits == 32 && flags&0x80 != 0 {
		if k := int64(flags & 0xf); k < copies {
			g.fat += k * g.fatLen
		}
		g.fats = []int64{g.fat}
		return
	}
	for k := range copies {
		g.fats = append(g.fats, g.fat+k*g.fatLen)
	}
}

// offset is the first byte of a cluster, which must be valid.
func (g *geometry) offset(cluster uint32) int64 { return g.data + int64(cluster-2)*g.cluster }

func (g *geometry) valid(cluster uint32) bool {
	return cluster >= 2 && cluster-2 < g.clusters
}

// entryAt is the byte at which the FAT entry of a cluster begins.
func (g *geometry) entryAt(cluster uint32) int64 {
	return g.fat + int64(cluster)*int64(g.bits)/8
}
