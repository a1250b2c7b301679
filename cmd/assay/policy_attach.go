package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/cloud"
	"assay/internal/fleet"
	"assay/internal/report"
	"assay/policy"
)

type attachFlags struct {
	cloudFlags
	out       outputFlags
	w         io.Writer // what a person reads while it happens
	scope     string
	level     string
	exempt    []string
	targets   []string
	canary    []string
	yes, plan bool

	prove        bool
	proveProfile string
	region       string
	image        string
}

func (o *attachFlags) addCommon(c *cobra.Command, a *app) {
	o.cloudFlags.add(c, a)
	o.out.addFormats(c, a)
	a.scopeFlag(c, &o.scope)
	f := c.Flags()
	f.StringVar(&o.level, "level", "strict", a.t("strict (every path that a policy can close) or documents (as published)", "strict（关闭策略能关闭的所有路径）或 documents（与发布一致）"))
	f.StringArrayVar(&o.exempt, "exempt", nil, a.t("ARN of a user or role that may do what strict denies to others (repeatable)", "不受 strict 限制的用户或角色 ARN（可重复）"))
	f.BoolVar(&o.yes, "yes", false, a.t("do not ask", "不再询问"))
	f.BoolVar(&o.plan, "plan", false, a.t("print the plan and stop", "输出计划后结束"))
}

func (a *app) policyAttachCmd() *cobra.Command {
	o := &attachFlags{}
	c := &cobra.Command{
		Use:   "attach --target TARGET...",
		Short: a.t("Bind the deny policies to an account: plan, canary, verify, roll back", "将禁止策略绑定到账号：计划、灰度、验证、回滚"),
		Long: a.t(`Creates or updates the deny policies that assay policy show prints, and binds them.

TARGET is the ID of Root, a folder or a member account (--scope enterprise: control
policies, from the management account), or user/NAME, group/NAME, role/NAME (--scope
user: RAM policies). The plan is shown first. After the --canary targets, and again after
all others, everything is read again and the baseline is evaluated anew; if the result is
not what was planned, every step is taken back. Doing it twice changes nothing.

--prove asks the cloud itself: it sends the forbidden calls with DryRun, as the caller or as
--prove-profile, and decodes which policy refused them.`,
			`创建或更新 assay policy show 输出的禁止策略并绑定。

TARGET 是 Root、资源夹或成员账号的 ID（--scope enterprise：在管理账号中绑定管控策略），
或 user/名称、group/名称、role/名称（--scope user：RAM 策略）。执行前先显示计划。
--canary 目标完成后以及全部完成后，会重新读取并再次评估基线；结果与计划不符时回滚
所有步骤。重复执行不会产生更改。

--prove 让云服务自己回答：以当前身份或 --prove-profile 的身份发送带 DryRun 的被禁调用，
并解码由哪条策略拒绝。`) + a.attachStatus(),
		Example: "  assay policy attach --target fd-abc123 --plan\n  assay policy attach --target r-Xy12 --canary fd-test --yes\n  assay policy attach --scope user --target group/developers --exempt acs:ram::*:role/image-admin\n  assay policy attach --prove --prove-profile developer",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reported(c.Context(), o, "policy attach", func(r *assay.BindReport) error { return a.policyAttach(c.Context(), o, r) })
		},
	}
	o.addCommon(c, a)
	f := c.Flags()
	f.StringArrayVar(&o.targets, "target", nil, a.t("whom to bind to (repeatable)", "绑定目标（可重复）"))
	f.StringArrayVar(&o.canary, "canary", nil, a.t("bind and verify this target before the others (repeatable)", "先绑定并验证此目标（可重复）"))
	f.BoolVar(&o.prove, "prove", false, a.t("ask the cloud by dry runs whether the forbidden calls are refused", "通过 DryRun 验证被禁调用是否真的被拒绝"))
	f.StringVar(&o.proveProfile, "prove-profile", "", a.t("profile of the one who must be refused (default: the caller)", "应被拒绝的身份的配置名称（默认为当前身份）"))
	f.StringVar(&o.region, "region", "cn-hangzhou", a.t("region of the image that --prove asks about", "--prove 所用镜像的地域"))
	f.StringVar(&o.image, "image", "", a.t("image that --prove asks about (default: the first that is found)", "--prove 所用镜像（默认为找到的第一个）"))
	return c
}

