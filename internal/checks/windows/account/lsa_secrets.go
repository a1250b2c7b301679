package account

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/sam"
	"assay/internal/checks/credfile"
)

var lsaSecrets = &Check{
	ID:       "windows/account/lsa-secrets",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"A1", "B1", "B2"},
	Covers:   []string{"WAC-003"},
	Doc: check.Doc{
		Title:  t("Passwords that Windows keeps for services and automatic logons", "Windows 为服务和自动登录保存的密码"),
		Why:    t("They are encrypted with a key of the same machine: whoever reads the disk reads the passwords", "它们用同一台机器上的密钥加密：能读取磁盘的人就能读取这些密码"),
		Remedy: t("Remove the secret; let services run as built-in accounts, or give them their password on the instance", "删除该机密；让服务以内置账户运行，或在实例上再设置其密码"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		h := w.Hive("SECURITY")
		list, err := sam.Secrets(h.Hive, w.BootKey())
		if err != nil && h.Path != "" { // a missing hive is a gap of registry-hives
			p.Gap(finding.GapCorrupt, h.Where(), "%v", err)
		}
		for _, s := range list {
			title, ok := secretTitle(s)
			if !ok {
				continue
			}
			f := at(h, s.Name)
			f.Title = title
			risk := t("A service that logs on with this password does not start", "使用该密码登录的服务将无法启动")
			f.Fix = &finding.Fix{Title: t("Remove the secret", "删除该机密"), Edits: []finding.Edit{h.Edit(finding.RegDeleteKey, s.Key, "")}}
			if f.Fix.Safe = !strings.HasPrefix(s.Name, "_SC_") && s.Name != "$MACHINE.ACC"; !f.Fix.Safe {
				f.Fix.Risk = &risk
			}
			p.Report(f)
		}
		return nil
	},
}

// secretTitle says what a secret is, and whether it is one: the machine's own
// keys, empty secrets and the value that setup leaves are nobody's password.
func secretTitle(s sam.Secret) (finding.Text, bool) {
	if s.Stored == 0 && !s.HasOld || s.Opened && s.Length == 0 && !s.HasOld || s.Default && !s.HasOld {
		return finding.Text{}, false
	}
	name := credfile.Show(s.Name)
	switch upper := strings.ToUpper(s.Name); {
	case upper == "DEFAULTPASSWORD":
		return t("The password of an automatic logon is kept as an LSA secret", "自动登录的密码保存为 LSA 机密"), true
	case strings.HasPrefix(upper, "_SC_"):
		return finding.Tf("The password of the service %s is kept as an LSA secret", "服务 %s 的密码保存为 LSA 机密", name[len("_SC_"):]), true
	case strings.HasPrefix(upper, "L$_SQSA_"):
		return t("Security questions of an account are kept as an LSA secret", "账户的安全问题保存为 LSA 机密"), true
	case upper == "$MACHINE.ACC":
		return t("The password of the machine's account in a domain is kept", "保留了该计算机在域中的账户密码"), true
	case upper == "ASPNET_WP_PASSWORD", strings.HasPrefix(upper, "RASDIALPARAMS"), strings.HasPrefix(upper, "RASCREDENTIALS"), strings.HasPrefix(upper, "L$_RAS"):
		return finding.Tf("A password is kept as the LSA secret %s", "密码保存为 LSA 机密 %s", name), true
	}
	return finding.Text{}, false
}
