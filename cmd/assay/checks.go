package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/cli"
)

func (a *app) checksCmd() *cobra.Command {
	format := "text"
	c := &cobra.Command{
		Use:   "checks [GROUP...]",
		Short: a.t("List the catalogue of checks", "列出所有检查项"),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := assay.Catalogue(args)
			if err != nil {
				return cli.Usage(finding.T(err.Error(), "没有这样的检查项："+strings.Join(args, " ")), finding.T("assay checks lists them all", "assay checks 会列出所有检查项"))
			}
			if format == "json" {
				e := json.NewEncoder(os.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
			for _, k := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.ID, k.Severity, strings.Join(k.Rows, ","), k.Title.In(a.lang))
			}
			return w.Flush()
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "text", a.t("text or json", "text 或 json"))
	return c
}
