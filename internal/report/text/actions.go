package text

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// maxActions is how many actions of one kind are shown without All.
const maxActions = 12

// clean shows a run that changes: what was found in one line, then each action
// with its reason.
func (p *page) clean(r *report.Run) {
	p.head(r)
	if v := r.Verdict; v != nil {
		fmt.Fprintf(p, "  %s\n", p.say("before: %s", "清理前：%s", p.counts(v)))
	}
	shown := map[finding.Op]int{}
	var last finding.Op
	for i, a := range r.Actions {
		if a.Edit.Op != last {
			p.more(shown[last] - maxActions)
			last = a.Edit.Op
			fmt.Fprintf(p, "\n%s\n", p.o.Style.Bold(report.OpWord(a.Edit.Op).In(p.o.Lang)))
		}
		if shown[last]++; shown[last] <= maxActions || p.o.All || a.Result == "refused" || a.Result == "left" {
			p.action(a)
		}
		if i == len(r.Actions)-1 {
			p.more(shown[last] - maxActions)
		}
	}
	p.gaps(r)
	if v := r.Verdict; v != nil && v.Error != "" {
		what := p.say("NO COPY WAS MADE", "未生成副本")
		if len(r.Inventory.Disks) == 0 { // a directory, in place
			what = p.say("NOT FINISHED", "未完成")
		}
		fmt.Fprintf(p, "\n%s  %s\n", p.o.Style.BoldRed(what), report.Printable(v.Error))
	}
}

// change shows what was done to a running machine or to an account: who got in
// before, then every step in its order.
func (p *page) change(r *report.Run) {
	p.head(r)
	if s := r.Inventory.System; s != nil {
		p.keys(s.Keys)
		p.logins(s.Logins)
	}
	if len(r.Actions) > 0 {
		fmt.Fprintf(p, "\n%s\n", p.o.Style.Bold(p.say("Changes", "变更")))
	}
	for i, a := range r.Actions {
		fmt.Fprintf(p, "  %d. %s%s\n", i+1, report.Printable(a.Why.In(p.o.Lang)), p.o.Style.Dim(": "+report.ResultWord(a.Result).In(p.o.Lang)))
		if n := a.Note.In(p.o.Lang); n != "" {
			fmt.Fprintf(p, "     %s\n", report.Printable(n))
		}
	}
	p.gaps(r)
	switch v := r.Verdict; {
	case v == nil:
	case v.Error != "":
		fmt.Fprintf(p, "\n%s  %s\n", p.o.Style.BoldRed(p.say("NOT DONE", "未完成")), report.Printable(v.Error))
	case slices.ContainsFunc(r.Actions, func(a report.Action) bool { return a.Result == "planned" }):
		fmt.Fprintf(p, "\n%s\n", p.say("Only planned: nothing was changed.", "仅为计划，未做任何更改。"))
	case r.Config.Command != "fix":
		p.verdict(r)
	}
}

func (p *page) keys(ks []report.LoginKey) {
	if len(ks) == 0 {
		return
	}
	fmt.Fprintf(p, "\n%s\n", p.o.Style.Bold(p.say("Keys that open it, before", "此前可登录的公钥")))
	for _, k := range ks {
		by := ""
		if k.By != "" {
			by = " (" + k.By + ")"
		}
		fmt.Fprintf(p, "  %s\n", report.Printable(fmt.Sprintf("%s %s %d %s %s: %s%s", strings.Join(k.Users, ","), k.Type, k.Bits, k.Fingerprint, k.Comment,
			report.OwnerWord(k.Owner).In(p.o.Lang), by)))
	}
}

func (p *page) logins(ls []report.Login) {
	if len(ls) == 0 {
		return
	}
	fmt.Fprintf(p, "\n%s\n", p.o.Style.Bold(p.say("Accounts that could be logged in to, before", "此前可登录的账户")))
	for _, l := range ls {
		fmt.Fprintf(p, "  %s\n", report.Printable(fmt.Sprintf("%s (%d): %s %s", l.User, l.UID, p.say("password", "密码"), l.Password)))
	}
}

func (p *page) more(n int) {
	if n > 0 && !p.o.All {
		fmt.Fprintf(p, "  %s\n", p.o.Style.Dim(p.say("… and %d more (--all shows them)", "… 另有 %d 项（用 --all 显示）", n)))
	}
}

func (p *page) action(a report.Action) {
	st := p.o.Style
	mark := st.Green("✓")
	switch a.Result {
	case "planned":
		mark = st.Cyan("·")
	case "weaker":
		mark = st.Yellow("~")
	case "left":
		mark = st.Yellow("!")
	case "refused":
		mark = st.BoldRed("✗")
	}
	at := cmp.Or(report.EditPath(a.Edit), a.Edit.Volume)
	if a.Edit.User != "" {
		at = strings.TrimSpace(a.Edit.User + " " + at)
	}
	if a.Edit.Line > 0 {
		at += fmt.Sprint(":", a.Edit.Line)
	}
	line := "  " + mark + " " + report.Printable(at)
	if with := report.EditWith(a.Edit); with != "" {
		line += " → " + report.Printable(with)
	}
	fmt.Fprintln(p, line+"  "+st.Dim(report.Printable(a.Why.In(p.o.Lang))))
	if n := a.Note.In(p.o.Lang); n != "" {
		fmt.Fprintf(p, "      %s\n", report.Printable(n))
	}
	if a.Risk != nil {
		fmt.Fprintf(p, "      %s\n", st.Yellow(p.say("risk: %s", "风险：%s", report.Printable(a.Risk.In(p.o.Lang)))))
	}
	if a.By != "" {
		fmt.Fprintf(p, "      %s\n", st.Dim(p.say("because of %s", "依据 %s", a.By)))
	}
}

// counts is a verdict's findings in one line.
func (p *page) counts(v *report.Verdict) string {
	var counts []string
	for _, s := range finding.Severities() {
		if n := v.Findings[s.String()]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, report.SeverityWord(s).In(p.o.Lang)))
		}
	}
	if len(counts) == 0 {
		return p.say("no findings", "没有发现问题")
	}
	return strings.Join(counts, p.say(", ", "、"))
}
