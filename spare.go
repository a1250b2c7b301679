package assay

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// maxSpare bounds the file systems and snapshots beside the machine's own that
// are inspected: each costs as much as a machine.
const maxSpare = 32

// spare inspects what lies on the machine's disks and is not mounted: file
// systems that its fstab does not name, other systems, and snapshots. Whoever
// gets the image gets them too.
func (r *run) spare(g *guest.Guest, suite []*check.Check[*guest.Guest]) error {
	n := 0
	for _, v := range g.Spare {
		if v.FS == nil {
			continue
		}
		if n++; n > maxSpare {
			r.gap(finding.NewGap(finding.GapLimit, finding.Where{Volume: v.Name}, "not mounted, and more than %d others are not either", maxSpare))
			continue
		}
		tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: v.Name, FS: v.FS, Root: v.Root})
		if err != nil {
			r.gap(finding.NewGap(finding.GapCorrupt, finding.Where{Volume: v.Name}, "%v", err))
			continue
		}
		if err := r.examine(guest.New(tree), suite, func(f finding.Finding) { r.spareFinding(v, f) }); err != nil {
			return err
		}
	}
	return nil
}

// spareFinding reports what only a spare volume holds. A snapshot repeats most
// of its origin: what is known from there, or from an earlier snapshot, is said
// once. The identity does not depend on which snapshot it is, because those
// come and go.
func (r *run) spareFinding(v guest.Volume, f finding.Finding) {
	name := strings.ToValidUTF8(v.Name, "\uFFFD")
	if !v.Snapshot {
		f.Title = finding.T("On "+name+", which is not mounted: "+f.Title.EN, "未挂载的卷 "+name+":"+f.Title.ZH)
		f.Anchor = v.Name + "\x00" + f.Anchor
		f.Identify()
		r.finding(f)
		return
	}
	if r.reported[f.ID] {
		return
	}
	r.reported[f.ID] = true
	f.Title = finding.T("In "+name+", which is not mounted: "+f.Title.EN, "未挂载的子卷 "+name+":"+f.Title.ZH)
	f.Fix = nil // a snapshot is deleted as a whole
	f.Anchor = "snapshot\x00" + f.Anchor
	f.Identify()
	r.finding(f)
}
