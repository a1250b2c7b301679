package ssh

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var clientConfig = &Check{
	ID:       "any/ssh/client-config",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B6"},
	Covers:   []string{"SSH-010"},
	Doc: check.Doc{
		Title:  t("Settings of SSH clients", "SSH 客户端配置"),
		Why:    t("They name bastion hosts, users and key files", "其中包含跳板机、用户名和密钥文件"),
		Remedy: t("Look at them; delete what the product does not need", "检查并删除产品不需要的内容"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.ssh/config", "~/.ssh/config.d/*", "/etc/ssh/ssh_config.d/*"},
			Keep: func(m guest.Match) bool {
				_, owned := p.Subject.Packages().Owner(m.Path)
				return owned || harmlessConfig[path.Base(m.Path)]
			},
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Settings of an SSH client (%s)", "SSH 客户端配置（%s）", g.Size())
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the file", "删除该文件"),
			Safe:     false,
			Risk:     t("Scripts that use the host aliases stop working", "使用这些主机别名的脚本将无法工作"),
		})
	},
}

// harmlessConfig are drop-ins of distributions that hold no hosts.
var harmlessConfig = map[string]bool{"05-redhat.conf": true, "50-redhat.conf": true, "20-systemd-ssh-proxy.conf": true, "04-ipa.conf": true}
