package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/durable"
	"assay/internal/fleet"
	"assay/internal/remote"
	"assay/internal/remote/assistant"
	"assay/internal/remote/openssh"
)

type fixFlags struct {
	machineFlags
	out                             outputFlags
	generate, key, keyPair, comment string
	trusted, expected, remove, keep []string
	plan, yes, restart, keepSSHD    bool
	rollback                        time.Duration
	sshUser, sshAddress, sshPort    string
	passwordOut                     string
	all                             bool
	filter, regions                 []string
	parallel, maxFailures           int
	journal                         string
	restartWait                     time.Duration

	notes   *fleet.Journal              // nil without --journal's file: ssh:// alone, or --plan
	probes  map[string]assistant.Answer // by target: what the round's probes said
	windows map[string]bool             // which of the targets of --all
	unfit   int                         // instances that --all names and that cannot be tried

	w      io.Writer // what a person reads while it happens
	mu     sync.Mutex
	judged *assay.Judged
}

func (a *app) fixCmd() *cobra.Command {
	o := &fixFlags{}
	c := &cobra.Command{
		Use:   "fix TARGET...",
		Short: a.t("Running instance: new key in, proven, old credentials out; undone unless proven", "运行中的实例：写入新密钥并验证，移除旧凭证；未通过验证则自动还原"),
		Long: a.t(`Gives a running machine a key of its own, logs in with it in a second connection, and
only then removes unknown keys of every user, locks preset passwords, and makes sshd
take keys only. A guard on the machine restores everything after --rollback-after
unless the proof arrives. Shows its plan and asks first.

TARGET is ssh://user@host:port, or ecs://REGION/INSTANCE: the key pair is bound by the
cloud, the work is done through Cloud Assistant and proven over SSH. A Windows instance
gets a new password.`,
			`为运行中的机器写入独立的密钥，通过第二个连接登录验证，然后才删除所有用户的未知公钥、
锁定预设密码，并将 sshd 设置为仅接受密钥。除非验证通过，目标机器上的守护进程会在
--rollback-after 之后还原全部更改。执行前显示计划并询问。

TARGET 是 ssh://用户@主机:端口，或 ecs://地域/实例：由云端绑定密钥对，通过云助手执行，
并通过 SSH 验证。Windows 实例将重置为新密码。`) + a.t(`

EXIT STATUS
  0  done and proven (or nothing to do, or only planned)
  1  failed: the machine is as it was, or its guard restores it
  2  wrong usage
  3  done and proven, but findings at or above --fail-on are left
  4  done, but something could not be looked at
  130  interrupted`, `

退出码
  0  已完成并验证（或无需更改，或仅显示计划）
  1  失败：机器保持原状，或由守护进程还原
  2  用法错误
  3  已完成并验证，但仍有不低于 --fail-on 级别的问题
  4  已完成，但有内容未检查
  130  被中断`),
		Example: "  assay fix ssh://root@192.0.2.7 --generate-key ./id_web --plan\n  assay fix ssh://admin@web1 --key ./id_web --trusted-keys team.keys --remove-user builder\n  assay fix ecs://cn-hangzhou/i-abc --key ./id_web --key-pair web\n  assay fix --all --region cn-hangzhou --filter tag:env=prod --key ./id_web --key-pair web --yes",
		RunE:    func(c *cobra.Command, args []string) error { return a.fix(c.Context(), o, args) },
	}
	o.add(c, a)
	o.out.addFormats(c, a)
	f := c.Flags()
	f.StringVar(&o.generate, "generate-key", "", a.t("make a new ed25519 pair: private half in FILE (0600, here only), public half in FILE.pub", "生成新的 ed25519 密钥对：私钥写入 FILE（0600，仅保存在本机），公钥写入 FILE.pub"))
	f.StringVar(&o.key, "key", "", a.t("private key of the new pair that is there already", "已有新密钥对的私钥文件"))
	f.StringVar(&o.keyPair, "key-pair", "", a.t("ecs: name of the key pair to bind; it is imported if the region does not have it", "ecs：要绑定的密钥对名称；地域中没有时自动导入"))
	f.StringVar(&o.comment, "key-comment", "assay-fix", a.t("comment of the new key", "新公钥的注释"))
	f.StringArrayVar(&o.trusted, "trusted-keys", nil, a.t("keys that stay: FILE, folder, or https address such as https://github.com/NAME.keys (repeatable)", "保留的公钥：文件、目录，或 https 地址，如 https://github.com/NAME.keys（可重复）"))
	f.StringArrayVar(&o.expected, "expected-user", nil, a.t("a user that belongs here (repeatable)", "属于本机的用户（可重复）"))
	f.StringArrayVar(&o.remove, "remove-user", nil, a.t("remove this user; the home stays (repeatable)", "删除该用户，保留主目录（可重复）"))
	f.StringArrayVar(&o.keep, "keep-password", nil, a.t("do not lock this user's password (repeatable)", "不锁定该用户的密码（可重复）"))
	f.BoolVar(&o.plan, "plan", false, a.t("print the plan and stop", "仅显示计划"))
	f.BoolVar(&o.yes, "yes", false, a.t("do not ask", "不询问"))
	f.BoolVar(&o.restart, "restart", false, a.t("restart the machine after the new key is in place", "写入新公钥后重启机器"))
	f.DurationVar(&o.restartWait, "restart-wait", 5*time.Minute, a.t("how long a machine may take to restart", "等待机器重启完成的最长时间"))
	f.BoolVar(&o.keepSSHD, "keep-sshd", false, a.t("leave sshd's settings alone", "不更改 sshd 设置"))
	f.DurationVar(&o.rollback, "rollback-after", fleet.DefaultRollback, a.t("the guard restores everything after this time", "超过该时间未通过验证则还原"))
	f.StringVar(&o.sshUser, "ssh-user", "root", a.t("ecs: who logs in", "ecs：登录用户"))
	f.StringVar(&o.sshAddress, "ssh-address", "", a.t("ecs: address for the proof by SSH (default: the instance's public, then its private one)", "ecs：SSH 验证所用地址（默认依次为公网、私网地址）"))
	f.StringVar(&o.sshPort, "ssh-port", "22", a.t("ecs: port of sshd", "ecs:sshd 端口"))
	f.StringVar(&o.passwordOut, "password-out", "", a.t("Windows: add the new password to FILE (0600); - shows it once", "Windows：将新密码追加到 FILE（0600）；- 表示显示一次"))
	f.BoolVar(&o.all, "all", false, a.t("ecs: every instance of the regions that --filter names", "ecs：--region 中符合 --filter 的所有实例"))
	f.StringArrayVar(&o.filter, "filter", nil, a.t("with --all: tag:key=value (repeatable)", "与 --all 一起使用：tag:键=值（可重复）"))
	f.StringArrayVar(&o.regions, "region", nil, a.t("with --all: region (repeatable)", "与 --all 一起使用：地域（可重复）"))
	f.IntVar(&o.parallel, "parallel", 4, a.t("machines at a time, after a first one alone", "同时处理的机器数；第一台单独处理"))
	f.IntVar(&o.maxFailures, "max-failures", 0, a.t("stop when more machines than this have failed", "失败机器超过该数量时停止"))
	f.StringVar(&o.journal, "journal", "assay-fix.json", a.t("ecs, or several machines: remembers what was begun and what is done, and goes on there", "ecs 或多台机器：记录已开始和已完成的操作，可从中断处继续"))
	return c
}

