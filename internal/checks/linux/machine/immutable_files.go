package machine

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/fsys"
)

var immutableFiles = &Check{
	ID:       "linux/machine/immutable-files",
	Severity: finding.Low,
	Class:    finding.Exposure,
	Rows:     []string{"A1", "A2"},
	Covers:   []string{"IMG-004"},
	Doc: check.Doc{
		Title:      t("Login files that cannot be changed (chattr +i)", "无法修改的登录相关文件(chattr +i)"),
		Why:        t("The cloud cannot set the new password or key on such an instance, and cleaning scripts fail without a word", "云平台无法在此类实例上设置新密码或密钥,清理脚本也会静默失败"),
		Remedy:     t("Run chattr -i on the files", "对这些文件执行 chattr -i"),
		References: []string{"man:chattr(1)"},
		Since:      "0.1",
	},
	Run: func(p *Pass) error {
		all, _ := p.Subject.Match("/etc/shadow", "/etc/passwd", "/etc/group", "/etc/gshadow", "/etc/ssh/sshd_config", "~/.ssh/authorized_keys", "~/.ssh/authorized_keys2")
		for _, m := range all {
			if m.Meta.Flags&(fsys.Immutable|fsys.AppendOnly) != 0 {
				p.Report(finding.Finding{Where: credfile.Where(p.Subject, m), Title: finding.Tf("%s is marked immutable", "%s 被标记为不可修改", credfile.Show(path.Base(m.Path)))})
			}
		}
		return nil
	},
}
