package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
)

func (a *app) renderCmd() *cobra.Command {
	o := &outputFlags{}
	c := &cobra.Command{
		Use:   "render FILE",
		Short: a.t("Show a stored JSON report in another format", "将保存的 JSON 报告转换为其他格式"),
		Long: a.t("Reads a report that was written with --format json or --report FILE.json (- for\nstandard input) and shows it like the run that made it.",
			"读取由 --format json 或 --report FILE.json 保存的报告（- 表示标准输入），并以指定格式输出。") + a.exitStatus(),
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			var in io.Reader = os.Stdin
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return cli.OpenError(args[0], err)
				}
				defer f.Close()
				in = f
			}
			defer o.abort()
			h, err := o.handler(a)
			if err != nil {
				return err
			}
			if err := report.Decode(in, h); err != nil {
				return &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s is no JSON report of assay", "%s 不是 assay 的 JSON 报告", args[0]), Err: err,
					Hint: finding.T("make one with assay inspect TARGET --report FILE.json", "可用 assay inspect TARGET --report FILE.json 生成")}
			}
			if err := h.Close(); err != nil {
				return err
			}
			a.code = exitCode(h)
			return nil
		},
	}
	o.add(c, a)
	return c
}
