package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var sudoTimestamps = &Check{
	ID:       "linux/account/sudo-timestamps",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"ACC-032"},
	Doc: check.Doc{
		Title:  t("Who used sudo", "sudo 使用记录"),
		Why:    t("The files tell which users became root on this machine", "这些文件记录了哪些用户在本机获得过 root 权限"),
		Remedy: t("Delete them; sudo makes them anew", "删除即可；sudo 会重新生成"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/db/sudo/**", "/var/lib/sudo/**", "/run/sudo/ts/*", "/var/run/sudo/ts/*"},
			Group:    leftover.Under("/var/lib/sudo", "/var/db/sudo"),
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Time stamps of sudo: %[1]s", "sudo 时间戳:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the time stamps", "删除时间戳"),
			Safe:     true,
		})
	},
}
