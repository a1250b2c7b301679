package account

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var emptyPassword = &Check{
	ID:       "linux/account/empty-password",
	Severity: finding.Critical,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-004", "ACC-021"},
	Doc: check.Doc{
		Title:  t("Accounts that need no password", "无需密码即可登录的账户"),
		Why:    t("An empty password field opens the account to anyone at the console and through su; passwd -d leaves exactly this", "密码字段为空时，任何人都可以通过控制台和 su 进入该账户；passwd -d 留下的正是这种状态"),
		Remedy: t("Lock it: usermod -p '*' USER", "锁定密码：usermod -p '*' 用户名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		nullok := pamNullok(p)
		for _, a := range users(p) {
			if a.Password != guest.EmptyPassword {
				continue
			}
			f := finding.Finding{
				Where: field(p, a),
				Title: finding.Tf("User %s can log in without a password", "用户 %s 无需密码即可登录", show(a.Name)),
				Fix:   lock(p, a),
			}
			if !a.Login() || a.Expired {
				f.Severity = finding.Medium
				f.Title = finding.Tf("User %s has an empty password, but no login shell or an expired account", "用户 %s 的密码为空，但没有登录 shell 或账户已过期", show(a.Name))
			}
			reason := t("passwd -d leaves exactly this state; it is not a lock", "passwd -d 留下的正是这种状态，它并不是锁定")
			if nullok != "" {
				reason = finding.Tf("passwd -d leaves exactly this state; %s lets empty passwords in (nullok)", "passwd -d 留下的正是这种状态；%s 允许空密码登录（nullok）", nullok)
			}
			f.Reason = &reason
			p.Report(f)
		}
		return nil
	},
}

// pamNullok names the first PAM file whose auth rules accept empty passwords.
func pamNullok(p *Pass) string {
	for _, m := range credfile.Targets(p.Subject, "/etc/pam.d/common-auth", "/etc/pam.d/system-auth", "/etc/pam.d/password-auth", "/etc/pam.d/base-auth", "/etc/pam.d/login", "/etc/pam.d/sshd") {
		b, ok := credfile.Read(p, m)
		for l := range strings.Lines(string(b)) {
			f := strings.Fields(l)
			if ok && len(f) > 2 && strings.TrimPrefix(f[0], "-") == "auth" && strings.Contains(l, "nullok") {
				return m.Path
			}
		}
	}
	return ""
}
