package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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

type cleanFlags struct {
	inspectFlags
	outs     []string // one for each disk
	force    bool
	outFmt   string
	compress string
	planOut  string
	planIn   string
	profile  string
	keep     []string
	users    []string
	keys     []string
	remove   []string
	rmUsers  []string
	redact   bool
	accept   []string
	reason   string
	dirFlags
}

func (a *app) cleanCmd() *cobra.Command {
	o := &cleanFlags{}
	c := &cobra.Command{
		Use:   "clean IMAGE -o OUT | clean DIR",
		Short: a.t("Write a clean copy of an image, or clean a directory or this machine", "生成镜像的干净副本，或清理目录或本机"),
		Long: a.t(`Inspects IMAGE, plans what is to be removed, writes a copy without it, and
inspects the copy. IMAGE is only read. OUT appears whole, or not at all.

DIR (a mounted system, or / for this machine) is cleaned in place: assay shows
the plan and asks. On / what could lock you out is left; with --for-image the
machine is cleaned as the last step before an image is made of it.

What is safe is done: the copy boots, and gets its credentials at first boot.
What needs a person is left and listed; the exit status is 3 until each is
decided (--remove, --redact, --remove-user, --accept).`,
			`检查 IMAGE，生成清理计划，写出不含这些内容的副本，并再次检查副本。
IMAGE 只会被读取。OUT 要么完整出现，要么不出现。

DIR（已挂载的系统，或表示本机的 /）会就地清理：assay 先展示计划并询问。
对 /，可能导致您无法登录的内容会保留；加 --for-image 则按制作镜像前的最后一步清理。

安全的操作会直接执行：副本可以启动，并在首次启动时获得自己的凭证。
需要人工决定的内容会保留并列出；在逐项决定之前（--remove、--redact、
--remove-user、--accept），退出码为 3。`) + a.exitStatus(),
		Example: "  assay clean golden.qcow2 -o clean.qcow2\n  assay clean golden.raw --plan plan.json\n  assay clean golden.raw --apply-plan plan.json -o clean.qcow2 --compress zlib\n  assay clean /mnt/guest\n  sudo assay clean / --for-image --yes",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.clean(c.Context(), o, args[0]) },
	}
	o.add(c, a)
	o.addMachine(c, a)
	o.addClean(c, a)
	o.addDir(c, a)
	return c
}

func (o *cleanFlags) addClean(c *cobra.Command, a *app) {
	f := c.Flags()
	f.StringArrayVarP(&o.outs, "output", "o", nil, a.t("the clean copy; with --disk once for each disk, in their order", "干净副本的文件名；使用 --disk 时按磁盘顺序逐个指定"))
	f.BoolVar(&o.force, "force", false, a.t("replace OUT if it exists", "OUT 已存在时覆盖"))
	f.StringVar(&o.outFmt, "out-format", "", a.t("format of the copy: raw, qcow2, vhd, vhd-fixed (default: OUT's ending, else qcow2)", "副本格式：raw、qcow2、vhd、vhd-fixed（默认取 OUT 的扩展名，否则为 qcow2）"))
	f.StringVar(&o.compress, "compress", "", a.t("qcow2: zlib or zstd", "qcow2 压缩：zlib 或 zstd"))
	f.StringVar(&o.planOut, "plan", "", a.t("write the plan to FILE (JSON) and stop", "将计划写入 FILE(JSON)后停止"))
	f.StringVar(&o.planIn, "apply-plan", "", a.t("run exactly the plan in FILE", "严格执行 FILE 中的计划"))
	f.StringVar(&o.profile, "profile", string(plan.Image), a.t("image (all that is safe), minimal (credentials only), documents (also what the documents demand)", "image（所有安全操作）、minimal（仅凭证）、documents（按安全文档要求全部清理）"))
	f.StringArrayVar(&o.keep, "keep", nil, a.t("leave this path, pattern, check or finding alone (repeatable)", "保留该路径、通配、检查项或问题（可重复）"))
	f.StringArrayVar(&o.users, "keep-user", nil, a.t("leave this user alone (repeatable)", "保留该用户（可重复）"))
	f.StringArrayVar(&o.keys, "keep-key", nil, a.t("leave the public key with this fingerprint (SHA256:…) alone (repeatable)", "保留该指纹（SHA256:…）的公钥（可重复）"))
	f.StringArrayVar(&o.remove, "remove", nil, a.t("remove this path or pattern, or take the fix of this check or finding though it is not safe (repeatable)", "删除该路径或通配；或对该检查项、问题执行其非安全修复（可重复）"))
	f.StringArrayVar(&o.rmUsers, "remove-user", nil, a.t("remove this user with home, mail, cron jobs and sudo rules (repeatable)", "删除该用户及其主目录、邮件、定时任务和 sudo 规则（可重复）"))
	f.BoolVar(&o.redact, "redact", false, a.t("overwrite hard-coded secrets in place by a placeholder of the same length", "用等长占位符原位覆盖硬编码机密"))
	f.StringArrayVar(&o.accept, "accept", nil, a.t("keep the finding with this ID knowingly; needs --reason (repeatable)", "明知并保留该 ID 的问题；需要 --reason（可重复）"))
	f.StringVar(&o.reason, "reason", "", a.t("why the accepted findings stay", "保留的理由"))
}