func (a *app) policyDetachCmd() *cobra.Command {
	o := &attachFlags{}
	c := &cobra.Command{
		Use:   "detach [--target TARGET...]",
		Short: a.t("Take the deny policies back", "撤销禁止策略"),
		Long: a.t(`Takes the policies of assay policy attach back from each TARGET, or from everyone they are
bound to if none is given, and deletes a policy that nothing uses any more. If a step
fails, those before it are taken back.`,
			`从每个 TARGET（未指定时为所有绑定目标）撤销 assay policy attach 的策略，
并删除不再使用的策略。某一步失败时会撤回之前的步骤。`) + a.attachStatus(),
		Example: "  assay policy detach --scope user --target group/developers\n  assay policy detach --plan",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.reported(c.Context(), o, "policy detach", func(r *assay.BindReport) error { return a.policyDetach(c.Context(), o, r) })
		},
	}
	o.addCommon(c, a)
	c.Flags().StringArrayVar(&o.targets, "target", nil, a.t("from whom (repeatable; default: everyone)", "撤销目标（可重复；默认为全部）"))
	return c
}

func (a *app) attachStatus() string {
	return a.t(`

EXIT STATUS
  0  done, or nothing to do
  1  failed: what was done was taken back, unless the message names what is left
  2  wrong usage
  3  --prove: a forbidden call would have worked
  4  --prove: the cloud did not say
  130  interrupted`, `

退出码
  0  已完成，或无需操作
  1  失败：已撤回所做更改，除非信息中指出仍有遗留
  2  用法错误
  3  --prove：被禁调用仍可执行
  4  --prove：云服务未给出结论
  130  被中断`)
}

// reported runs do, and writes what it did in the formats that were asked for.
func (a *app) reported(ctx context.Context, o *attachFlags, command string, do func(*assay.BindReport) error) error {
	o.w = os.Stdout
	if o.out.format != "text" { // then standard output is the report's
		o.w = os.Stderr
	}
	o.out.live = silent{}
	h, err := o.out.handler(a)
	if err != nil {
		return err
	}
	defer o.out.abort()
	r := &assay.BindReport{Command: command, Started: time.Now()}
	err = do(r)
	if e := errors.Join(r.Send(h, err), h.Close()); e != nil && err == nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written; what was bound stays bound", "无法写入报告；已完成的绑定不受影响"), Err: e}
	}
	return err
}

// silent is the handler of a stream that was told while it happened.
type silent struct{}

func (silent) Handle(report.Message) error { return nil }
func (silent) Close() error                { return nil }

func (o *attachFlags) options(a *app, r *assay.BindReport) (b assay.BindOptions, err error) {
	b = assay.BindOptions{Profile: policy.Profile(o.level), Exempt: o.exempt, Targets: o.targets, Canary: o.canary, Now: time.Now()}
	if b.Scope, err = a.scope(o.scope); err != nil {
		return b, err
	}
	if b.Profile != policy.Strict && b.Profile != policy.Documents {
		return b, cli.Usage(finding.Tf("unknown level %q", "未知的级别 %q", o.level), finding.T("use strict or documents", "请使用 strict 或 documents"))
	}
	client, err := o.open("")
	if err != nil {
		return b, err
	}
	b.Caller = client
	b.Tell = func(s *fleet.BindStep, state string) {
		r.Tell(s, state)
		fmt.Fprintf(o.w, "  %s %s\n", a.stepMark(state), report.Printable(s.Title.In(a.lang)))
	}
	return b, nil
}

func (a *app) stepMark(state string) string {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	switch state {
	case "done":
		return st.Green(a.t("done    ", "完成"))
	case "undone":
		return st.Yellow(a.t("undone  ", "已撤回"))
	case "left":
		return st.BoldRed(a.t("LEFT    ", "遗留"))
	}
	return st.BoldRed(a.t("FAILED  ", "失败"))
}

func (a *app) policyAttach(ctx context.Context, o *attachFlags, r *assay.BindReport) error {
	if len(o.targets)+len(o.canary) == 0 && !o.prove {
		return cli.Usage(finding.T("no target is given", "未指定绑定目标"), finding.T("name one with --target: a folder's ID, or with --scope user group/NAME", "请用 --target 指定：资源夹 ID，或在 --scope user 时使用 group/名称"))
	}
	b, err := o.options(a, r)
	if err != nil {
		return err
	}
	if len(o.targets)+len(o.canary) > 0 {
		plan, err := assay.PlanAttach(ctx, b)
		if err != nil {
			return a.bindError(ctx, err)
		}
		r.Planned(plan)
		agreed, err := a.agree(plan, o)
		if err != nil || !agreed {
			return err
		}
		if err := assay.ApplyAttach(ctx, plan, b); err != nil {
			return a.bindError(ctx, err)
		}
		fmt.Fprintln(o.w, a.t("Verified: the policies were read again, and every path that they close is closed for each target.", "已验证：重新读取策略并再次评估，策略能关闭的路径对每个目标均已关闭。"))
	}
	if o.prove && !o.plan {
		return a.prove(ctx, o, b.Caller, r)
	}
	return nil
}

