package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/guest"
)

var hardLinked = &Check{
	ID:       "linux/account/hard-linked",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B4", "B6"},
	Covers:   []string{"IMG-006"},
	Doc: check.Doc{
		Title:  t("Second names of credential files", "凭证文件的其他硬链接"),
		Why:    t("Deleting one name keeps the content under the other; tools that replace the file by rename leave the old content there too", "删除其中一个名称，内容仍保留在另一个名称下；以重命名方式替换文件的工具也会把旧内容留在那里"),
		Remedy: t("Remove the other name", "删除另一个名称"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		all, _ := p.Subject.Match("/etc/passwd", "/etc/shadow", "/etc/gshadow", "~/.ssh/*", "/etc/ssh/*_key")
		for _, m := range all {
			if m.Meta.Kind != fsys.Regular || m.Meta.Nlink < 2 || m.Meta.Size == 0 {
				continue
			}
			w := finding.Where{Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path, User: m.User}
			others := otherNames(p, m)
			f := finding.Finding{Where: w, Places: others,
				Title: finding.Tf("The file has %d names", "该文件有 %d 个名称（硬链接）", m.Meta.Nlink)}
			if len(others) == 0 {
				f.Severity = finding.Low // the other name is outside the tree
			}
			p.Report(f)
		}
		return nil
	},
}

// otherNames lists the further names of a file, at most twenty.
func otherNames(p *Pass, m guest.Match) (out []finding.Where) {
	x := p.Subject.Index()
	for _, f := range x.Files {
		if f.Node == m.Place.Node && int(f.Mount) == m.Place.Mount && x.Path(f) != m.Path && len(out) < 20 {
			out = append(out, finding.Where{Volume: p.Subject.Tree.VolumeOf(f.Place()), Path: x.Path(f)})
		}
	}
	return out
}
