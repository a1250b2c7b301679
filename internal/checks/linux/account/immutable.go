package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
)

var immutable = &Check{
	ID:       "linux/account/immutable",
	Severity: finding.Low,
	Class:    finding.Exposure,
	Rows:     []string{"B4", "B6"},
	Covers:   []string{"IMG-004"},
	Doc: check.Doc{
		Title:  t("Credential files that cannot be changed", "不可更改的凭证文件"),
		Why:    t("chattr +i makes cloud-init and the agents of ECS fail to set a new password or key, and is what intruders do to keep their key", "chattr +i 会使 cloud-init 和 ECS 的组件无法设置新密码或密钥，也是入侵者保留其密钥的常用手法"),
		Remedy: t("chattr -i FILE", "chattr -i 文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		all, _ := p.Subject.Match(credentialFiles...)
		for _, m := range all {
			if m.Meta.Flags&(fsys.Immutable|fsys.AppendOnly) == 0 {
				continue
			}
			w := finding.Where{Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path, User: m.User}
			p.Report(finding.Finding{Where: w, Title: t("The file is immutable (chattr +i or +a): a new credential cannot be written", "该文件被设为不可更改（chattr +i 或 +a）：无法写入新凭证")})
		}
		return nil
	},
}

// credentialFiles are what the first boot must be able to write.
var credentialFiles = []string{"/etc", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/ssh", "/etc/ssh/sshd_config", "/etc/sudoers",
	"~/.ssh", "~/.ssh/authorized_keys", "~/.ssh/authorized_keys2", "~/.bash_history"}
