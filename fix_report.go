package assay

import (
	"cmp"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	"assay/finding"
	"assay/internal/fleet"
	"assay/internal/report"
)

// A PlannedAction is one line of a plan, and the step that makes it.
type PlannedAction struct {
	Step string // of package fleet
	report.Action
}

// Actions are the lines of a plan in their order; none is made yet.
func (p *FixPlan) Actions(o FixOptions) (out []PlannedAction) {
	add := func(step string, e finding.Edit, en, zh string, args ...any) {
		out = append(out, PlannedAction{step, report.Action{Edit: e, Result: "planned", Why: finding.Tf(en, zh, args...)}})
	}
	print, q := ssh.FingerprintSHA256(o.NewKey.PublicKey()), p.Plan
	if o.KeyPair != "" {
		add("bind", finding.Edit{Op: finding.BindKeyPair, With: o.KeyPair}, "bind the key pair %s to the instance", "将密钥对 %s 绑定到实例", o.KeyPair)
	}
	if q.PlaceIn != "" {
		add("place", finding.Edit{Op: finding.PlaceKey, Path: q.PlaceIn, User: q.User, With: print}, "put the new key %s into %s", "将新公钥 %s 写入 %s", print, q.PlaceIn)
	}
	if q.PlaceIn == "" {
		out = append(out, PlannedAction{"place", report.Action{Edit: finding.Edit{Op: finding.PlaceKey, User: q.User, With: print}, Result: "left",
			Why: finding.Tf("the new key %s is in place", "新公钥 %s 已存在", print)}})
	}
	add("enter", finding.Edit{Op: finding.ProveLogin, User: q.User, With: print}, "log in with the new key %s as %s in a second connection", "使用新密钥 %s 以 %s 身份通过第二个连接登录", print, q.User)
	if q.Restart {
		add("restart", finding.Edit{Op: finding.Restart}, "restart, and log in again", "重启并再次登录")
	}
	for _, k := range q.Remove {
		add("keys", finding.Edit{Op: finding.RemoveLine, Path: k.Path, Line: k.Line, Expect: k.Fingerprint}, "remove the key %s (%s) from %s", "删除公钥 %s（%s），位于 %s", k.Fingerprint, k.Comment, k.Path)
	}
	for _, u := range q.Lock {
		add("lock", finding.Edit{Op: finding.LockPassword, User: u}, "lock the password of %s", "锁定 %s 的密码", u)
	}
	for _, u := range q.Users {
		add("users", finding.Edit{Op: finding.RemoveUser, User: u}, "remove the user %s; the home stays", "删除用户 %s，保留主目录", u)
	}
	if q.SSHD != nil {
		add("sshd", finding.Edit{Op: finding.SetSSHD, Path: q.SSHD.Path}, "make sshd take keys only: %s", "将 sshd 设置为仅接受密钥：%s", q.SSHD.Path)
	}
	add("confirm", finding.Edit{Op: finding.ProveLogin}, "prove from outside: the new key opens, old keys and passwords do not; else the machine restores itself after %s",
		"从外部验证：新密钥可登录，旧密钥和密码被拒绝；否则机器在 %s 后自行还原", cmp.Or(o.Rollback, fleet.DefaultRollback))
	return out
}

// A FixReport gathers what a fix has to say of one target. It is one stream of
// two parts: the machine before with the actions (command "fix"), then, when
// the fix was done, the machine after it (command "inspect"). Where a fix
// failed, its first part says so and is the last.
type FixReport struct {
	Target  string
	Started time.Time

	before  *FixPlan
	actions []PlannedAction
	done    map[string]bool // steps
	system  *report.System
	found   []finding.Finding
	gaps    []finding.Gap
	after   *FixResult
	failed  *fleet.FixError
}

