package qcow2

import (
	"bytes"
	"fmt"
	"io"
	"math"

	"assay/internal/binread"
)

const format = "qcow2"

var magic = []byte("QFI\xfb")

// Incompatible features, header offset 72.
const (
	incompatDirty       = 1 << 0
	incompatCorrupt     = 1 << 1
	incompatExternal    = 1 << 2
	incompatCompression = 1 << 3
	incompatExtendedL2  = 1 << 4
	incompatKnown       = 1<<5 - 1
)

// Header extensions, each a big-endian type, a length and padded data.
const (
	extEnd           = 0
	extBackingFormat = 0xE2792ACA
	extBitmaps       = 0x23852875
)

// Bounds on what a header may ask for, as QEMU's block/qcow2.h has them.
const (
	minClusterBits = 9
	maxClusterBits = 21
	maxL1Bytes     = 32 << 20
	maxRefTable    = 8 << 20
	maxSnapshots   = 65536
	maxBackingName = 1023
)

// header is the part of the qcow2 header that reading needs.
type header struct {
	version        uint32
	clusterBits    uint32
	size           int64
	crypt          uint32
	l1Size         uint32
	l1Offset       int64
	refTableOffset int64
	refTableLen    int64 // bytes
	nbSnapshots    uint32
	snapshots      int64 // offset of the snapshot table
	incompat       uint64
	length         uint32
	compression    uint8 // 0 deflate, 1 zstd
	backing        string
	backingFormat  string
	bitmaps        bool
}

func (h *header) clusterSize() int64 { return 1 << h.clusterBits }

func (h *header) extended() bool { return h.incompat&incompatExtendedL2 != 0 }

// entrySize is the size in bytes of an L2 entry.
func (h *header) entrySize() int64 {
	if h.extended() {
		return 16
	}
	return 8
}

// perTable is the number of clusters that one L2 table maps.
func (h *header) perTable() int64 { return h.clusterSize() / h.entrySize() }

func readHeader(r io.ReaderAt, size int64) (*header, error) {
	if size < 8 {
		return nil, binread.ErrNotMine
	}
	b, err := binread.At(r, format, 0, min(size, 112), 112)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(b, magic) {
		return nil, binread.ErrNotMine
	}
	buf := binread.Buf{B: b}
	h := &header{version: buf.BE32(4)}
	switch h.version {
	case 1:
		return nil, binread.Unsupported("qcow", "version 1")
	case 2, 3:
	default:
		return nil, binread.Unsupported(format, "version %d", h.version)
	}
	if err := h.parse(&buf); err != nil {
		return nil, err
	}
	return h, h.readNames(r, &buf)
}

func (h *header) parse(b *binread.Buf) error {
	backingOff := b.BE64(8)
	h.clusterBits, h.crypt = b.BE32(20), b.BE32(32)
	size, l1, ref := b.BE64(24), b.BE64(40), b.BE64(48)
	h.l1Size, h.nbSnapshots = b.BE32(36), b.BE32(60)
	refClusters, snaps := b.BE32(56), b.BE64(64)
	h.length = 72
	if h.version == 3 {
		h.incompat, h.length = b.BE64(72), b.BE32(100)
		order := b.BE32(96)
		if order > 6 {
			return binread.Errorf(format, 96, "a refcount order of %d is over 6", order)
		}
	}
	if b.Over() {
		return binread.Errorf(format, 0, "the file ends inside the header")
	}
	if h.length > 104 {
		h.compression = b.U8(104)
	}
	if h.clusterBits < minClusterBits || h.clusterBits > maxClusterBits {
		return binread.Errorf(format, 20, "a cluster size of 2^%d bytes is outside 2^%d to 2^%d", h.clusterBits, minClusterBits, maxClusterBits)
	}
	mask := uint64(h.clusterSize() - 1)
	for _, f := range []struct {
		at    int64
		value uint64
		align uint64
		name  string
	}{{24, size, 0, "virtual size"}, {40, l1, mask, "L1 table offset"}, {48, ref, mask, "refcount table offset"}, {64, snaps, mask, "snapshot table offset"}} {
		if f.value > math.MaxInt64 || f.value&f.align != 0 {
			return binread.Errorf(format, f.at, "a %s of %#x is out of range or not aligned to a cluster", f.name, f.value)
		}
	}
	h.size, h.l1Offset, h.refTableOffset, h.snapshots = int64(size), int64(l1), int64(ref), int64(snaps)
	h.refTableLen = int64(refClusters) << h.clusterBits
	if backingOff != 0 && (backingOff < uint64(h.length) || backingOff > mask) {
		return binread.Errorf(format, 8, "the backing file name at %#x is outside the first cluster", backingOff)
	}
	return h.check()
}

