package ssh

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var keyRings = &Check{
	ID:       "any/ssh/key-rings",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"SSH-019"},
	Doc: check.Doc{
		Title:  t("Key rings of desktops and browsers", "桌面和浏览器的密钥环"),
		Why:    t("They hold passwords and certificates behind the login password of their owner, or behind none", "其中的密码和证书仅由其所有者的登录密码保护，甚至没有保护"),
		Remedy: t("Delete them", "删除即可"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.local/share/keyrings/*.keyring", "~/.gnome2/keyrings/*.keyring", "~/.local/share/kwalletd/*.kwl", "~/.kde*/share/apps/kwallet/*.kwl", "~/.pki/nssdb/key[34].db"},
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Key ring: %[1]s", "密钥环:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the key rings", "删除密钥环"),
			Safe:     true,
		})
	},
}
