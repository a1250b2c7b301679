package mbr

import (
	"encoding/binary"
	"io"

	"assay/internal/binread"
	"assay/internal/span"
)

const (
	format = "mbr"
	block  = 512
	// MaxPartitions is the number of partitions read from one disk; Linux
	// knows at most 256 minors a disk.
	MaxPartitions = 256
	entriesAt     = 0x1be
	signatureAt   = 0x1fe
	typeGPT       = 0xee
)

// A Partition is one primary or logical partition. Containers (extended
// partitions) are not listed.
type Partition struct {
	Number int // 1 to 4 primary, 5 and above logical
	Type   byte
	Start  int64 // in bytes; Start+Len may lie beyond the disk
	Len    int64
	Offset int64 // of its entry on the disk
}

// A Table is one disk's partition table.
type Table struct {
	ID         uint32 // disk signature, 0 if none
	Partitions []Partition
	// GPT says that an entry of type 0xEE announces a GUID partition table;
	// that entry is not in Partitions. LastLBA is the last block it covers.
	GPT      bool
	LastLBA  int64
	Areas    span.Set // where boot records lie
	Problems []error  // what is broken, with offsets
}

type entry struct {
	boot, typ   byte
	start, size int64 // in blocks
	at          int64
}

func (e entry) extended() bool { return e.typ == 0x05 || e.typ == 0x0f || e.typ == 0x85 }

// Read reads the table of a disk of size bytes. It returns ErrNotMine when
// block 0 is no master boot record: without its mark, with boot flags that no
// table has, or the boot block of a FAT, NTFS or exFAT file system, which
// carries the same mark.
func Read(r io.ReaderAt, size int64) (*Table, error) {
	if size < block {
		return nil, binread.ErrNotMine
	}
	b := make([]byte, block)
	if err := binread.Full(r, format, b, 0); err != nil {
		return nil, err
	}
	if b[signatureAt] != 0x55 || b[signatureAt+1] != 0xaa || bootBlock(b) {
		return nil, binread.ErrNotMine
	}
	es := entries(b, 0)
	for _, e := range es {
		if e.boot&0x7f != 0 {
			return nil, binread.ErrNotMine
		}
	}
	t := &Table{ID: binary.LittleEndian.Uint32(b[0x1b8:])}
	areas := []span.Span{{Off: 0, Len: block}}
	var extended []entry
	for i, e := range es {
		switch {
		case e.size == 0:
		case e.typ == typeGPT:
			t.GPT, t.LastLBA = true, e.start+e.size-1
		case e.extended():
			extended = append(extended, e)
		default:
			t.add(i+1, e, 0)
		}
	}
	next := 5
	for _, e := range extended {
		w := chain{r: r, size: size, t: t, base: e.start, len: e.size, seen: map[int64]bool{}, next: next}
		w.walk(e.start)
		areas = append(areas, w.areas...)
		next = w.next
	}
	t.Areas = span.Make(areas)
	return t, nil
}

func (t *Table) add(number int, e entry, base int64) {
	t.Partitions = append(t.Partitions, Partition{number, e.typ, (base + e.start) * block, e.size * block, e.at})
}

func (t *Table) problem(off int64, msg string, args ...any) {
	t.Problems = append(t.Problems, binread.Errorf(format, off, msg, args...))
}

// chain follows the extended boot records of one extended partition.
type chain struct {
	r     io.ReaderAt
	size  int64
	t     *Table
	base  int64 // first block of the extended partition
	len   int64 // its blocks
	seen  map[int64]bool
	next  int // number of the next logical partition
	areas []span.Span
}

// walk reads boot records from block at on. In each, a data entry counts from
// that record and the link to the next from the extended partition's start.
func (c *chain) walk(at int64) {
	b := make([]byte, block)
	for {
		off := at * block
		switch {
		case c.seen[at]:
			c.t.problem(off, "extended boot records form a loop")
			return
		case len(c.seen) >= MaxPartitions:
			c.t.problem(off, "more than %d extended boot records", MaxPartitions)
			return
		case off > c.size-block:
			c.t.problem(off, "an extended boot record lies beyond the end of the disk at byte %d", c.size)
			return
		}
		c.seen[at] = true
		if err := binread.Full(c.r, format, b, off); err != nil {
			c.t.Problems = append(c.t.Problems, err)
			return
		}
		if b[signatureAt] != 0x55 || b[signatureAt+1] != 0xaa {
			c.t.problem(off+signatureAt, "an extended boot record has no signature")
			return
		}
		c.areas = append(c.areas, span.Span{Off: off, Len: block})
		link := int64(-1)
		for i, e := range entries(b, off) {
			switch {
			case e.size == 0:
			case e.extended():
				if link < 0 {
					link = c.base + e.start
				}
			case i < 2 || at-c.base+e.start+e.size <= c.len: // Linux takes the last two entries only if they fit
				c.t.add(c.next, e, at)
				c.next++
			}
			if len(c.t.Partitions) >= MaxPartitions {
				c.t.problem(e.at, "more than %d partitions", MaxPartitions)
				return
			}
		}
		if link < 0 {
			return
		}
		at = link
	}
}

func entries(b []byte, off int64) (es [4]entry) {
	for i := range es {
		e := b[entriesAt+16*i:]
		es[i] = entry{e[0], e[4], int64(binary.LittleEndian.Uint32(e[8:])),
			int64(binary.LittleEndian.Uint32(e[12:])), off + entriesAt + int64(16*i)}
	}
	return es
}

// bootBlock tells a file system's boot block from a boot record: a jump, then
// the name of NTFS, exFAT or BitLocker, or a BIOS parameter block that only
// FAT has (fatgen103).
func bootBlock(b []byte) bool {
	if b[0] != 0xeb && b[0] != 0xe9 {
		return false
	}
	switch string(b[3:11]) {
	case "NTFS    ", "EXFAT   ", "-FVE-FS-":
		return true
	}
	sector, cluster := binary.LittleEndian.Uint16(b[11:]), b[13]
	reserved, fats, media := binary.LittleEndian.Uint16(b[14:]), b[16], b[21]
	if sector < 512 || sector > 4096 || sector&(sector-1) != 0 || cluster == 0 || cluster&(cluster-1) != 0 {
		return false
	}
	return reserved != 0 && (fats == 1 || fats == 2) && (media >= 0xf8 || media == 0xf0)
}