// minRollback is the least time in which a fix over a slow line gets through.
const minRollback = 30 * time.Second

func (a *app) fix(ctx context.Context, o *fixFlags, args []string) error {
	if o.rollback < minRollback || o.rollback > 24*time.Hour {
		return cli.Usage(finding.Tf("--rollback-after %s is out of bounds", "--rollback-after %s 超出范围", o.rollback), finding.T("use 30s to 24h", "请使用 30s 到 24h"))
	}
	if (o.generate == "") == (o.key == "") {
		return cli.Usage(finding.T("which key shall open the machine from now on?", "未指定新密钥"), finding.T("use --generate-key FILE or --key FILE", "请使用 --generate-key FILE 或 --key FILE"))
	}
	var err error
	o.w = os.Stdout
	if o.out.format != "text" { // then standard output is the report's
		o.w = os.Stderr
	}
	o.out.live = &leftovers{w: o.w, lang: a.lang}
	if o.judged, err = o.out.handler(a); err != nil {
		return err
	}
	defer o.out.abort()
	targets, err := a.fixTargets(ctx, o, args)
	if err != nil {
		return err
	}
	if !o.yes && !o.plan && (len(targets) != 1 || o.all) {
		return cli.Usage(finding.T("several machines are not asked about one by one", "多台机器不会逐一询问"), finding.T("read the plans with --plan, then use --yes", "请先用 --plan 查看计划，然后使用 --yes"))
	}
	closeJournal, err := a.openJournal(o, targets) // before a key is made: who is second has no use for it
	if err != nil {
		return err
	}
	defer closeJournal()
	fo, err := a.fixOptions(ctx, o)
	if err != nil {
		return err
	}
	if o.notes != nil {
		o.notes.Key = ssh.FingerprintSHA256(fo.NewKey.PublicKey())
	}
	return errors.Join(a.fixTargetsAll(ctx, o, targets, fo), a.fixEnd(o))
}

