package ssh

import (
	"path"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var keysCommand = &Check{
	ID:       "any/ssh/keys-command",
	Severity: finding.Medium,
	Class:    finding.PresetAccount,
	Rows:     []string{"A2", "A7"},
	Covers:   []string{"SSH-005"},
	Doc: check.Doc{
		Title:  t("Programs that tell sshd which keys to accept", "向 sshd 提供可接受公钥的程序"),
		Why:    t("AuthorizedKeysCommand is a second source of login keys that no authorized_keys file shows", "AuthorizedKeysCommand 是登录公钥的另一个来源，在 authorized_keys 文件中看不到"),
		Remedy: t("Read the program; remove the setting if the product does not need it", "检查该程序；如产品不需要，请删除该设置"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, key := range []string{"authorizedkeyscommand", "authorizedprincipalscommand"} {
			for _, s := range everywhere(p, key) {
				program, _, _ := strings.Cut(s.Value, " ")
				if slices.Contains(stockCommands, path.Base(program)) {
					continue
				}
				p.Report(finding.Finding{Where: p.Subject.Where(s.Path, s.Line), Anchor: key,
					Title: finding.Tf("sshd asks %s which keys to accept", "sshd 通过 %s 获取可接受的公钥", credfile.Show(program))})
			}
		}
		return nil
	},
}

// stockCommands come with packages and ask a directory or the cloud's metadata.
var stockCommands = []string{"sss_ssh_authorizedkeys", "eic_run_authorized_keys", "userdbctl", "google_authorized_keys", "google_authorized_principals", "ssh-ldap-wrapper"}
