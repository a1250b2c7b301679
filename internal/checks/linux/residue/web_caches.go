package residue

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var webCaches = &Check{
	ID:       "linux/residue/web-caches",
	Severity: finding.Low,
	Class:    finding.UserData,
	Rows:     []string{"B3", "B13"},
	Covers:   []string{"TMP-009", "TMP-010"},
	Doc: check.Doc{
		Title:  t("Caches and sessions of web servers", "Web 服务器的缓存和会话"),
		Why:    t("A cache keeps pages and uploads of users; a PHP session lets its finder go on as that user", "缓存保存用户的页面和上传内容；PHP 会话文件可让他人冒充该用户"),
		Remedy: t("Empty the directories, keep them", "清空这些目录，保留目录本身"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/cache/nginx/**", "/var/cache/squid/**", "/var/spool/squid/**", "/var/lib/nginx/**", "/var/cache/httpd/**", "/var/cache/apache2/**", "/var/cache/varnish/**",
				"/usr/local/nginx/*_temp/**", "/usr/local/nginx/proxy_cache/**", "/var/lib/php/sessions/*", "/var/lib/php/session/*", "/var/lib/php5/*", "/var/lib/php/wsdlcache/*", "/www/server/nginx/*_temp/**"},
			Keep: func(m guest.Match) bool { return credfile.Vendor(p.Subject, m.Path) || !webCache(m.Path) },
			Group: func(m guest.Match) string {
				if strings.HasPrefix(m.Path, "/var/lib/php") {
					return path.Dir(m.Path)
				}
				return strings.Join(strings.SplitN(m.Path, "/", 5)[:4], "/")
			},
			Title: func(g leftover.Group) finding.Text {
				if sessions(g) {
					return inDir("PHP sessions", "PHP 会话")(g)
				}
				return inDir("Web cache", "Web 缓存")(g)
			},
			Severity: func(g leftover.Group) finding.Severity {
				if sessions(g) {
					return finding.Medium
				}
				return finding.Low
			},
			Fix: finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}

func sessions(g leftover.Group) bool { return strings.HasPrefix(path.Base(g.Matches[0].Path), "sess_") }

// webCache leaves out what is no cache below /var/lib/nginx and /var/lib/php.
func webCache(name string) bool {
	if rest, ok := strings.CutPrefix(name, "/var/lib/nginx/"); ok {
		return strings.HasPrefix(strings.TrimPrefix(rest, "tmp/"), "body/") || strings.Contains(rest, "proxy") || strings.Contains(rest, "fastcgi") || strings.Contains(rest, "client_body")
	}
	if strings.HasPrefix(name, "/var/lib/php") {
		base := path.Base(name)
		return strings.HasPrefix(base, "sess_") || strings.HasPrefix(base, "wsdl")
	}
	return true
}
