package report

import (
	"assay/finding"
)

// The words that every format for people uses, so that they agree.
var (
	severityWords = map[finding.Severity]finding.Text{
		finding.Critical: finding.T("critical", "严重"), finding.High: finding.T("high", "高危"),
		finding.Medium: finding.T("medium", "中危"), finding.Low: finding.T("low", "低危"),
	}
	classWords = map[finding.Class]finding.Text{
		finding.PresetAccount:      finding.T("Who can log in", "谁能登录"),
		finding.IdentityCredential: finding.T("Credentials it gives away", "泄露的凭证"),
		finding.Exposure:           finding.T("Weak settings", "不安全的设置"),
		finding.UserData:           finding.T("Private data", "私有数据"),
		finding.SystemTrace:        finding.T("Traces of its past", "使用痕迹"),
		finding.Policy:             finding.T("Missing policies", "缺失的策略"),
	}
)

// SeverityWord names a severity for people.
func SeverityWord(s finding.Severity) finding.Text { return severityWords[s] }

// ClassWord is the heading under which findings of a class are shown.
func ClassWord(c finding.Class) finding.Text { return classWords[c] }

// A Run is what a handler for people collects before it writes: one target.
type Run struct {
	Config    Config
	Inventory Inventory
	Findings  []finding.Finding
	Gaps      []finding.Gap
	Actions   []Action
	Verdict   *Verdict
	Checks    map[string]Check
}

// A Collector gathers a stream into runs. Handlers that need the whole run
// embed it.
type Collector struct{ Runs []*Run }

// Handle adds m to the current run.
func (c *Collector) Handle(m Message) error {
	if m.Config != nil || len(c.Runs) == 0 {
		c.Runs = append(c.Runs, &Run{Checks: map[string]Check{}})
	}
	r := c.Runs[len(c.Runs)-1]
	switch {
	case m.Config != nil:
		r.Config = *m.Config
		for _, k := range m.Config.Checks {
			r.Checks[k.ID] = k
		}
	case m.Inventory != nil:
		r.Inventory = *m.Inventory
	case m.Finding != nil:
		r.Findings = append(r.Findings, *m.Finding)
	case m.Gap != nil:
		r.Gaps = append(r.Gaps, *m.Gap)
	case m.Action != nil:
		r.Actions = append(r.Actions, *m.Action)
	case m.Verdict != nil:
		v := *m.Verdict
		r.Verdict = &v
	}
	return nil
}
