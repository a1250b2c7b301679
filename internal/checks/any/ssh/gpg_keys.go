package ssh

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var gpgKeys = &Check{
	ID:       "any/ssh/gpg-keys",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"SSH-018"},
	Doc: check.Doc{
		Title:  t("Secret keys of GnuPG", "GnuPG 私钥"),
		Why:    t("Whoever has the image signs packages and commits in this name, and reads what was encrypted to it", "获得镜像的人可以冒用该身份签名软件包和提交，并解密发给它的内容"),
		Remedy: t("Delete the keys; revoke them if the image was shared", "删除这些私钥；如镜像已共享，请吊销"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"~/.gnupg/private-keys-v1.d/*.key", "~/.gnupg/secring.gpg", "/root/.gnupg/private-keys-v1.d/*.key", "/etc/pacman.d/gnupg/private-keys-v1.d/*.key", "/etc/salt/gpgkeys/private-keys-v1.d/*.key"},
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Secret keys of GnuPG: %[1]s", "GnuPG 私钥:%[2]d 个文件", g.Count(), len(g.Matches))
			},
			Fix:      finding.Remove,
			FixTitle: t("Remove the keys", "删除这些私钥"),
			Safe:     false,
			Risk:     t("Programs that sign or decrypt with the keys stop working", "使用这些私钥签名或解密的程序将无法工作"),
		})
	},
}
