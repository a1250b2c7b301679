package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/durable"
	"assay/internal/report"
	"assay/policy"
)

func (a *app) policyShowCmd() *cobra.Command {
	var scope, profile, format, dir string
	var exempt []string
	c := &cobra.Command{
		Use:   "show",
		Short: a.t("Print the policies to attach", "输出应绑定的策略"),
		Long: a.t(`Prints the deny policies on standard output, and what ordinary work they stop on
standard error. The profile documents is exactly what the two documents publish;
strict closes every further path that a policy can close. Documents are split where
a limit of the service asks for it.`,
			`在标准输出打印禁止策略，在标准错误说明会影响哪些正常工作。
documents 与两份文档发布的完全一致；strict 关闭策略能关闭的所有其他路径。
超出服务限制时会拆分为多个文档。`),
		Example: "  assay policy show > deny.json\n  assay policy show --exempt acs:ram::*:role/image-admin --format terraform > deny.tf\n  assay policy show --scope user --profile documents",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.scope(scope)
			if err != nil {
				return err
			}
			p := policy.Profile(profile)
			if p != policy.Documents && p != policy.Strict {
				return cli.Usage(finding.Tf("unknown profile %q", "未知的方案 %q", profile), finding.T("use documents or strict", "请使用 documents 或 strict"))
			}
			if p == policy.Documents && len(exempt) > 0 {
				return cli.Usage(finding.T("--exempt goes with --profile strict: documents is exactly what is published", "--exempt 只能用于 --profile strict:documents 与发布内容完全一致"),
					finding.T("add --profile strict", "请加上 --profile strict"))
			}
			ws, err := policy.Write(p, s, exempt)
			if err != nil {
				return cli.Usage(finding.T("these policies cannot be written: "+err.Error(), "无法生成策略："+err.Error()), finding.Text{})
			}
			if err := a.show(ws, s, format, dir); err != nil {
				return err
			}
			a.breakage(p, ws, s)
			return nil
		},
	}
	a.scopeFlag(c, &scope)
	f := c.Flags()
	f.StringVar(&profile, "profile", "strict", a.t("documents (as published) or strict (every path that a policy can close)", "documents（与发布一致）或 strict（关闭策略能关闭的所有路径）"))
	f.StringArrayVar(&exempt, "exempt", nil, a.t("ARN of a user or role that may do what strict denies to others (repeatable)", "不受 strict 限制的用户或角色 ARN（可重复）"))
	f.StringVarP(&format, "format", "f", "json", a.t("json, terraform or ros", "json、terraform 或 ros"))
	f.StringVarP(&dir, "output", "o", "", a.t("write one file a policy into this folder", "将每个策略写入此目录中的单独文件"))
	return c
}

func (a *app) show(ws []policy.Written, s policy.Scope, format, dir string) error {
	var text, ending string
	switch format {
	case "json":
		for _, w := range ws {
			text += w.Text + "\n"
		}
	case "terraform":
		text, ending = policy.Terraform(ws, s), "assay-images.tf"
	case "ros":
		text, ending = policy.ROS(ws, s), "assay-images.ros.json"
	default:
		return cli.Usage(finding.Tf("unknown format %q", "未知的格式 %q", format), finding.T("use json, terraform or ros", "请使用 json、terraform 或 ros"))
	}
	if dir == "" {
		_, err := os.Stdout.WriteString(text)
		return err
	}
	files := map[string]string{ending: text}
	if ending == "" {
		files = map[string]string{}
		for _, w := range ws {
			files[w.Name+".json"] = w.Text + "\n"
		}
	}
	for name, t := range files {
		if err := durable.WriteFile(filepath.Join(dir, name), []byte(t), 0o644); err != nil {
			return cli.OpenError(filepath.Join(dir, name), err)
		}
	}
	return nil
}

// breakage tells on standard error what the policies stop, so that standard
// output stays a document.
func (a *app) breakage(p policy.Profile, ws []policy.Written, s policy.Scope) {
	st := cli.ColorFor(os.Stderr, os.Getenv)
	limit := policy.LimitIdentity
	if s == policy.Enterprise {
		limit = policy.LimitControlSafe
	}
	for _, w := range ws {
		fmt.Fprintln(os.Stderr, st.Dim(fmt.Sprintf(a.t("%s: %d of %d characters", "%s:%d / %d 个字符"), w.Name, w.Size, limit)))
	}
	fmt.Fprintln(os.Stderr, st.Bold(a.t("What this stops besides the harm:", "除危害外还会影响：")))
	for _, b := range policy.Breakage(p) {
		fmt.Fprintln(os.Stderr, "  - "+strings.ReplaceAll(wrapText(b.In(a.lang), 90), "\n", "\n    "))
	}
	if s == policy.Enterprise {
		fmt.Fprintln(os.Stderr, st.Dim(a.t("Keep FullAliyunAccess attached on every level: a level without an Allow denies everything.", "请保留每一级的 FullAliyunAccess：没有 Allow 的级别会拒绝一切操作。")))
	} else {
		fmt.Fprintln(os.Stderr, st.Dim(a.t("Grant it for the whole account: in a resource group it is not reached where the account allows.", "请在账号级授予：资源组级的策略在账号级 Allow 匹配时不会被评估。")))
	}
}

