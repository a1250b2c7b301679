package data

import (
	"path"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var databaseLogs = &Check{
	ID:       "any/data/database-logs",
	Severity: finding.Medium,
	Class:    finding.UserData,
	Rows:     []string{"B2", "B13"},
	Covers:   []string{"DBD-002", "DBD-003"},
	Doc: check.Doc{
		Title:  t("Binary logs and the server identity of MySQL", "MySQL 的二进制日志和服务器标识"),
		Why:    t("Binary logs hold every change, deleted rows included; clones with one server UUID break replication", "二进制日志包含所有变更（包括已删除的行）；克隆实例共用同一 server UUID 会破坏复制"),
		Remedy: t("Run RESET MASTER; remove auto.cnf and the generated *.pem, the server makes them anew", "执行 RESET MASTER；删除 auto.cnf 和自动生成的 *.pem，服务器会重新生成"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		dirs := []string{"/var/lib/mysql", "/usr/local/mysql/data", "/www/server/data", "/data/mysql"}
		at := func(names ...string) (out []string) {
			for _, d := range dirs {
				for _, n := range names {
					out = append(out, d+"/"+n)
				}
			}
			return out
		}
		if err := leftover.Run(p, leftover.Spec{
			Patterns: at("binlog.*", "mysql-bin.*", "mariadb-bin.*", "*-relay-bin.*", "relay-log.*"),
			Group:    func(m guest.Match) string { return path.Dir(m.Path) },
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Binary logs of MySQL (%[1]s, %[3]s)", "MySQL 二进制日志(%[2]d 个文件,%[3]s)", g.Count(), len(g.Matches), g.Size())
			},
			Severity: func(g leftover.Group) finding.Severity {
				if g.Bytes < 4096 { // an index and the header of one log
					return finding.Low
				}
				return finding.Medium
			},
		}); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: at("auto.cnf", "*.pem"),
			Keep:     func(m guest.Match) bool { return strings.HasSuffix(m.Path, "public_key.pem") },
			Group:    func(m guest.Match) string { return path.Dir(m.Path) + "/auto.cnf" },
			Title: func(leftover.Group) finding.Text {
				return t("Server UUID and generated TLS keys of MySQL", "MySQL 的 server UUID 和自动生成的 TLS 密钥")
			},
			Severity: func(leftover.Group) finding.Severity { return finding.Low },
			Fix:      finding.Remove, FixTitle: t("Remove them, MySQL makes them anew", "删除这些文件，MySQL 会重新生成"),
			Risk: t("Clients that pinned the server's certificate must be told the new one", "固定了服务器证书的客户端需要更新证书"),
		})
	},
}
