package ssh

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var links = &Check{
	ID:       "any/ssh/links",
	Severity: finding.Low,
	Class:    finding.Exposure,
	Rows:     []string{"A2", "B6"},
	Covers:   []string{"IMG-007"},
	Doc: check.Doc{
		Title:  t("Key folders that are links", "作为链接的密钥目录"),
		Why:    t("Cleaners that delete ~/.ssh remove the link and leave the keys where it points", "清理工具删除 ~/.ssh 时只移除链接，密钥仍留在链接所指的位置"),
		Remedy: t("Look where it points; clean that place too", "检查链接所指的位置，并一并清理"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		all, _ := p.Subject.Match("/root", "/home/*", "/root/.ssh", "/home/*/.ssh", "~/.ssh", "~/.ssh/authorized_keys", "~/.ssh/authorized_keys2")
		for _, m := range all {
			if m.Meta.Kind != fsys.Symlink {
				continue
			}
			_, resolved, err := p.Subject.Tree.Lookup(m.Path, true)
			if err == nil && strings.HasPrefix(resolved, m.Path[:strings.LastIndexByte(m.Path, '/')+1]) {
				continue // stays beside itself
			}
			to := resolved
			if err != nil {
				to, _ = p.Subject.Tree.Readlink(m.Path)
			}
			p.Report(finding.Finding{Where: credfile.Where(p.Subject, m),
				Title: finding.Tf("The key folder or file is a link to %s", "密钥目录或文件是指向 %s 的链接", credfile.Show(to))})
		}
		return nil
	},
}
