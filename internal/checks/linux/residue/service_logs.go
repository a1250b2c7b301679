package residue

import (
	"bytes"
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var serviceLogs = &Check{
	ID:       "linux/residue/service-logs",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10", "B13"},
	Covers:   []string{"LOG-002", "LOG-012", "LOG-013", "LOG-014", "LOG-015", "LOG-016"},
	Doc: check.Doc{
		Title:  t("Logs of web servers, databases, containers and applications", "Web 服务器、数据库、容器和应用程序的日志"),
		Why:    t("Access logs hold clients' addresses and tokens in URLs; mysqld.log holds the first root password", "访问日志包含客户端地址和 URL 中的令牌；mysqld.log 包含初始 root 密码"),
		Remedy: t("Stop the services and empty the logs; keep the files and directories with their owners", "停止服务并清空日志；保留文件、目录及其属主"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/**", "/usr/local/nginx/logs/*", "/usr/local/apache*/logs/*", "/www/wwwlogs/**", "/var/lib/mysql/*.err", "/var/lib/mysql/*slow.log", "/var/lib/mysql/*general.log",
				"/var/lib/pgsql/data/log/*", "/var/lib/pgsql/*/data/log/*", "/var/lib/postgresql/*/*/log/*", "/var/lib/docker/containers/*/*-json.log*", "/var/lib/docker/containers/*/local-logs/*"},
			Keep: func(m guest.Match) bool {
				return only(serviceLog, containerLog)(m) || strings.HasSuffix(m.Path, ".pid")
			},
			Group: serviceDir,
			Title: func(g leftover.Group) finding.Text {
				if firstPassword(p, g) {
					return inDir("Logs with the first root password of MySQL", "含 MySQL 初始 root 密码的日志")(g)
				}
				return inDir("Service logs", "服务日志")(g)
			},
			Severity: func(g leftover.Group) finding.Severity {
				if firstPassword(p, g) {
					return finding.Medium
				}
				return finding.Low
			},
			Fix: finding.Blank, FixOf: blankOrRemove, FixTitle: emptyTitle, Safe: true,
		}); err != nil {
			return err
		}
		return applicationLogs(p)
	},
}

// serviceDir is the directory that names the service.
func serviceDir(m guest.Match) string {
	if rest, ok := strings.CutPrefix(m.Path, "/var/log/"); ok {
		if dir, _, below := strings.Cut(rest, "/"); below {
			return "/var/log/" + dir
		}
		return m.Path
	}
	if strings.HasPrefix(m.Path, "/var/lib/docker/") {
		return "/var/lib/docker/containers"
	}
	if strings.HasPrefix(m.Path, "/www/wwwlogs/") {
		return "/www/wwwlogs"
	}
	return path.Dir(m.Path)
}

// firstPassword reports whether a MySQL log holds the root password that its
// first start generated.
func firstPassword(p *Pass, g leftover.Group) bool {
	for _, m := range g.Matches {
		if strings.Contains(m.Path, "mysql") && bytes.Contains(start(p, m, 512<<10), []byte("temporary password is generated")) {
			return true
		}
	}
	return false
}

// appRoots are where applications that no package brought are put.
var appRoots = []string{"/opt", "/srv", "/home", "/root", "/data", "/app", "/usr/local/tomcat", "/usr/share/tomcat", "/www/server"}

// applicationLogs reports logs in directories named "logs", and catalina.out.
func applicationLogs(p *Pass) error {
	g := p.Subject
	x := g.Index()
	want := map[int32]bool{}
	for i, d := range x.Dirs {
		if base := path.Base(d); (base == "logs" || base == "log") && credfile.UnderAny(d, appRoots...) && !strings.Contains(d, "/.git/") && !strings.Contains(d, "/node_modules/") {
			want[int32(i)] = true
		}
	}
	var paths []string
	for _, f := range x.Files {
		if want[f.Dir] && logName(f.Name) || f.Name == "catalina.out" {
			if name := x.Path(f); !credfile.Vendor(g, name) && !credfile.Under(name, "/var/log") && !strings.ContainsAny(name, `*?[\`) {
				paths = append(paths, name)
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	return leftover.Run(p, leftover.Spec{
		Patterns: paths,
		Group:    func(m guest.Match) string { return path.Dir(m.Path) },
		Title:    inDir("Application logs", "应用日志"),
		Fix:      finding.Blank, FixOf: blankOrRemove, FixTitle: emptyTitle,
		Risk: t("The application may need its log as it is", "应用程序可能依赖现有日志内容"),
	})
}

func logName(name string) bool {
	return strings.Contains(name, ".log") || strings.HasSuffix(name, ".out") || strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".err")
}
