package assay

import (
	"errors"
	"time"

	"assay/finding"
	"assay/internal/fleet"
	"assay/internal/report"
)

// A BindReport gathers what binding policies, or taking them back, has to say:
// one part of a stream, with an action for every step and a finding for every
// forbidden call that would have worked.
type BindReport struct {
	Command string // "policy attach" or "policy detach"
	Started time.Time

	steps  []*fleet.BindStep
	states map[*fleet.BindStep]string
	proofs []fleet.Proof
}

// Planned notes the plan.
func (r *BindReport) Planned(p *fleet.BindPlan) {
	r.steps, r.states = p.Steps, map[*fleet.BindStep]string{}
}

// Tell notes how a step ended; see BindOptions.Tell.
func (r *BindReport) Tell(s *fleet.BindStep, state string) { r.states[s] = state }

// Proven notes what the cloud answered to dry runs.
func (r *BindReport) Proven(ps []fleet.Proof) { r.proofs = ps }

// proofCheck describes the finding of a forbidden call that works.
var proofCheck = report.Check{ID: "account/policy/proof", Severity: finding.High.String(), Class: finding.Policy, Rows: []string{"B14", "B15", "B16"},
	Title:  finding.T("A call that should be denied works", "应被禁止的调用仍可执行"),
	Why:    finding.T("The cloud itself answered a dry run of the call: nobody stops it", "云服务对该调用的 DryRun 作出了回答：没有策略阻止它"),
	Remedy: finding.T("Bind the denials: assay policy attach", "绑定禁止策略：assay policy attach")}

// Send hands the part to h. err is how it ended.
func (r *BindReport) Send(h report.Handler, err error) error {
	v := report.Verdict{Findings: map[string]int{}, Seconds: time.Since(r.Started).Seconds(), Catalogue: CatalogueVersion(), Sandbox: "off"}
	if err != nil {
		v.Error = err.Error()
	}
	c := &report.Config{Protocol: report.Protocol, Tool: "assay", Version: Version, Command: r.Command, Target: "alibaba cloud account", Catalogue: v.Catalogue,
		Started: r.Started.UTC().Format(time.RFC3339)}
	if len(r.proofs) > 0 {
		c.Checks = []report.Check{proofCheck}
	}
	ms := []report.Message{{Config: c}}
	for _, p := range r.proofs {
		where := finding.Where{Path: p.Action}
		switch {
		case p.Open:
			f := finding.Finding{Check: proofCheck.ID, Severity: finding.High, Class: finding.Policy, Rows: proofCheck.Rows, Where: where, Anchor: p.Title.EN,
				Title: finding.Text{EN: "Works: " + p.Title.EN, ZH: "可执行：" + p.Title.ZH}, Fix: &finding.Fix{Title: proofCheck.Remedy, Commands: []string{"assay policy attach --plan --target TARGET"}}}
			f.Identify()
			ms = append(ms, report.Message{Finding: &f})
		case !p.Blocked:
			g := finding.NewGap(finding.GapCheck, where, "%s %s", p.Code, p.Detail)
			ms = append(ms, report.Message{Gap: &g})
		}
	}
	for _, s := range r.steps {
		a := report.Action{Edit: finding.Edit{Op: finding.ChangePolicy, User: s.Target}, Result: "planned", Why: s.Title}
		switch st := r.states[s]; st {
		case "done", "failed", "undone":
			a.Result = st
		case "left":
			a.Result, a.Note = "done", finding.T("It could not be taken back", "未能撤回")
		}
		ms = append(ms, report.Message{Action: &a})
	}
	var errs []error
	for _, m := range append(ms, report.Message{Verdict: &v}) {
		errs = append(errs, h.Handle(m))
	}
	return errors.Join(errs...)
}
