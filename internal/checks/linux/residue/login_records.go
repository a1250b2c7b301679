package residue

import (
	"bytes"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var loginRecords = &Check{
	ID:       "linux/residue/login-records",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10"},
	Covers:   []string{"LOG-005"},
	Doc: check.Doc{
		Title:  t("Records of who logged in, and who failed to", "登录记录与登录失败记录"),
		Why:    t("wtmp names people and addresses; btmp keeps what was typed as a user name, which often is a password", "wtmp 记录了人员和来源地址；btmp 会保存被当作用户名输入的内容，其中常常是密码"),
		Remedy: t("Empty the files and keep them: login programs need them", "清空并保留这些文件：登录程序需要它们"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		spec := leftover.Spec{
			Patterns: []string{"/var/log/wtmp*", "/var/log/lastlog*", "/var/log/faillog*", "/var/log/tallylog*", "/var/lib/lastlog/lastlog2.db", "/var/lib/wtmpdb/wtmp.db"},
			Keep:     func(m guest.Match) bool { return len(bytes.Trim(start(p, m, 1<<20), "\x00")) == 0 },
			Group:    leftover.Under("/var/log"),
			Title:    counted("Login records", "登录记录"),
			Fix:      finding.Blank, FixOf: blankOrRemove, FixTitle: emptyTitle, Safe: true,
		}
		if err := leftover.Run(p, spec); err != nil {
			return err
		}
		spec.Patterns = []string{"/var/log/btmp*"}
		spec.Group = func(guest.Match) string { return "/var/log/btmp" }
		spec.Title = counted("Failed logins, with what was typed as a user name", "登录失败记录，含被当作用户名输入的内容")
		spec.Severity = func(leftover.Group) finding.Severity { return finding.Medium }
		return leftover.Run(p, spec)
	},
}
