package volume

import (
	"fmt"
	"slices"

	"assay/finding"
	"assay/internal/span"
	"assay/internal/volume/lvm"
)

// A physical is one LVM physical volume that was found.
type physical struct {
	pv   *lvm.PV
	vol  *Volume
	disk int
	off  int64 // on the disk
	size int64
}

// physical reads the LVM header of a partition or disk that has one. Its bytes
// are then no longer its own: they belong to metadata and to logical volumes,
// once these are known.
func (s *scanner) physical(v *Volume) {
	if v.Content != "lvm2" {
		return
	}
	pv, err := lvm.ReadPV(v, v.Size, &s.metadata)
	if err != nil {
		v.Problem = &Problem{kindOf(err), v.Name, err.Error()}
		return
	}
	s.broken(v.Name, pv.Problems...)
	for _, p := range s.pvs {
		if p.pv.UUID == pv.UUID {
			v.Problem = &Problem{finding.GapUnsupported, v.Name, fmt.Sprintf("a second physical volume with UUID %q, besides %s: it is not used", pv.UUID, p.vol.Name)}
			return
		}
	}
	s.pvs = append(s.pvs, physical{pv, v, v.Map[0].Disk, v.Map[0].DiskOffset, v.Size})
}

// groups puts the physical volumes together and lists the logical ones.
func (s *scanner) groups() {
	var vgs []*lvm.VG // newest of each id, in order of discovery
	for _, p := range s.pvs {
		if p.pv.VG == nil {
			continue
		}
		k := slices.IndexFunc(vgs, func(g *lvm.VG) bool { return g.ID == p.pv.VG.ID })
		switch {
		case k < 0:
			vgs = append(vgs, p.pv.VG)
		case p.pv.VG.Seqno > vgs[k].Seqno:
			vgs[k] = p.pv.VG
		}
	}
	claimed := map[string]bool{}
	for _, vg := range vgs {
		g := group{s: s, vg: vg, members: map[string]*member{}}
		g.assemble(claimed)
		for i := range vg.LVs {
			if g.shown(&vg.LVs[i]) && !g.list(&vg.LVs[i]) {
				return
			}
		}
	}
	for _, p := range s.pvs {
		if !claimed[p.pv.UUID] && p.vol.Problem == nil {
			p.vol.Problem = s.homeless(p)
		}
	}
}

// homeless says why a physical volume is in no group. Its bytes stay its own,
// as it may only have lost its metadata.
func (s *scanner) homeless(p physical) *Problem {
	switch {
	case len(p.pv.Problems) > 0:
		return &Problem{finding.GapCorrupt, p.vol.Name, "a physical volume whose volume group cannot be read"}
	case !p.pv.Orphan:
		return &Problem{finding.GapMissing, p.vol.Name, "a physical volume of a group that only other physical volumes describe, which were not given"}
	}
	for _, x := range p.pv.Areas.Invert(p.size) {
		if !s.zero(p.disk, p.off+x.Off, x.Len) {
			return &Problem{finding.GapUnknown, p.vol.Name, "a physical volume in no volume group that is not empty"}
		}
	}
	return nil
}

// A member is a physical volume of a group; found is nil when it is missing.
type member struct {
	lvm.PhysicalVolume
	found *physical
}

// A group is a volume group being put together.
type group struct {
	s       *scanner
	vg      *lvm.VG
	members map[string]*member // by the name that segments use
	cow     map[string]string  // volumes that hold a snapshot's exceptions only, and of what
	merging map[string]bool    // volumes that wait for a snapshot to be merged
}

// assemble finds the group's physical volumes and replaces their bytes in the
// account of what is used by what the group says.
func (g *group) assemble(claimed map[string]bool) {
	g.snapshots()
	for _, p := range g.vg.PVs {
		m := &member{PhysicalVolume: p}
		for i := range g.s.pvs {
			if g.s.pvs[i].pv.UUID == p.ID && !claimed[p.ID] {
				m.found = &g.s.pvs[i]
			}
		}
		g.members[p.Name] = m
		if m.found == nil {
			g.s.problem(finding.GapMissing, g.vg.Name, "the physical volume %s (UUID %q, last seen as %q) was not given", p.Name, p.ID, p.Device)
			continue
		}
		claimed[p.ID] = true
	}
	for _, m := range g.members {
		if m.found != nil {
			g.guard(m, g.account(m))
		}
	}
}