// Planned notes the plan.
func (r *FixReport) Planned(p *FixPlan, o FixOptions) {
	r.before, r.actions, r.done = p, p.Actions(o), map[string]bool{}
	sys := *p.System
	sys.Keys = nil
	for _, k := range p.Facts.Keys {
		sys.Keys = append(sys.Keys, report.LoginKey{Users: k.Users, Path: k.Path, Line: k.Line, Type: k.Type, Bits: k.Bits, Fingerprint: k.Fingerprint,
			Comment: k.Comment, Options: k.Options, Owner: cmp.Or(string(k.Owner), "unknown"), By: k.By})
	}
	for i, l := range sys.Logins {
		if a, ok := p.Facts.Account(l.User); ok && a.Owner == fleet.Trusted {
			sys.Logins[i].Origin = "expected"
		}
	}
	r.system, r.found, r.gaps = &sys, p.Before, p.Gaps
}

// Event notes how far it is.
func (r *FixReport) Event(e fleet.Event) {
	if e.State == fleet.Done {
		r.done[e.Step] = true
	}
}

// Failed notes at which step it ended.
func (r *FixReport) Failed(err error) { errors.As(err, &r.failed) }

// Done notes what the machine is now.
func (r *FixReport) Done(after *FixResult) { r.after = after }

// settle says what became of every action.
func (r *FixReport) settle() []report.Action {
	fe := r.failed
	out := make([]report.Action, len(r.actions))
	for i, a := range r.actions {
		out[i] = a.Action
		if a.Result != "planned" { // it was settled when it was made
			continue
		}
		switch {
		case r.after != nil:
			out[i].Result = "done"
		case fe == nil:
		case a.Step == fe.Step && fe.State != fleet.LeftToIt:
			out[i].Result = "failed"
			out[i].Note = finding.Text{EN: fe.Err.Error(), ZH: fe.Err.Error()}
		case r.done[a.Step] || a.Step == fe.Step:
			out[i].Result = map[fleet.State]string{fleet.LeftToIt: "guarded", fleet.Kept: "done"}[fe.State]
			if out[i].Result == "" {
				out[i].Result = "undone"
			}
			if a.Edit.Op == finding.ProveLogin || a.Edit.Op == finding.Restart { // nothing to take back
				out[i].Result = "done"
			}
		}
	}
	return out
}

// Send hands the parts to h. err is how the fix ended; a plan that nobody
// carried out ends with nil.
func (r *FixReport) Send(h report.Handler, err error) error {
	started := r.Started.UTC().Format(time.RFC3339)
	catalogue := CatalogueVersion()
	config := func(command string) *report.Config {
		c := &report.Config{Protocol: report.Protocol, Tool: "assay", Version: Version, Command: command, Target: r.Target, Catalogue: catalogue, Started: started}
		if suite, err := Select(fixChecks, true); err == nil && r.before != nil {
			for _, k := range suite {
				c.Checks = append(c.Checks, Describe(k))
			}
		}
		return c
	}
	part := func(command string, sys *report.System, found []finding.Finding, gaps []finding.Gap, actions []report.Action, err error) error {
		v := report.Verdict{Findings: map[string]int{}, Gaps: len(gaps), Seconds: time.Since(r.Started).Seconds(), Catalogue: catalogue, Sandbox: "off"}
		if err != nil {
			v.Error = err.Error()
		}
		ms := []report.Message{{Config: config(command)}}
		if sys != nil {
			ms = append(ms, report.Message{Inventory: &report.Inventory{System: sys}})
		}
		for _, f := range found {
			v.Findings[f.Severity.String()]++
			ms = append(ms, report.Message{Finding: &f})
		}
		for _, g := range gaps {
			ms = append(ms, report.Message{Gap: &g})
		}
		for _, a := range actions {
			ms = append(ms, report.Message{Action: &a})
		}
		var errs []error
		for _, m := range append(ms, report.Message{Verdict: &v}) {
			errs = append(errs, h.Handle(m))
		}
		return errors.Join(errs...)
	}
	e := part("fix", r.system, r.found, r.gaps, r.settle(), err)
	if r.after != nil && err == nil {
		e = errors.Join(e, part("inspect", r.after.System, r.after.Left, r.after.Gaps, nil, nil))
	}
	return e
}
