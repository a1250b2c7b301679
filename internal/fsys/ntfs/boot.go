package ntfs

import (
	"io"

	"assay/internal/binread"
)

const format = "ntfs"

// Bounds on what a boot sector may ask for.
const (
	maxCluster  = 2 << 20 // Windows 10 and later format up to 2 MiB
	minRecord   = 512
	maxRecord   = 16 << 10 // 1 KiB and 4 KiB are in use
	maxIndex    = 64 << 10
	maxClusters = 1 << 40
)

// A geometry is what the boot sector says (struct NTFS_BOOT_SECTOR).
type geometry struct {
	sector     int64 // bytes
	cluster    int64 // bytes
	clusters   int64 // whole ones
	sectors    int64 // of the file system; the backup of the boot sector comes right after
	recordSize int64 // bytes of an MFT record
	indexSize  int64 // bytes of an index block, by default
	mftAt      int64 // first cluster of the MFT
	mirrorAt   int64 // first cluster of its mirror
	serial     uint64
}

func (g *geometry) size() int64 { return g.sectors * g.sector }

// readGeometry reads the boot sector.
func readGeometry(r io.ReaderAt, size int64) (*geometry, error) {
	var raw [512]byte
	if size < int64(len(raw)) {
		return nil, binread.ErrNotMine
	}
	if err := binread.Full(r, format, raw[:], 0); err != nil {
		return nil, err
	}
	switch string(raw[3:11]) {
	case "NTFS    ":
	case "-FVE-FS-":
		return nil, binread.Encrypted(format, "BitLocker")
	default:
		return nil, binread.ErrNotMine
	}
	return parseGeometry(&binread.Buf{B: raw[:]})
}

func parseGeometry(b *binread.Buf) (*geometry, error) {
	g := &geometry{sector: int64(b.LE16(0x0B)), serial: b.LE64(0x48)}
	if !power(g.sector) || g.sector < 256 || g.sector > 4096 {
		return nil, binread.Errorf(format, 0x0B, "a sector of %d bytes", g.sector)
	}
	per := int64(b.U8(0x0D))
	if per > 0x80 { // then it is the negative of a power of two
		per = 1 << min(256-per, 30)
	}
	if g.cluster = g.sector * per; !power(per) || g.cluster > maxCluster {
		return nil, binread.Errorf(format, 0x0D, "a cluster of %d sectors", per)
	}
	sectors := b.LE64(0x28)
	if sectors == 0 || sectors/uint64(per) == 0 || sectors/uint64(per) > maxClusters {
		return nil, binread.Errorf(format, 0x28, "a file system of %d sectors", sectors)
	}
	g.sectors = int64(sectors)
	g.clusters = g.sectors / per
	mft, mirror := b.LE64(0x30), b.LE64(0x38)
	if mft == 0 || mft >= uint64(g.clusters) || mirror >= uint64(g.clusters) {
		return nil, binread.Errorf(format, 0x30, "the MFT is at cluster %d, its mirror at %d, of %d", mft, mirror, g.clusters)
	}
	g.mftAt, g.mirrorAt = int64(mft), int64(mirror)
	g.recordSize = g.unit(int8(b.U8(0x40)))
	if !power(g.recordSize) || g.recordSize < minRecord || g.recordSize > maxRecord {
		return nil, binread.Errorf(format, 0x40, "MFT records of %d bytes", g.recordSize)
	}
	g.indexSize = g.unit(int8(b.U8(0x44)))
	if !power(g.indexSize) || g.indexSize < minRecord || g.indexSize > maxIndex {
		return nil, binread.Errorf(format, 0x44, "index blocks of %d bytes", g.indexSize)
	}
	return g, nil
}

// unit decodes a size that is in clusters, or when negative the exponent of a
// number of bytes.
func (g *geometry) unit(v int8) int64 {
	if v >= 0 {
		return int64(v) * g.cluster
	}
	return 1 << min(-int(v), 30)
}

func power(n int64) bool { return n > 0 && n&(n-1) == 0 }
