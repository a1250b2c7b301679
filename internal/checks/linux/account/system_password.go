package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

var systemPassword = &Check{
	ID:       "linux/account/system-password",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-003"},
	Doc: check.Doc{
		Title:  t("System accounts with a password", "设有密码的系统账户"),
		Why:    t("Nobody expects a service account to log in, so nobody notices when it does; it is a common back door", "没有人会预期服务账户登录，因此被利用时难以察觉；这是常见的后门"),
		Remedy: t("Lock it: usermod -p '*' USER", "锁定密码：usermod -p '*' 用户名"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, a := range users(p) {
			if a.Password != guest.SetPassword || human(p, a) || a.HashInFile == "/etc/passwd" {
				continue
			}
			f := finding.Finding{
				Where:    field(p, a),
				Title:    finding.Tf("System account %s can log in with a password (%s)", "系统账户 %s 设有可登录的密码（%s）", show(a.Name), scheme(a.Hash)),
				Evidence: hashEvidence(p, a.Name, a.Hash),
				Fix:      lock(p, a),
			}
			if !a.Login() {
				f.Severity = finding.Medium
				f.Title = finding.Tf("System account %s has a password (%s) but no login shell", "系统账户 %s 设有密码（%s），但没有登录 shell", show(a.Name), scheme(a.Hash))
			}
			p.Report(f)
		}
		return nil
	},
}
