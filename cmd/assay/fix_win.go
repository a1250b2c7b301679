package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/cloud"
	"assay/internal/fleet"
	"assay/internal/remote/assistant"
	"assay/internal/report"
)

// fixWindows gives a Windows instance a new password, as key pairs do not apply,
// and turns to its other accounts when the instance says that it is in force.
func (a *app) fixWindows(ctx context.Context, o *fixFlags, arg string, c cloud.Caller, i fleet.ECS, fo assay.FixOptions, r *assay.FixReport) error {
	if i.Status != "Running" {
		return notRunning(arg, i.Status)
	}
	t := assay.WindowsTarget{Caller: c, Instance: i}
	switch why := fit(ctx, c, i.Region, i.ID); {
	case why == nil:
		t.Shell = assistant.New(c, i.Region, i.ID, 0)
	default:
		fmt.Fprintln(o.w, finding.Tf("%s: the other local accounts cannot be looked at: %v", "%s：无法检查其他本地账户：%v", arg, report.Printable(why.Error())).In(a.lang))
	}
	p, err := assay.PlanWindows(ctx, t, fo)
	if err != nil {
		return planError(arg, err)
	}
	r.PlannedWindows(t, p)
	a.showWindows(o, arg, p)
	if o.plan {
		return nil
	}
	if o.passwordOut == "" {
		return cli.Usage(finding.Tf("%s: where shall the new password go?", "%s：未指定新密码的去向", arg), finding.T("use --password-out FILE (0600), or --password-out - to show it once", "请使用 --password-out FILE（0600），或 --password-out - 显示一次"))
	}
	if err := a.agreed(o.w, o.yes); err != nil {
		return err
	}
	password, err := fleet.NewPassword()
	if err != nil {
		return err
	}
	// Written before it is set: a password that nobody has is a lock-out.
	show := o.passwordOut == "-"
	if !show {
		if err := keepPassword(o.passwordOut, arg, password); err != nil {
			return cli.OpenError(o.passwordOut, err)
		}
	}
	told := false
	err = assay.RunWindows(ctx, t, p, password, func(step string) {
		r.Event(fleet.Event{Step: step, State: fleet.Done})
		if step == "password" {
			if told = show; show {
				fmt.Fprintln(os.Stderr, finding.Tf("%s: new password, shown this once: %s", "%s：新密码（仅显示一次）：%s", arg, password).In(a.lang))
			}
			fmt.Fprintln(o.w, arg+": ✓ "+a.t("new password for Administrator, and a restart; use it for RDP (port 3389)", "已重置 Administrator 密码并重启；用于远程桌面（端口 3389）"))
		}
	})
	if err != nil {
		if show && !told {
			fmt.Fprintln(os.Stderr, finding.Tf("%s: the new password, in case that it was set: %s", "%s：新密码（可能已生效）：%s", arg, password).In(a.lang))
		}
		r.Failed(err)
		return windowsError(arg, err)
	}
	r.DoneWindows(p)
	for _, x := range p.Disable {
		fmt.Fprintln(o.w, finding.Tf("%s: ✓ %s is disabled; undo: net user \"%[2]s\" /active:yes", "%s：✓ 已停用 %s；还原：net user \"%[2]s\" /active:yes", arg, report.Printable(x.Name)).In(a.lang))
	}
	for _, x := range p.Scramble {
		fmt.Fprintln(o.w, finding.Tf("%s: ✓ %s has a password that nobody knows; set one: net user \"%[2]s\" *", "%s：✓ %s 的密码已设为随机值，无人知晓；请设置新密码：net user \"%[2]s\" *", arg, report.Printable(x.Name)).In(a.lang))
	}
	return nil
}

// showWindows prints who can log in, and the plan.
func (a *app) showWindows(o *fixFlags, arg string, p *assay.WindowsPlan) {
	say := func(s string) { fmt.Fprintln(o.w, arg+": "+s) }
	say(a.t("Windows: key pairs do not apply; accounts that can be logged in to", "Windows：密钥对不适用；可登录的账户"))
	for _, x := range p.Accounts {
		if x.Disabled {
			continue
		}
		admin := ""
		if x.Admin {
			admin = a.t(", administrator", "，管理员")
		}
		say("  " + report.Printable(x.Name) + admin + "; " + a.owner(x.Owner, ""))
	}
	say(a.t("plan", "计划"))
	a.showActions(o.w, arg, p.Actions())
	for _, m := range p.Remarks {
		say("  ! " + report.Printable(m.In(a.lang)))
	}
}

// windowsError says what became of the instance.
func windowsError(arg string, err error) error {
	var e *fleet.FixError
	if errors.As(err, &e) && e.Step == "accounts" {
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s: Administrator has its new password, but the other accounts are as they were, or named below", "%s：Administrator 密码已重置，其他账户保持原状或如下所述", arg), Err: err,
			Hint: finding.T("log in with the new password, then run the same command again", "请使用新密码登录，然后再次执行同一命令")}
	}
	return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s: the password could not be reset", "%s：无法重置密码", arg), Err: err,
		Hint: finding.T("it may be set and wait for a restart: look at the instance, then run the same command again; the last password in the file is the one that counts", "密码可能已设置并等待重启生效：请查看实例状态后再次执行同一命令；以文件中最后一个密码为准")}
}

// keepPassword adds a line to a file that only its owner reads.
func keepPassword(name, target, password string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		return err
	}
	_, err = f.WriteString(target + " " + password + "\n")
	return cmp.Or(err, f.Sync(), f.Close())
}
