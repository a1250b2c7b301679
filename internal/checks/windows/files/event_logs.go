package files

import (
	"assay/check"
	"assay/finding"
	"assay/internal/artefact/evtx"
	"assay/internal/checks/credfile"
	"assay/internal/checks/leftover"
	"assay/internal/guest"
)

var eventLogs = &Check{
	ID:       "windows/files/event-logs",
	Severity: finding.Low,
	Class:    finding.SystemTrace,
	Rows:     []string{"B3"},
	Covers:   []string{"WLG-001"},
	Doc: check.Doc{
		Title:  t("Event logs", "事件日志"),
		Why:    t("They name logons, addresses and programs, and can hold whole command lines and scripts", "其中记录了登录、地址和程序，可能包含完整的命令行和脚本"),
		Remedy: t("Empty the logs", "清空日志"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		if p.Subject.Windows() == nil {
			return nil
		}
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/Windows/System32/winevt/Logs/*.evtx", "/Windows/System32/config/*.evt"},
			Keep:     func(m guest.Match) bool { return noRecords(p, m) },
			Group:    leftover.Under("/Windows/System32/winevt/Logs"),
			Title: func(g leftover.Group) finding.Text {
				return finding.Tf("Event logs with records: %s, %s", "含有记录的事件日志：%s，%s", g.Count(), g.Size())
			},
			Fix: finding.EmptyLog, FixTitle: t("Empty the logs", "清空日志"), Safe: true,
		})
	},
}

// noRecords reports whether a log is empty: Windows keeps some 400 logs, most
// of which were never written to. One that cannot be read counts as written.
func noRecords(p *Pass, m guest.Match) bool {
	f, err := p.Subject.Tree.OpenAt(m.Place)
	if err != nil {
		p.Gap(finding.GapUnreadable, credfile.Where(p.Subject, m), "%v", err)
		return false
	}
	i, err := evtx.Read(f, f.Size())
	return err == nil && i.Records == 0
}
