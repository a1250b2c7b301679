package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

var passwordSet = &Check{
	ID:       "linux/account/password-set",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "B4"},
	Covers:   []string{"ACC-001", "ACC-002", "ACC-019"},
	Doc: check.Doc{
		Title:  t("Passwords that every instance would accept", "所有实例都会接受的密码"),
		Why:    t("Every instance created from the image has this password, and whoever has the image can crack the hash offline", "由该镜像创建的每台实例都使用同一密码，获得镜像的人还可以离线破解其哈希"),
		Remedy: t("Lock it: usermod -p '*' USER. Do not use passwd -d: it leaves an empty password", "锁定密码：usermod -p '*' 用户名。不要使用 passwd -d：它会留下空密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if _, err := p.Subject.Accounts(); err != nil {
			p.Gap(finding.GapUnreadable, finding.Where{Path: "/etc/passwd"}, "%v", err)
		}
		for _, a := range users(p) {
			if a.Password != guest.SetPassword || !human(p, a) || a.HashInFile == "/etc/passwd" {
				continue
			}
			f := finding.Finding{
				Where:    field(p, a),
				Title:    finding.Tf("User %s can log in with a password (%s)", "用户 %s 设有可登录的密码（%s）", show(a.Name), scheme(a.Hash)),
				Evidence: hashEvidence(p, a.Name, a.Hash),
				Fix:      lock(p, a),
			}
			if !a.Login() || a.Expired {
				f.Severity = finding.Medium
				f.Title = finding.Tf("User %s has a password (%s), but no login shell or an expired account", "用户 %s 设有密码（%s），但没有登录 shell 或账户已过期", show(a.Name), scheme(a.Hash))
			}
			if a.Name == "root" || a.Name == "ecs-user" {
				reason := t("ECS sets the credential of root and ecs-user at first boot; until then, and with PasswordInherit, this password counts", "ECS 在首次启动时为 root 和 ecs-user 设置凭证；在此之前，以及使用镜像预设密码（PasswordInherit）时，该密码有效")
				f.Reason = &reason
			}
			p.Report(f)
		}
		return nil
	},
}