// fixTargetsAll fixes one machine, or many.
func (a *app) fixTargetsAll(ctx context.Context, o *fixFlags, targets []string, fo assay.FixOptions) error {
	if len(targets) != 1 || o.all {
		return a.fixMany(ctx, o, targets, fo)
	}
	var err error
	if o.notes != nil {
		err = a.fixNoted(ctx, o, targets[0], fo)
	} else {
		err = a.fixOne(ctx, o, targets[0], fo)
	}
	if errors.Is(err, errDeclined) {
		return nil
	}
	return err
}

// fixEnd writes the reports and sets the exit code of a run without an error.
func (a *app) fixEnd(o *fixFlags) error {
	if err := o.judged.Close(); err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written; what was fixed stays fixed", "无法写入报告；已完成的修复不受影响"), Err: err}
	}
	if a.code == cli.ExitClean && !o.plan {
		a.code = exitCode(o.judged)
	}
	return nil
}

// fixTargets are the arguments, or the instances that --all names.
func (a *app) fixTargets(ctx context.Context, o *fixFlags, args []string) ([]string, error) {
	if o.all == (len(args) > 0) || o.all && (len(o.regions) == 0 || len(o.filter) == 0) {
		return nil, cli.Usage(finding.T("name machines, or use --all with --region and --filter", "请指定机器，或使用 --all 并配合 --region 和 --filter"), finding.Text{})
	}
	for _, arg := range args {
		switch {
		case strings.HasPrefix(arg, "ssh://"):
			if _, err := openssh.ParseTarget(arg); err != nil {
				return nil, sshTargetError(err)
			}
		case strings.HasPrefix(arg, "ecs://"):
			if _, _, err := ecsTarget(arg); err != nil {
				return nil, err
			}
		default:
			return nil, cli.Usage(finding.Tf("%s is no running machine", "%s 不是运行中的机器", arg), finding.T("write ssh://user@host or ecs://REGION/INSTANCE; images are cleaned with assay clean", "请写成 ssh://用户@主机 或 ecs://地域/实例；镜像请用 assay clean 清理"))
		}
	}
	var tags []string
	for _, f := range o.filter {
		t, ok := strings.CutPrefix(f, "tag:")
		if !ok || !strings.Contains(t, "=") {
			return nil, cli.Usage(finding.Tf("%s is no filter", "%s 不是有效的过滤条件", f), finding.T("write tag:key=value", "请写成 tag:键=值"))
		}
		tags = append(tags, t)
	}
	for _, r := range o.regions {
		is, err := a.instances(ctx, o, r, tags)
		if err != nil {
			return nil, err
		}
		args = append(args, is...)
	}
	if len(args) == 0 && o.unfit == 0 {
		return nil, &cli.Error{Code: cli.ExitUsage, What: finding.T("no running instance has these tags", "没有运行中的实例符合这些标签")}
	}
	return args, nil
}

