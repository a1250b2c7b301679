package gpt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"unicode/utf16"

	"assay/internal/binread"
	"assay/internal/span"
)

const format = "gpt"

// Bounds on what a header may ask for.
const (
	// MaxPartitions is the number of partitions read from one table; Linux
	// knows at most 256 minors a disk.
	MaxPartitions = 1024
	maxArray      = 4 << 20 // bytes of the entry array; the usual one has 16 KiB
	maxTail       = 4 << 20 // bytes at the end in which a displaced backup header is searched
	minEntry      = 128     // bytes of one entry by the specification
	maxEntry      = 4096
	headerSize    = 92
)

const signature = "EFI PART"

// A Partition is one used entry.
type Partition struct {
	Number int    // from 1, the place in the entry array
	Type   string // type GUID, upper case
	UUID   string // unique GUID, lower case
	Name   string
	Start  int64 // in bytes; Start+Len may lie beyond the disk
	Len    int64
	Attrs  uint64
	Offset int64 // of its entry on the disk
}

// A Table is one disk's partition table.
type Table struct {
	LBA        int64  // bytes in a logical block: 512 or 4096
	DiskUUID   string // lower case
	Partitions []Partition
	Areas      span.Set // where the headers and entry arrays lie
	Backup     bool     // the partitions come from the backup
	Problems   []error  // what is broken, with offsets; the partitions are still worth reading
	Partial    bool     // there may be partitions that are not listed
}

// header is one copy of the table as found.
type header struct {
	at       int64 // byte offset of the header
	lba      int64
	sum      error // nil when the header's CRC is right
	my       uint64
	other    uint64 // AlternateLBA
	disk     [16]byte
	entries  int64 // byte offset of the array
	count    int64
	size     int64 // of one entry
	arraySum uint32
	array    []byte
	arrayErr error
}

// rank orders copies: whole ones first, then those with a right header, then
// those that merely look like one.
func (h *header) rank() int {
	switch {
	case h.sum == nil && h.arrayErr == nil:
		return 2
	case h.sum == nil && h.array != nil:
		return 1
	}
	return 0
}

// Read reads the table of a disk of size bytes. lastLBA is the number of
// logical blocks less one that the protective MBR claims, 0 if unknown: it
// helps to find the backup header when the image has been rounded up or grown.
// It returns ErrNotMine when there is no header at all, and an error that says
// where when there is no entry array to go with it.
func Read(r io.ReaderAt, size, lastLBA int64) (*Table, error) {
	var first *header
	for _, lba := range []int64{512, 4096} {
		if h := readHeader(r, size, lba, lba); h != nil && (first == nil || h.rank() > first.rank()) {
			first = h
		}
	}
	best := first
	var second *header
	if first == nil || first.rank() < 2 {
		second = findBackup(r, size, lastLBA, first)
		if second != nil && (best == nil || second.rank() > best.rank()) {
			best = second
		}
	} else if off, ok := mul(first.other, first.lba); ok {
		second = readHeader(r, size, off, first.lba)
	}
	if best == nil {
		return nil, binread.ErrNotMine
	}
	if best.array == nil {
		return nil, errors.Join(best.sum, best.arrayErr)
	}
	t := &Table{LBA: best.lba, DiskUUID: lower(best.disk[:]), Backup: best != first, Partial: best.rank() < 2}
	t.describe(best, first)
	t.areas(first, second)
	t.read(best)
	return t, nil
}

// describe says what is wrong with the copies.
func (t *Table) describe(best, first *header) {
	switch {
	case first == nil:
		t.problem(best.lba, "the primary header is missing; the backup at byte %d is used", best.at)
	case first.sum != nil:
		t.Problems = append(t.Problems, first.sum)
	case first.arrayErr != nil:
		t.Problems = append(t.Problems, first.arrayErr)
	}
	if best == first {
		return
	}
	if best.sum != nil {
		t.Problems = append(t.Problems, best.sum)
	} else if best.arrayErr != nil {
		t.Problems = append(t.Problems, best.arrayErr)
	}
}

func (t *Table) problem(off int64, msg string, args ...any) {
	t.Problems = append(t.Problems, binread.Errorf(format, off, msg, args...))
}

// areas lists where the copies of the table lie.
func (t *Table) areas(hs ...*header) {
	var all []span.Span
	for _, h := range hs {
		if h == nil {
			continue
		}
		all = append(all, span.Span{Off: h.at, Len: h.lba})
		if h.array != nil {
			n := int64(len(h.array))
			all = append(all, span.Span{Off: h.entries, Len: (n + h.lba - 1) / h.lba * h.lba})
		}
	}
	t.Areas = span.Make(all)
}

// read turns the entry array into partitions.
func (t *Table) read(h *header) {
	for i := int64(0); (i+1)*h.size <= int64(len(h.array)); i++ {
		b := binread.Buf{B: h.array[i*h.size : (i+1)*h.size]}
		typ := b.Bytes(0, 16)
		if allZero(typ) {
			continue
		}
		at := h.entries + i*h.size
		if len(t.Partitions) == MaxPartitions {
			t.problem(at, "more than %d partitions; the others are not read", MaxPartitions)
			t.Partial = true
			return
		}
		first, last := b.LE64(32), b.LE64(40)
		start, ok := mul(first, h.lba)
		end, ok2 := mul(last+1, h.lba)
		if !ok || !ok2 || last < first || last+1 == 0 {
			t.problem(at, "partition %d claims blocks %d to %d", i+1, first, last)
			t.Partial = true
			continue
		}
		t.Partitions = append(t.Partitions, Partition{
			Number: int(i) + 1, Type: upper(typ), UUID: lower(b.Bytes(16, 16)),
			Name: name(b.Bytes(56, 72)), Start: start, Len: end - start, Attrs: b.LE64(48), Offset: at,
		})
	}
}

