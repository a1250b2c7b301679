package account

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var pamPermit = &Check{
	ID:       "linux/account/pam-permit",
	Severity: finding.High,
	Class:    finding.Exposure,
	Rows:     []string{"A1", "A14"},
	Covers:   []string{"ACC-021"},
	Doc: check.Doc{
		Title:  t("PAM rules that let everybody in", "允许任何人通过的 PAM 规则"),
		Why:    t("A sufficient pam_permit before the password check means that any password is right", "在密码校验之前使用 sufficient pam_permit，意味着任何密码都正确"),
		Remedy: t("Remove the line, then try a login with a wrong password", "删除该行，然后用错误密码验证登录被拒绝"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, name := range []string{"login", "sshd", "su", "su-l", "sudo", "sudo-i", "common-auth", "system-auth", "password-auth", "base-auth",
			"system-auth-ac", "password-auth-ac", "gdm-password", "lightdm", "remote"} {
			for _, m := range credfile.Targets(p.Subject, "/etc/pam.d/"+name) {
				b, ok := credfile.Read(p, m)
				if !ok || stock(p, m.Path, b) {
					continue
				}
				n := 0
				for l := range strings.Lines(string(b)) {
					if n++; !permits(l) {
						continue
					}
					w := credfile.Where(p.Subject, m)
					w.Line = n
					p.Report(finding.Finding{Where: w, Anchor: "pam_permit", Title: finding.Tf("PAM service %s accepts any password", "PAM 服务 %s 接受任何密码", name)})
				}
			}
		}
		return nil
	},
}

// permits reports whether an auth rule ends the stack with success for
// everybody. "required pam_permit.so" at the end of Debian's stack does not.
func permits(line string) bool {
	f := strings.Fields(strings.ReplaceAll(line, "\t", " "))
	if len(f) < 3 || strings.TrimPrefix(f[0], "-") != "auth" || !strings.Contains(line, "pam_permit") || strings.HasPrefix(line, "#") {
		return false
	}
	return f[1] == "sufficient" || strings.HasPrefix(f[1], "[") && strings.Contains(line, "success=done")
}
