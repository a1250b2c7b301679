package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/settings"
	"assay/internal/checks/credfile"
)

var webAuth = &Check{
	ID:       "any/app/web-auth",
	Severity: finding.Medium,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B12"},
	Covers:   []string{"APP-015"},
	Doc: check.Doc{
		Title:  t("Passwords of web servers: .htpasswd and fixed Authorization headers", "Web 服务器的密码：.htpasswd 和固定的 Authorization 头"),
		Why:    t("Password hashes can be guessed offline; an Authorization header opens the service behind the proxy", "密码哈希可被离线破解；Authorization 头可直接访问代理后面的服务"),
		Remedy: t("Make the password file at first boot and change the passwords", "在首次启动时生成密码文件，并更换密码"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return credfile.Run(p,
			file{Tool: "web server", Names: []string{".htpasswd", "*.htpasswd", "htpasswd"}, Patterns: []string{"/etc/nginx/*passwd*", "/etc/nginx/conf.d/*passwd*", "/etc/apache2/*passwd*", "/etc/httpd/conf/*passwd*",
				"/etc/lighttpd/*user*"}, Find: htpasswd},
			file{Tool: "nginx", Patterns: []string{"/etc/nginx/*.conf", "/etc/nginx/*/*", "/usr/local/nginx/conf/*.conf", "/usr/local/nginx/conf/*/*.conf", "/www/server/panel/vhost/nginx/*.conf"}, Severity: finding.High, Find: proxyHeader})
	},
}

// htpasswd reads "user:hash", see htpasswd(1).
func htpasswd(b []byte) (out []credfile.Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		user, hash, ok := strings.Cut(strings.TrimSpace(l), ":")
		if ok && user != "" && user[0] != '#' && len(hash) >= 13 && !strings.ContainsAny(hash, " \t:") && strings.HasPrefix(hash, "$") || ok && len(hash) == 13 || strings.HasPrefix(hash, "{SHA") {
			out = append(out, credfile.Secret{Name: "hash of " + user, Value: []byte(hash), Line: n})
		}
	}
	return out
}

// proxyHeader finds an Authorization header that nginx adds by itself.
func proxyHeader(b []byte) (out []credfile.Secret) {
	set, _ := settings.Words(b)
	for _, s := range set {
		f := strings.Fields(s.Value)
		if !strings.HasSuffix(s.Key, "_set_header") || len(f) < 2 || !strings.EqualFold(f[0], "Authorization") {
			continue
		}
		if v := strings.Trim(f[len(f)-1], `"'`); credfile.Real(v) && !strings.Contains(v, "$") {
			out = append(out, credfile.Secret{Name: "Authorization", Value: []byte(v), Line: s.Line})
		}
	}
	return out
}
