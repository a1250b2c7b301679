package account

import (
	"assay/check"
	"assay/finding"
)

var unshadowedPassword = &Check{
	ID:       "linux/account/unshadowed-password",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-006"},
	Doc: check.Doc{
		Title:  t("Password hashes in /etc/passwd", "/etc/passwd 中的密码哈希"),
		Why:    t("Every user of the machine can read /etc/passwd and crack the hash", "本机任何用户都可以读取 /etc/passwd 并破解该哈希"),
		Remedy: t("Lock it: usermod -p '*' USER, then pwconv", "锁定密码：usermod -p '*' 用户名，然后执行 pwconv"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, a := range users(p) {
			if a.Hash == "" || a.HashInFile != "/etc/passwd" {
				continue
			}
			p.Report(finding.Finding{
				Where:    entry(p, a),
				Title:    finding.Tf("The password hash of %s stands in /etc/passwd, readable by everyone (%s)", "%s 的密码哈希位于所有人可读的 /etc/passwd 中（%s）", show(a.Name), scheme(a.Hash)),
				Evidence: hashEvidence(p, a.Name, a.Hash),
				Fix:      lock(p, a),
			})
		}
		return nil
	},
}
