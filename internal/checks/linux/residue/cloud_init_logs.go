package residue

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var cloudInitLogs = &Check{
	ID:       "linux/residue/cloud-init-logs",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10"},
	Covers:   []string{"LOG-008"},
	Doc: check.Doc{
		Title:  t("cloud-init's logs, with the output of user data scripts", "cloud-init 日志，含自定义数据（User Data）脚本的输出"),
		Why:    t("cloud-init-output.log holds everything the user data printed: generated passwords, keys, addresses", "cloud-init-output.log 保存了自定义数据脚本输出的全部内容：生成的密码、密钥、地址"),
		Remedy: t("Run cloud-init clean --logs", "执行 cloud-init clean --logs"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/cloud-init*"},
			Group:    leftover.Under("/var/log"),
			Title:    counted("cloud-init logs", "cloud-init 日志"),
			Fix:      finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}
