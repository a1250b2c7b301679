package vmdk

import (
	"encoding/binary"
	"io"
	"slices"

	"assay/internal/binread"
	"assay/internal/disk/image"
)

const (
	sector     = 512
	atEnd      = 0xffff_ffff_ffff_ffff // gdOffset: the header in the footer counts
	maxGD      = 16 << 20              // bytes of a grain directory
	maxGrain   = 2 << 20               // bytes of a grain
	grainUnset = 0
	grainZero  = 1 // with flagZeroGrain
)

// Flags, header offset 8.
const (
	flagNewline    = 1 << 0
	flagZeroGrain  = 1 << 2
	flagCompressed = 1 << 16
)

// sparse is a hosted sparse extent.
type sparse struct {
	r        io.ReaderAt
	size     int64 // virtual bytes of the extent
	grain    int64 // bytes
	perTable int64 // entries of a grain table
	flags    uint32
	gd       []byte // grain directory
	gdAt     int64
	descAt   int64 // embedded descriptor, 0 if none
	descLen  int64
	unclean  bool
	*shared
	part int // which extent of the disk this is, in the shared caches
}

// shared is what the extents of a disk have in common, so that many extents
// need no more memory than one.
type shared struct {
	tables, grains *image.Cache[place]
	pool           pool
}

// place is an offset in an extent's file.
type place struct {
	part int
	off  int64
}

func newShared() *shared {
	return &shared{tables: image.NewCache[place](8 << 20), grains: image.NewCache[place](8 << 20)}
}

// openSparse reads the sparse extent in r's first size bytes.
func openSparse(r io.ReaderAt, size int64, sh *shared, part int) (*sparse, error) {
	if size < sector {
		return nil, binread.ErrNotMine
	}
	b, err := binread.At(r, format, 0, sector, sector)
	if err != nil {
		return nil, err
	}
	switch string(b[:4]) {
	case "KDMV":
	case "COWD":
		return nil, binread.Unsupported(format, "the ESX sparse format (COWD)")
	default:
		return nil, binread.ErrNotMine
	}
	at := int64(0)
	if binary.LittleEndian.Uint64(b[56:]) == atEnd {
		// The footer is a copy of the header in front of the last sector, which
		// is the end-of-stream marker.
		at = size - 2*sector
		if b, err = binread.At(r, format, at, sector, sector); err != nil {
			return nil, err
		}
		if string(b[:4]) != "KDMV" || binary.LittleEndian.Uint64(b[56:]) == atEnd {
			return nil, binread.Errorf(format, at, "no footer where the header says it is: the file may be cut short")
		}
	}
	s := &sparse{r: r, shared: sh, part: part}
	return s, s.parse(&binread.Buf{B: b}, at)
}

func (s *sparse) parse(h *binread.Buf, at int64) error {
	version, capacity, grain := h.LE32(4), h.LE64(12), h.LE64(20)
	if version < 1 || version > 3 {
		return binread.Unsupported(format, "version %d", version)
	}
	s.flags, s.perTable = h.LE32(8), int64(h.LE32(44))
	descAt, descLen, gdAt := h.LE64(28), h.LE64(36), h.LE64(56)
	s.unclean = h.U8(72) != 0
	if s.flags&flagNewline != 0 && h.BE32(73) != 0x0a200d0a {
		return binread.Errorf(format, at+73, "line ends were converted: the file was transferred as text")
	}
	const limit = 1 << 53 // sectors: keeps bytes in 62 bits
	if capacity > limit || descAt > limit || descLen > limit || gdAt > limit {
		return binread.Errorf(format, at+12, "a capacity of %d or an offset is out of range", capacity)
	}
	if grain == 0 || grain > maxGrain/sector || grain&(grain-1) != 0 {
		return binread.Errorf(format, at+20, "a grain of %d sectors", grain)
	}
	if s.perTable == 0 || s.perTable > 1<<16 {
		return binread.Errorf(format, at+44, "grain tables of %d entries", s.perTable)
	}
	if alg := h.LE16(77); s.flags&flagCompressed != 0 && alg != 1 {
		return binread.Unsupported(format, "compression algorithm %d", alg)
	}
	s.size, s.grain = int64(capacity)*sector, int64(grain)*sector
	s.descAt, s.descLen, s.gdAt = int64(descAt)*sector, int64(descLen)*sector, int64(gdAt)*sector
	per := s.grain * s.perTable
	n := s.size / per
	if s.size%per != 0 {
		n++
	}
	var err error
	s.gd, err = binread.At(s.r, format, s.gdAt, 4*n, maxGD)
	return err
}

// entry returns the grain table entry of grain i: the sector it lies at, or
// grainUnset for grains that read as zero. tableEnd is the first grain behind
// the table.
func (s *sparse) entry(i int64) (e uint32, tableEnd int64, err error) {
	n := i / s.perTable
	tableEnd = (n + 1) * s.perTable
	at := int64(binary.LittleEndian.Uint32(s.gd[4*n:])) * sector
	if at == 0 {
		return grainUnset, tableEnd, nil
	}
	t, err := s.tables.Get(place{s.part, at}, func() ([]byte, error) { return binread.At(s.r, format, at, 4*s.perTable, 1<<18) })
	if err != nil {
		return 0, 0, err
	}
	e = binary.LittleEndian.Uint32(t[4*(i%s.perTable):])
	if e == grainZero && s.flags&flagZeroGrain != 0 {
		e = grainUnset
	}
	return e, i + 1, nil
}

// Run implements image.Mapper.
func (s *sparse) Run(off, want int64) (image.Run, error) {
	want = min(want, s.size-off)
	i, in := off/s.grain, off%s.grain
	e, next, err := s.entry(i)
	if err != nil {
		return image.Run{}, err
	}
	run := image.Run{Len: next*s.grain - off}
	switch {
	case e == grainUnset:
		return run, nil
	case s.flags&flagCompressed != 0:
		b, err := s.inflated(e, i)
		return image.Run{Len: s.grain - in, Src: b, Off: in}, err
	}
	run.Src, run.Off = s.r, int64(e)*sector+in
	for run.Len < want {
		e, _, err := s.entry(next)
		if err != nil || e == grainUnset || int64(e)*sector != run.Off+run.Len {
			break // an error is told when the read comes to that grain
		}
		run.Len += s.grain
		next++
	}
	return run, nil
}

// data adds the ranges that hold data to c.
func (s *sparse) data(c *image.Collector) error {
	if err := s.overlappingTables(); err != nil {
		return err
	}
	for i := int64(0); i*s.grain < s.size; {
		e, next, err := s.entry(i)
		if err != nil {
			return err
		}
		if e != grainUnset {
			c.Add(i*s.grain, min(s.grain, s.size-i*s.grain))
		}
		i = next
	}
	return nil
}

// overlappingTables fails when two grain tables share bytes: no writer makes
// such tables, and they would let a small file keep us busy for long.
func (s *sparse) overlappingTables() error {
	var at []int64
	for n := 0; n < len(s.gd); n += 4 {
		if e := binary.LittleEndian.Uint32(s.gd[n:]); e != 0 {
			at = append(at, int64(e)*sector)
		}
	}
	slices.Sort(at)
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < 4*s.perTable {
			return binread.Errorf(format, s.gdAt, "the grain tables at %#x and %#x overlap", at[i-1], at[i])
		}
	}
	return nil
}
