package files

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var webServer = &Check{
	ID:       "windows/files/web-server",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"WCR-010"},
	Doc: check.Doc{
		Title:  t("Passwords and keys in the configuration of IIS", "IIS 配置中的密码和密钥"),
		Why:    t("Passwords of application pools and data bases stand in clear; a fixed machine key lets anybody forge sessions of every instance", "应用程序池和数据库的密码以明文保存；固定的 machineKey 可使任何人伪造所有实例的会话"),
		Remedy: t("Use the identity of the application pool, take connection strings out of web.config, and let IIS make the machine key", "使用应用程序池标识，从 web.config 中移除连接字符串，并由 IIS 自动生成 machineKey"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		return credfile.Run(p, credfile.File{Tool: "IIS", Find: webSecrets, Patterns: []string{"/Windows/System32/inetsrv/config/applicationHost.config", "/Windows/System32/inetsrv/config/administration.config",
			"/inetpub/**/web.config", "/inetpub/history/*/applicationHost.config", "/inetpub/temp/appPools/*/*.config",
			"/Windows/Microsoft.NET/Framework*/*/CONFIG/machine.config", "/Windows/Microsoft.NET/Framework*/*/CONFIG/web.config"}})
	},
}

// webSecrets finds attributes that hold a password or key in clear: IIS writes
// "[enc:…" before what it has encrypted.
func webSecrets(b []byte) (out []credfile.Secret) {
	_ = elements(b, func(e element) { // what follows a break is for the scan of contents
		add := func(name, value string) {
			if value != "" && !strings.HasPrefix(value, "[enc:") && credfile.Real(value) {
				out = append(out, credfile.Secret{Name: name, Value: []byte(value), Line: e.line})
			}
		}
		add("password", e.attr["password"])
		if path.Base(e.path) == "machinekey" {
			for _, k := range []string{"validationkey", "decryptionkey"} {
				if v := e.attr[k]; !strings.HasPrefix(strings.ToLower(v), "autogenerate") {
					add(k, v)
				}
			}
		}
		if c := e.attr["connectionstring"]; c != "" {
			for part := range strings.SplitSeq(c, ";") {
				name, value, _ := strings.Cut(part, "=")
				if n := strings.ToLower(strings.TrimSpace(name)); n == "password" || n == "pwd" {
					add("connectionString", strings.TrimSpace(value))
				}
			}
		}
	})
	return out
}
