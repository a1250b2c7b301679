package main

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
)

// app is what all sub-commands share.
type app struct {
	lang     string
	langFlag string
	noProg   bool
	code     int // exit code of a command that ran to its end
}

// newApp chooses the language before the commands are built, because their
// help is written in it.
func newApp(args []string) *app {
	a := &app{}
	flag := ""
	for i, x := range args {
		if v, ok := strings.CutPrefix(x, "--lang="); ok {
			flag = v
		} else if x == "--lang" && i+1 < len(args) {
			flag = args[i+1]
		}
	}
	a.lang, _ = cli.Lang(flag, os.Getenv) // a wrong value is refused when the command runs
	return a
}

// t picks the language of a text.
func (a *app) t(en, zh string) string { return finding.T(en, zh).In(a.lang) }

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use:   "assay",
		Short: a.t("Prove that a machine image carries no credential and no private data", "证明自定义镜像中没有凭证和私有数据"),
		Long: a.t(`assay says who can log in to a machine made from an image and what the image
gives away: passwords, SSH keys, AccessKeys, histories, logs, databases.
It reads image files directly: no root, no mount, nothing of the guest is run.`,
			`assay 检查用镜像创建的实例谁能登录，以及镜像泄露了什么：密码、SSH 密钥、AccessKey、
历史命令、日志、数据库等。它直接读取镜像文件：无需 root，无需挂载，不执行镜像中的任何程序。`),
		Version:           assay.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.prepare() },
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	c.PersistentFlags().StringVar(&a.langFlag, "lang", "", a.t("language of the output: en or zh (default: the locale's)", "输出语言：en 或 zh（默认取系统区域设置）"))
	c.PersistentFlags().BoolVar(&a.noProg, "no-progress", false, a.t("no progress line", "不显示进度"))
	c.SetUsageTemplate(a.template())
	c.SetHelpCommand(&cobra.Command{Hidden: true})
	c.AddCommand(a.inspectCmd(), a.cleanCmd(), a.certifyCmd(), a.verifyCmd(), a.keygenCmd(), a.checksCmd(), a.explainCmd(), a.renderCmd(), a.policyCmd(), a.auditCmd(), a.fixCmd(), a.doubleCmd())
	c.InitDefaultHelpFlag()
	return c
}

func (a *app) prepare() error {
	if _, err := cli.Lang(a.langFlag, os.Getenv); err != nil {
		return cli.Usage(finding.Tf("unknown language %q", "未知的语言 %q", a.langFlag), finding.T("use --lang en or --lang zh", "请使用 --lang en 或 --lang zh"))
	}
	return nil
}

// usage turns cobra's own errors, all of which concern argv, into ours.
func (a *app) usage(err error) error {
	var ours *cli.Error
	if errors.As(err, &ours) || !slices.ContainsFunc([]string{"unknown flag", "unknown command", "unknown shorthand",
		"accepts ", "requires ", "invalid argument", "flag needs an argument"}, func(p string) bool { return strings.Contains(err.Error(), p) }) {
		return err
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return cli.Usage(finding.T(first, first), finding.T("assay --help lists the commands, assay COMMAND --help their flags", "assay --help 列出命令，assay COMMAND --help 列出参数"))
}

// template is cobra's usage text, in the user's language.
func (a *app) template() string {
	return a.t("Usage:", "用法：") + `
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}
{{if .HasAvailableSubCommands}}
` + a.t("Commands:", "命令：") + `{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
` + a.t("Flags:", "参数：") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
` + a.t("Flags everywhere:", "通用参数：") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`
}

// exitStatus ends the help of every command that judges.
func (a *app) exitStatus() string {
	return a.t(`

EXIT STATUS
  0  clean
  1  failed: the target could not be inspected to the end
  2  wrong usage
  3  findings at or above --fail-on
  4  no such finding, but something was not inspected
  130  interrupted`, `

退出码
  0  干净
  1  失败：未能完成检查
  2  用法错误
  3  存在不低于 --fail-on 级别的问题
  4  没有此类问题，但有内容未检查
  130  被中断`)
}
