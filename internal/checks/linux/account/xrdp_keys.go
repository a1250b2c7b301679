package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
)

var xrdpKeys = &Check{
	ID:       "linux/account/xrdp-keys",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"ACC-028"},
	Doc: check.Doc{
		Title:  t("Keys of the RDP server", "RDP 服务器的密钥"),
		Why:    t("All instances would present the same key, and whoever has the image can stand in for any of them", "所有实例会使用同一密钥，获得镜像的人可以冒充其中任意一台"),
		Remedy: t("At first boot: xrdp-keygen xrdp auto", "在首次启动时执行：xrdp-keygen xrdp auto"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/etc/xrdp/rsakeys.ini", "/etc/xrdp/key.pem"},
			Title: func(g leftover.Group) finding.Text {
				return t("A private key of the RDP server xrdp", "RDP 服务器 xrdp 的私钥")
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the key; xrdp needs a new one before it starts", "删除该密钥；xrdp 启动前需要新的密钥"),
			Safe:     false,
			Risk:     t("xrdp does not start until xrdp-keygen has run", "在执行 xrdp-keygen 之前 xrdp 无法启动"),
		})
	},
}
