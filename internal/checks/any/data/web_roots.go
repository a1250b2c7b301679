package data

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

var webRoots = &Check{
	ID:       "any/data/web-roots",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B13"},
	Covers:   []string{"DBD-011"},
	Doc: check.Doc{
		Title:  t("Web sites and what their users uploaded", "网站内容及其用户上传的文件"),
		Why:    t("A web root holds code, uploads and often a backup of the whole site", "网站根目录包含代码、用户上传的文件，往往还有整站备份"),
		Remedy: t("Take out uploads and backups; deploy the site at first boot", "移除上传文件和备份；在首次启动时部署网站"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		g := p.Subject
		seen := map[string]bool{}
		for _, pattern := range []string{"/var/www", "/home/wwwroot", "/www/wwwroot", "/usr/share/nginx/html", "/usr/local/nginx/html", "/usr/local/apache2/htdocs", "/var/lib/tomcat*/webapps", "/usr/local/tomcat/webapps", "/opt/tomcat/webapps"} {
			roots, _ := g.Match(pattern)
			for _, r := range roots {
				_, root, err := g.Tree.Lookup(r.Path, true)
				if err != nil || seen[root] || !directory(p, root) {
					continue
				}
				seen[root] = true
				s := below(p, root, func(name string) bool { return !credfile.Vendor(g, name) && !defaultPage(p, name) })
				if s.bytes > 0 {
					p.Report(finding.Finding{Where: g.Where(root, 0), Title: counted("Web content in "+credfile.Show(root), credfile.Show(root)+" 中的网站内容", s)})
				}
			}
		}
		return nil
	},
}

// defaultPage knows the pages that installation scripts copy there, which no
// package owns.
func defaultPage(p *Pass, name string) bool {
	switch path.Base(name) {
	case "index.nginx-debian.html", "index.lighttpd.html":
		return true
	case "index.html", "50x.html", "404.html", "context.xml":
	default:
		return false
	}
	at, real, err := p.Subject.Tree.Lookup(name, true)
	if err != nil {
		return false
	}
	b := head(p, guest.Match{Path: real, Place: at}, 4<<10)
	for _, s := range []string{"Apache2 Debian Default Page", "Apache2 Ubuntu Default Page", "Apache2 Default Page", "Welcome to nginx!", "<h1>It works!</h1>", "<title>Apache Tomcat</title>", `antiResourceLocking="false"`, "Test Page for the", "Welcome to CentOS", "恭喜，站点创建成功", "nginx error!"} {
		if strings.Contains(b, s) {
			return true
		}
	}
	return false
}
