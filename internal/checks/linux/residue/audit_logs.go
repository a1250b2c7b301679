package residue

import (
	"bytes"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var auditLogs = &Check{
	ID:       "linux/residue/audit-logs",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10"},
	Covers:   []string{"LOG-007", "LOG-010"},
	Doc: check.Doc{
		Title:  t("Audit and sudo logs, which keep command lines and typed input", "审计日志和 sudo 日志，其中保存命令行和键入内容"),
		Why:    t("EXECVE records hold the arguments of commands, passwords included; sudo's I/O log holds what was typed", "EXECVE 记录包含命令参数（包括密码）；sudo 的 I/O 日志包含键入的内容"),
		Remedy: t("Stop auditd, empty its logs, remove /var/log/sudo-io", "停止 auditd 后清空其日志，并删除 /var/log/sudo-io"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/audit/**", "/var/log/sudo-io/**", "/var/log/sudo.log*"},
			Group: func(m guest.Match) string {
				switch {
				case strings.HasPrefix(m.Path, "/var/log/audit/"):
					return "/var/log/audit"
				case strings.HasPrefix(m.Path, "/var/log/sudo-io/"):
					return "/var/log/sudo-io"
				}
				return "/var/log/sudo.log"
			},
			Title: func(g leftover.Group) finding.Text {
				if g.Key == "/var/log/audit" {
					return counted("Audit logs", "审计日志")(g)
				}
				return counted("Logs of sudo", "sudo 日志")(g)
			},
			Severity: func(g leftover.Group) finding.Severity {
				if g.Key == "/var/log/audit" && !execve(p, g) {
					return finding.Low
				}
				return finding.Medium
			},
			Fix: finding.Blank, FixTitle: emptyTitle, Safe: true,
			FixOf: func(m guest.Match) finding.Op {
				if strings.HasPrefix(m.Path, "/var/log/sudo-io/") {
					return finding.Remove
				}
				return blankOrRemove(m)
			},
		})
	},
}

// execve reports whether an audit log holds command lines. The beginnings of a
// few files tell: a rule for execve fills a log with them.
func execve(p *Pass, g leftover.Group) bool {
	for _, m := range g.Matches[:min(len(g.Matches), 8)] {
		if bytes.Contains(start(p, m, 256<<10), []byte("type=EXECVE")) {
			return true
		}
	}
	return false
}
