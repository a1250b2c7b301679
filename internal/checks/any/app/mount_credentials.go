package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var mountCredentials = &Check{
	ID:       "any/app/mount-credentials",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-022"},
	Doc: check.Doc{
		Title:  t("Passwords for network drives", "网络存储的挂载密码"),
		Why:    t("The password opens the share to everyone who has the image", "获得镜像的人都能用该密码访问共享存储"),
		Remedy: t("Put the credentials there at first boot and change the password", "在首次启动时写入凭证，并更换密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		paths := []string{"/etc/cifs*", "/etc/samba/*cred*", "/etc/samba/credentials/*", "~/.smbcredentials", "~/.smb*", "/etc/credentials/*", "/etc/*.cred"}
		if b, err := p.Subject.Read("/etc/fstab"); err == nil {
			for l := range strings.Lines(string(b)) {
				if f := strings.Fields(l); len(f) >= 4 && f[0][0] != '#' {
					for o := range strings.SplitSeq(f[3], ",") {
						if name, ok := strings.CutPrefix(o, "credentials="); ok && strings.HasPrefix(name, "/") && !strings.ContainsAny(name, `*?[\`) {
							paths = append(paths, name)
						}
					}
				}
			}
		}
		return credfile.Run(p,
			file{Tool: "fstab", Patterns: []string{"/etc/fstab", "/etc/auto.*", "/etc/autofs/*", "/etc/auto.master.d/*"}, Find: mountOptions},
			file{Tool: "CIFS", Patterns: paths, Parse: settings.INI, Secrets: "password", IDs: "username"},
			file{Tool: "davfs2", Patterns: []string{"/etc/davfs2/secrets", "~/.davfs2/secrets"}, Find: davfs})
	},
}

// mountOptions finds password= and pass= among mount options.
func mountOptions(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		for o := range strings.FieldsFuncSeq(l, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
			k, v, _ := strings.Cut(o, "=")
			if (k == "password" || k == "pass" || k == "password2") && credfile.Real(v) {
				out = append(out, credfile.Secret{Name: k, Value: []byte(v), Line: n})
			}
		}
		if pass, _, ok := credfile.URLSecret(l); ok {
			out = append(out, credfile.Secret{Name: "URL password", Value: []byte(pass), Line: n})
		}
	}
	return out
}

// davfs reads "url user password", see mount.davfs(8).
func davfs(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		if f := settings.Fields(strings.TrimSpace(l)); len(f) == 3 && credfile.Real(f[2]) {
			out = append(out, credfile.Secret{Name: "password", Value: []byte(f[2]), Line: n})
		}
	}
	return out
}
