package assay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/finding"
	"assay/internal/iac"
	"assay/internal/report"
	"assay/policy"
)

// A PolicyFile is a file that was read for a policy command.
type PolicyFile struct {
	Name string
	Text []byte
}

// PolicyOptions say what CheckPolicies and its kin do.
type PolicyOptions struct {
	Scope   policy.Scope // where files are bound when there is no Tree
	Use     policy.Use   // for LintPolicies
	Tree    *PolicyFile  // describes accounts and attachments; may be nil
	Command string       // "policy check", for the stream
	Started time.Time
}

// policyRun is one policy command over some files, as one target.
type policyRun struct {
	run
	po PolicyOptions
}

func newPolicyRun(ctx context.Context, target string, o PolicyOptions, h report.Handler) *policyRun {
	return &policyRun{run: run{ctx: ctx, h: h, clock: time.Now(), t: Target{Name: target}, o: Options{Command: o.Command, Started: o.Started}}, po: o}
}

// begin opens the stream with the checks that can speak.
func (r *policyRun) begin(checks []report.Check) {
	c := r.config(nil)
	c.Checks = checks
	if r.po.Scope != "" {
		c.Options = append(c.Options, "scope="+string(r.po.Scope))
	}
	r.send(report.Message{Config: c})
}

// end closes the stream.
func (r *policyRun) end(err error) error {
	if err != nil {
		r.verdict.Error = err.Error()
	}
	r.verdict.BytesRead = r.read.Load()
	r.verdict.Seconds = time.Since(r.clock).Seconds()
	r.verdict.Catalogue = CatalogueVersion()
	r.verdict.Sandbox = "off"
	r.send(report.Message{Verdict: &r.verdict})
	return r.failed
}

// parse parses files into documents. A file that does not parse is a finding
// and a gap; the others are still judged.
func (r *policyRun) parse(files []PolicyFile) (docs []*policy.Document) {
	for _, f := range files {
		r.verdict.Files++
		r.read.Add(int64(len(f.Text)))
		parsed, err := policy.ParseAll(f.Name, f.Text)
		docs = append(docs, parsed...)
		if err != nil {
			r.problem(err)
			r.gap(finding.NewGap(finding.GapCorrupt, finding.Where{Path: f.Name}, "%v", err))
		}
	}
	return docs
}

// checkInvalid is the check of what the linter finds.
const checkInvalid = "policy/lint"

var lintSeverity = map[policy.Level]finding.Severity{policy.Error: finding.High, policy.Warning: finding.Medium, policy.Note: finding.Low}

// problem reports a problem of a document, with its advice as the fix.
func (r *policyRun) problem(p *policy.Problem) {
	f := finding.Finding{Check: checkInvalid, Severity: lintSeverity[p.Level], Title: finding.Text(p.Text), Rows: []string{"B15"},
		Class: finding.Policy, Where: finding.Where{Path: p.Doc, Line: p.Pos.Line}, Anchor: p.Code + p.Text.EN}
	if p.Advice.EN != "" {
		advice := finding.Text{EN: fmt.Sprintf("column %d → %s", p.Pos.Column, p.Advice.EN), ZH: fmt.Sprintf("第 %d 列 → %s", p.Pos.Column, p.Advice.ZH)}
		f.Reason = &advice
		f.Fix = &finding.Fix{Title: finding.Text(p.Advice)}
	}
	f.Identify()
	r.finding(f)
}

