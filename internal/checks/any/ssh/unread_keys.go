package ssh

import (
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sshkey"
	"assay/internal/checks/credfile"
)

var unreadKeys = &Check{
	ID:       "any/ssh/unread-keys",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A2", "A7", "B6"},
	Covers:   []string{"SSH-002", "SSH-004"},
	Doc: check.Doc{
		Title:  t("Login keys in files that sshd does not read now", "sshd 当前不读取的登录公钥文件"),
		Why:    t("A copy such as authorized_keys.bak, or the key file of another setting, opens the machine as soon as somebody renames it or changes sshd_config", "authorized_keys.bak 之类的副本，或其他配置下的公钥文件，一旦被改名或修改 sshd_config 就会生效"),
		Remedy: t("Delete the file", "删除该文件"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		read := keyFiles(p)
		for _, m := range credfile.Targets(p.Subject, "~/.ssh/**", "/etc/ssh/**", "/var/lib/*/.ssh/*", "/opt/*/.ssh/*", "/srv/*/.ssh/*", "/home/.ssh/*", "/.ssh/*") {
			base := path.Base(m.Path)
			if strings.HasSuffix(base, ".pub") || strings.HasPrefix(base, "known_hosts") || strings.HasPrefix(base, "ssh_known_hosts") || m.Meta.Size > 1<<20 ||
				slices.ContainsFunc(read, func(k *keyFile) bool { return k.Place == m.Place }) || namedCA(p, m.Path) {
				continue
			}
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			var prints []string
			sshkey.Authorized(b, func(l sshkey.Line) bool {
				prints = append(prints, l.Key.Fingerprint)
				return len(prints) < 1000
			})
			if len(prints) == 0 {
				continue
			}
			p.Report(finding.Finding{Where: credfile.Where(p.Subject, m),
				Title:    finding.Tf("Login keys in %[2]s, which sshd does not read now: %[1]d", "%[2]s 中有 %[1]d 个登录公钥,sshd 当前不读取该文件", len(prints), credfile.Show(base)),
				Evidence: &finding.Evidence{Kind: "ssh-public-key", Fingerprint: prints[0]},
				Fix: &finding.Fix{Title: t("Remove the file", "删除该文件"), Safe: true,
					Edits: []finding.Edit{{Op: finding.Remove, Volume: p.Subject.Tree.VolumeOf(m.Place), Path: m.Path}}}})
		}
		return nil
	},
}