// guard says what of one physical volume must stay though no logical volume
// has it, and what of its metadata is of no use any more.
// owned are the bytes of logical volumes, which in hostile metadata may lie
// anywhere.
func (g *group) guard(m *member, owned span.Set) {
	f, l := m.found, g.s.layout
	keep := func(x span.Span, why string) {
		l.guards = append(l.guards, guard{f.disk, span.Span{Off: f.off + x.Off, Len: x.Len}, why})
	}
	whole := span.Span{Off: 0, Len: f.size}
	for _, other := range g.members {
		if other.found == nil { // which may know better what is free
			keep(whole, fmt.Sprintf("the volume group %s is not complete", g.vg.Name))
			return
		}
	}
	if len(f.pv.Problems) > 0 {
		keep(whole, fmt.Sprintf("the metadata of the physical volume in %s is damaged", f.vol.Name))
		return
	}
	for _, x := range f.pv.Boot {
		keep(x, "LVM keeps it for a boot loader")
	}
	for _, x := range f.pv.Areas.Subtract(f.pv.Live).Subtract(owned).Intersect(span.Set{whole}) {
		l.stale[f.disk] = append(l.stale[f.disk], span.Span{Off: f.off + x.Off, Len: x.Len})
	}
}

// origin names a snapshot that shares blocks with lv, "" when there is none.
func (g *group) origin(lv *lvm.LogicalVolume) string {
	for cow, of := range g.cow {
		if of == lv.Name {
			return g.vg.Name + "/" + cow
		}
	}
	for _, thin := range g.vg.LVs {
		for _, seg := range thin.Segments {
			if seg.Type == "thin" && seg.Origin == lv.Name {
				return g.vg.Name + "/" + thin.Name
			}
		}
	}
	return ""
}

// account says which bytes of one physical volume are used, and returns those
// of logical volumes.
func (g *group) account(m *member) span.Set {
	f := m.found
	var extents []span.Span
	for _, lv := range g.vg.LVs {
		for _, seg := range lv.Segments {
			n := seg.Count
			if seg.Type == "striped" {
				n /= int64(len(seg.Areas))
			}
			for _, a := range seg.Areas {
				if a.Name != m.Name || a.Extent > m.Extents || n > m.Extents-a.Extent {
					continue
				}
				extents = append(extents, span.Span{Off: m.Start + a.Extent*g.vg.ExtentSize, Len: n * g.vg.ExtentSize})
			}
		}
	}
	owned := span.Make(extents)
	used := slices.Concat(owned, f.pv.Areas)
	inside := span.Make(used).Intersect(span.Set{{Off: 0, Len: f.size}})
	s := g.s
	if k := slices.Index(s.used[f.disk], span.Span{Off: f.off, Len: f.size}); k >= 0 {
		s.used[f.disk] = slices.Delete(s.used[f.disk], k, k+1)
	}
	for _, x := range inside {
		s.used[f.disk] = append(s.used[f.disk], span.Span{Off: f.off + x.Off, Len: x.Len})
	}
	return owned
}

// snapshots notes which volumes are not what they seem.
func (g *group) snapshots() {
	g.cow, g.merging = map[string]string{}, map[string]bool{}
	for _, lv := range g.vg.LVs {
		for _, seg := range lv.Segments {
			if seg.Type != "snapshot" {
				continue
			}
			if seg.Merging != "" {
				g.merging[seg.Origin] = true
				g.cow[seg.Merging] = seg.Origin
			}
			if seg.COW != "" {
				g.cow[seg.COW] = seg.Origin
			}
		}
	}
}

