package residue

import (
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var atJobs = &Check{
	ID:       "linux/residue/at-jobs",
	Severity: finding.Medium,
	Class:    finding.SystemTrace,
	Rows:     []string{"B1", "B3"},
	Covers:   []string{"TMP-012"},
	Doc: check.Doc{
		Title:  t("Jobs of at, with the whole environment of who made them", "at 作业，其中保存创建者的全部环境变量"),
		Why:    t("at writes every environment variable of the shell into the job, tokens included, and the job would run on each instance", "at 会把 Shell 的全部环境变量（包括令牌）写入作业，并且该作业会在每个实例上运行"),
		Remedy: t("Remove the jobs (atq, atrm)", "删除这些作业（atq、atrm）"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/spool/at/**", "/var/spool/cron/atjobs/*", "/var/spool/cron/atspool/*", "/var/spool/atjobs/*"},
			Keep: func(m guest.Match) bool {
				return strings.HasSuffix(m.Path, "/.SEQ") || strings.HasSuffix(m.Path, "/.lockfile")
			},
			Group: leftover.Under("/var/spool/at"),
			Title: counted("Jobs of at", "at 作业"),
			Fix:   finding.Remove, FixTitle: removeTitle, Safe: true,
		})
	},
}
