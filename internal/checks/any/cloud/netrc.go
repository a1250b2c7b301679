package cloud

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var netrc = &Check{
	ID:       "any/cloud/netrc",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"CLD-017"},
	Doc: check.Doc{
		Title:  t("Passwords for hosts in netrc, curlrc and wgetrc", "netrc、curlrc 和 wgetrc 中的主机密码"),
		Why:    t("The file keeps user names and passwords of other hosts in clear", "该文件以明文保存其他主机的用户名和密码"),
		Remedy: t("Delete the file and change the passwords", "删除该文件，并修改其中的密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			credfile.File{Tool: "netrc", Patterns: []string{"~/.netrc", "~/_netrc", "~/.authinfo"}, Parse: settings.Netrc, Secrets: "password account", Fix: finding.Remove, Safe: true},
			credfile.File{Tool: "wget", Patterns: []string{"~/.wgetrc", "/etc/wgetrc"}, Parse: settings.INI, Secrets: "password *_password *_passwd *-password", IDs: "user", Fix: finding.RemoveLine},
			credfile.File{Tool: "curl", Patterns: []string{"~/.curlrc", "~/_curlrc"}, Find: curlrc, Fix: finding.RemoveLine})
	},
}

// curlrc finds what curl(1) reads from its configuration: user, proxy-user,
// oauth2-bearer, pass, each with "=", ":" or a space after it.
func curlrc(b []byte) (out []credfile.Secret) {
	out = credfile.URLs(b)
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		l = strings.TrimLeft(strings.TrimSpace(l), "-")
		i := strings.IndexAny(l, "=: \t")
		if i < 0 || l[0] == '#' {
			continue
		}
		v := strings.Trim(l[i:], "=: \t\"")
		switch l[:i] {
		case "user", "u", "proxy-user", "U":
			if _, pass, ok := strings.Cut(v, ":"); ok && credfile.Real(pass) {
				out = append(out, credfile.Secret{Name: l[:i], Value: []byte(pass), Line: n})
			}
		case "oauth2-bearer", "pass", "proxy-pass":
			if credfile.Real(v) {
				out = append(out, credfile.Secret{Name: l[:i], Value: []byte(v), Line: n})
			}
		}
	}
	return out
}