func (a *app) policyExplainCmd() *cobra.Command {
	var scope, treeName, action, resource, principal string
	var pairs, unknown []string
	c := &cobra.Command{
		Use:     "explain FILE... --action ACTION",
		Short:   a.t("Derive one decision step by step", "逐步推导一个请求的结果"),
		Example: "  assay policy explain deny.json --action ecs:RunInstances --context ecs:PasswordInherit=true\n  assay policy explain deny.json --tree directory.json --principal acs:ram::111:user/alice --action ecs:ExportImage",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.scope(scope)
			if err != nil {
				return err
			}
			q := policy.Request{Action: action, Resource: resource, Principal: policy.Principal{ARN: principal}, Context: map[string][]string{}, Unknown: map[string]policy.Text{}}
			if !strings.Contains(action, ":") {
				return cli.Usage(finding.Tf("--action %q is no action", "--action %q 不是有效的操作", action), finding.T("write --action ecs:RunInstances", "请写成 --action ecs:RunInstances"))
			}
			for _, p := range pairs {
				k, v, ok := strings.Cut(p, "=")
				if !ok {
					return cli.Usage(finding.Tf("--context %q has no value", "--context %q 没有值", p), finding.T("write --context ecs:PasswordInherit=true", "请写成 --context ecs:PasswordInherit=true"))
				}
				q.Context[k] = append(q.Context[k], v)
			}
			for _, k := range unknown {
				q.Unknown[k] = policy.Text{EN: "said to be unknown", ZH: "指定为未知"}
			}
			files, err := readPolicyFiles(args)
			if err != nil {
				return err
			}
			t, err := tree(treeName)
			if err != nil {
				return err
			}
			if t != nil && principal == "" {
				return cli.Usage(finding.T("--tree needs --principal", "使用 --tree 时需要 --principal"), finding.T("name who asks: --principal acs:ram::ACCOUNT:user/NAME", "请指定请求者：--principal acs:ram::账号：user/名称"))
			}
			lines, _, err := assay.ExplainRequest(files, assay.PolicyOptions{Scope: s, Tree: t}, q)
			if err != nil {
				return &cli.Error{Code: cli.ExitFailed, What: finding.T("this request cannot be decided", "无法推导该请求"), Err: err, Hint: finding.T("assay policy lint FILE says what to write instead", "assay policy lint FILE 会给出正确写法")}
			}
			a.derivation(lines)
			return nil
		},
	}
	a.scopeFlag(c, &scope)
	f := c.Flags()
	f.StringVar(&action, "action", "", a.t("the API call: ecs:RunInstances", "API 操作：ecs:RunInstances"))
	f.StringVar(&resource, "resource", "*", a.t("the resource's ARN", "资源 ARN"))
	f.StringArrayVar(&pairs, "context", nil, a.t("KEY=VALUE of a condition key that the request carries (repeatable)", "请求携带的条件键 KEY=VALUE（可重复）"))
	f.StringArrayVar(&unknown, "unknown", nil, a.t("condition key of which nobody knows whether the request carries it (repeatable)", "不确定请求是否携带的条件键（可重复）"))
	f.StringVar(&principal, "principal", "", a.t("ARN of the caller", "调用者 ARN"))
	f.StringVar(&treeName, "tree", "", a.t("description of the Resource Directory (JSON)", "资源目录描述文件（JSON）"))
	return c
}

func (a *app) derivation(lines []policy.Line) {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	paint := map[policy.Mark]func(string) string{policy.MarkAllow: st.Green, policy.MarkDeny: st.BoldRed, policy.MarkMaybe: st.Yellow, policy.MarkSkip: st.Dim}
	for i, l := range lines {
		text := report.Printable(l.Text.In(a.lang))
		if p := paint[l.Mark]; p != nil {
			text = p(text)
		} else if l.Depth == 0 {
			text = st.Bold(text)
		}
		if i == len(lines)-1 {
			fmt.Println()
		}
		fmt.Println(strings.Repeat("   ", l.Depth) + text)
	}
}
