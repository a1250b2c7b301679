package history

import (
	"fmt"
	"path"

	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

// A kind is files of one sort, with how they are called.
type kind struct {
	name     finding.Text
	patterns []string
	severity finding.Severity // without a credential; 0: the check's
	keep     func(guest.Match) bool
}

// report makes one finding a file: how many lines, how many with a credential.
func (k kind) report(p *Pass, matches []guest.Match) error {
	for _, m := range matches {
		if err := p.Context.Err(); err != nil {
			return err
		}
		if k.keep != nil && k.keep(m) {
			continue
		}
		if _, owned := p.Subject.Packages().Owner(m.Path); owned {
			continue
		}
		b, ok := credfile.Read(p, m)
		if !ok {
			continue
		}
		p.Report(k.finding(p, m, read(b)))
	}
	return nil
}

// run is report for what the patterns match.
func (k kind) run(p *Pass) error { return k.report(p, credfile.Targets(p.Subject, k.patterns...)) }

func (k kind) finding(p *Pass, m guest.Match, x transcript) finding.Finding {
	f := finding.Finding{Where: credfile.Where(p.Subject, m), Severity: k.severity, Fix: &finding.Fix{
		Title: t("Remove the file", "删除该文件"), Safe: true,
		Edits: []finding.Edit{{Op: finding.Remove, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}}}
	if x.Secret > 0 {
		f.Severity = finding.High
		f.Where.Line = x.Line
		f.Title = finding.Tf("%s: %[3]d of %[5]s may hold a credential", "%[2]s:%[4]d 行中有 %[3]d 行疑似包含凭证", k.name.EN, k.name.ZH, x.Secret, x.Lines, count(x.Lines))
		f.Evidence = p.Secret("credential-in-history", []byte(x.Value), fmt.Sprintf("%d: %s", x.Line, x.Masked))
		return f
	}
	f.Title = finding.Tf("%s: %[4]s", "%[2]s:%[3]d 行", k.name.EN, k.name.ZH, x.Lines, count(x.Lines))
	if x.Binary {
		f.Title = finding.Tf("%s: %[3]s", "%[2]s:%[3]s", k.name.EN, k.name.ZH, finding.Size(m.Meta.Size))
	}
	return f
}

// count is a number of lines for people.
func count(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

func base(name string) string { return credfile.Show(path.Base(name)) }
