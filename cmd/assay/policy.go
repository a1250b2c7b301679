package main

import (
	"cmp"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
	"assay/policy"
)

func (a *app) policyCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: a.t("The deny policies that keep images safe: write, lint, check, explain, scan, bind", "保护镜像的禁止策略：编写、检查语法、评估、解释、扫描代码、绑定"),
		Long: a.t(`Writes the policies that deny inherited passwords, exports and shares, says what is
wrong with a policy, plays every known path to the harm against it, and looks for
what they forbid in infrastructure code. Only attach and detach speak to the cloud.`,
			`编写禁止继承密码、导出和共享镜像的策略，指出策略中的错误，
用所有已知的危害路径逐一评估，并在基础设施代码中查找被禁止的内容。只有 attach 和 detach 会访问云服务。`),
	}
	c.AddCommand(a.policyShowCmd(), a.policyLintCmd(), a.policyCheckCmd(), a.policyExplainCmd(), a.policyScanCmd(), a.policyAttachCmd(), a.policyDetachCmd())
	return c
}

// readPolicyFiles reads files; - is standard input.
func readPolicyFiles(names []string) ([]assay.PolicyFile, error) {
	var out []assay.PolicyFile
	for _, n := range names {
		b, err := readBounded(n)
		if err != nil {
			return nil, cli.OpenError(n, err)
		}
		out = append(out, assay.PolicyFile{Name: n, Text: b})
	}
	return out, nil
}

// maxPolicyFile is how much of a file is read: what is longer is refused by
// its reader with a position.
const maxPolicyFile = 33 << 20

func readBounded(name string) ([]byte, error) {
	var in io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, maxPolicyFile))
}

func (a *app) scope(s string) (policy.Scope, error) {
	switch policy.Scope(s) {
	case policy.Enterprise, policy.ForUser:
		return policy.Scope(s), nil
	}
	return "", cli.Usage(finding.Tf("unknown scope %q", "未知的范围 %q", s), finding.T("use enterprise (control policies) or user (RAM policies)", "请使用 enterprise（管控策略）或 user（RAM 策略）"))
}

func (a *app) scopeFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "scope", "enterprise", a.t("enterprise (control policy of a Resource Directory) or user (RAM policy)", "enterprise（资源目录管控策略）或 user（RAM 策略）"))
}

func tree(name string) (*assay.PolicyFile, error) {
	if name == "" {
		return nil, nil
	}
	fs, err := readPolicyFiles([]string{name})
	if err != nil {
		return nil, err
	}
	return &fs[0], nil
}

// judge runs a verb with the handlers of the output flags.
func (o *outputFlags) judge(a *app, verb func(report.Handler) error) error {
	h, err := o.handler(a)
	if err != nil {
		return err
	}
	defer o.abort()
	if err := verb(h); err != nil {
		return err
	}
	if err := h.Close(); err != nil {
		return &cli.Error{Code: cli.ExitFailed, What: finding.T("a report could not be written", "无法写入报告"), Err: err}
	}
	a.code = exitCode(h)
	return nil
}

func (a *app) policyLintCmd() *cobra.Command {
	o, use := &outputFlags{}, ""
	c := &cobra.Command{
		Use:     "lint FILE...",
		Short:   a.t("Say what is wrong with policy documents, and what to write instead", "指出策略文档中的错误及正确写法"),
		Long:    a.t("Reads policy documents (- for standard input) and names every slip with line and\ncolumn: what the service refuses, what never matches, what is too long.", "读取策略文档（- 表示标准输入），指出每处错误的行列：服务会拒绝的、永远不匹配的、过长的内容。") + a.exitStatus(),
		Example: "  assay policy lint deny.json\n  assay policy lint --use control *.json --format sarif",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch policy.Use(use) {
			case "", policy.AsIdentity, policy.AsControl, policy.AsResourceGroup:
			default:
				return cli.Usage(finding.Tf("unknown use %q", "未知的用途 %q", use), finding.T("use identity, control or resource-group", "请使用 identity、control 或 resource-group"))
			}
			files, err := readPolicyFiles(args)
			if err != nil {
				return err
			}
			return o.judge(a, func(h report.Handler) error {
				return assay.LintPolicies(c.Context(), files, assay.PolicyOptions{Use: policy.Use(use), Command: "policy lint", Started: time.Now()}, h)
			})
		},
	}
	o.add(c, a)
	c.Flags().StringVar(&use, "use", "", a.t("how it is bound: identity, control or resource-group (limits depend on it)", "绑定方式：identity、control 或 resource-group（决定长度上限）"))
	return c
}