// fixOptions reads the lists and the key. With --plan a key to be generated
// stands only for itself: nothing is written.
func (a *app) fixOptions(ctx context.Context, o *fixFlags) (assay.FixOptions, error) {
	fo := assay.FixOptions{Comment: o.comment, RemoveUsers: o.remove, Keep: o.keep, Restart: o.restart, KeepSSHD: o.keepSSHD, Rollback: o.rollback, RestartWait: o.restartWait}
	if strings.ContainsAny(o.comment, "\r\n\x00") {
		return fo, cli.Usage(finding.T("--key-comment is one line", "--key-comment 只能为一行"), finding.Text{})
	}
	var err error
	if fo.Key, err = fingerprintKey(); err != nil {
		return fo, err
	}
	fo.Trust.Users = o.expected
	if fo.Trust.Keys, err = assay.TrustedKeys(ctx, o.trusted); err != nil {
		return fo, &cli.Error{Code: cli.ExitUsage, What: finding.T("the trusted keys cannot be read", "无法读取受信任的公钥"), Err: err}
	}
	switch {
	case o.key != "":
		opts, e := o.ssh.options(a)
		if e != nil {
			return fo, e
		}
		fo.NewKey, err = openssh.ReadIdentity(o.key, opts.Passphrase)
	case o.plan:
		dir, e := os.MkdirTemp("", "assay-")
		if e != nil {
			return fo, e
		}
		defer os.RemoveAll(dir)
		fo.NewKey, err = assay.GenerateKey(filepath.Join(dir, "key"), o.comment)
	default:
		fo.NewKey, err = assay.GenerateKey(o.generate, o.comment)
	}
	if errors.Is(err, fs.ErrExist) {
		return fo, &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s is there already", "%s 已存在", o.generate), Hint: finding.T("to use it: --key FILE", "如需使用该密钥：--key FILE")}
	}
	if err != nil {
		return fo, &cli.Error{Code: cli.ExitUsage, What: finding.T("the new key cannot be had", "无法获得新密钥"), Err: err}
	}
	return fo, nil
}

// openJournal reads and locks the journal, where one is kept: an instance has a
// binding in the cloud that no guard undoes, and of many machines some may be
// done.
func (a *app) openJournal(o *fixFlags, targets []string) (closed func(), err error) {
	many := len(targets) != 1 || o.all
	if !many && (o.plan || strings.HasPrefix(targets[0], "ssh://")) {
		return func() {}, nil
	}
	path := o.journal
	if o.plan {
		path = ""
	}
	if o.notes, err = fleet.OpenJournal(path); err != nil {
		e := &cli.Error{Code: cli.ExitUsage, What: finding.Tf("the journal %s cannot be used", "无法使用进度文件 %s", o.journal), Err: err}
		if errors.Is(err, durable.ErrLocked) {
			e.Code, e.Hint = cli.ExitFailed, finding.T("another assay fix works with this journal: wait for it, or use another file with --journal", "另一个 assay fix 正在使用该进度文件：请等待其结束，或用 --journal 指定其他文件")
		}
		return nil, e
	}
	return o.notes.Close, nil
}

// fixNoted fixes one machine and writes down how it went.
func (a *app) fixNoted(ctx context.Context, o *fixFlags, target string, fo assay.FixOptions) error {
	failed, err := o.notes.Do(ctx, target, func(ctx context.Context, t string) error { return a.fixOne(ctx, o, t, fo) })
	if errors.Is(failed, errDeclined) {
		return err
	}
	return cmp.Or(failed, err)
}

