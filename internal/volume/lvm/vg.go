package lvm

import (
	"assay/internal/binread"
)

// Limits on numbers in the text, chosen so that no product of them overflows.
const (
	maxSectors = 1 << 53 // 2^62 bytes
	maxExtents = 1 << 44
)

// A VG is a volume group.
type VG struct {
	Name       string
	ID         string // in LVM's form
	Seqno      int64
	ExtentSize int64 // bytes
	PVs        []PhysicalVolume
	LVs        []LogicalVolume
}

// A PhysicalVolume is a member of a VG as its metadata names it.
type PhysicalVolume struct {
	Name    string // "pv0", as segments refer to it
	ID      string // in LVM's form
	Device  string // where it was last seen, a hint
	Start   int64  // byte of the first extent
	Extents int64
}

// A LogicalVolume is a list of segments.
type LogicalVolume struct {
	Name     string
	ID       string
	Visible  bool // not a part of another volume
	Segments []Segment
}

// A Segment is a run of extents of one kind.
type Segment struct {
	Start  int64  // first extent in the volume
	Count  int64  // extents
	Type   string // "striped" (also linear), "thin", "raid1", …
	Stripe int64  // bytes of a stripe when there are several areas
	Areas  []Area // for "striped" in order; for others what they name, as far as it has this form
	// For "snapshot": the volume whose bytes are exceptions only, and the one
	// they belong to. Merging is set when the origin waits for them. For "thin":
	// Origin is the volume outside the pool whose blocks it shares, if any.
	COW, Origin, Merging string
}

// An Area is a run of extents on what Name says: a physical volume ("pv0") or
// another logical volume.
type Area struct {
	Name   string
	Extent int64
}

// Parse reads a metadata text.
func Parse(text []byte) (*VG, error) {
	root, err := parseText(text)
	if err != nil {
		return nil, err
	}
	for _, s := range root.sections { // the group is the one section; its name is the group's
		if s.sub("physical_volumes") != nil {
			return newVG(s)
		}
	}
	return nil, binread.Errorf("lvm2 text", 0, "there is no volume group")
}

func newVG(s *section) (*VG, error) {
	vg := &VG{Name: s.name, ID: s.str("id")}
	if !validName(vg.Name) {
		return nil, binread.Errorf("lvm2 text", int64(s.at), "%q is no name for a volume group", vg.Name)
	}
	var err error
	if vg.Seqno, err = s.num("seqno", maxSectors); err != nil {
		return nil, err
	}
	sectors, err := s.num("extent_size", maxSectors)
	if err != nil || sectors == 0 || sectors > 1<<40 {
		return nil, binread.Errorf("lvm2 text", int64(s.at), "no usable extent size")
	}
	vg.ExtentSize = sectors * sector
	for _, p := range s.sub("physical_volumes").sections {
		pv := PhysicalVolume{Name: p.name, ID: p.str("id"), Device: p.str("device")}
		start, err := p.num("pe_start", maxSectors)
		if err != nil {
			return nil, err
		}
		if pv.Extents, err = p.num("pe_count", maxExtents); err != nil {
			return nil, err
		}
		pv.Start = start * sector
		if pv.Extents > (1<<62-pv.Start)/vg.ExtentSize {
			return nil, binread.Errorf("lvm2 text", int64(p.at), "%q has %d extents", pv.Name, pv.Extents)
		}
		vg.PVs = append(vg.PVs, pv)
	}
	lvs := s.sub("logical_volumes")
	if lvs == nil {
		return vg, nil
	}
	for _, l := range lvs.sections {
		lv, err := newLV(l, vg.ExtentSize)
		if err != nil {
			return nil, err
		}
		vg.LVs = append(vg.LVs, lv)
	}
	return vg, nil
}

func newLV(s *section, extentSize int64) (LogicalVolume, error) {
	lv := LogicalVolume{Name: s.name, ID: s.str("id"), Visible: s.has("status", "VISIBLE")}
	if !validName(lv.Name) {
		return lv, binread.Errorf("lvm2 text", int64(s.at), "%q is no name for a logical volume", lv.Name)
	}
	next := int64(0)
	for _, t := range s.sections {
		if t.get("extent_count") == nil {
			continue
		}
		g, err := newSegment(t, extentSize)
		if err != nil {
			return lv, err
		}
		if g.Start != next || g.Count > (1<<62)/extentSize-next {
			return lv, binread.Errorf("lvm2 text", int64(t.at), "%s: %q begins at extent %d instead of %d", lv.Name, t.name, g.Start, next)
		}
		next += g.Count
		lv.Segments = append(lv.Segments, g)
	}
	return lv, nil
}

func newSegment(s *section, extentSize int64) (Segment, error) {
	g := Segment{Type: s.str("type"), COW: s.str("cow_store"), Origin: s.str("origin"), Merging: s.str("merging_store")}
	if g.Type == "thin" { // there "origin" is another thin volume
		g.Origin = s.str("external_origin")
	}
	var err error
	if g.Start, err = s.num("start_extent", maxExtents); err != nil {
		return g, err
	}
	if g.Count, err = s.num("extent_count", maxExtents); err != nil {
		return g, err
	}
	for _, key := range []string{"stripes", "mirrors", "raids"} {
		g.Areas = append(g.Areas, areas(s.get(key))...)
	}
	if g.Type != "striped" {
		return g, nil
	}
	n, err := s.num("stripe_count", 1<<16)
	if err != nil {
		return g, err
	}
	if n == 0 || n != int64(len(g.Areas)) || 2*n != int64(len(s.get("stripes"))) || g.Count%n != 0 {
		return g, binread.Errorf("lvm2 text", int64(s.at), "%q has %d of %d stripes for %d extents", s.name, len(g.Areas), n, g.Count)
	}
	if n > 1 {
		sectors, err := s.num("stripe_size", 1<<40)
		if err != nil || sectors == 0 {
			return g, binread.Errorf("lvm2 text", int64(s.at), "%q has no usable stripe size", s.name)
		}
		g.Stripe = sectors * sector
		if g.Count > 1<<62/extentSize || g.Count/n*extentSize%g.Stripe != 0 { // the last row of stripes would not be whole
			return g, binread.Errorf("lvm2 text", int64(s.at), "%q has %d extents in stripes of %d bytes", s.name, g.Count, g.Stripe)
		}
	}
	return g, nil
}

// areas reads a list of names each followed by an extent.
func areas(vs []value) []Area {
	var out []Area
	for i := 0; i+1 < len(vs); i += 2 {
		if vs[i].isNum || !vs[i+1].isNum || vs[i+1].number < 0 || vs[i+1].number > maxExtents {
			return nil
		}
		out = append(out, Area{vs[i].text, vs[i+1].number})
	}
	return out
}

// validName applies lvm(8)'s rule for names, which keeps "/" and control
// characters out.
func validName(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 127 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '_' || c == '-' || c == '.' || c == '+') {
			return false
		}
	}
	return true
}