// check refuses what is not read, most telling reason first.
func (h *header) check() error {
	switch h.crypt {
	case 0:
	case 1:
		return binread.Encrypted(format, "AES encryption")
	case 2:
		return binread.Encrypted(format, "LUKS encryption")
	default:
		return binread.Unsupported(format, "encryption method %d", h.crypt)
	}
	if x := h.incompat &^ incompatKnown; x != 0 {
		return binread.Unsupported(format, "incompatible feature %#x", x)
	}
	if h.incompat&incompatExternal != 0 {
		return binread.Unsupported(format, "an external data file")
	}
	if h.version == 3 && (h.length < 104 || int64(h.length) > h.clusterSize() || h.length%8 != 0) {
		return binread.Errorf(format, 100, "a header length of %d bytes", h.length)
	}
	if h.compression > 1 || (h.compression == 1) != (h.incompat&incompatCompression != 0) {
		return binread.Unsupported(format, "compression type %d with feature bits %#x", h.compression, h.incompat)
	}
	if h.extended() && h.clusterBits < 14 {
		return binread.Errorf(format, 20, "extended L2 entries need clusters of 16 KiB or more, not 2^%d bytes", h.clusterBits)
	}
	return nil
}

// l1Needed is the number of L1 entries that the virtual size needs.
func (h *header) l1Needed() int64 {
	per := h.clusterSize() * h.perTable() // at most 2^21 * 2^18
	n := h.size / per
	if h.size%per != 0 {
		n++
	}
	return n
}

// readNames reads the backing file's name and walks the header extensions,
// which lie between the header and that name, or the first cluster's end.
func (h *header) readNames(r io.ReaderAt, b *binread.Buf) error {
	end := h.clusterSize()
	if off, n := int64(b.BE64(8)), int64(b.BE32(16)); off != 0 {
		if n > maxBackingName || off+n > end {
			return binread.Errorf(format, 16, "a backing file name of %d bytes", n)
		}
		name, err := binread.At(r, format, off, n, maxBackingName)
		if err != nil {
			return err
		}
		h.backing, end = string(name), off
	}
	for off := int64(h.length); off+8 <= end; {
		eb, err := binread.At(r, format, off, 8, 8)
		if err != nil {
			return nil // a file that ends with its header has no extensions
		}
		e := binread.Buf{B: eb}
		kind, n := e.BE32(0), int64(e.BE32(4))
		if kind == extEnd {
			return nil
		}
		if n > end-off-8 {
			return binread.Errorf(format, off, "a header extension of %d bytes passes the header's end", n)
		}
		switch kind {
		case extBackingFormat:
			name, err := binread.At(r, format, off+8, n, 64)
			if err != nil {
				return err
			}
			h.backingFormat = string(name)
		case extBitmaps:
			h.bitmaps = true
		}
		off += 8 + (n+7)&^7
	}
	return nil
}

// variant names the flavour, as Info shows it.
func (h *header) variant() string {
	s := fmt.Sprintf("v%d", h.version)
	if h.compression == 1 {
		s += ", zstd"
	}
	if h.extended() {
		s += ", extended L2"
	}
	return s
}