// fixMany fixes machines in batches, and remembers how far it got.
func (a *app) fixMany(ctx context.Context, o *fixFlags, targets []string, fo assay.FixOptions) error {
	batch := fleet.Batch{Parallel: o.parallel, MaxFailures: o.maxFailures, Journal: o.notes}
	if o.all {
		batch.Prepare = func(ctx context.Context, part []string) { a.probeAll(ctx, o, part) }
	}
	if o.plan && o.all { // a plan may be as old as its probe: a hundred at once
		a.probeAll(ctx, o, targets)
		batch.Prepare = nil
	}
	failed, err := batch.Run(ctx, targets, func(ctx context.Context, t string) error {
		err := a.fixOne(ctx, o, t, fo)
		if err != nil {
			fmt.Fprintln(o.w, t+": "+a.inOneLine(err))
		}
		return err
	})
	if o.plan {
		fmt.Fprintln(o.w, finding.Tf("%d of %d machines cannot be planned", "%[2]d 台机器中有 %[1]d 台无法生成计划", failed+o.unfit, len(targets)+o.unfit).In(a.lang))
	} else {
		fmt.Fprintln(o.w, finding.Tf("%d of %d machines failed; the journal is %s", "%[2]d 台机器中有 %[1]d 台失败；进度文件为 %[3]s", failed+o.unfit, len(targets)+o.unfit, o.journal).In(a.lang))
	}
	failed += o.unfit
	switch {
	case errors.Is(err, fleet.ErrTooManyFailures):
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("too many machines failed: the rest was not touched", "失败的机器过多，其余机器未处理"), Hint: finding.T("look at the failures; the same command goes on with what is left", "请查看失败原因；再次执行同一命令将继续处理剩余机器")}
	case err != nil:
		return err
	case failed > 0:
		a.code = cli.ExitFailed
	}
	return nil
}