// shown reports whether lv is one that users see. A snapshot consists of two:
// one that only ties it to its origin, and one with the exceptions, which is
// shown under the snapshot's name though it may not be marked as visible.
func (g *group) shown(lv *lvm.LogicalVolume) bool {
	for _, seg := range lv.Segments {
		if seg.Type == "snapshot" {
			return false
		}
	}
	return lv.Visible || g.cow[lv.Name] != ""
}

// list makes a volume of one visible logical volume.
func (g *group) list(lv *lvm.LogicalVolume) bool {
	v := &Volume{Name: g.vg.Name + "/" + lv.Name}
	m := &mapping{disks: g.s.layout.Disks}
	v.Problem = g.mapOnto(m, lv)
	v.ReaderAt, v.Size = m, m.size
	for _, seg := range lv.Segments[min(len(lv.Segments), len(m.runs)):] { // those after a problem
		v.Size += seg.Count * g.vg.ExtentSize
	}
	if v.Problem != nil {
		v.Problem.Volume = v.Name
		v.ReaderAt = unreadable{v.Problem}
	} else if v.Map = m.segments(&g.s.mapped); v.Map == nil && v.Size > 0 {
		g.s.problem(finding.GapLimit, v.Name, "has more stripes than can be listed: it can be read, but not cleaned")
	}
	if !g.s.add(v) {
		return false
	}
	if name := g.origin(lv); name != "" {
		g.s.layout.origins[v] = name
	}
	inner(v)
	if v.Content == "lvm2" {
		v.Problem = &Problem{finding.GapUnsupported, v.Name, "a physical volume inside a logical volume is not descended into"}
	}
	return true
}

// mapOnto adds the volume's segments to m until one cannot be read.
func (g *group) mapOnto(m *mapping, lv *lvm.LogicalVolume) *Problem {
	if of, ok := g.cow[lv.Name]; ok {
		return &Problem{Kind: finding.GapUnsupported, Detail: fmt.Sprintf("a snapshot of %s/%s: it holds only what differs", g.vg.Name, of)}
	}
	if g.merging[lv.Name] {
		return &Problem{Kind: finding.GapUnsupported, Detail: "a snapshot is waiting to be merged into it"}
	}
	for _, seg := range lv.Segments {
		if seg.Type != "striped" {
			return &Problem{Kind: finding.GapUnsupported, Detail: fmt.Sprintf("a logical volume of type %q", seg.Type)}
		}
		r := run{len: seg.Count * g.vg.ExtentSize, stripe: seg.Stripe}
		each := seg.Count / int64(len(seg.Areas))
		for _, a := range seg.Areas {
			at, p := g.area(a, each)
			if p != nil {
				return p
			}
			r.parts = append(r.parts, at)
		}
		if r.stripe == 0 {
			r.stripe = r.len
		}
		m.add(r)
	}
	return nil
}

// area finds extents on a disk.
func (g *group) area(a lvm.Area, extents int64) (place, *Problem) {
	m := g.members[a.Name]
	switch {
	case m == nil:
		return place{}, &Problem{Kind: finding.GapUnsupported, Detail: fmt.Sprintf("a part of it is mapped to %q, which is no physical volume", a.Name)}
	case m.found == nil:
		return place{}, &Problem{Kind: finding.GapMissing, Detail: fmt.Sprintf("a part of it is on the physical volume %s (UUID %q, last seen as %q), which was not given", m.Name, m.ID, m.Device)}
	case a.Extent > m.Extents || extents > m.Extents-a.Extent:
		return place{}, &Problem{Kind: finding.GapCorrupt, Detail: fmt.Sprintf("extents %d to %d are beyond the %d of the physical volume %s", a.Extent, a.Extent+extents, m.Extents, m.Name)}
	}
	off := m.Start + a.Extent*g.vg.ExtentSize
	if n := extents * g.vg.ExtentSize; off > m.found.size || n > m.found.size-off {
		return place{}, &Problem{Kind: finding.GapCorrupt, Detail: fmt.Sprintf("bytes %d to %d of the physical volume in %s are beyond its end at byte %d", off, off+n, m.found.vol.Name, m.found.size)}
	}
	return place{m.found.disk, m.found.off + off}, nil
}
