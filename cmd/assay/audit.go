package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/durable"
)

// cloudFlags say which account is asked, and as whom.
type cloudFlags struct {
	profile  string
	endpoint string
}

func (o *cloudFlags) add(c *cobra.Command, a *app) {
	f := c.Flags()
	f.StringVar(&o.profile, "profile", "", a.t("profile of the aliyun CLI (default: environment, CLI configuration, instance RAM role)", "阿里云 CLI 的配置名称（默认依次使用环境变量、CLI 配置、实例 RAM 角色）"))
	f.StringVar(&o.endpoint, "endpoint", "", a.t("send every call to this loopback address: assay double", "将所有请求发送到此本机地址：assay double"))
}

// open makes the client. It asks nothing yet.
func (o *cloudFlags) open(region string) (*aliyun.Client, error) {
	c, err := aliyun.New(aliyun.Options{Profile: o.profile, Endpoint: o.endpoint, Region: region})
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUsage, What: finding.T("no client for the cloud can be made", "无法创建云客户端"), Err: err, Hint: assay.AuditHint(err)}
	}
	return c, nil
}

type auditFlags struct {
	outputFlags
	cloudFlags
	regions     []string
	checks      []string
	save        string
	snapshot    string
	permissions bool
	trailDays   int
}

func (a *app) auditCmd() *cobra.Command {
	o := &auditFlags{}
	c := &cobra.Command{
		Use:   "audit",
		Short: a.t("Say what an account shares, exports and hands on, and who may; changes nothing", "检查账号共享、导出了什么，谁有权限，不做任何更改"),
		Long: a.t(`Reads an Alibaba Cloud account in all its regions and says which images and snapshots
are shared, published or exported and with whom, which templates, configurations and
launches hand on an image's password, which users, groups and roles may do so, and which
paths stay open whatever the policies say. What may not be read is named as a gap.

--permissions prints the least RAM policy that an audit needs. --save keeps what was read;
--snapshot judges it again without asking anybody.`,
			`读取阿里云账号在所有地域中的资源：哪些镜像和快照被共享、公开或导出给谁，哪些启动模板、
伸缩配置和创建操作沿用镜像预设密码，哪些用户、用户组和角色有权这样做，以及哪些路径
未被策略阻止。无权读取的内容会列为未检查项。

--permissions 输出审计所需的最小 RAM 策略。--save 保存读取的内容；
--snapshot 重新判断已保存的内容，不发出任何请求。`) + a.exitStatus(),
		Example: "  assay audit --profile prod --report account.html\n  assay audit --region cn-hangzhou --save account.json\n  assay audit --snapshot account.json --fail-on high\n  assay audit --permissions > audit-policy.json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.audit(c.Context(), o) },
	}
	o.outputFlags.add(c, a)
	o.cloudFlags.add(c, a)
	f := c.Flags()
	f.StringArrayVar(&o.regions, "region", nil, a.t("look at this region only (repeatable)", "仅检查此地域（可重复）"))
	f.StringArrayVar(&o.checks, "check", nil, a.t("run only this check or group (repeatable): account/share", "仅运行该检查项或分组（可重复）：account/share"))
	f.StringVar(&o.save, "save", "", a.t("write what was read to FILE", "将读取的内容写入 FILE"))
	f.StringVar(&o.snapshot, "snapshot", "", a.t("judge FILE, which --save wrote, and ask nobody", "判断 --save 写入的 FILE，不发出请求"))
	f.BoolVar(&o.permissions, "permissions", false, a.t("print the RAM policy that an audit needs, and stop", "输出审计所需的 RAM 策略后结束"))
	f.IntVar(&o.trailDays, "trail-days", 90, a.t("how far back ActionTrail is asked, at most 90; 0 leaves it out", "查询操作审计的天数，最多 90；0 表示不查询"))
	return c
}

func (a *app) audit(ctx context.Context, o *auditFlags) error {
	if o.permissions {
		return a.auditPermissions()
	}
	if o.trailDays < 0 || o.trailDays > 90 {
		return cli.Usage(finding.Tf("--trail-days %d is not between 0 and 90", "--trail-days %d 不在 0 到 90 之间", o.trailDays), finding.T("ActionTrail keeps 90 days", "操作审计保留 90 天"))
	}
	for _, r := range o.regions {
		if !validRegion.MatchString(r) {
			return cli.Usage(finding.Tf("--region %q is no region", "--region %q 不是有效的地域", r), finding.T("write it like cn-hangzhou", "请写成 cn-hangzhou 的形式"))
		}
	}
	if _, err := assay.SelectAccount(o.checks); err != nil {
		return cli.Usage(finding.Tf("%v", "没有这样的账号检查项：%v", err), finding.T("assay checks account lists them", "assay checks account 会列出所有账号检查项"))
	}
	opts := assay.AuditOptions{Checks: o.checks, Command: "audit", Started: time.Now(), Collect: cloud.Options{Regions: o.regions, TrailDays: o.trailDays, Now: time.Now()}}
	target, err := o.source(&opts)
	if err != nil {
		return err
	}
	h, err := o.handler(a)
	if err != nil {
		return err
	}
	defer o.abort()
	err = assay.Audit(ctx, target, opts, h)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if closed := h.Close(); closed != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written", "无法写入报告"), Err: closed}
	}
	if err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("the account could not be audited", "无法审计该账号"), Err: err, Hint: assay.AuditHint(err)}
	}
	a.code = exitCode(h)
	return nil
}

// validRegion keeps a typing mistake from becoming a host name.
var validRegion = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+$`)

// source opens what is judged: a saved snapshot, or the account.
func (o *auditFlags) source(opts *assay.AuditOptions) (target string, err error) {
	if o.snapshot != "" {
		if o.save != "" || len(o.regions) > 0 || o.endpoint != "" || o.profile != "" {
			return "", cli.Usage(finding.T("--snapshot asks nobody: --save, --region, --profile and --endpoint do not go with it", "--snapshot 不发出请求：不能与 --save、--region、--profile、--endpoint 同时使用"), finding.Text{})
		}
		f, err := os.Open(o.snapshot)
		if err != nil {
			return "", cli.OpenError(o.snapshot, err)
		}
		defer f.Close()
		if opts.Snapshot, err = cloud.Load(f); err != nil {
			return "", &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s is no snapshot of an account", "%s 不是账号快照", o.snapshot), Err: err, Hint: finding.T("make one with assay audit --save FILE", "可用 assay audit --save FILE 生成")}
		}
		return o.snapshot, nil
	}
	region := ""
	if len(o.regions) > 0 {
		region = o.regions[0]
	}
	client, err := o.open(region)
	if err != nil {
		return "", err
	}
	opts.Caller = client
	if o.save != "" {
		opts.Save = func(s *cloud.Snapshot) error { return saveSnapshot(o.save, s) }
	}
	return "alibaba cloud account", nil
}

func saveSnapshot(name string, s *cloud.Snapshot) error {
	f, err := durable.Create(name, 0o600)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := errors.Join(s.Save(f.File)); err != nil {
		return err
	}
	return f.Commit()
}

func (a *app) auditPermissions() error {
	var names []string
	for _, r := range cloud.Reads() {
		names = append(names, r.Product+":"+r.Action)
	}
	text, err := aliyun.Permissions(names)
	if err != nil {
		return err
	}
	_, err = fmt.Print(text)
	return err
}