// LintPolicies says what is wrong with policy documents, one target a file.
func LintPolicies(ctx context.Context, files []PolicyFile, o PolicyOptions, h report.Handler) error {
	for _, f := range files {
		r := newPolicyRun(ctx, f.Name, o, h)
		r.begin(lintChecks())
		for _, d := range r.parse([]PolicyFile{f}) {
			for _, p := range policy.Lint(d, o.Use) {
				r.problem(p)
			}
		}
		if err := cmp.Or(r.end(nil), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// CheckPolicies plays the baseline against the documents: which path to the
// harm is blocked, and by which statement. Without a tree it says what the
// documents do at their best place.
func CheckPolicies(ctx context.Context, files []PolicyFile, o PolicyOptions, h report.Handler) error {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	r := newPolicyRun(ctx, strings.Join(names, " + "), o, h)
	if o.Tree != nil {
		r.t.Name = o.Tree.Name
	}
	r.begin(PolicyChecks())
	return r.end(r.check(r.parse(files)))
}

func (r *policyRun) check(docs []*policy.Document) error {
	w, err := r.world(docs)
	if err != nil {
		return err
	}
	results := policy.CheckBaseline(w)
	m := &report.Policies{Scope: string(r.po.Scope), Assumed: finding.Text(assumption(r.po))}
	for _, x := range results {
		m.Matrix = append(m.Matrix, row(x))
	}
	r.send(report.Message{Inventory: &report.Inventory{Policies: m}})
	for _, x := range results {
		r.result(x)
	}
	return nil
}

// world makes the callers of a tree, or those that are assumed. Documents that
// the service would refuse protect nobody: they are reported and left out.
func (r *policyRun) world(docs []*policy.Document) (policy.World, error) {
	var valid []*policy.Document
	for _, d := range docs {
		for _, p := range d.Problems {
			r.problem(p)
		}
		if d.Valid() {
			valid = append(valid, d)
		}
	}
	if r.po.Tree == nil {
		return policy.Assume(r.po.Scope, valid)
	}
	w, problems, err := policy.ParseTree(r.po.Tree.Name, r.po.Tree.Text, docs)
	for _, p := range problems {
		r.problem(p)
	}
	return w, err
}

func assumption(o PolicyOptions) policy.Text {
	switch {
	case o.Tree != nil:
		return policy.Text{EN: "each principal of the tree asks each request", ZH: "由目录树中的每个身份发出每个请求"}
	case o.Scope == policy.ForUser:
		return policy.Text{EN: "assumed: granted to the user who calls, for the whole account, and everything else is allowed", ZH: "假设：策略在账号级授予调用者，其余操作均被允许"}
	}
	return policy.Text{EN: "assumed: attached as control policies at Root, and everything else is allowed", ZH: "假设：作为管控策略绑定在 Root，其余操作均被允许"}
}

func row(x policy.Result) report.PolicyRow {
	p := report.PolicyRow{ID: "policy/" + x.Scenario.ID, Title: finding.Text(x.Scenario.Title), Rows: x.Scenario.Rows,
		Outcome: x.Outcome.String(), Why: finding.Text(x.Reason), Watch: x.Scenario.Watch, Assumed: finding.Text(x.Scenario.Assumed)}
	if x.By != nil {
		p.By = x.By.String()
	}
	return p
}

// result makes a finding of a scenario that is not as it should be.
func (r *policyRun) result(x policy.Result) {
	s := x.Scenario
	severity, err := finding.ParseSeverity(s.Severity)
	if err != nil || x.Outcome == policy.Blocked || x.Outcome == policy.Works {
		return
	}
	f := finding.Finding{Check: "policy/" + s.ID, Severity: severity, Title: finding.Text(s.Title), Rows: s.Rows, Class: finding.Policy,
		Where: finding.Where{Path: r.t.Name}}
	reason := finding.Text(x.Reason)
	switch x.Outcome {
	case policy.Beyond:
		f.Severity = finding.Low // nothing that a policy's author can do
		f.Title = finding.Text{EN: "No policy can block: " + s.Title.EN, ZH: "策略无法阻止：" + s.Title.ZH}
	case policy.Depends:
		f.Severity = min(severity, finding.Medium)
		f.Title = finding.Text{EN: "Undetermined: " + s.Title.EN, ZH: "无法确定：" + s.Title.ZH}
	case policy.Hindered:
		f.Title = finding.Text{EN: "Denied, but should work: " + s.Title.EN, ZH: "被拒绝，但应可用：" + s.Title.ZH}
	default:
		f.Title = finding.Text{EN: "Open: " + s.Title.EN, ZH: "未阻止：" + s.Title.ZH}
		f.Fix = &finding.Fix{Title: finding.T("Attach what assay policy show --profile strict writes", "绑定 assay policy show --profile strict 输出的策略")}
	}
	if s.Assumed.EN != "" {
		reason = finding.Text{EN: reason.EN + "; assumed: " + s.Assumed.EN, ZH: reason.ZH + "；假设：" + s.Assumed.ZH}
	}
	f.Reason = &reason
	if x.By != nil {
		f.Where = finding.Where{Path: x.By.Document().Name, Line: x.By.Pos.Line}
	}
	for i, who := range x.Who {
		if who == "" {
			continue
		}
		if i == 0 {
			f.Where.User = who
			continue
		}
		f.Places = append(f.Places, finding.Where{Path: f.Where.Path, User: who})
	}
	f.Identify()
	r.finding(f)
}

// PolicyChecks describes what the policy commands can report: every scenario
// of the baseline, the linter, the scan.
func PolicyChecks() []report.Check {
	out := lintChecks()
	for _, s := range policy.Baseline() {
		k := report.Check{ID: "policy/" + s.ID, Severity: s.Severity, Class: finding.Policy, Rows: s.Rows,
			Title: finding.Text(s.Title), Why: finding.Text(s.Why), Remedy: remedy(s), References: []string{"https://www.alibabacloud.com/help/en/ram/policy-evaluation-process"}}
		if s.Assumed.EN != "" {
			k.Why = finding.Text{EN: k.Why.EN + " Assumed: " + s.Assumed.EN + ".", ZH: k.Why.ZH + "假设：" + s.Assumed.ZH + "。"}
		}
		out = append(out, k)
	}
	return append(out, iac.Checks()...)
}

func remedy(s policy.Scenario) finding.Text {
	switch {
	case s.Want == policy.Allowed:
		return finding.T("Narrow the Deny: condition it on the harmful value only.", "请缩小 Deny 的范围：仅以有害的值为条件。")
	case !s.Closable():
		return finding.Text{EN: "No policy closes it. assay audit watches it: " + s.Watch + ".", ZH: "策略无法阻止，由 assay audit 监测：" + s.Watch + "。"}
	case s.Caller == policy.ByOtherRole:
		return finding.T("Attach the policies as control policies (assay policy show --scope enterprise), or grant them to the role too.", "请作为管控策略绑定（assay policy show --scope enterprise），或同时授予该角色。")
	case s.Published:
		return finding.T("Attach what assay policy show --profile documents writes.", "请绑定 assay policy show --profile documents 输出的策略。")
	}
	return finding.T("Attach what assay policy show --profile strict writes.", "请绑定 assay policy show --profile strict 输出的策略。")
}

func lintChecks() []report.Check {
	return []report.Check{{ID: checkInvalid, Severity: "high", Class: finding.Policy, Rows: []string{"A8", "A9", "B15"},
		Title:      finding.T("A policy document that does not do what it says", "策略文档未按预期生效"),
		Why:        finding.T("The service refuses the document, or a statement of it can never match. Who relies on it is not protected.", "服务会拒绝该文档，或其中的语句永远不匹配，依赖它的账号得不到保护。"),
		Remedy:     finding.T("Write what the finding says, and check again with assay policy check.", "请按提示修改，然后用 assay policy check 再次检查。"),
		References: []string{"https://www.alibabacloud.com/help/en/ram/policy-elements"}}}
}

// ScanCode looks for what the policies forbid in infrastructure code, before
// it runs: Terraform, ROS templates, policy documents. A file that cannot be
// read or does not parse is a gap and hides nothing.
// One file is in memory at a time; read fetches it.
func ScanCode(ctx context.Context, target string, names []string, read func(string) ([]byte, error), o PolicyOptions, h report.Handler) error {
	r := newPolicyRun(ctx, target, o, h)
	r.begin(append(iac.Checks(), lintChecks()...))
	for i, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := read(name)
		if err != nil {
			r.gap(finding.NewGap(finding.GapUnreadable, finding.Where{Path: name}, "%v", err))
			continue
		}
		r.verdict.Files++
		r.read.Add(int64(len(text)))
		out := iac.Scan(name, text)
		slices.SortStableFunc(out.Findings, func(a, b finding.Finding) int { return cmp.Compare(a.Where.Line, b.Where.Line) })
		for _, x := range out.Findings {
			r.finding(x)
		}
		for _, p := range out.Problems {
			r.problem(p)
		}
		if out.Err != nil {
			r.gap(finding.NewGap(finding.GapCorrupt, finding.Where{Path: name}, "%v", out.Err))
		}
		if len(out.Unknown) > 0 { // one gap a file: gaps are known by their place
			var what []string
			for _, u := range out.Unknown {
				what = append(what, u.What)
			}
			r.gap(finding.NewGap(finding.GapUnsupported, finding.Where{Path: name, Line: out.Unknown[0].Line}, "%s", strings.Join(what, "; ")))
		}
		if out.Kind == "" && out.Err == nil && len(names) == 1 {
			r.gap(finding.NewGap(finding.GapUnknown, finding.Where{Path: name}, "neither Terraform, nor a ROS template, nor a policy document"))
		}
		r.progress("read", int64(i+1), int64(len(names)), "files")
	}
	return r.end(nil)
}

// ExplainRequest derives one decision.
func ExplainRequest(files []PolicyFile, o PolicyOptions, q policy.Request) ([]policy.Line, policy.Decision, error) {
	var docs []*policy.Document
	for _, f := range files {
		parsed, err := policy.ParseAll(f.Name, f.Text)
		if err != nil {
			return nil, 0, err
		}
		docs = append(docs, parsed...)
	}
	var c policy.Case
	if o.Tree != nil {
		w, _, err := policy.ParseTree(o.Tree.Name, o.Tree.Text, docs)
		if err != nil {
			return nil, 0, err
		}
		var ok bool
		if c, ok = policy.Find(w, q.Principal.ARN); !ok {
			return nil, 0, fmt.Errorf("%s has no principal %q", o.Tree.Name, q.Principal.ARN)
		}
		q.Principal = c.Principal
	} else {
		w, err := policy.Assume(o.Scope, docs)
		if err != nil {
			return nil, 0, err
		}
		c = w.Cases(policy.ByUser)[0]
		if q.Principal.ARN != "" {
			q.Principal.Kind = policy.KindOf(q.Principal.ARN)
		} else {
			q.Principal = c.Principal
		}
	}
	d, _ := policy.Evaluate(c.Set, &q)
	return policy.Explain(c.Set, &q), d, nil
}
