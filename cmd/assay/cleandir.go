package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/accept"
	"assay/internal/cli"
	"assay/internal/durable"
	"assay/internal/plan"
	"assay/internal/report"
	"assay/internal/sandbox"
)

// dirFlags are those of cleaning in place.
type dirFlags struct {
	yes       bool
	forImage  bool
	liveScrub string
	domain    bool     // clean a running Windows though it is in a domain
	sysprep   bool     // hand it over to Sysprep afterwards
	traces    []string // of this run itself: what it made outside the target
}

func (o *dirFlags) addDir(c *cobra.Command, a *app) {
	f := c.Flags()
	f.BoolVar(&o.yes, "yes", false, a.t("do not ask (directories and this machine)", "不再询问（用于目录和本机）"))
	f.BoolVar(&o.forImage, "for-image", false, a.t("/: an image will be made of this machine: also lock passwords, remove keys, host keys and IDs", "用于 /：即将用本机制作镜像：同时锁定密码，删除密钥、主机密钥和标识"))
	f.BoolVar(&o.domain, "leave-domain", false, a.t("C:\\: go on though this Windows is a member of a domain, which an image must not be", "用于 C:\\：本机 Windows 已加入域（镜像不应如此）时仍继续"))
	f.BoolVar(&o.sysprep, "sysprep", false, a.t("C:\\: when it is clean, have Sysprep generalise it and shut it down for the image (implies --for-image)", "用于 C:\\：清理干净后，由 Sysprep 通用化并关机以制作镜像（隐含 --for-image）"))
	f.StringVar(&o.liveScrub, "live-scrub", "", a.t("directories: afterwards fstrim (discard) or zero (overwrite) free space", "用于目录：最后对空闲空间执行 fstrim（丢弃）或 zero（清零覆盖）"))
}

// errSysprep refuses --sysprep where Sysprep is not.
var errSysprep = cli.Usage(finding.T("--sysprep is for the Windows that assay runs on", "--sysprep 仅用于 assay 所在的 Windows"),
	finding.T(`run on it: assay clean C:\ --sysprep`, `请在该系统上运行：assay clean C:\ --sysprep`))

// saneDir refuses what cannot be meant for a directory.
func (o *cleanFlags) saneDir() error {
	switch {
	case o.liveScrub != "" && o.liveScrub != "fstrim" && o.liveScrub != "zero":
		return cli.Usage(finding.Tf("unknown value %q for --live-scrub", "--live-scrub 的值 %q 无效", o.liveScrub), finding.T("use fstrim or zero", "请使用 fstrim 或 zero"))
	case o.planOut == "" && !o.yes && !cli.IsTerminal(os.Stdin):
		return cli.Usage(finding.T("there is no terminal to ask on", "没有可供询问的终端"), finding.T("see the plan with --plan FILE, then agree with --yes", "先用 --plan FILE 查看计划，再用 --yes 确认"))
	}
	return nil
}

// cleanDir cleans a directory in place. The inspections run in the sandboxed
// child; the changes in this process.
func (a *app) cleanDir(ctx context.Context, o *cleanFlags, j job, cj *cleanJob, t assay.Target) error {
	if o.sysprep && !t.RunningWindows() {
		return errSysprep
	}
	h, err := o.handler(a)
	if err != nil {
		return err
	}
	defer o.abort()
	planOnly := o.planOut != ""
	c, err := o.dirOptions(a, j, cj, t)
	if err != nil {
		return err
	}
	var found []finding.Finding
	c.Found = func(all []finding.Finding) { found = all }
	p, err := assay.CleanDir(ctx, t, c, h)
	switch {
	case errors.Is(err, assay.ErrDeclined):
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("nothing was changed", "未做任何更改"), Hint: finding.T("keep single things with --keep, or see all with --plan FILE", "可用 --keep 保留个别内容，或用 --plan FILE 查看全部")}
	case ctx.Err() != nil:
		return &cli.Error{Code: cli.ExitInterrupted, What: finding.T("interrupted: what was changed so far stays changed", "已中断：此前的更改不会撤销"),
			Hint: finding.T("run it again: it goes on where it stopped", "请重新运行，它会从中断处继续")}
	}
	if cerr := h.Close(); cerr != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written", "无法写入报告"), Err: cerr}
	}
	if err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s is not clean", "%s 未清理干净", report.Printable(t.Name)), Err: err}
	}
	if planOnly {
		return a.savePlan(o, p, t)
	}
	a.code = exitCode(h)
	if t.Live {
		a.shells()
	}
	if a.code == cli.ExitFindings {
		a.undecided(p, h.Counted)
	}
	if o.sysprep {
		return a.sysprep(t, found)
	}
	return nil
}

// sysprep hands a cleaned Windows over. Everything is written by now: the
// machine shuts down under this process.
func (a *app) sysprep(t assay.Target, found []finding.Finding) error {
	unfit := assay.Unfit(found)
	if len(unfit) > 0 {
		a.hint(finding.T("\nassay: Sysprep was not started; first decide about:", "\nassay：未启动 Sysprep；请先处理："))
		for _, f := range unfit {
			a.hint(finding.Tf("  %[1]s  %[2]s", "  %[1]s  %[2]s", f.ID, report.Printable(f.Title.In(a.lang))))
		}
		a.code = max(a.code, cli.ExitFindings)
		return nil
	}
	a.hint(finding.T("assay: Sysprep runs, for some minutes, and shuts the machine down. Make the image then, and do not start the machine before.",
		"assay：正在运行 Sysprep，需要几分钟，完成后机器将关机。请在关机后制作镜像，在此之前不要启动该机器。"))
	if err := assay.Sysprep(t, found); err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("Sysprep has not generalised this Windows", "Sysprep 未能通用化此 Windows"), Err: err}
	}
	return nil
}

