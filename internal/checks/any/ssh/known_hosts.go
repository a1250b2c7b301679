package ssh

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var knownHosts = &Check{
	ID:       "any/ssh/known-hosts",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B6"},
	Covers:   []string{"SSH-009"},
	Doc: check.Doc{
		Title:  t("Hosts that were reached from here", "本机连接过的主机"),
		Why:    t("The names and addresses tell what the network behind the image looks like", "其中的主机名和地址暴露了镜像背后的网络结构"),
		Remedy: t("Delete the files; clients ask again", "删除这些文件；客户端会重新询问"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.ssh/known_hosts*", "/etc/ssh/ssh_known_hosts*"},
			Keep: func(m guest.Match) bool {
				_, owned := p.Subject.Packages().Owner(m.Path)
				return owned
			},
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Hosts reached by SSH (%s)", "SSH 连接过的主机（%s）", g.Size())
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the file", "删除该文件"),
			Safe:     true,
		})
	},
}
