package leftover

import (
	"cmp"
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/guest"
)

// MaxPlaces bounds the further places that one finding lists.
const MaxPlaces = 100

// A Spec says which files are left over and what is said of them.
type Spec struct {
	Patterns []string // see guest.Match
	// Keep tells which of the matched files are not meant; nil keeps none out.
	// Only regular files that are not empty are asked.
	Keep func(guest.Match) bool
	// Group joins files of one key to one finding, whose path is the key whether
	// one file is left or many: what a person accepted stays accepted when a
	// second log appears. It MUST return a path that says where to look. All
	// files are places. nil makes one finding a file.
	Group func(guest.Match) string
	// Anchor tells apart the Specs of one check whose groups may share a key.
	Anchor string
	// Title is the text of a finding; it gets what is left in one group.
	Title func(Group) finding.Text
	// Fix is what to do with one file. FixTitle says it.
	Fix      finding.Op
	FixOf    func(guest.Match) finding.Op // where not all files get the same; nil means Fix
	FixTitle finding.Text
	Safe     bool
	Risk     finding.Text // what can break when not Safe
	// Severity of one group; nil means the check's.
	Severity func(Group) finding.Severity
}

// A Group is the files of one finding.
type Group struct {
	Key     string
	Matches []guest.Match
	Bytes   int64
}

// Count is the number of files for people, see Files.
func (g Group) Count() finding.Text { return Files(len(g.Matches)) }

// Files writes a number of files for people: "1 file", "300 files".
func Files(n int) finding.Text {
	if n == 1 {
		return finding.T("1 file", "1 个文件")
	}
	return finding.Tf("%d files", "%d 个文件", n)
}

// Size is Bytes for people: "1.5 MiB".
func (g Group) Size() string { return finding.Size(g.Bytes) }

// Under is a Group: the first of dirs that the file is or lies in, or else the
// directory of the file.
func Under(dirs ...string) func(guest.Match) string {
	return func(m guest.Match) string {
		for _, d := range dirs {
			if rest, ok := strings.CutPrefix(m.Path, d); ok && (rest == "" || rest[0] == '/') {
				return d
			}
		}
		return path.Dir(m.Path)
	}
}

// Run reports what s names.
func Run(p *check.Pass[*guest.Guest], s Spec) error {
	matches, whole := p.Subject.Match(s.Patterns...)
	if !whole {
		p.Gap(finding.GapLimit, finding.Where{}, "more than %d files match: the rest is not reported", len(matches))
	}
	var groups []*Group
	byKey := map[string]*Group{}
	for _, m := range matches {
		if m.Meta.Kind != fsys.Regular || m.Meta.Size == 0 || s.Keep != nil && s.Keep(m) {
			continue
		}
		key := m.Path
		if s.Group != nil {
			key = s.Group(m)
		}
		g := byKey[key]
		if g == nil {
			g = &Group{Key: key}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.Matches = append(g.Matches, m)
		g.Bytes += m.Meta.Size
	}
	for _, g := range groups {
		if err := p.Context.Err(); err != nil {
			return err
		}
		s.report(p, *g)
	}
	return nil
}

func (s Spec) report(p *check.Pass[*guest.Guest], g Group) {
	f := finding.Finding{Title: s.Title(g)}
	if s.Severity != nil {
		f.Severity = s.Severity(g)
	}
	if s.Group != nil {
		f.Anchor = cmp.Or(s.Anchor, g.Key)
		f.Where = p.Subject.Where(g.Key, 0)
		if f.Where.Volume == "" { // the key need not exist itself
			f.Where.Volume = p.Subject.Tree.VolumeOf(g.Matches[0].Place)
		}
	}
	if s.Fix != "" {
		f.Fix = &finding.Fix{Title: s.FixTitle, Safe: s.Safe}
		if !s.Safe {
			f.Fix.Risk = &s.Risk
		}
	}
	for i, m := range g.Matches {
		w := finding.Where{Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path, User: m.User}
		switch {
		case s.Group == nil:
			f.Where = w // a group of one
		case i < MaxPlaces && w.Path != f.Where.Path:
			f.Places = append(f.Places, w)
		}
		if f.Fix != nil {
			op := s.Fix
			if s.FixOf != nil {
				op = s.FixOf(m)
			}
			f.Fix.Edits = append(f.Fix.Edits, finding.Edit{Op: op, Volume: w.Volume, Path: m.Path})
		}
	}
	p.Report(f)
}
