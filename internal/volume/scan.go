package volume

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/span"
	"assay/internal/volume/gpt"
	"assay/internal/volume/mbr"
	"assay/internal/volume/sig"
)

// Bounds on what one machine may cost.
const (
	maxDisks    = 256
	maxVolumes  = 4096     // of all disks together
	maxMapped   = 2 << 20  // segments of all volumes together
	maxMetadata = 64 << 20 // bytes of LVM text parsed in one scan
	maxZeros    = 4 << 30  // bytes read in one scan to see whether volumes are empty
)

// A dataer is a disk that knows where it may hold anything but zero, as
// disk.Image does.
type dataer interface {
	Data() (span.Set, error)
}

// Scan cuts the disks of one machine into volumes. The order of the disks
// only gives them their numbers.
//
// Every volume that could be found is listed, also one that cannot be opened:
// its Problem then says why. A partition or disk that is an LVM physical
// volume is listed with Content "lvm2", beside the logical volumes in it.
// A swap space that holds a hibernation image has a Problem. Type, PartUUID
// and PartName belong to partitions only.
//
// A disk with several readings is taken as Linux takes it: a GPT counts only
// behind a protective entry in the MBR, unless nothing else is there; an md
// superblock at the end counts before what a mirror's member looks like.
//
// Unused is empty for a disk on which volumes may lie that could not be found,
// since a table is damaged: there, nothing is known to be in no volume.
//
// What is broken goes into the layout, never into the error; that is for
// disks that make no sense at all (negative size, too many).
func Scan(disks []Disk) (*Layout, error) {
	if len(disks) > maxDisks {
		return nil, fmt.Errorf("%d disks are more than %d", len(disks), maxDisks)
	}
	partial := make([]bool, len(disks))
	s := &scanner{layout: &Layout{Disks: disks, Tables: make([]string, len(disks)), Unused: make([]span.Set, len(disks)),
		partial: partial, origins: map[*Volume]string{}, stale: make([][]span.Span, len(disks))},
		used: make([][]span.Span, len(disks)), partial: partial, mapped: maxMapped, metadata: maxMetadata, zeros: maxZeros}
	s.layout.shared = sync.OnceValue(s.layout.overlaps)
	for i, d := range disks {
		if d.Size < 0 || d.ReaderAt == nil {
			return nil, fmt.Errorf("disk %q has no bytes", d.Name)
		}
		s.disk(i)
	}
	s.groups()
	s.name()
	for i, d := range disks {
		if !s.partial[i] {
			s.layout.Unused[i] = span.Make(s.used[i]).Invert(d.Size)
		}
	}
	return s.layout, nil
}

// scanner holds what one Scan has found so far.
type scanner struct {
	layout *Layout
	used   [][]span.Span // for each disk: what is in a volume, a table or metadata
	pvs    []physical

	partial []bool // for each disk: volumes may lie on it that could not be found
	full    bool   // no more volumes can be listed

	mapped          int   // segments that may still be listed
	metadata, zeros int64 // bytes that may still be parsed, or read to find nothing
}

func (s *scanner) problem(kind finding.GapKind, name, msg string, args ...any) {
	s.layout.Problems = append(s.layout.Problems, Problem{kind, name, fmt.Sprintf(msg, args...)})
}

// broken records errors of a parser, by what they are.
func (s *scanner) broken(name string, errs ...error) {
	for _, err := range errs {
		s.layout.Problems = append(s.layout.Problems, Problem{kindOf(err), name, err.Error()})
	}
}

func kindOf(err error) finding.GapKind {
	var f *binread.FormatError
	var u *binread.UnsupportedError
	switch {
	case errors.As(err, &f):
		return finding.GapCorrupt
	case errors.As(err, &u) && u.Encrypted:
		return finding.GapEncrypted
	case errors.As(err, &u):
		return finding.GapUnsupported
	}
	return finding.GapUnreadable
}

// diskName names an unpartitioned disk, or a disk in a problem.
func (s *scanner) diskName(i int) string {
	if len(s.layout.Disks) == 1 {
		return "disk"
	}
	return fmt.Sprintf("d%d", i+1)
}

func (s *scanner) partName(disk, number int) string {
	if len(s.layout.Disks) == 1 {
		return fmt.Sprintf("p%d", number)
	}
	return fmt.Sprintf("d%dp%d", disk+1, number)
}

// name makes names unique: two groups of one name, or hostile metadata, give
// the later volumes a number.
func (s *scanner) name() {
	seen := map[string]bool{}
	for _, v := range s.layout.Volumes {
		base := v.Name
		for n := 2; seen[v.Name]; n++ {
			v.Name = fmt.Sprintf("%s~%d", base, n)
		}
		seen[v.Name] = true
		if v.Problem != nil {
			v.Problem.Volume = v.Name
		}
	}
}

// disk finds the partition table of one disk and what is in it.
func (s *scanner) disk(i int) {
	d := s.layout.Disks[i]
	name := s.diskName(i)
	array, at, err := sig.ArrayAtEnd(d, d.Size)
	if err != nil {
		s.broken(name, err)
	}
	m, err := mbr.Read(d, d.Size)
	if err != nil && !errors.Is(err, binread.ErrNotMine) {
		s.broken(name, err)
	}
	said := len(s.layout.Problems)
	var parts []partition
	switch {
	case m != nil && m.GPT:
		parts = s.protected(i, m)
	case m != nil && len(m.Partitions) > 0:
		parts = s.fromMBR(i, m)
	}
	switch {
	case array.Name != "" && !covers(parts, at): // the table is the array's, not this disk's
		s.layout.Problems, s.layout.Tables[i], s.used[i], s.partial[i] = s.layout.Problems[:said], "", nil, false
		s.whole(i)
	case s.layout.Tables[i] != "":
		s.partitions(i, parts, array)
	default:
		s.bare(i, m)
	}
}