// A cleanJob is what the child needs to know beside the inspection.
type cleanJob struct {
	Decide           plan.Options
	Given            []byte
	Ignore           [][]byte  // files of accepted findings
	Copies           []copyJob // one for each disk; none stops after the plan
	Inspect, AsImage bool      // only inspect: a directory is changed by the parent
}

// A copyJob is one copy that is to be written.
type copyJob struct{ Name, Format, Compress string }

// filesOf is how many descriptors one copy needs: scratch space, and its own.
const filesOf = 2

// run cleans in the child: behind the images lie the descriptors of the plan,
// and for each copy that of its scratch file and its own.
func (j *cleanJob) run(t assay.Target, o assay.Options, fd int, h report.Handler, errs io.Writer) int {
	if j.Inspect {
		o.AsImage = j.AsImage
		if assay.Inspect(context.Background(), t, o, h) != nil {
			return cli.ExitFailed // told by the verdict in the stream
		}
		return cli.ExitClean
	}
	files := []*os.File{os.NewFile(uintptr(fd), "plan")}
	for i, to := range j.Copies {
		at := uintptr(fd + 1 + filesOf*i)
		files = append(files, os.NewFile(at, "scratch"), os.NewFile(at+1, to.Name))
	}
	err := j.clean(context.Background(), t, o, h, files)
	if err != nil && !errors.Is(err, errNotCleaned) {
		fmt.Fprintln(errs, err)
	}
	if err != nil {
		return cli.ExitFailed
	}
	return cli.ExitClean
}

// clean does the work, in the child or in this process. files are that of the
// plan, and for each copy its scratch space and itself. What Clean itself fails
// with is errNotCleaned: its stream says why.
func (j *cleanJob) clean(ctx context.Context, t assay.Target, o assay.Options, h report.Handler, files []*os.File) error {
	c := assay.CleanOptions{Options: o, Decide: j.Decide, Accept: &accept.List{}}
	for i, to := range j.Copies {
		at := 1 + filesOf*i
		c.Copies = append(c.Copies, assay.Copy{Name: to.Name, Spill: files[at], File: files[at+1], Format: to.Format, Compress: to.Compress})
	}
	for _, b := range j.Ignore {
		if err := c.Accept.Parse(b, time.Now()); err != nil {
			return err
		}
	}
	if j.Given != nil {
		p, err := plan.Parse(j.Given)
		if err != nil {
			return err
		}
		c.Given = p
	}
	p, err := assay.Clean(ctx, t, c, h)
	if err != nil {
		return errors.Join(errNotCleaned, err)
	}
	b, err := p.Marshal()
	if err == nil {
		_, err = files[0].Write(b)
	}
	return err
}

// errNotCleaned is a clean that failed and said why in its stream.
var errNotCleaned = errors.New("not cleaned")

func (a *app) clean(ctx context.Context, o *cleanFlags, image string) error {
	if err := o.sane(image); err != nil {
		return err
	}
	cj, err := o.cleanJob()
	if err != nil {
		return err
	}
	o.traces = firstRun()
	job, err := o.job(a)
	if err != nil {
		return err
	}
	t, err := openTarget(image, o.disks)
	if err != nil {
		return err
	}
	targets := []assay.Target{t}
	defer closeAll(targets)
	if t.Dir != "" {
		return a.cleanDir(ctx, o, job, cj, t)
	}
	return a.cleanImage(ctx, o, job, cj, t)
}

