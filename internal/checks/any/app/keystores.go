package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var keystores = &Check{
	ID:       "any/app/keystores",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1"},
	Covers:   []string{"APP-016"},
	Doc: check.Doc{
		Title:  t("Key stores and certificate accounts", "密钥库和证书签发账号"),
		Why:    t("A key store holds a certificate's private key behind a password that is often the default; an ACME account issues new certificates for the domain", "密钥库保存证书私钥，其密码常为默认值；ACME 账号可为该域名签发新证书"),
		Remedy: t("Deliver the certificate at first boot; revoke and reissue it if the image was shared", "在首次启动时下发证书；如镜像已共享，请吊销并重新签发证书"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := credfile.Run(p,
			file{Tool: "ACME", Patterns: []string{"/etc/letsencrypt/accounts/**"}, Parse: settings.JSON, Secrets: "d", Severity: finding.High, Loose: true},
			file{Tool: "acme.sh", Patterns: []string{"~/.acme.sh/account.conf", "~/.acme.sh/*/*.conf"}, Parse: settings.Env, Secrets: "*secret *token *password *_apikey", Severity: finding.High},
			file{Tool: "certbot", Patterns: []string{"/etc/letsencrypt/*.ini", "~/.secrets/certbot/*.ini", "/etc/letsencrypt/*/*.ini"}, Parse: settings.INI,
				Secrets: "*_secret *_access_key_secret *_token *_password *_api_key *secret_key", IDs: "*_access_key", Severity: finding.High}); err != nil {
			return err
		}
		for _, m := range credfile.Named(p.Subject, "*.jks", "*.p12", "*.pfx", "*.keystore", "*.jceks", "*.bcfks") {
			if base := m.Path[strings.LastIndexByte(m.Path, '/')+1:]; strings.HasPrefix(base, "cacerts") || strings.Contains(base, "truststore") {
				continue
			}
			b, ok := head(p, m, 4)
			if ok && isKeystore(b) {
				p.Report(finding.Finding{Where: credfile.Where(p.Subject, m),
					Title: finding.Tf("Key store %s", "密钥库 %s", credfile.Show(m.Path[strings.LastIndexByte(m.Path, '/')+1:]))})
			}
		}
		return nil
	},
}

// isKeystore knows JKS (FEEDFEED), JCEKS (CECECECE) and the DER of PKCS #12: a
// SEQUENCE with a length of two bytes or more, or of indefinite length.
func isKeystore(b []byte) bool {
	s := string(b)
	return s == "\xfe\xed\xfe\xed" || s == "\xce\xce\xce\xce" || s[0] == 0x30 && (s[1] == 0x80 || s[1] >= 0x81 && s[1] <= 0x84)
}
