package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var mailPasswords = &Check{
	ID:       "any/app/mail-passwords",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-018"},
	Doc: check.Doc{
		Title:  t("Passwords with which mail is sent", "发送邮件所用的密码"),
		Why:    t("The account can send mail in the company's name", "该账号可以企业名义发送邮件"),
		Remedy: t("Set the relay's password at first boot, and change it", "在首次启动时设置中继密码，并更换该密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			file{Tool: "Postfix", Patterns: []string{"/etc/postfix/sasl_passwd", "/etc/postfix/sasl/*passwd", "/etc/postfix/*sasl*pass*"}, Find: saslPasswd},
			file{Tool: "Postfix", Patterns: []string{"/etc/postfix/mysql*.cf", "/etc/postfix/sql/*.cf"}, Parse: settings.INI, Secrets: "password"},
			file{Tool: "msmtp", Patterns: []string{"/etc/msmtprc", "~/.msmtprc", "~/.config/msmtp/config"}, Parse: settings.Words, Secrets: "password", IDs: "user"},
			file{Tool: "Exim", Patterns: []string{"/etc/exim4/passwd.client", "/etc/exim/passwd.client"}, Find: credfile.Columns("password", ":", 3)},
			file{Tool: "ssmtp", Patterns: []string{"/etc/ssmtp/ssmtp.conf"}, Parse: settings.INI, Secrets: "authpass", IDs: "authuser"},
			file{Tool: "sendmail", Patterns: []string{"/etc/mail/authinfo"}, Find: authinfo},
			file{Tool: "mailx", Patterns: []string{"/etc/mail.rc", "/etc/s-nail.rc", "~/.mailrc"}, Find: mailrc},
			file{Tool: "Dovecot", Patterns: []string{"/etc/dovecot/users", "/etc/dovecot/passwd", "/etc/dovecot/dovecot-sql.conf.ext", "/etc/dovecot/passwd.*"}, Find: dovecot})
	},
}

// saslPasswd reads "host user:password", see postconf's
// smtp_sasl_password_maps.
func saslPasswd(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		f := strings.Fields(l)
		if len(f) != 2 || f[0][0] == '#' {
			continue
		}
		if _, pass, ok := strings.Cut(f[1], ":"); ok && credfile.Real(pass) {
			out = append(out, credfile.Secret{Name: "password of " + f[0], Value: []byte(pass), Line: n})
		}
	}
	return out
}

// authinfo reads `AuthInfo:host "U:user" "P:password"`.
func authinfo(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		for _, w := range settings.Fields(l) {
			if v, ok := strings.CutPrefix(w, "P:"); ok && credfile.Real(v) {
				out = append(out, credfile.Secret{Name: "password", Value: []byte(v), Line: n})
			}
		}
	}
	return out
}

// mailrc reads "set smtp-auth-password=X" and a password inside "set mta=URL".
func mailrc(b []byte) []credfile.Secret {
	out := credfile.URLs(b)
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		k, v, ok := strings.Cut(strings.TrimSpace(l), "=")
		if ok && strings.HasSuffix(k, "password") && strings.HasPrefix(k, "set") && credfile.Real(strings.Trim(v, `"'`)) {
			out = append(out, credfile.Secret{Name: "smtp-auth-password", Value: []byte(strings.Trim(v, `"'`)), Line: n})
		}
	}
	return out
}

// dovecot reads "user:{SCHEME}hash:…" and the password in "connect = …".
func dovecot(b []byte) (out []credfile.Secret) {
	out = credfile.AnySecret(settings.INI)(b)
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		f := strings.Split(strings.TrimSpace(l), ":")
		if len(f) >= 2 && f[0] != "" && f[0][0] != '#' && strings.HasPrefix(f[1], "{") && len(f[1]) > 8 {
			out = append(out, credfile.Secret{Name: "hash of " + f[0], Value: []byte(f[1]), Line: n})
		}
	}
	return out
}