// outputs are the files of a clean that have no name yet.
type outputs struct {
	plan   *durable.File
	copies []*durable.File
	space  []*durable.File // scratch, one for each copy
	files  []*os.File      // all of them in the order of cleanJob.clean
}

// openOutputs makes the files of a clean, each copy beside its scratch space.
func (j *cleanJob) openOutputs() (*outputs, error) {
	dir := os.TempDir()
	if len(j.Copies) > 0 {
		dir = filepath.Dir(j.Copies[0].Name)
	}
	f, err := durable.Scratch(dir)
	if err != nil {
		return nil, cli.OpenError(dir, err)
	}
	out := &outputs{plan: f, files: []*os.File{f.File}}
	for _, to := range j.Copies {
		dir := filepath.Dir(to.Name)
		scratch, err := durable.Scratch(dir)
		if err != nil {
			out.abort()
			return nil, cli.OpenError(dir, err)
		}
		out.space, out.files = append(out.space, scratch), append(out.files, scratch.File)
		f, err := durable.Create(to.Name, 0o644)
		if err != nil {
			out.abort()
			return nil, cli.OpenError(to.Name, err)
		}
		out.copies, out.files = append(out.copies, f), append(out.files, f.File)
	}
	return out, nil
}

// abort closes everything; what has no name yet never gets one.
func (o *outputs) abort() {
	for _, f := range slices.Concat([]*durable.File{o.plan}, o.space, o.copies) {
		f.Abort()
	}
}

// commit gives the copies their names: all of them, or none.
func (o *outputs) commit(copies []copyJob) error {
	for i, f := range o.copies {
		if err := f.Commit(); err != nil {
			for _, done := range copies[:i] {
				err = errors.Join(err, os.Remove(done.Name))
			}
			return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s could not be finished", "无法完成 %s", copies[i].Name), Err: err}
		}
	}
	return nil
}

// cleanImage writes the copies of a machine's images.
func (a *app) cleanImage(ctx context.Context, o *cleanFlags, job job, cj *cleanJob, t assay.Target) error {
	h, err := o.handler(a)
	if err != nil {
		return err
	}
	defer o.abort()
	out, err := cj.openOutputs()
	if err != nil {
		return err
	}
	defer out.abort()
	job.Clean, job.Started = cj, time.Now()
	if job.Sandbox == sandbox.None {
		err = a.cleanHere(ctx, job, t, h, out.files)
	} else {
		err = a.inspectInChild(ctx, job, t, h, out.files...)
	}
	if err == nil && h.Broken {
		err = errNotCleaned
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, errNotCleaned) {
		return err
	}
	if cerr := h.Close(); cerr != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written", "无法写入报告"), Err: cerr}
	}
	if err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s was not made", "未生成 %s", firstOf(strings.Join(o.outs, ", "), o.planOut)),
			Hint: finding.T("the report above says why; the image itself was not touched", "原因见上方报告；原镜像未被改动")}
	}
	return a.finish(o, cj, h, out)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// finish gives the plan and the copies their names, and says what is left to
// decide.
func (a *app) finish(o *cleanFlags, cj *cleanJob, h *assay.Judged, out *outputs) error {
	b, err := io.ReadAll(io.NewSectionReader(out.plan, 0, plan.MaxSize))
	if err != nil {
		return err
	}
	if len(cj.Copies) == 0 {
		if err := durable.WriteFile(o.planOut, b, 0o600); err != nil {
			return cli.OpenError(o.planOut, err)
		}
		a.hint(finding.Tf("assay: the plan is in %[1]s; run it with: assay clean IMAGE --apply-plan %[1]s -o OUT", "assay：计划已写入 %[1]s；执行：assay clean IMAGE --apply-plan %[1]s -o OUT", o.planOut))
		return nil
	}
	p, err := plan.Parse(b)
	if err != nil {
		return err
	}
	if err := out.commit(cj.Copies); err != nil {
		return err
	}
	a.code = exitCode(h)
	if a.code == cli.ExitFindings {
		a.open(p, h.Counted)
	}
	return nil
}

