package assay

import (
	"context"
	"fmt"
	"strings"
	"time"

	"assay/finding"
	"assay/internal/cloud"
	"assay/internal/fleet"
	"assay/internal/report"
)

// A WindowsTarget is a running Windows instance and the ways to it.
type WindowsTarget struct {
	Caller   cloud.Caller
	Instance fleet.ECS
	Shell    fleet.PowerShell // nil where Cloud Assistant does not answer
	Poll     time.Duration
}

// A WindowsPlan is what is known of a Windows instance and what a fix would do.
type WindowsPlan struct{ *fleet.WindowsPlan }

// PlanWindows looks at the local accounts and says what a fix would do. Where
// nobody can look, the plan is for Administrator alone.
func PlanWindows(ctx context.Context, t WindowsTarget, o FixOptions) (*WindowsPlan, error) {
	if t.Shell == nil {
		return &WindowsPlan{&fleet.WindowsPlan{}}, nil
	}
	as, err := fleet.WindowsAccounts(ctx, t.Shell)
	if err != nil {
		return nil, err
	}
	p, err := fleet.PlanWindows(as, o.Trust.Users, o.Keep, o.RemoveUsers)
	return &WindowsPlan{p}, err
}

// RunWindows sets the password, restarts, asks the instance whether the
// password is in force, and only then turns to the other accounts. step is told
// what is done: "password", "accounts".
func RunWindows(ctx context.Context, t WindowsTarget, p *WindowsPlan, password string, step func(string)) error {
	began := time.Now()
	if err := fleet.ResetWindows(ctx, t.Caller, t.Instance, password, t.Poll); err != nil {
		return &fleet.FixError{Step: "password", Title: finding.T("set the new password", "设置新密码"), State: fleet.Failed, Err: err}
	}
	step("password")
	if t.Shell == nil {
		return nil
	}
	fail := func(err error) error {
		return &fleet.FixError{Step: "accounts", Title: finding.T("turn to the other accounts", "处理其他账户"), State: fleet.Undone, Err: err}
	}
	// The instance's clock and ours differ: a minute is granted.
	if err := fleet.ProveWindows(ctx, t.Shell, time.Since(began)+time.Minute); err != nil {
		return fail(err)
	}
	if err := fleet.ChangeWindows(ctx, t.Shell, p.WindowsPlan); err != nil {
		return fail(err)
	}
	step("accounts")
	return nil
}

// Actions are the lines of a plan in their order; none is made yet. Each says
// how it is undone.
func (p *WindowsPlan) Actions() []PlannedAction {
	out := []PlannedAction{
		{"password", report.Action{Result: "planned", Edit: finding.Edit{Op: finding.SetPassword, User: "Administrator"},
			Why: finding.T("give Administrator a new password, which is in force after a restart", "重置 Administrator 密码，重启后生效")}},
		{"password", report.Action{Result: "planned", Edit: finding.Edit{Op: finding.Restart}, Why: finding.T("restart, and ask the instance whether the password is new", "重启，并确认密码已更新")}},
	}
	for _, a := range p.Disable {
		undo := fmt.Sprintf(`net user "%s" /active:yes`, strings.ReplaceAll(a.Name, `"`, ""))
		out = append(out, PlannedAction{"accounts", report.Action{Result: "planned", Edit: finding.Edit{Op: finding.DisableUser, User: a.Name},
			Why: finding.Tf("disable %s, whose owner is unknown; undone by: %s", "停用归属未知的账户 %s；还原方法：%s", a.Name, undo)}})
	}
	for _, a := range p.Scramble {
		out = append(out, PlannedAction{"accounts", report.Action{Result: "planned", Edit: finding.Edit{Op: finding.SetPassword, User: a.Name},
			Why: finding.Tf("give %s a random password that nobody knows; then set one: net user \"%[1]s\" *", "为 %s 设置无人知晓的随机密码；之后请设置新密码：net user \"%[1]s\" *", a.Name)}})
	}
	return out
}

// blind says that the other accounts were not looked at.
func blind() finding.Gap {
	g := finding.NewGap(finding.GapUnreadable, finding.Where{Path: "local accounts"}, "Cloud Assistant does not answer")
	g.Title = finding.T("Other local accounts were not looked at: Cloud Assistant does not answer. Look at them with net user", "未检查其他本地账户：云助手无响应。请用 net user 查看")
	return g
}

// PlannedWindows notes the plan of a Windows instance.
func (r *FixReport) PlannedWindows(t WindowsTarget, p *WindowsPlan) {
	r.actions, r.done = p.Actions(), map[string]bool{}
	r.system = &report.System{Family: "windows", Accounts: len(p.Accounts)}
	if t.Shell == nil {
		r.gaps = append(r.gaps, blind())
	} else {
		r.gaps = append(r.gaps, scope(finding.T("Looked at: local accounts. Not looked at: everything else. For the rest inspect an image of this instance", "已检查：本地账户。其余内容未检查，请检查该实例的镜像")))
	}
	for _, a := range p.Accounts {
		if !a.Disabled {
			r.system.Logins = append(r.system.Logins, report.Login{User: a.Name, Password: "set", Sudo: a.Admin, Origin: map[fleet.Owner]string{fleet.System: "distribution", fleet.New: "distribution", fleet.Trusted: "expected"}[a.Owner]})
		}
	}
}

// DoneWindows notes that all of the plan was done.
func (r *FixReport) DoneWindows(p *WindowsPlan) {
	sys := *r.system
	sys.Logins = nil
	for _, l := range r.system.Logins {
		gone := false
		for _, a := range p.Disable {
			gone = gone || a.Name == l.User
		}
		if !gone {
			sys.Logins = append(sys.Logins, l)
		}
	}
	r.after = &FixResult{System: &sys, Gaps: r.gaps}
}
