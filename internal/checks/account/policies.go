package account

import (
	"fmt"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
	"assay/policy"
)

var canShare = &Check{
	ID: "account/policy/can-share", Severity: finding.Medium, Class: finding.Policy, Rows: []string{"B15", "B16"},
	Doc: check.Doc{
		Title:  t("Users, groups and roles that may export or share images and snapshots", "可以导出或共享镜像、快照的用户、用户组和角色"),
		Why:    t("Each of them, and whoever gets hold of its AccessKey, can carry a disk's content out of the account", "它们以及获得其 AccessKey 的人都能将磁盘内容带出账号"),
		Remedy: t("Grant them the denials with assay policy attach; keep one role for the work that needs it (--exempt)", "用 assay policy attach 授予禁止策略；仅为确有需要的工作保留一个角色（--exempt）"), Since: "0.2",
		References: []string{"https://www.alibabacloud.com/help/en/ram/policy-evaluation-process"},
	},
	Run: func(p *Pass) error {
		w, err := newWorld(p.Subject)
		if err != nil {
			return err
		}
		asks := scenarios("export/", "share/")
		for i, k := range w.kinds {
			if k.ServiceLinked() {
				continue
			}
			if f, ok := mayShare(w, w.principals[i], asks); ok {
				f.Where = finding.Where{Path: k.ARN, User: k.Name}
				p.Report(f)
			}
			if err := p.Context.Err(); err != nil {
				return err
			}
		}
		return nil
	},
}

// mayShare asks every request of some scenarios as one principal.
func mayShare(w *world, c policy.Case, asks []policy.Scenario) (finding.Finding, bool) {
	var actions []string
	var by *policy.Statement
	for _, s := range asks {
		for _, q := range s.Requests {
			q.Principal = c.Principal
			got, d := policy.Evaluate(c.Set, &q)
			_, name, _ := strings.Cut(q.Action, ":")
			if got != policy.Allowed || slices.Contains(actions, name) {
				continue
			}
			actions = append(actions, name)
			if by == nil {
				by = allowedBy(&d)
			}
		}
	}
	if len(actions) == 0 {
		return finding.Finding{}, false
	}
	x := some(actions, 4)
	who := target(c.Name, w.s.Account)
	f := finding.Finding{Title: finding.Text{EN: fmt.Sprintf("%s may carry disks out: %s", who, x.EN), ZH: fmt.Sprintf("%s 可以将磁盘内容带出账号：%s", who, x.ZH)},
		Fix: fix(t("Grant the denials", "授予禁止策略"), consoleRAM, attachCommand([]string{c.Name}, w.s.Account))}
	if by != nil {
		f.Reason = w.unseen(finding.Tf("%s allows it, and nothing denies it", "%s 允许该操作，且没有语句拒绝", by.Document().Name))
	}
	return f, true
}

