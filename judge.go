package assay

import (
	"strings"

	"assay/finding"
	"assay/internal/accept"
	"assay/internal/report"
)

// A Judgement says what counts.
type Judgement struct {
	FailOn finding.Severity // a finding of at least this severity fails the run; 0 means Medium
	Show   finding.Severity // findings below are counted, not shown; 0 shows all
	Accept *accept.List     // what the user knows; nil for nothing
}

// Judge decorates a handler: findings and gaps that the user accepted are
// marked and do not count, those below Show are left out, and the verdict says
// whether what is left is clean. It works the same on a live and on a stored
// stream.
func Judge(h report.Handler, j Judgement) *Judged {
	if j.FailOn == 0 {
		j.FailOn = finding.Medium
	}
	if j.Accept == nil {
		j.Accept = &accept.List{}
	}
	return &Judged{h: h, j: j}
}

// Judged is a handler that judges. After the last verdict, Fail and Gaps tell
// the exit code.
type Judged struct {
	h report.Handler
	j Judgement

	now  report.Verdict // of the current target
	fail bool
	// The part before this one was the state before a change: what it counted
	// is taken back when the state after it begins.
	changed          bool
	wasFail, wasGaps bool
	command          string // of the current part
	probed           bool   // its target is a running machine that a probe describes

	Fail   bool // some target has a finding that counts
	Gaps   bool // some target has a gap that counts
	Broken bool // some target could not be inspected to the end

	// Counted are the IDs of the findings that count in the last part.
	Counted map[string]bool
}

// probed reports whether a target is a running machine elsewhere: a probe brings
// a part of it that is known beforehand. Only there does a gap of scope not
// count; anywhere else it is a gap as any other.
func probed(target string) bool {
	return strings.HasPrefix(target, "ssh://") || strings.HasPrefix(target, "ecs://")
}

// Handle implements report.Handler.
func (d *Judged) Handle(m report.Message) error {
	switch {
	case m.Config != nil:
		d.now, d.fail = report.Verdict{Findings: map[string]int{}}, false
		d.Counted = map[string]bool{}
		if d.changed {
			d.Fail, d.Gaps, d.changed = d.wasFail, d.wasGaps, false
		}
		d.command, d.probed = m.Config.Command, probed(m.Config.Target)
		c := *m.Config
		c.FailOn = d.j.FailOn.String()
		m.Config = &c
	case m.Finding != nil:
		f := *m.Finding
		f.Accepted = nil
		d.j.Accept.Finding(&f)
		m.Finding = &f
		if d.count(f) {
			return nil
		}
	case m.Gap != nil:
		g := *m.Gap
		g.Accepted = nil
		d.j.Accept.Gap(&g)
		m.Gap = &g
		switch {
		case g.Kind == finding.GapScope && d.probed: // no acceptance makes the probe bring more
			d.now.Scope++
		case g.Accepted == nil:
			d.now.Gaps++
		}
	case m.Verdict != nil:
		v := *m.Verdict
		v.Findings, v.Gaps, v.Accepted, v.Hidden, v.Scope = d.now.Findings, d.now.Gaps, d.now.Accepted, d.now.Hidden, d.now.Scope
		v.Clean = !d.fail && v.Gaps == 0 && v.Error == ""
		m.Verdict = &v
		if d.command == "clean" || d.command == "fix" {
			d.changed, d.wasFail, d.wasGaps = true, d.Fail, d.Gaps
		}
		d.Fail = d.Fail || d.fail
		d.Gaps = d.Gaps || v.Gaps > 0
		d.Broken = d.Broken || v.Error != ""
	}
	return d.h.Handle(m)
}

// count counts a finding and reports whether it is not to be shown.
func (d *Judged) count(f finding.Finding) (hide bool) {
	if f.Accepted != nil {
		d.now.Accepted++
		return false
	}
	if d.now.Findings == nil {
		d.now.Findings = map[string]int{}
	}
	d.now.Findings[f.Severity.String()]++
	if f.Severity >= d.j.FailOn {
		d.fail, d.Counted[f.ID] = true, true
	}
	if f.Severity < d.j.Show {
		d.now.Hidden++
		return true
	}
	return false
}

// Close implements report.Handler.
func (d *Judged) Close() error { return d.h.Close() }