func (a *app) policyCheckCmd() *cobra.Command {
	o := &outputFlags{}
	var scope, treeName string
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: a.t("Play every known path to the harm against policies: blocked, open, undetermined", "用所有已知危害路径评估策略：已阻止、未阻止、无法确定"),
		Long: a.t(`Plays every scenario of the baseline against the policy documents and prints the
matrix: what is blocked and by which statement, what stays open, what depends on
undocumented behaviour, and what no policy can block.

TREE describes a Resource Directory as JSON: root with policies, folders and members;
members with principals; each principal with its policies. Policies are named by FILE.`,
			`用基线中的每个场景评估策略文档并输出矩阵：哪些已被阻止（由哪条语句）、哪些未阻止、
哪些取决于没有文档说明的行为、哪些策略无法阻止。

TREE 以 JSON 描述资源目录：root 含 policies、folders、members；成员含 principals;
每个身份含其策略。策略以 FILE 名引用。`) + a.exitStatus(),
		Example: "  assay policy check deny.json\n  assay policy show --profile strict | assay policy check -\n  assay policy check deny.json --tree directory.json --report matrix.html",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.scope(scope)
			if err != nil {
				return err
			}
			files, err := readPolicyFiles(args)
			if err != nil {
				return err
			}
			t, err := tree(treeName)
			if err != nil {
				return err
			}
			return o.judge(a, func(h report.Handler) error {
				return assay.CheckPolicies(c.Context(), files, assay.PolicyOptions{Scope: s, Tree: t, Command: "policy check", Started: time.Now()}, h)
			})
		},
	}
	o.add(c, a)
	a.scopeFlag(c, &scope)
	c.Flags().StringVar(&treeName, "tree", "", a.t("description of the Resource Directory (JSON)", "资源目录描述文件（JSON）"))
	return c
}

func (a *app) policyScanCmd() *cobra.Command {
	o := &outputFlags{}
	c := &cobra.Command{
		Use:   "scan PATH...",
		Short: a.t("Look into Terraform, ROS and policy files for what the policies forbid", "在 Terraform、ROS 和策略文件中查找被禁止的内容"),
		Long: a.t(`Reads infrastructure code before it runs: Terraform configuration (.tf, .tf.json) and
plans (terraform show -json), ROS templates (YAML, JSON), policy documents. PATH is a
file or a folder, which is read with its subfolders.`,
			`在运行之前检查基础设施代码：Terraform 配置（.tf、.tf.json）和计划（terraform show -json）、
ROS 模板（YAML、JSON）、策略文档。PATH 是文件或目录（包括子目录）。`) + a.exitStatus(),
		Example: "  assay policy scan infra/\n  assay policy scan plan.json --format sarif",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.judge(a, func(h report.Handler) error {
				for _, arg := range args {
					files, err := codeFiles(c.Context(), arg)
					if err != nil {
						return err
					}
					if err := assay.ScanCode(c.Context(), arg, files, readBounded, assay.PolicyOptions{Command: "policy scan", Started: time.Now()}, h); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	o.add(c, a)
	return c
}

// codeEndings are what is read in a folder; a file named on the command line
// is read whatever it is called.
var codeEndings = []string{".tf", ".tofu", ".json", ".yaml", ".yml", ".template", ".ros"}

// maxCodeFiles bounds a folder; vendored modules count.
const maxCodeFiles = 20000

func codeFiles(ctx context.Context, arg string) ([]string, error) {
	info, err := os.Stat(arg)
	if err != nil {
		return nil, cli.OpenError(arg, err)
	}
	if !info.IsDir() {
		return []string{arg}, nil
	}
	var names []string
	err = filepath.WalkDir(arg, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || ctx.Err() != nil:
			return cmp.Or(err, ctx.Err())
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == ".terraform"):
			return fs.SkipDir
		case d.Type().IsRegular() && len(names) < maxCodeFiles && hasEnding(name):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, cli.OpenError(arg, err)
	}
	if len(names) == maxCodeFiles {
		return nil, &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s holds more than %d files", "%s 中的文件超过 %d 个", arg, maxCodeFiles), Hint: finding.T("name its subfolders", "请指定子目录")}
	}
	return names, nil
}

func hasEnding(name string) bool {
	for _, e := range codeEndings {
		if strings.HasSuffix(strings.ToLower(name), e) {
			return true
		}
	}
	return false
}