var openPaths = &Check{
	ID: "account/policy/open-paths", Severity: finding.High, Class: finding.Policy, Rows: []string{"A4", "A8", "A9", "B14", "B15", "B16"},
	Doc: check.Doc{
		Title:  t("Paths to the harm that no policy of the account blocks", "账号中没有策略阻止的危害路径"),
		Why:    t("Every scenario of the baseline was played as every user and role of the account, and as a user of every member of the directory", "以账号中的每个用户和角色、以及资源目录每个成员账号中的用户，逐一评估基线中的每个场景"),
		Remedy: t("assay policy attach binds the denials: as control policy for a Resource Directory, as RAM policy for everyone else", "用 assay policy attach 绑定禁止策略：资源目录使用管控策略，其他情况使用 RAM 策略"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		w, err := newWorld(p.Subject)
		if err != nil {
			return err
		}
		for _, r := range policy.CheckBaseline(w) {
			if f, ok := openPath(w, r); ok {
				p.Report(f)
			}
		}
		return p.Context.Err()
	},
}

func openPath(w *world, r policy.Result) (finding.Finding, bool) {
	s := r.Scenario
	f := finding.Finding{Anchor: s.ID, Rows: s.Rows}
	f.Severity, _ = finding.ParseSeverity(s.Severity) // a wrong one leaves the check's
	prefix := t("Open: ", "未阻止：")
	switch r.Outcome {
	case policy.Open:
	case policy.Depends:
		prefix, f.Severity = t("Undetermined: ", "无法确定："), min(f.Severity, finding.Medium)
	case policy.Hindered:
		if r.By == nil { // nobody grants it: that is not the denial's doing
			return f, false
		}
		prefix = t("Denied, but should work: ", "被拒绝，但应可用：")
	default:
		return f, false
	}
	f.Title = finding.Text{EN: fmt.Sprintf("%s%s, for %d of %d identities", prefix.EN, s.Title.EN, len(r.Who), r.Asked),
		ZH: fmt.Sprintf("%s%s（%d / %d 个身份）", prefix.ZH, s.Title.ZH, len(r.Who), r.Asked)}
	reason := finding.Text(r.Reason)
	if s.Assumed.EN != "" {
		reason = finding.Text{EN: reason.EN + "; assumed: " + s.Assumed.EN, ZH: reason.ZH + "；假设：" + s.Assumed.ZH}
	}
	f.Reason = w.unseen(reason)
	var ws []finding.Where
	for _, a := range r.Who {
		ws = append(ws, finding.Where{Path: a})
	}
	place(&f, ws)
	f.Where.Path = w.s.ARN("ram", "", "*") // stable, whoever is first
	f.Places = ws[:min(len(ws), maxPlaces)]
	f.Fix = fix(t("Attach the denials", "绑定禁止策略"), consoleRAM, w.commands(r.Who)...)
	return f, true
}

// commands are those that close a path: the directory's Root for members, the
// principals for those whom control policies do not reach.
func (w *world) commands(who []string) (out []string) {
	var own []string
	members := false
	for _, a := range who {
		if strings.HasPrefix(a, "acs:ram::"+w.s.Account+":") {
			own = append(own, a)
		} else {
			members = true
		}
	}
	if members && w.s.Directory != nil {
		out = append(out, command("assay", "policy", "attach", "--scope", "enterprise", "--target", w.s.Directory.Root))
	}
	if len(own) > 0 {
		out = append(out, attachCommand(own, w.s.Account))
	}
	return out
}

var policyDocuments = &Check{
	ID: "account/policy/documents", Severity: finding.Medium, Class: finding.Policy, Rows: []string{"A8", "A9", "B15"},
	Doc: check.Doc{
		Title:  t("Attached policies that do not do what they say", "已绑定但未按预期生效的策略"),
		Why:    t("A statement that can never match protects nobody, and looks as if it did", "永远不匹配的语句不提供任何保护，却看似有保护"),
		Remedy: t("Write what assay policy lint says", "按 assay policy lint 的提示修改"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		for _, x := range p.Subject.Policies {
			if x.Type == "Custom" {
				lint(p, p.Subject.ARN("ram", "", "policy/"+x.Name), x.Name, x.Document, policy.AsIdentity)
			} else {
				understood(p, p.Subject.ARN("ram", "", "policy/"+x.Name), x.Name, x.Document)
			}
		}
		for _, x := range p.Subject.ControlDocs {
			if x.Type == "Custom" {
				lint(p, p.Subject.ARN("resourcemanager", "", "controlpolicy/"+x.ID), x.Name, x.Document, policy.AsControl)
			}
		}
		unread(p)
		return p.Context.Err()
	},
}

// lint reports what is wrong with a document's Deny statements beyond style.
func lint(p *Pass, arn, name, text string, use policy.Use) {
	d := understood(p, arn, name, text)
	if d == nil {
		return
	}
	for _, x := range policy.Lint(d, use) {
		if x.Level != policy.Error {
			continue
		}
		p.Report(finding.Finding{Where: finding.Where{Path: arn, Line: x.Pos.Line}, Anchor: x.Code + x.Text.EN,
			Title: t(fmt.Sprintf("Policy %s: %s", name, x.Text.EN), fmt.Sprintf("策略 %s：%s", name, x.Text.ZH)), Fix: fix(finding.Text(x.Advice), consoleRAM)})
	}
}

// understood parses a document. One that the service took and assay does not
// understand is a gap: what it allows or denies is not counted.
func understood(p *Pass, arn, name, text string) *policy.Document {
	d, err := policy.Parse(name, []byte(text))
	if err != nil {
		p.Gap(finding.GapUnsupported, finding.Where{Path: arn}, "the policy is not understood and not counted: %v", err)
		return nil
	}
	if !d.Valid() {
		p.Gap(finding.GapUnsupported, finding.Where{Path: arn}, "the policy holds what the language does not: it is not counted: %v", d.Problems[0])
	}
	return d
}

// unread is a gap for attached policies without a document.
func unread(p *Pass) {
	have := map[cloud.PolicyRef]bool{}
	for _, x := range p.Subject.Policies {
		have[cloud.PolicyRef{Type: x.Type, Name: x.Name}] = true
	}
	for _, k := range p.Subject.Principals {
		for _, r := range k.Policies {
			r.ResourceGroup = ""
			if !have[r] {
				have[r] = true
				p.Gap(finding.GapUnreadable, finding.Where{Path: p.Subject.ARN("ram", "", "policy/"+r.Name)}, "the policy is attached, but its document could not be read: it is not counted")
			}
		}
	}
}