func (a *app) policyDetach(ctx context.Context, o *attachFlags, r *assay.BindReport) error {
	b, err := o.options(a, r)
	if err != nil {
		return err
	}
	plan, err := assay.PlanDetach(ctx, b)
	if err != nil {
		return a.bindError(ctx, err)
	}
	r.Planned(plan)
	agreed, err := a.agree(plan, o)
	if err != nil || !agreed {
		return err
	}
	if err := assay.ApplyDetach(ctx, plan, b); err != nil {
		return a.bindError(ctx, err)
	}
	return nil
}

// agree shows a plan and asks. false without an error means to stop here.
func (a *app) agree(p *fleet.BindPlan, o *attachFlags) (bool, error) {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	if len(p.Steps) == 0 {
		fmt.Fprintln(o.w, a.t("Nothing to change: it is so already.", "无需更改：已是目标状态。"))
		return !o.plan, nil
	}
	fmt.Fprintln(o.w, st.Bold(a.t("Plan", "计划")))
	staged := p.Binding.Canary > 0
	for i, s := range p.Steps {
		note := ""
		if staged && s.Stage == 0 && s.Target != "" {
			note = a.t("  [canary]", "  [灰度]")
		}
		fmt.Fprintf(o.w, "  %d. %s%s\n", i+1, report.Printable(s.Title.In(a.lang)), st.Dim(note))
	}
	if o.plan {
		return false, nil
	}
	if o.yes {
		return true, nil
	}
	if !cli.IsTerminal(os.Stdin) {
		return false, cli.Usage(finding.T("nobody is there to ask", "没有可供确认的终端"), finding.T("read the plan above, then add --yes", "请先查看上面的计划，然后加上 --yes"))
	}
	fmt.Fprint(os.Stderr, a.t("Do this? [y/N] ", "是否执行？[y/N] "))
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return false, err
	}
	yes := slices.Contains([]string{"y", "yes", "是"}, strings.ToLower(strings.TrimSpace(line)))
	if !yes {
		fmt.Fprintln(o.w, a.t("Nothing was changed.", "未做任何更改。"))
	}
	return yes, nil
}

func (a *app) bindError(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, fleet.ErrRolledBack) {
		return err
	}
	what := finding.T("the policies could not be bound", "策略绑定失败")
	hint := assay.AuditHint(err)
	if errors.Is(err, fleet.ErrRolledBack) {
		what = finding.T("the policies were not bound; every step was taken back", "策略未绑定，所有步骤已撤回")
	}
	var e *cloud.Error
	if errors.As(err, &e) && cloud.Denied(e) && e.Hint.EN == "" {
		hint = finding.Tf("the caller needs %s", "当前身份需要权限 %s", e.Product+":"+e.Action)
	}
	if e != nil && e.Status == 404 && e.Hint.EN == "" {
		hint = finding.T("check the target's name or ID, and --scope", "请检查目标的名称或 ID，以及 --scope")
	}
	return &cli.Error{Code: cli.ExitFailed, What: what, Err: err, Hint: hint}
}

// prove prints what the cloud answers, and sets the exit code.
func (a *app) prove(ctx context.Context, o *attachFlags, caller cloud.Caller, r *assay.BindReport) error {
	asked := caller
	if o.proveProfile != "" {
		f := cloudFlags{profile: o.proveProfile, endpoint: o.endpoint}
		client, err := f.open("")
		if err != nil {
			return err
		}
		asked = client
	}
	proofs, err := assay.Prove(ctx, assay.ProveOptions{Asked: asked, Decoder: caller, Region: o.region, Image: o.image})
	if err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("nothing could be proven", "无法验证"), Err: err, Hint: assay.AuditHint(err)}
	}
	r.Proven(proofs)
	st := cli.ColorFor(os.Stdout, os.Getenv)
	fmt.Fprintln(o.w, st.Bold(a.t("Proof, by dry runs that the cloud answered", "云服务对 DryRun 调用的回答")))
	for _, p := range proofs {
		word := st.Yellow(a.t("unclear ", "不明"))
		switch {
		case p.Blocked:
			word = st.Green(a.t("refused ", "已拒绝"))
		case p.Open:
			word = st.BoldRed(a.t("WORKS   ", "可执行"))
			a.code = cli.ExitFindings
		case a.code == cli.ExitClean:
			a.code = cli.ExitGaps
		}
		fmt.Fprintf(o.w, "  %s %-30s %s\n", word, p.Action, p.Title.In(a.lang))
		for _, b := range p.By {
			fmt.Fprintln(o.w, "           "+st.Dim(report.Printable(fmt.Sprintf(a.t("by %s (%s %s, %s)", "由 %s 拒绝（%s %s，%s）"), b.Name, b.Type, b.Version, b.Attached))))
		}
		if p.DenyType+p.Detail != "" {
			words := slices.DeleteFunc([]string{p.Code, p.DenyType, p.Detail}, func(s string) bool { return s == "" })
			fmt.Fprintln(o.w, "           "+st.Dim(report.Printable(strings.Join(words, "; "))))
		}
	}
	return nil
}
