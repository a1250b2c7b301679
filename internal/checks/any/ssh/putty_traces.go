package ssh

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var puttyTraces = &Check{
	ID:       "any/ssh/putty-traces",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"SSH-020"},
	Doc: check.Doc{
		Title:  t("Sessions of PuTTY", "PuTTY 会话"),
		Why:    t("They name the hosts and users that were reached", "其中记录了连接过的主机和用户"),
		Remedy: t("Delete ~/.putty", "删除 ~/.putty"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.putty/sessions/*", "~/.putty/sshhostkeys", "~/.putty/sshhostcas/*", "~/.config/putty/**"},
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Sessions and hosts of PuTTY: %[1]s", "PuTTY 会话和主机:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the files", "删除这些文件"),
			Safe:     true,
		})
	},
}