// dirOptions turns the flags into what the library takes.
func (o *cleanFlags) dirOptions(a *app, j job, cj *cleanJob, t assay.Target) (assay.CleanDirOptions, error) {
	asImage := t.Live && (o.forImage || o.sysprep)
	c := assay.CleanDirOptions{PlanOnly: o.planOut != "", Scrub: o.liveScrub, LeaveDomain: o.domain, Sysprep: o.sysprep}
	c.Options, c.Decide, c.Accept = j.options(), cj.Decide, &accept.List{}
	c.Options.AsImage = asImage
	for _, b := range cj.Ignore {
		if err := c.Accept.Parse(b, time.Now()); err != nil {
			return c, cli.Usage(finding.T("--ignore or --accept: "+err.Error(), "--ignore 或 --accept："+err.Error()), finding.Text{})
		}
	}
	if cj.Given != nil {
		p, err := plan.Parse(cj.Given)
		if err != nil {
			return c, err
		}
		c.Given = p
	}
	c.Inspect = func(ctx context.Context, h report.Handler) error {
		j.Started = time.Now()
		if j.Sandbox == sandbox.None {
			x := c.Options
			x.Sandbox, x.Started = sandbox.None, j.Started
			return assay.Inspect(ctx, t, x, h)
		}
		j.Clean = &cleanJob{Inspect: true, AsImage: asImage}
		err := a.inspectInChild(ctx, j, t, h)
		if errors.Is(err, errNotCleaned) {
			return nil // the verdict says why
		}
		return err
	}
	if !o.yes {
		c.Confirm = func(p *plan.Plan) (bool, error) { return a.agreeDir(p, t) }
	}
	c.Settle = func() []report.Action {
		if !t.Live {
			return nil
		}
		done := settle()
		for _, name := range o.traces {
			_ = os.Remove(name) // a folder stays when it holds more than ours
		}
		return done
	}
	return c, nil
}

// agreeDir shows a plan on the terminal and asks.
func (a *app) agreeDir(p *plan.Plan, t assay.Target) (bool, error) {
	for _, s := range p.Steps {
		line := "  " + report.OpWord(s.Op).In(a.lang) + "  " + report.Printable(strings.TrimSpace(s.User+" "+s.Path))
		if s.Line > 0 {
			line += fmt.Sprint(":", s.Line)
		}
		fmt.Fprintln(os.Stderr, line+"  "+report.Printable(s.Why.In(a.lang)))
		if s.Risk != nil {
			fmt.Fprintln(os.Stderr, "      "+finding.Tf("risk: %s", "风险：%s", report.Printable(s.Risk.In(a.lang))).In(a.lang))
		}
	}
	fmt.Fprint(os.Stderr, finding.Tf("\n%d steps in %s, in place. Go on? [y/N] ", "\n将在 %[2]s 中就地执行 %[1]d 步。继续？[y/N] ", len(p.Steps), report.Printable(t.Name)).In(a.lang))
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && answer == "" {
		return false, nil
	}
	return slices.Contains([]string{"y", "yes", "是"}, strings.ToLower(strings.TrimSpace(answer))), nil
}

func (a *app) savePlan(o *cleanFlags, p *plan.Plan, t assay.Target) error {
	b, err := p.Marshal()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(o.planOut, b, 0o600); err != nil {
		return cli.OpenError(o.planOut, err)
	}
	a.hint(finding.Tf("assay: the plan is in %[1]s; run it with: assay clean %[2]s --apply-plan %[1]s", "assay：计划已写入 %[1]s；执行：assay clean %[2]s --apply-plan %[1]s", o.planOut, report.Printable(t.Name)))
	return nil
}

// undecided lists what only a person can decide and is still there.
func (a *app) undecided(p *plan.Plan, counted map[string]bool) {
	n := 0
	for _, d := range p.Decisions {
		if !counted[d.ID] {
			continue
		}
		if n++; n == 1 {
			a.hint(finding.T("\nassay: what could be done is done; this is open:", "\nassay：可执行的清理已完成，以下内容待决定："))
		}
		if n > maxOpen {
			a.hint(finding.T("  … and more: --plan FILE lists all", "  … 还有更多：用 --plan FILE 查看全部"))
			return
		}
		line := fmt.Sprintf("  %s  %s  %s\n      %s", d.ID, report.SeverityWord(d.Severity).In(a.lang), report.Printable(d.Title.In(a.lang)), report.Printable(d.How.In(a.lang)))
		a.hint(finding.T(line, line))
	}
}

// firstRun lists what this run is about to make because it is the first of its
// user: the key of fingerprints and the folders for it, innermost first.
func firstRun() []string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil
	}
	var out []string
	for name := filepath.Join(dir, "assay", "fingerprint.key"); len(out) < 3; name = filepath.Dir(name) {
		if _, err := os.Lstat(name); err == nil {
			break
		}
		out = append(out, name)
	}
	return out
}
