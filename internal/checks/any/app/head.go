package app

import (
	"io"

	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

// head reads the first n bytes of a file; shorter files are not what the
// caller looks for.
func head(p *Pass, m guest.Match, n int) ([]byte, bool) {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
		return nil, false
	}
	b := make([]byte, n)
	got, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
	}
	return b, got == n
}
