package account

import (
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/passwd"
	"assay/internal/guest"
)

var serviceShell = &Check{
	ID:       "linux/account/service-shell",
	Severity: finding.Low,
	Class:    finding.Exposure,
	Rows:     []string{"A6", "B4"},
	Covers:   []string{"ACC-009"},
	Doc: check.Doc{
		Title:  t("Service accounts with a login shell", "拥有登录 shell 的服务账户"),
		Why:    t("A service account that somebody gave a shell can be logged in to with a key or a password", "被赋予 shell 的服务账户可以通过密钥或密码登录"),
		Remedy: t("usermod -s /usr/sbin/nologin USER, unless the service needs the shell", "usermod -s /usr/sbin/nologin 用户名，除非服务需要该 shell"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		vendor := vendorShells(p)
		for _, a := range users(p) {
			if human(p, a) || a.UID >= 60000 || a.Origin == guest.UnknownUser || !a.Login() || vendor[a.Name] == a.Shell || slices.Contains(needShell, a.Name) {
				continue
			}
			f := finding.Finding{
				Where: entry(p, a),
				Title: finding.Tf("Service account %s has the login shell %s", "服务账户 %s 的登录 shell 为 %s", show(a.Name), show(a.Shell)),
			}
			if a.Password == guest.SetPassword || a.Password == guest.EmptyPassword || p.Subject.Exists(strings.TrimSuffix(a.Home, "/")+"/.ssh/authorized_keys") {
				f.Severity = finding.Medium
				f.Title = finding.Tf("Service account %s has the login shell %s and a way to log in", "服务账户 %s 的登录 shell 为 %s，并且可以登录", show(a.Name), show(a.Shell))
			}
			p.Report(f)
		}
		return nil
	},
}

// needShell are accounts whose packages give them a shell on purpose.
var needShell = []string{"postgres", "jenkins", "gitlab-psql", "git", "gitea", "oracle", "grid", "nagios", "icinga", "zabbix", "amanda", "backup",
	"libuuid", "operator", "rundeck", "hdfs", "yarn", "mapred", "hive", "ceph", "gitolite3", "slurm", "munge", "opc", "tss", "couchdb", "neo4j", "dbus"}

// vendorShells are the shells of base-passwd's master copy and of setup's.
func vendorShells(p *Pass) map[string]string {
	m := map[string]string{}
	for _, name := range []string{"/usr/share/base-passwd/passwd.master", "/usr/share/baselayout/passwd"} {
		b, err := p.Subject.Read(name)
		if err != nil {
			continue
		}
		for _, u := range passwd.Users(b) {
			m[u.Name] = u.Shell
		}
	}
	return m
}
