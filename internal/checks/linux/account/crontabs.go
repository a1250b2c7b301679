package account

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var crontabs = &Check{
	ID:       "linux/account/crontabs",
	Severity: finding.Low,
	Class:    finding.UserData,
	Rows:     []string{"A14", "B10"},
	Covers:   []string{"ACC-031"},
	Doc: check.Doc{
		Title:  t("Crontabs of users", "用户的计划任务"),
		Why:    t("A crontab names hosts, scripts and often passwords, and runs on every instance", "计划任务中包含主机名、脚本，常常还有密码，并会在每台实例上执行"),
		Remedy: t("Look at it: crontab -l -u USER. Delete what the product does not need: crontab -r -u USER", "检查：crontab -l -u 用户名。删除产品不需要的任务：crontab -r -u 用户名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/spool/cron/crontabs/*", "/var/spool/cron/*", "/var/spool/cron/tabs/*", "/etc/crontabs/*"},
			Keep: func(m guest.Match) bool {
				b, ok := credfile.Read(p, m)
				return !ok || !jobs(b) || stock(p, m.Path, b)
			},
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("A crontab of %s (%s)", "%s 的计划任务（%s）", show(path.Base(g.Key)), g.Size())
			},
		})
	},
}

// jobs reports whether a crontab holds a line that is run.
func jobs(b []byte) bool {
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			return true
		}
	}
	return false
}