// maxOpen is how many open decisions are listed; the plan has all of them.
const maxOpen = 15

// open lists what only a person can decide and the copy still has.
func (a *app) open(p *plan.Plan, counted map[string]bool) {
	var lines []string
	for _, d := range p.Decisions {
		if !counted[d.ID] {
			continue // another step settled it, or it does not count
		}
		lines = append(lines, fmt.Sprintf("  %s  %s  %s\n      %s", d.ID, report.SeverityWord(d.Severity).In(a.lang),
			report.Printable(d.Title.In(a.lang)), report.Printable(d.How.In(a.lang))))
	}
	if len(lines) == 0 {
		return
	}
	if len(lines) == 1 {
		a.hint(finding.T("\nassay: the copy is made; 1 decision is open:", "\nassay：副本已生成，尚有 1 项待决定："))
	} else {
		a.hint(finding.Tf("\nassay: the copy is made; %d decisions are open:", "\nassay：副本已生成，尚有 %d 项待决定：", len(lines)))
	}
	for i, l := range lines {
		if i == maxOpen {
			a.hint(finding.Tf("  … and %d more: --plan FILE lists all", "  … 另有 %d 项：用 --plan FILE 查看全部", len(lines)-i))
			break
		}
		a.hint(finding.T(l, l))
	}
}

func (a *app) hint(t finding.Text) { fmt.Fprintln(os.Stderr, t.In(a.lang)) }

// cleanHere is the child's work in this process.
func (a *app) cleanHere(ctx context.Context, j job, t assay.Target, h report.Handler, files []*os.File) error {
	o := j.options()
	o.Sandbox, o.Disk.Siblings = sandbox.None, true
	return j.Clean.clean(ctx, t, o, h, files)
}

// sane refuses what cannot be meant.
func (o *cleanFlags) sane(image string) error {
	info, err := os.Stat(image)
	if err != nil {
		return cli.OpenError(image, err)
	}
	switch {
	case info.IsDir() && len(o.outs) > 0:
		return cli.Usage(finding.T("a directory is cleaned in place: -o goes with an image", "目录会被就地清理：-o 只用于镜像"), finding.Text{})
	case !info.IsDir() && len(o.outs) == 0 && o.planOut == "":
		return cli.Usage(finding.T("where should the clean copy go?", "未指定干净副本的位置"), finding.T("name it with -o OUT, or see the plan with --plan FILE", "用 -o OUT 指定，或用 --plan FILE 查看计划"))
	case !info.IsDir() && o.sysprep:
		return errSysprep
	case len(o.outs) > 0 && o.planOut != "":
		return cli.Usage(finding.T("--plan stops before anything is written: leave -o out", "--plan 不会写出副本：请去掉 -o"), finding.Text{})
	case o.planIn != "" && o.planOut != "":
		return cli.Usage(finding.T("--plan and --apply-plan exclude each other", "--plan 与 --apply-plan 不能同时使用"), finding.Text{})
	case len(o.outs) > 0 && len(o.outs) != 1+len(o.disks):
		return cli.Usage(finding.Tf("%d disks and %d copies", "%d 块磁盘，但指定了 %d 个副本", 1+len(o.disks), len(o.outs)),
			finding.T("give -o once for IMAGE, then once for each --disk, in their order", "请为 IMAGE 和每个 --disk 各指定一次 -o，顺序一致"))
	case len(o.accept) > 0 && strings.TrimSpace(o.reason) == "":
		return cli.Usage(finding.T("--accept needs --reason", "--accept 需要同时指定 --reason"), finding.Text{})
	case !slices.Contains([]string{string(plan.Image), string(plan.Minimal), string(plan.Documents)}, o.profile):
		return cli.Usage(finding.Tf("unknown profile %q", "未知的 profile：%q", o.profile), finding.T("use image, minimal or documents", "请使用 image、minimal 或 documents"))
	}
	if info.IsDir() {
		return o.saneDir()
	}
	return o.saneOuts(append([]string{image}, o.disks...))
}

