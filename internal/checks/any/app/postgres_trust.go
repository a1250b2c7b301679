package app

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var postgresTrust = &Check{
	ID:       "any/app/postgres-trust",
	Severity: finding.High,
	Class:    finding.Exposure,
	Rows:     []string{"B12"},
	Covers:   []string{"APP-011"},
	Doc: check.Doc{
		Title:  t("PostgreSQL lets other hosts in without a password", "PostgreSQL 允许其他主机免密登录"),
		Why:    t("A pg_hba.conf line with trust lets any host of that network become any database user", "pg_hba.conf 中的 trust 允许该网段的任何主机以任意数据库用户身份登录"),
		Remedy: t("Use scram-sha-256 instead of trust", "将 trust 改为 scram-sha-256"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		for _, m := range credfile.Targets(p.Subject, "/etc/postgresql/*/*/pg_hba.conf", "/var/lib/pgsql/data/pg_hba.conf", "/var/lib/pgsql/*/data/pg_hba.conf", "/usr/local/pgsql/data/pg_hba.conf") {
			b, ok := credfile.Read(p, m)
			n := 0
			for l := range strings.Lines(string(b)) {
				n++
				f := strings.Fields(l)
				if !ok || len(f) < 5 || !strings.HasPrefix(f[0], "host") || f[len(f)-1] != "trust" || loopback(f[3]) {
					continue
				}
				w := credfile.Where(p.Subject, m)
				w.Line = n
				p.Report(finding.Finding{Where: w, Anchor: strings.Join(f[:4], " "),
					Title: finding.Tf("PostgreSQL trusts %s as any user of %s", "PostgreSQL 信任来自 %s 的任意用户（数据库 %s）", credfile.Show(f[3]), credfile.Show(f[1]))})
			}
		}
		return nil
	},
}

func loopback(addr string) bool {
	return strings.HasPrefix(addr, "127.") || strings.HasPrefix(addr, "::1") || addr == "localhost" || addr == "samehost"
}
