package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
	"assay/internal/sandbox"
)

type inspectFlags struct {
	outputFlags
	machine      machineFlags
	checks       []string
	disks        []string
	noContent    bool
	confidence   int
	maxFile      string
	showSecrets  bool
	digest       bool
	allowBacking bool
	diskFormat   string
	spillDir     string
	spillLimit   string
	memory       string
	timeout      time.Duration
	sandbox      string
}

func (a *app) inspectCmd() *cobra.Command {
	o := &inspectFlags{}
	c := &cobra.Command{
		Use:   "inspect TARGET...",
		Short: a.t("Say what is in an image, a directory or this machine; changes nothing", "检查镜像、目录或本机的内容，不做任何更改"),
		Long: a.t(`Inspects each TARGET and says who can log in and what it gives away.

TARGET is an image file (raw, qcow2, VHD, VHDX, VMDK, VDI, also .gz and .zst),
a block device, a directory that holds a system's tree, / for this machine, or a
running Linux machine: ssh://user@host:port, or ecs://REGION/INSTANCE through Cloud
Assistant, which brings no hash and no private file.`,
			`检查每个 TARGET：谁能登录、泄露了什么。

TARGET 可以是镜像文件（raw、qcow2、VHD、VHDX、VMDK、VDI，以及 .gz 和 .zst）、
块设备、存放系统文件树的目录、/（本机），或运行中的 Linux 机器：ssh://用户@主机:端口，
或 ecs://地域/实例（通过云助手，不传输密码哈希和私有文件）。`) + a.exitStatus(),
		Example: "  assay inspect image.qcow2\n  assay inspect boot.vhd --disk data.vhd --report report.html\n  assay inspect / --fail-on high",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return a.inspect(c.Context(), o, args) },
	}
	o.add(c, a)
	o.addMachine(c, a)
	o.machine.add(c, a)
	o.addReading(c, a)
	return c
}

// addReading adds the flags of how contents are read and shown.
func (o *inspectFlags) addReading(c *cobra.Command, a *app) {
	f := c.Flags()
	f.IntVar(&o.confidence, "min-confidence", 0, a.t("credentials in contents: leave out what is less sure than this, 1 to 100 (default: 50)", "文件内容中的凭证：略去可信度低于此值的结果，1 到 100（默认：50）"))
	f.StringVar(&o.maxFile, "max-file-size", "", a.t("read only this much of larger files, and say so (default: all)", "对更大的文件只读取这么多，并如实说明（默认：全部读取）"))
	f.BoolVar(&o.showSecrets, "show-secrets", false, a.t("show the secrets in the files of a directory, on a terminal only", "显示目录中文件里的机密内容，仅限终端"))
}

// addMachine adds the flags of how a machine is looked at.
func (o *inspectFlags) addMachine(c *cobra.Command, a *app) {
	f := c.Flags()
	f.StringArrayVar(&o.checks, "check", nil, a.t("run only this check or group (repeatable): any/ssh", "仅运行该检查项或分组（可重复）：any/ssh"))
	f.StringArrayVar(&o.disks, "disk", nil, a.t("a further disk of the same machine (repeatable)", "同一台机器的其他磁盘（可重复）"))
	f.BoolVar(&o.noContent, "no-content", false, a.t("leave out checks that read file contents at large", "跳过大量读取文件内容的检查项"))
	f.BoolVar(&o.digest, "digest", false, a.t("compute the sha256 of the image file", "计算镜像文件的 sha256"))
	f.BoolVar(&o.allowBacking, "allow-backing", false, a.t("let an image's header name further files to read", "允许镜像头部指定需读取的其他文件"))
	f.StringVar(&o.diskFormat, "disk-format", "", a.t("format of the image: raw, qcow2, vhd, vhdx, vmdk, vdi (default: look at the bytes)", "镜像格式：raw、qcow2、vhd、vhdx、vmdk、vdi（默认自动识别）"))
	f.StringVar(&o.spillDir, "spill-dir", os.TempDir(), a.t("folder for the temporary file of a compressed image", "压缩镜像解压所用临时文件的目录"))
	f.StringVar(&o.spillLimit, "spill-limit", "64GiB", a.t("bound of that file", "该临时文件的大小上限"))
	f.StringVar(&o.memory, "memory", "512MiB", a.t("memory to aim for", "内存使用目标"))
	f.DurationVar(&o.timeout, "timeout", 0, a.t("give up after this time (0: never)", "超过该时间则放弃（0：不限）"))
	f.StringVar(&o.sandbox, "sandbox", "auto", a.t("auto, require (fail without Landlock) or off", "auto、require（没有 Landlock 则失败）或 off"))
}

