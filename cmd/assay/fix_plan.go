package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/fleet"
	"assay/internal/report"
)

func (a *app) owner(o fleet.Owner, by string) string {
	s := report.OwnerWord(cmp.Or(string(o), "unknown")).In(a.lang)
	if by != "" {
		s += " (" + report.Printable(strings.TrimSpace(by)) + ")"
	}
	return s
}

// showPlan prints who gets in today and what a fix would do. Names and comments
// come from the machine: they are made printable.
func (a *app) showPlan(w io.Writer, target string, p *assay.FixPlan, fo assay.FixOptions) {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	say := func(format string, args ...any) { fmt.Fprintf(w, target+": "+format+"\n", args...) }
	say("%s", st.Bold(a.t("keys that open this machine", "可登录本机的公钥")))
	for _, k := range p.Facts.Keys {
		mark := "  "
		if k.Goes() {
			mark = st.Red("- ")
		}
		opts := ""
		if len(k.Options) > 0 {
			opts = " [" + report.Printable(strings.Join(k.Options, ",")) + "]"
		}
		say("%s%s %s %d %s %s%s: %s", mark, report.Printable(strings.Join(k.Users, ",")), k.Type, k.Bits, k.Fingerprint, report.Printable(k.Comment), opts, a.owner(k.Owner, k.By))
	}
	say("%s", st.Bold(a.t("accounts that can be logged in to", "可登录的账户")))
	for _, x := range p.Facts.Accounts {
		if x.Login {
			root := ""
			if x.Sudo {
				root = a.t(", may become root", "，可获得 root 权限")
			}
			say("  %s (uid %d): %s %s%s; %s", report.Printable(x.Name), x.UID, a.t("password", "密码"), x.Password, root, a.owner(x.Owner, x.By))
		}
	}
	say("%s", st.Bold(a.t("plan", "计划")))
	a.showActions(w, target, p.Actions(fo))
	for _, r := range p.Plan.Remarks {
		say("%s", st.Yellow("  ! "+report.Printable(r.In(a.lang))))
	}
}

// showActions prints the lines of a plan.
func (a *app) showActions(w io.Writer, target string, as []assay.PlannedAction) {
	for i, x := range as {
		fmt.Fprintf(w, "%s: %3d. %s\n", target, i+1, report.Printable(x.Why.In(a.lang)))
	}
}

// inOneLine says an error in the user's language.
func (a *app) inOneLine(err error) string {
	var e *cli.Error
	if !errors.As(err, &e) {
		return report.Printable(err.Error())
	}
	s := e.What.In(a.lang)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if h := e.Hint.In(a.lang); h != "" {
		s += a.t(" (", "（") + h + a.t(")", "）")
	}
	return report.Printable(s)
}

// leftovers is the handler of format text: it prints the findings that count on
// a machine that was fixed. All else was printed while it happened.
type leftovers struct {
	w      io.Writer
	lang   string
	after  bool
	failOn finding.Severity
	target string
}

// Handle implements report.Handler.
func (l *leftovers) Handle(m report.Message) error {
	switch {
	case m.Config != nil:
		l.after, l.target = m.Config.Command == "inspect", m.Config.Target
		l.failOn, _ = finding.ParseSeverity(m.Config.FailOn) // assay.Judge wrote it
	case m.Finding != nil && l.after && m.Finding.Accepted == nil && m.Finding.Severity >= l.failOn:
		fmt.Fprintf(l.w, "%s:   %s  %s\n", l.target, report.SeverityWord(m.Finding.Severity).In(l.lang), report.Printable(m.Finding.Title.In(l.lang)))
	case m.Gap != nil && l.after && m.Gap.Accepted == nil && m.Gap.Kind != finding.GapScope:
		fmt.Fprintf(l.w, "%s:   %s %s\n", l.target, report.Printable(m.Gap.Title.In(l.lang)), report.Printable(m.Gap.Detail))
	}
	return nil
}

// Close implements report.Handler.
func (l *leftovers) Close() error { return nil }