// covers reports whether a partition holds the byte at off.
func covers(parts []partition, off int64) bool {
	for _, p := range parts {
		if p.start <= off && off-p.start < p.len {
			return true
		}
	}
	return false
}

// protected reads the GPT that an MBR announces; when there is none, the other
// entries of a hybrid MBR are what is left.
func (s *scanner) protected(i int, m *mbr.Table) []partition {
	d, name := s.layout.Disks[i], s.diskName(i)
	g, err := gpt.Read(d, d.Size, m.LastLBA)
	if err == nil {
		return s.fromGPT(i, g, m)
	}
	if errors.Is(err, binread.ErrNotMine) {
		s.problem(finding.GapCorrupt, name, "the MBR announces a GPT, but there is no header at byte 512 or 4096 and no backup at the end of the disk (byte %d)", d.Size)
	} else {
		s.broken(name, err)
	}
	s.partial[i] = true
	if len(m.Partitions) > 0 {
		return s.fromMBR(i, m)
	}
	return nil
}

// bare handles a disk without a partition table that counts: a file system or
// physical volume on the whole disk, a GPT without its MBR, or nothing known.
func (s *scanner) bare(i int, m *mbr.Table) {
	d, name := s.layout.Disks[i], s.diskName(i)
	c, err := sig.Probe(d, d.Size)
	if err != nil || c.Name != "" {
		s.whole(i)
		return
	}
	if g, err := gpt.Read(d, d.Size, 0); err == nil && len(g.Partitions) > 0 {
		s.problem(finding.GapCorrupt, name, "mbr: at byte 510: no protective MBR precedes the GPT, so that Linux would not use it")
		s.partitions(i, s.fromGPT(i, g, m), sig.Content{})
		return
	}
	if m != nil {
		s.layout.Tables[i] = "mbr"
		s.broken(name, m.Problems...)
		if s.zero(i, 512, d.Size-512) { // an empty table on an empty disk
			s.areas(i, m.Areas)
			return
		}
	}
	s.whole(i)
}

// whole lists a disk as one volume.
func (s *scanner) whole(i int) {
	d := s.layout.Disks[i]
	v := &Volume{Name: s.diskName(i)}
	s.place(v, i, 0, d.Size)
	if s.add(v) {
		s.physical(v)
	}
}

// place gives v the range of one disk.
func (s *scanner) place(v *Volume, disk int, off, n int64) {
	d := s.layout.Disks[disk]
	v.ReaderAt, v.Size = io.NewSectionReader(d, off, n), n
	if n > 0 {
		v.Map = []Segment{{0, n, disk, off}}
		s.used[disk] = append(s.used[disk], span.Span{Off: off, Len: n})
	}
}

func (s *scanner) areas(i int, set span.Set) {
	s.used[i] = append(s.used[i], set...)
}

// add names the content of a volume and lists it.
func (s *scanner) add(v *Volume) bool {
	if len(s.layout.Volumes) >= maxVolumes {
		if !s.full {
			s.problem(finding.GapLimit, v.Name, "more than %d volumes; this one and further ones are not read", maxVolumes)
		}
		s.full = true
		return false
	}
	s.layout.Volumes = append(s.layout.Volumes, v)
	if v.Problem == nil && v.Size > 0 {
		s.probe(v)
	}
	return true
}

// probe fills in what the signature says, and the problem it brings.
func (s *scanner) probe(v *Volume) {
	c, err := sig.Probe(v, v.Size)
	if err != nil {
		v.Problem = &Problem{kindOf(err), v.Name, err.Error()}
		return
	}
	v.Content, v.UUID, v.Label = c.Name, c.UUID, c.Label
	switch {
	case c.Encrypted:
		v.Problem = &Problem{finding.GapEncrypted, v.Name, c.Refuse}
	case c.Refuse != "":
		v.Problem = &Problem{finding.GapUnsupported, v.Name, c.Refuse}
	case c.Name == "" && s.empty(v):
		v.Content = "zero"
	}
}

// inner says of a partition or logical volume that nobody recognised whether
// it is a disk in itself, as those given to virtual machines are.
func inner(v *Volume) {
	if v.Content != "" || v.Problem != nil {
		return
	}
	if t := table(v); t != "" {
		v.Problem = &Problem{finding.GapUnsupported, v.Name, "a volume with a partition table (" + t + ") of its own is not descended into"}
	}
}

// table names a partition table inside a volume.
func table(v *Volume) string {
	m, err := mbr.Read(v, v.Size)
	if err != nil || len(m.Partitions) == 0 && !m.GPT {
		return ""
	}
	for _, p := range m.Partitions {
		if p.Start == 0 || p.Start >= v.Size {
			return "" // a boot record without a table, such as that of a boot loader
		}
	}
	if m.GPT {
		return "gpt"
	}
	return "mbr"
}
