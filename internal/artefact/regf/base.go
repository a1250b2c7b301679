package regf

import (
	"encoding/binary"
	"math"
	"time"

	"assay/internal/binread"
)

const format = "regf"

// MaxSize bounds a hive. Windows keeps hives far below: SYSTEM and SOFTWARE of
// a busy server have some 20 and 200 MB.
const MaxSize = 512 << 20

// Layout of the base block, the first 4096 bytes.
const (
	baseLen     = 4096 // hive bins begin here
	sectorLen   = 512  // the part of the base block that has a checksum and is copied to logs
	atSeq1      = 4    // incremented before the hive is written
	atSeq2      = 8    // incremented after it was written
	atWritten   = 12   // FILETIME
	atMajor     = 20
	atMinor     = 24
	atType      = 28 // 0 hive, 1 and 2 old log, 6 new log
	atRoot      = 36 // cell of the root key
	atSize      = 40 // length of all hive bins
	atChecksum  = 508
	binHeader   = 32
	binAlign    = 4096
	atBinOffset = 4
	atBinSize   = 8
	atBinTime   = 20 // FILETIME; of the first bin: a copy of atWritten
)

// none is the offset that means "there is none".
const none = math.MaxUint32

var le = binary.LittleEndian

// A State says how far the bytes of a hive are to be trusted.
type State int

// The states.
const (
	// Clean: the last write was completed.
	Clean State = iota
	// Replayed: a write was not completed, and the logs held the rest of it.
	Replayed
	// Dirty: a write was not completed, and no log that was given completes it.
	// What is read may be old or torn; such a hive is never edited.
	Dirty
)

func (s State) String() string { return [...]string{"clean", "replayed", "dirty"}[s] }

// checksum is the XOR of the first 127 words of a base block; 0 and the
// complement of 0 are spared (CmpComputeBaseBlockChecksum).
func checksum(b []byte) uint32 {
	var c uint32
	for i := 0; i < atChecksum; i += 4 {
		c ^= le.Uint32(b[i:])
	}
	switch c {
	case 0:
		return 1
	case math.MaxUint32:
		return math.MaxUint32 - 1
	}
	return c
}

// soundBase reports whether b begins with an intact sector of a base block.
func soundBase(b []byte) bool {
	return len(b) >= sectorLen && string(b[:4]) == "regf" && checksum(b) == le.Uint32(b[atChecksum:])
}

// Open reads a hive. The logs, in any order, are those that lie beside it;
// empty ones and foreign ones are ignored. Open may change the bytes of b and
// returns a Hive that uses them.
//
// Bytes that are no hive give binread.ErrNotMine. A hive with damaged parts
// opens as long as its root key can be found; see Faults.
func Open(b []byte, logs ...[]byte) (*Hive, error) {
	if len(b) < 4 || string(b[:4]) != "regf" && !anyLog(logs) {
		return nil, binread.ErrNotMine
	}
	if len(b) < baseLen+binAlign {
		return nil, binread.Errorf(format, int64(len(b)), "the file ends before the first hive bin does")
	}
	if len(b) > MaxSize {
		return nil, binread.Unsupported(format, "a hive of %d bytes (the bound is %d)", len(b), MaxSize)
	}
	h := &Hive{b: b, fileLen: len(b)}
	if err := h.recover(logs); err != nil {
		return nil, err
	}
	return h, h.open()
}

// anyLog reports whether one of logs is intact: then a hive whose base block is
// destroyed can be opened nevertheless.
func anyLog(logs [][]byte) bool {
	for _, l := range logs {
		if soundBase(l) {
			return true
		}
	}
	return false
}

// open checks the base block after recovery and maps the cells.
func (h *Hive) open() error {
	if string(h.b[:4]) != "regf" {
		return binread.ErrNotMine
	}
	major, minor := le.Uint32(h.b[atMajor:]), le.Uint32(h.b[atMinor:])
	// 1.0 to 1.2 are of Windows NT before 4.0, with another cell header.
	if major != 1 || minor < 3 || minor > 6 {
		return binread.Unsupported(format, "version %d.%d", major, minor)
	}
	if t := le.Uint32(h.b[atType:]); t != 0 {
		return binread.Errorf(format, atType, "file type %d is no hive but a log", t)
	}
	h.minor, h.root, h.size = minor, le.Uint32(h.b[atRoot:]), le.Uint32(h.b[atSize:])
	switch {
	case h.size == 0 || h.size%binAlign != 0:
		return binread.Errorf(format, atSize, "hive bins of %d bytes are no whole pages", h.size)
	case int64(h.size) > int64(len(h.b)-baseLen):
		return binread.Errorf(format, atSize, "hive bins end at byte %d, the file at %d", int64(h.size)+baseLen, len(h.b))
	}
	h.scan()
	if h.node(h.root) == nil {
		return binread.Errorf(format, atRoot, "no root key at offset %d", h.root)
	}
	return nil
}

// Written is when Windows wrote the hive last, by its own clock.
func (h *Hive) Written() time.Time { return filetime(h.b[atWritten:]) }

// epoch is 1970 in the 100 ns since 1601 of a FILETIME.
const epoch = 116444736000000000

// filetime converts a FILETIME; 0 and times beyond reason give the zero Time.
func filetime(b []byte) time.Time {
	t := le.Uint64(b)
	if t == 0 || t >= math.MaxInt64 {
		return time.Time{}
	}
	d := int64(t) - epoch
	return time.Unix(d/1e7, d%1e7*100).UTC()
}
