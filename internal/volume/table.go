package volume

import (
	"cmp"
	"fmt"
	"slices"

	"assay/finding"
	"assay/internal/volume/gpt"
	"assay/internal/volume/mbr"
	"assay/internal/volume/sig"
)

// A partition is one entry of either kind of table.
type partition struct {
	number           int
	start, len       int64 // bytes; may lie beyond the disk
	typ, uuid, label string
	entry            int64 // where its entry is
}

func (s *scanner) fromGPT(i int, g *gpt.Table, m *mbr.Table) []partition {
	s.layout.Tables[i] = "gpt"
	s.broken(s.diskName(i), g.Problems...)
	s.partial[i] = g.Partial
	s.areas(i, g.Areas)
	if m != nil {
		s.areas(i, m.Areas)
	}
	var out []partition
	for _, p := range g.Partitions {
		out = append(out, partition{p.Number, p.Start, p.Len, p.Type, p.UUID, p.Name, p.Offset})
	}
	if m == nil {
		return out
	}
	for _, p := range m.Partitions { // a hybrid MBR: fine as long as it shows nothing else
		if !slices.ContainsFunc(out, func(q partition) bool { return q.start <= p.Start && p.Start+p.Len <= q.start+q.len }) {
			s.problem(finding.GapUnsupported, s.diskName(i), "mbr: at byte %d: a hybrid MBR has an entry %d of type %#02x at byte %d that is in no GPT partition", p.Offset, p.Number, p.Type, p.Start)
			s.partial[i] = true
		}
	}
	return out
}

func (s *scanner) fromMBR(i int, m *mbr.Table) []partition {
	s.layout.Tables[i] = "mbr"
	s.broken(s.diskName(i), m.Problems...)
	s.partial[i] = s.partial[i] || len(m.Problems) > 0
	s.areas(i, m.Areas)
	var out []partition
	for _, p := range m.Partitions {
		q := partition{number: p.Number, start: p.Start, len: p.Len, typ: fmt.Sprintf("0x%02x", p.Type), entry: p.Offset}
		if m.ID != 0 { // as libblkid makes it
			q.uuid = fmt.Sprintf("%08x-%02x", m.ID, p.Number)
		}
		out = append(out, q)
	}
	return out
}

// partitions lists the partitions of one disk as volumes. array is what an md
// superblock at the end says, which is in one of them.
func (s *scanner) partitions(i int, parts []partition, array sig.Content) {
	d := s.layout.Disks[i]
	s.overlaps(i, parts)
	for _, p := range parts {
		v := &Volume{Name: s.partName(i, p.number), Type: p.typ, PartUUID: p.uuid, PartName: p.label}
		start, n := p.start, p.len
		switch {
		case start >= d.Size:
			v.Problem = &Problem{finding.GapCorrupt, v.Name, fmt.Sprintf("its entry at byte %d places it at byte %d, beyond the end of the disk at byte %d", p.entry, start, d.Size)}
			start, n = d.Size, 0
		case n > d.Size-start:
			s.problem(finding.GapCorrupt, v.Name, "its entry at byte %d gives it %d bytes from byte %d, which is %d beyond the end of the disk", p.entry, n, start, n-(d.Size-start))
			n = d.Size - start
		}
		s.place(v, i, start, n)
		if !s.add(v) {
			continue // its bytes are a volume's all the same
		}
		s.physical(v)
		inner(v)
	}
	if array.Name == "" && !covers(parts, 0) {
		s.alsoWhole(i)
	}
}

// overlaps reports pairs of partitions that share bytes, each with the one
// that reaches furthest before it.
func (s *scanner) overlaps(i int, parts []partition) {
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b partition) int { return cmp.Compare(a.start, b.start) })
	far := 0
	for k := 1; k < len(sorted); k++ {
		a, b := sorted[far], sorted[k]
		if b.start < a.start+a.len {
			s.problem(finding.GapCorrupt, s.partName(i, b.number), "overlaps with %s at byte %d", s.partName(i, a.number), b.start)
		}
		if b.start+b.len > a.start+a.len {
			far = k
		}
	}
}

// alsoWhole reports the signature of a file system that fills a disk which
// has a partition table all the same: one of the two is stale, and Linux would
// use the table.
func (s *scanner) alsoWhole(i int) {
	d := s.layout.Disks[i]
	c, err := sig.Probe(d, d.Size)
	if err != nil || c.Name == "" {
		return
	}
	s.problem(finding.GapUnsupported, s.diskName(i), "besides its partition table the disk bears the signature of %s (UUID %q), which is not opened", c.Name, c.UUID)
	s.partial[i] = true
}