// findBackup looks for the best backup header: where the primary says, where
// the protective MBR says the disk ended, at the end, and near the end.
func findBackup(r io.ReaderAt, size, lastLBA int64, first *header) *header {
	var best *header
	try := func(off, lba int64) bool {
		h := readHeader(r, size, off, lba)
		if h != nil && h.my != 1 && (best == nil || h.rank() > best.rank()) {
			best = h
		}
		return best != nil && best.rank() == 2
	}
	for _, lba := range []int64{512, 4096} {
		if first != nil && first.lba == lba {
			if off, ok := mul(first.other, lba); ok && try(off, lba) {
				return best
			}
		}
		if lastLBA > 1 {
			if off, ok := mul(uint64(lastLBA), lba); ok && try(off, lba) {
				return best
			}
		}
		if try(size/lba*lba-lba, lba) {
			return best
		}
	}
	const window = 64 << 10
	for end := size &^ 511; end > max(size-maxTail, 0); end -= window {
		start := max(end-window, 0)
		b := make([]byte, end-start)
		if binread.Full(r, format, b, start) != nil {
			continue
		}
		for k := len(b) - 512; k >= 0; k -= 512 {
			if string(b[k:k+8]) != signature {
				continue
			}
			if off := start + int64(k); try(off, 512) || try(off, 4096) {
				return best
			}
		}
	}
	return best
}

// readHeader reads one copy at byte off, or returns nil when there is none. A
// copy with a wrong sum or place is returned with the reason in sum, so long
// as its fields can be used.
func readHeader(r io.ReaderAt, size, off, lba int64) *header {
	if off < 512 || off > size-512 {
		return nil
	}
	raw := make([]byte, 512)
	if binread.Full(r, format, raw, off) != nil || string(raw[:8]) != signature {
		return nil
	}
	b := binread.Buf{B: raw}
	h := &header{at: off, lba: lba, my: b.LE64(24), other: b.LE64(32), count: int64(b.LE32(80)),
		size: int64(b.LE32(84)), arraySum: b.LE32(88)}
	copy(h.disk[:], b.Bytes(56, 16))
	if at, ok := mul(h.my, lba); !ok || at != off {
		return nil // a copy of a header, or one for the other block size
	}
	h.sum = checkSum(r, off, lba, &b)
	entries, ok := mul(b.LE64(72), lba)
	n := h.count * h.size // both below 2^32
	if !ok || h.size < minEntry || h.size > maxEntry || h.size%8 != 0 || n > maxArray || entries < 512 {
		if h.sum == nil {
			h.sum = binread.Errorf(format, off+72, "the entry array has %d entries of %d bytes at block %d", h.count, h.size, b.LE64(72))
		}
		return h
	}
	h.entries = entries
	h.array, h.arrayErr = binread.At(r, format, entries, n, maxArray)
	if h.arrayErr == nil {
		if sum := crc32.ChecksumIEEE(h.array); sum != h.arraySum {
			h.arrayErr = binread.Errorf(format, entries, "the entry array has CRC %08x, the header at byte %d says %08x", sum, off, h.arraySum)
		}
	}
	return h
}

// checkSum checks the header's own CRC, which is computed with its field zero.
func checkSum(r io.ReaderAt, off, lba int64, b *binread.Buf) error {
	n := int64(b.LE32(12))
	if n < headerSize || n > lba {
		return binread.Errorf(format, off+12, "the header claims a length of %d bytes", n)
	}
	whole, err := binread.At(r, format, off, n, 4096)
	if err != nil {
		return err
	}
	want := b.LE32(16)
	clear(whole[16:20])
	if sum := crc32.ChecksumIEEE(whole); sum != want {
		return binread.Errorf(format, off+16, "the header has CRC %08x and says %08x", sum, want)
	}
	return nil
}

// mul gives blocks*lba if it is a possible byte offset.
func mul(blocks uint64, lba int64) (int64, bool) {
	if blocks > uint64(1<<62)/uint64(lba) {
		return 0, false
	}
	return int64(blocks) * lba, true
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// name decodes a NUL-terminated UTF-16LE name; lone surrogates become U+FFFD.
func name(b []byte) string {
	var u []uint16
	for i := 0; i+1 < len(b); i += 2 {
		c := binary.LittleEndian.Uint16(b[i:])
		if c == 0 {
			break
		}
		u = append(u, c)
	}
	return string(utf16.Decode(u))
}

// lower and upper print a GUID, whose first three fields are little-endian
// (appendix A of the specification).
func lower(b []byte) string { return guid("%08x-%04x-%04x-%04x-%012x", b) }
func upper(b []byte) string { return guid("%08X-%04X-%04X-%04X-%012X", b) }

func guid(layout string, b []byte) string {
	le := binary.LittleEndian
	return fmt.Sprintf(layout, le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}