// saneOuts refuses copies that would hit an image, each other, or what is there.
func (o *cleanFlags) saneOuts(images []string) error {
	for i, out := range o.outs {
		if slices.ContainsFunc(o.outs[:i], func(s string) bool { return filepath.Clean(s) == filepath.Clean(out) }) {
			return cli.Usage(finding.Tf("%s is named twice", "重复指定了 %s", out), finding.T("each disk needs a copy of its own", "每块磁盘需要各自的副本"))
		}
		there, err := os.Stat(out)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return cli.OpenError(out, err)
		}
		for _, image := range images {
			if info, err := os.Stat(image); err == nil && os.SameFile(info, there) {
				return cli.Usage(finding.T("OUT is IMAGE itself: an image is never changed in place", "OUT 就是 IMAGE：不会就地修改镜像"), finding.T("give the copy another name", "请为副本指定其他文件名"))
			}
		}
		if !o.force {
			return cli.Usage(finding.Tf("%s exists", "%s 已存在", out), finding.T("give another name, or replace it with --force", "请换一个文件名，或用 --force 覆盖"))
		}
	}
	return nil
}

func (o *cleanFlags) cleanJob() (*cleanJob, error) {
	j := &cleanJob{Decide: plan.Options{
		Profile: plan.Profile(o.profile), Keep: o.keep, KeepUsers: o.users, KeepKeys: o.keys,
		Remove: o.remove, RemoveUsers: o.rmUsers, Redact: o.redact}}
	if err := j.Decide.Validate(); err != nil {
		return nil, &cli.Error{Code: cli.ExitUsage, What: finding.T("this must not be removed", "不能删除该内容"), Err: err,
			Hint: finding.T("lock passwords and remove keys instead: the plan does so by itself", "请改为锁定密码、删除密钥：计划会自动处理")}
	}
	for _, out := range o.outs {
		format, err := o.outFormat(out)
		if err != nil {
			return nil, err
		}
		j.Copies = append(j.Copies, copyJob{Name: out, Format: format, Compress: o.compress})
	}
	for _, name := range o.ignore {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, cli.OpenError(name, err)
		}
		j.Ignore = append(j.Ignore, b)
	}
	if len(o.accept) > 0 {
		o.accepted = acceptances(o.accept, o.reason)
		j.Ignore = append(j.Ignore, o.accepted)
	}
	if o.planIn != "" {
		b, err := os.ReadFile(o.planIn)
		if err != nil {
			return nil, cli.OpenError(o.planIn, err)
		}
		if _, err := plan.Parse(b); err != nil {
			return nil, &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s cannot be used", "无法使用 %s", o.planIn), Err: err,
				Hint: finding.T("make a new one with --plan, and decide with --keep and --remove instead of editing it", "请用 --plan 重新生成，并用 --keep、--remove 表达决定，而不是编辑文件")}
		}
		j.Given = b
	}
	return j, nil
}

// acceptances writes accepted IDs as an ignore file.
func acceptances(ids []string, reason string) []byte {
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "- id: %q\n  reason: %q\n  expires: 9999-12-31\n", id, reason)
	}
	return []byte(b.String())
}

// outFormat is the format of a copy: named, or told by its ending.
func (o *cleanFlags) outFormat(out string) (string, error) {
	format := o.outFmt
	if format == "" {
		format = map[string]string{".raw": "raw", ".img": "raw", ".vhd": "vhd"}[strings.ToLower(filepath.Ext(out))]
	}
	if format == "" {
		format = "qcow2"
	}
	if !slices.Contains([]string{"raw", "qcow2", "vhd", "vhd-fixed"}, format) {
		return "", cli.Usage(finding.Tf("images of format %q are not written", "不支持写出 %q 格式的镜像", format), finding.T("use raw, qcow2, vhd or vhd-fixed", "请使用 raw、qcow2、vhd 或 vhd-fixed"))
	}
	if o.compress != "" && (format != "qcow2" || o.compress != "zlib" && o.compress != "zstd") {
		return "", cli.Usage(finding.Tf("--compress %s does not go with %s", "--compress %s 不适用于 %s", o.compress, format), finding.T("compress qcow2 with zlib (Alibaba Cloud imports it) or zstd", "qcow2 可用 zlib（阿里云支持导入）或 zstd 压缩"))
	}
	return format, nil
}
