package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var systemLogs = &Check{
	ID:       "linux/residue/system-logs",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3", "B10"},
	Covers:   []string{"LOG-001", "LOG-003", "LOG-004", "LOG-006", "LOG-009", "LOG-011", "LOG-025"},
	Doc: check.Doc{
		Title:  t("Logs of the system, the journal and the package manager", "系统日志、journal 日志和软件包管理器日志"),
		Why:    t("Logs tell addresses, user names and commands of the machine that the image was made from", "日志会暴露制作镜像的机器的地址、用户名和执行过的命令"),
		Remedy: t("Empty the logs as the last step before making the image; keep the files, daemons need them", "制作镜像前的最后一步清空日志；保留文件本身，守护进程需要它们"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		if err := leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/**", "/run/log/journal/**", "/var/account/pacct*"},
			Keep:     only(systemLog, journalLog),
			Group: func(m guest.Match) string {
				if strings.HasPrefix(m.Path, "/var/log/journal/") || strings.HasPrefix(m.Path, "/run/log/") {
					return "/var/log/journal"
				}
				return "/var/log"
			},
			Title: func(g leftover.Group) finding.Text {
				if g.Key == "/var/log/journal" {
					return counted("Journal", "journal 日志")(g)
				}
				return counted("System logs", "系统日志")(g)
			},
			Fix: finding.Blank, FixOf: blankOrRemove, FixTitle: emptyTitle, Safe: true,
		}); err != nil {
			return err
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/**", "/var/lib/dnf/history*", "/var/lib/yum/history/*", "/var/log/zypp/**", "/var/log/zypper.log"},
			Keep:     only(packageLog),
			Group:    leftover.Under("/var/log"),
			Anchor:   "packages",
			Title:    counted("Package manager logs", "软件包管理器日志"),
			Fix:      finding.Blank, FixOf: packageFix, FixTitle: emptyTitle, Safe: true,
		})
	},
}

// packageFix empties logs; the history database of dnf and yum is removed,
// because an empty file is not a database to them.
func packageFix(m guest.Match) finding.Op {
	if strings.HasPrefix(m.Path, "/var/lib/") {
		return finding.Remove
	}
	return blankOrRemove(m)
}