func (a *app) inspect(ctx context.Context, o *inspectFlags, args []string) error {
	job, err := o.job(a)
	if err != nil {
		return err
	}
	if len(args) > 1 && len(o.disks) > 0 {
		return cli.Usage(finding.T("--disk belongs to one machine, but several targets are given", "--disk 属于一台机器，但给出了多个目标"),
			finding.T("inspect them one after the other", "请逐个检查"))
	}
	targets := make([]assay.Target, 0, len(args))
	defer func() { closeAll(targets) }()
	for _, arg := range args {
		t, err := a.openAny(ctx, &o.machine, arg, o.disks)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	defer o.abort()
	j, err := o.handler(a)
	if err != nil {
		return err
	}
	h, err := o.showing(a, j, job.Key, targets)
	if err != nil {
		return err
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	for _, t := range targets {
		if err = a.inspectOne(ctx, job, t, h); err != nil {
			break
		}
	}
	if errors.Is(err, context.Canceled) {
		return err // a half report would look like a whole one
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("not finished after %s", "%s 内未完成", o.timeout),
			Hint: finding.T("give it more time with --timeout, or leave out contents with --no-content", "可用 --timeout 延长时间，或用 --no-content 跳过文件内容")}
	}
	if err != nil {
		return err
	}
	if err := h.Close(); err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written", "无法写入报告"), Err: err}
	}
	a.code = exitCode(j)
	return nil
}

// inspectOne inspects one target, in a sandbox unless it is off. A target that
// fails is part of the stream (its verdict says why), so the next goes on.
func (a *app) inspectOne(ctx context.Context, job job, t assay.Target, h report.Handler) error {
	job.Started = time.Now()
	if job.Sandbox == sandbox.None {
		o := job.options()
		o.Sandbox, o.Disk.Siblings = sandbox.None, true
		err := assay.Inspect(ctx, t, o, h)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_ = err // told by the verdict
		return nil
	}
	return a.inspectInChild(ctx, job, t, h)
}

// minMemory is the least with which Go's run time and the readers start.
const minMemory = 64 << 20

func (o *inspectFlags) job(a *app) (job, error) {
	j := job{Checks: o.checks, NoContent: o.noContent, Digest: o.digest, Sandbox: o.sandbox,
		Disk: assay.DiskOptions{Format: o.diskFormat, AllowBacking: o.allowBacking, SpillDir: o.spillDir}}
	if o.sandbox != "auto" && o.sandbox != "require" && o.sandbox != sandbox.None {
		return j, cli.Usage(finding.Tf("unknown value %q for --sandbox", "--sandbox 的值 %q 无效", o.sandbox), finding.T("use auto, require or off", "请使用 auto、require 或 off"))
	}
	if _, err := assay.Select(o.checks, o.noContent); err != nil {
		return j, cli.Usage(finding.T(err.Error(), "没有这样的检查项："+strings.Join(o.checks, " ")), finding.T("assay checks lists them", "assay checks 会列出所有检查项"))
	}
	for _, x := range []struct {
		flag, value string
		to          *int64
	}{{"--memory", o.memory, &j.Memory}, {"--spill-limit", o.spillLimit, &j.Disk.SpillLimit}, {"--max-file-size", o.maxFile, &j.Reading.MaxFileSize}} {
		if x.value == "" {
			continue
		}
		n, err := parseSize(x.value)
		if err != nil {
			return j, cli.Usage(finding.Tf("%s: %q is no size", "%s:%q 不是有效的大小", x.flag, x.value), finding.T("write it like 512MiB or 64GiB", "请写成 512MiB 或 64GiB 的形式"))
		}
		*x.to = n
	}
	if j.Reading.MinConfidence = o.confidence; o.confidence < 0 || o.confidence > 100 {
		return j, cli.Usage(finding.Tf("--min-confidence %d is out of range", "--min-confidence %d 超出范围", o.confidence), finding.T("use 1 to 100; 50 is the default", "请使用 1 到 100；默认为 50"))
	}
	if j.Memory < minMemory {
		return j, cli.Usage(finding.Tf("--memory %s is too little", "--memory %s 太小", o.memory), finding.T("64MiB is the least that works", "至少需要 64MiB"))
	}
	key, err := fingerprintKey()
	if err != nil {
		return j, err
	}
	j.Key = key
	return j, nil
}

// openTarget opens what an argument names.
func openTarget(arg string, disks []string) (assay.Target, error) {
	t := assay.Target{Name: arg}
	for _, scheme := range []string{"ssh://", "ecs://"} {
		if strings.HasPrefix(arg, scheme) {
			return t, cli.Usage(finding.Tf("%s targets are not part of this version", "此版本不支持 %s 目标", scheme),
				finding.T("run assay on the machine itself: assay inspect /", "请在目标机器上运行：assay inspect /"))
		}
	}
	info, err := os.Stat(arg)
	if err != nil {
		return t, cli.OpenError(arg, err)
	}
	if info.IsDir() {
		if len(disks) > 0 {
			return t, cli.Usage(finding.T("--disk goes with an image, not with a directory", "--disk 用于镜像，不能用于目录"), finding.Text{})
		}
		abs, err := filepath.Abs(arg)
		if err != nil {
			return t, err
		}
		return assay.DirTarget(arg, abs), nil
	}
	for _, name := range append([]string{arg}, disks...) {
		f, err := assay.OpenImage(name)
		if err != nil {
			closeAll([]assay.Target{t})
			return t, cli.OpenError(name, err)
		}
		t.Images = append(t.Images, assay.ImageFile{Path: name, File: f})
	}
	return t, nil
}

func closeAll(ts []assay.Target) {
	for _, t := range ts {
		for _, i := range t.Images {
			i.File.Close()
		}
	}
}
