package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
	"assay/internal/report"
)

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain CHECK",
		Short: a.t("Explain one check: why it matters, what to do", "说明一个检查项：为什么重要，如何处理"),
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := assay.Catalogue(args)
			if err != nil {
				return cli.Usage(finding.Tf("there is no check %q", "没有检查项 %q", args[0]), finding.T("assay checks lists them", "assay checks 会列出所有检查项"))
			}
			for i, k := range list {
				if i > 0 {
					fmt.Println()
				}
				a.explain(k, assay.ReadsContent(k.ID))
			}
			return nil
		},
	}
}

func (a *app) explain(k report.Check, content bool) {
	st := cli.ColorFor(os.Stdout, os.Getenv)
	sev, _ := finding.ParseSeverity(k.Severity)
	fmt.Println(st.Bold(k.ID))
	fmt.Println(k.Title.In(a.lang))
	fmt.Printf("\n%s  %s\n", st.Dim(a.t("severity", "级别")), report.SeverityWord(sev).In(a.lang))
	fmt.Printf("%s     %s\n", st.Dim(a.t("class", "类别")), report.ClassWord(k.Class).In(a.lang))
	fmt.Printf("%s      %s\n", st.Dim(a.t("rows", "条目")), strings.Join(k.Rows, ", "))
	if content {
		fmt.Println(st.Dim(a.t("reads file contents at large; --no-content leaves it out", "会大量读取文件内容；--no-content 可跳过")))
	}
	fmt.Printf("\n%s\n%s\n", st.Bold(a.t("Why", "原因")), wrapText(k.Why.In(a.lang), 80))
	fmt.Printf("\n%s\n%s\n", st.Bold(a.t("What to do", "处理方法")), wrapText(k.Remedy.In(a.lang), 80))
	for _, r := range k.References {
		fmt.Println("\n" + st.Cyan(r))
	}
}

// wrapText breaks a text at spaces, and Chinese anywhere but before a stop.
func wrapText(s string, width int) string {
	var out strings.Builder
	col := 0
	for _, word := range words(s) {
		w := report.Width(word)
		if col > 0 && col+w > width {
			out.WriteByte('\n')
			col = 0
			word = strings.TrimLeft(word, " ")
			w = report.Width(word)
		}
		out.WriteString(word)
		col += w
	}
	return out.String()
}

// words cuts a text where a line may break; each piece keeps the space before
// it.
func words(s string) (out []string) {
	start := 0
	rs := []rune(s)
	for i := 1; i < len(rs); i++ {
		cjk := rs[i] > 0x2e80 && !strings.ContainsRune(",。;:、)”!?", rs[i])
		if rs[i] == ' ' || cjk || rs[i-1] > 0x2e80 && rs[i] < 0x2e80 && rs[i] != ' ' {
			out = append(out, string(rs[start:i]))
			start = i
		}
	}
	return append(out, string(rs[start:]))
}
