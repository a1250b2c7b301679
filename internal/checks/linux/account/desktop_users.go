package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var desktopUsers = &Check{
	ID:       "linux/account/desktop-users",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B2", "B3"},
	Covers:   []string{"ACC-029"},
	Doc: check.Doc{
		Title:  t("Records of desktop users", "桌面用户记录"),
		Why:    t("AccountsService remembers names, languages and pictures of everyone who logged in", "AccountsService 记录了每个登录用户的姓名、语言和头像"),
		Remedy: t("Delete the files; the desktop makes them anew", "删除这些文件；桌面环境会重新生成"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/lib/AccountsService/users/*", "/var/lib/AccountsService/icons/*"},
			Keep: func(m guest.Match) bool {
				_, owned := p.Subject.Packages().Owner(m.Path)
				return owned
			},
			Group: func(guest.Match) string { return "/var/lib/AccountsService" },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Records of desktop users: %[1]s", "桌面用户记录:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the records", "删除这些记录"),
			Safe:     true,
		})
	},
}