// fixOne fixes one machine, from the plan to the proof, and adds its part to
// the report.
func (a *app) fixOne(ctx context.Context, o *fixFlags, arg string, fo assay.FixOptions) error {
	r := &assay.FixReport{Target: arg, Started: time.Now()}
	err := a.fixReported(ctx, o, arg, fo, r)
	told := err
	if errors.Is(err, errDeclined) {
		told = nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if e := r.Send(o.judged, told); e != nil && err == nil {
		return e
	}
	return err
}

func (a *app) fixReported(ctx context.Context, o *fixFlags, arg string, fo assay.FixOptions, r *assay.FixReport) error {
	t, done, err := a.fixTarget(ctx, o, arg, &fo, r)
	if err != nil || t == nil {
		return err
	}
	defer done()
	p, err := assay.PlanFix(ctx, *t, fo)
	if err != nil {
		return planError(arg, err)
	}
	r.Planned(p, fo)
	a.showPlan(o.w, arg, p, fo)
	if o.plan {
		return nil
	}
	if err := a.agreed(o.w, o.yes); err != nil {
		return err
	}
	after, err := assay.RunFix(ctx, *t, p, fo, func(e fleet.Event) {
		r.Event(e)
		if e.State == fleet.Done {
			fmt.Fprintf(o.w, "%s: ✓ %s\n", arg, e.Title.In(a.lang))
		}
	})
	if err != nil {
		r.Failed(err)
		return fixError(arg, err)
	}
	r.Done(after)
	fmt.Fprintln(o.w, arg+": "+a.t("done: the new key opens it, the old credentials are refused", "完成：新密钥可以登录，旧凭证已被拒绝"))
	return nil
}

// planError says why there is no plan.
func planError(arg string, err error) error {
	var refused *fleet.RefusedError
	switch {
	case errors.As(err, &refused):
		return &cli.Error{Code: cli.ExitFailed, What: refused.Text, Hint: finding.T("nothing was changed", "未做任何更改")}
	case strings.HasPrefix(arg, "ecs://"):
		return ecsError(arg, err)
	}
	return loginError(arg, err)
}

// fixTarget opens the ways to a machine. A nil target means that all is done:
// a Windows instance.
func (a *app) fixTarget(ctx context.Context, o *fixFlags, arg string, fo *assay.FixOptions, r *assay.FixReport) (*assay.FixTarget, func(), error) {
	if strings.HasPrefix(arg, "ecs://") {
		return a.fixECS(ctx, o, arg, fo, r)
	}
	c, err := o.ssh.client(a, arg)
	if err != nil {
		return nil, nil, err
	}
	conn, err := c.Login(ctx)
	if err != nil {
		return nil, nil, loginError(arg, err)
	}
	if _, err := conn.Run(ctx, remote.Script{Name: "true", Text: "true"}); err != nil {
		conn.Close()
		return nil, nil, loginError(arg, err)
	}
	fo.SudoAsks = conn.UsesSudoPassword()
	t := &assay.FixTarget{Name: arg, Admin: conn, SSH: c}
	opts, err := o.ssh.options(a)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	user := c.Target().User
	for _, name := range opts.Identities {
		k, err := openssh.ReadIdentity(name, opts.Passphrase)
		if err != nil || slices.Equal(k.PublicKey().Marshal(), fo.NewKey.PublicKey().Marshal()) {
			continue
		}
		t.Old = append(t.Old, assay.OldCredential{Name: name, User: user, Blob: k.PublicKey().Marshal(), Try: func(ctx context.Context) (bool, error) { return c.TryKey(ctx, user, k) }})
	}
	if opts.Password != "" && !o.keepSSHD {
		t.Old = append(t.Old, assay.OldCredential{Name: a.t("the password", "密码"), User: user, Try: func(ctx context.Context) (bool, error) { return c.TryPassword(ctx, user, opts.Password) }})
	}
	return t, func() { conn.Close() }, nil
}

// errDeclined says that nobody agreed: nothing was done, and that is fine.
var errDeclined = errors.New("nobody agreed")

// agreed asks, unless the user said yes before.
func (a *app) agreed(w io.Writer, yes bool) error {
	if yes {
		return nil
	}
	if !cli.IsTerminal(os.Stdin) {
		return cli.Usage(finding.T("nobody is there to ask", "没有可供确认的终端"), finding.T("read the plan above, then add --yes", "请先查看上面的计划，然后加上 --yes"))
	}
	fmt.Fprint(os.Stderr, a.t("Do this? [y/N] ", "是否执行？[y/N] "))
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil || !slices.Contains([]string{"y", "yes", "是"}, strings.ToLower(strings.TrimSpace(line))) {
		fmt.Fprintln(w, a.t("Nothing was changed.", "未做任何更改。"))
		return cmp.Or(err, errDeclined)
	}
	return nil
}

// fixError says what became of the machine.
func fixError(arg string, err error) error {
	var e *fleet.FixError
	if !errors.As(err, &e) {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T(arg, arg), Err: err}
	}
	out := &cli.Error{Code: cli.ExitFailed, Err: e.Err,
		What: finding.Text{EN: arg + ": not done, at the step: " + e.Title.EN, ZH: arg + "：未完成，失败步骤：" + e.Title.ZH}}
	if e.State == fleet.LeftToIt || e.State == fleet.Kept { // not "nothing was changed", also when we were interrupted
		out.Err = errors.New(e.Err.Error())
	}
	switch e.State {
	case fleet.Undone:
		out.Hint = finding.T("everything is as it was; the old credentials work", "已全部还原，旧凭证仍可使用")
	case fleet.Kept:
		out.Hint = finding.T("the new key is in place and stays bound, and the old credentials work as before: nothing else was changed. When the machine answers, run the same command again", "新公钥已写入并保持绑定，旧凭证仍可使用，未做其他更改。机器恢复响应后，请再次执行同一命令")
	case fleet.LeftToIt:
		out.Hint = finding.Tf("the machine does not answer: its guard restores everything within %s of the start, unless it was told before that all is well. Then try the old credentials, and the new key", "无法连接目标机器：守护进程会在开始后 %s 内还原全部更改（除非此前已确认完成）。届时请尝试旧凭证和新密钥", e.After)
	default:
		out.Hint = finding.T("nothing on the machine was changed", "目标机器上未做任何更改")
	}
	return out
}
