package files

import (
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/fsys"
)

// A place is a directory in which nothing should be left.
type place struct {
	what     finding.Text
	severity finding.Severity
	dirs     []string // patterns, see guest.Match
	keep     bool     // a person must decide what goes
	risk     finding.Text
}

// empty reports each directory that holds files, however many, as one finding.
func empty(p *Pass, places ...place) error {
	if p.Subject.Windows() == nil {
		return nil
	}
	for _, k := range places {
		dirs, whole := p.Subject.Match(k.dirs...)
		if !whole {
			p.Gap(finding.GapLimit, finding.Where{}, "more than %d directories match: the rest is not reported", len(dirs))
		}
		for _, d := range dirs {
			if d.Meta.Kind != fsys.Directory {
				continue
			}
			n, size, err := contents(p, d.Path)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			w := finding.Where{Volume: p.Subject.Tree.VolumeOf(d.Place), Path: d.Path, User: d.User}
			f := finding.Finding{Where: w, Severity: k.severity, Title: finding.Tf(k.what.EN+": %s, %s", k.what.ZH+"：%s，%s", leftover.Files(n), finding.Size(size))}
			if !k.keep {
				f.Fix = &finding.Fix{Title: t("Empty the folder", "清空该文件夹"), Safe: k.risk == finding.Text{}, Edits: []finding.Edit{{Op: finding.EmptyDir, Volume: w.Volume, Path: w.Path}}}
				if !f.Fix.Safe {
					f.Fix.Risk = &k.risk
				}
			}
			p.Report(f)
		}
	}
	return nil
}

// contents counts the files with content below a directory; what cannot be
// read is a gap of the index.
func contents(p *Pass, dir string) (n int, size int64, err error) {
	err = p.Subject.Tree.Walk(dir, func(name string, at fsys.Place, e fsys.Entry, broken error) error {
		if broken != nil || e.Kind != fsys.Regular || lower(name) == "desktop.ini" {
			return p.Context.Err()
		}
		if m, err := p.Subject.Tree.Meta(at); err == nil && m.Size > 0 {
			n++
			size += m.Size
		}
		return nil
	})
	return n, size, err
}
