package ssh

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var hostTrust = &Check{
	ID:       "any/ssh/host-trust",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A2", "B6"},
	Covers:   []string{"SSH-016"},
	Doc: check.Doc{
		Title:  t("Hosts whose users get in without a credential", "无需凭证即可进入的受信主机"),
		Why:    t("rlogin and host based SSH let users of the named hosts in; whoever takes such an address is in", "rlogin 和基于主机的 SSH 认证会放行所列主机的用户；占用这些地址的人即可进入"),
		Remedy: t("Delete the file", "删除该文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.rhosts", "~/.shosts", "/etc/hosts.equiv", "/etc/shosts.equiv", "/etc/ssh/shosts.equiv"},
			Keep: func(m guest.Match) bool {
				b, ok := credfile.Read(p, m)
				return !ok || !says(b)
			},
			Title: func(g leftover.Group) finding.Text {
				return t("Users of other hosts may get in without a credential", "其他主机的用户可能无需凭证即可登录")
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the file", "删除该文件"),
			Safe:     true,
		})
	},
}

// says reports whether a file has a line that is not a comment.
func says(b []byte) bool {
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
			return true
		}
	}
	return false
}
