package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay"
	"assay/finding"
	"assay/internal/accept"
	"assay/internal/cli"
	"assay/internal/durable"
	"assay/internal/report"
	"assay/internal/report/html"
	"assay/internal/report/json"
	"assay/internal/report/junit"
	"assay/internal/report/sarif"
	"assay/internal/report/text"
)

// outputFlags say where findings go and which of them count.
type outputFlags struct {
	format   string
	reports  []string
	severity string
	failOn   string
	ignore   []string
	baseline string
	all      bool
	accepted []byte // an ignore file made of flags
	witness  *assay.Witness

	// live takes the place of the handler of format text: what a person reads
	// was printed while it happened.
	live report.Handler

	files []*durable.File // of reports that are being written
}

// abort removes what is left of reports that were not finished.
func (o *outputFlags) abort() {
	for _, f := range o.files {
		f.Abort()
	}
}

func (o *outputFlags) add(c *cobra.Command, a *app) {
	o.addFormats(c, a)
	c.Flags().BoolVar(&o.all, "all", false, a.t("text: show every place and every gap", "文本输出：显示所有位置和所有未检查项"))
}

// addFormats adds all but --all, which some commands use for another purpose.
func (o *outputFlags) addFormats(c *cobra.Command, a *app) {
	f := c.Flags()
	f.StringVarP(&o.format, "format", "f", "text", a.t("what to print: text, json, sarif, html or junit", "输出格式：text、json、sarif、html 或 junit"))
	f.StringArrayVar(&o.reports, "report", nil, a.t("also write a report to FILE (repeatable); format from its ending: .json .sarif .html .xml .txt", "同时将报告写入 FILE（可重复）；格式取自扩展名：.json .sarif .html .xml .txt"))
	f.StringVar(&o.severity, "severity", "low", a.t("show findings of at least this severity: low, medium, high, critical", "仅显示不低于此级别的问题：low、medium、high、critical"))
	f.StringVar(&o.failOn, "fail-on", "medium", a.t("exit with 3 on a finding of at least this severity", "存在不低于此级别的问题时以 3 退出"))
	f.StringArrayVar(&o.ignore, "ignore", nil, a.t("accept what FILE lists, each with a reason and an expiry date (repeatable)", "接受 FILE 中列出的问题，每项须有理由和有效期（可重复）"))
	f.StringVar(&o.baseline, "baseline", "", a.t("accept what an earlier JSON report holds: only new findings count", "接受早先 JSON 报告中已有的问题：只有新问题计入"))
}

// endings map a report file's ending to its format.
var endings = map[string]string{".json": "json", ".jsonl": "json", ".sarif": "sarif", ".html": "html", ".htm": "html", ".xml": "junit", ".txt": "text"}

// A sink is one output: a handler and what to do when it is closed.
type sink struct {
	report.Handler
	file *durable.File
}

func (s sink) Close() error {
	defer s.file.Abort()
	if err := s.Handler.Close(); err != nil {
		return err
	}
	return s.file.Commit()
}

// handler makes the chain of handlers that the flags ask for.
func (o *outputFlags) handler(a *app) (*assay.Judged, error) {
	j, err := o.judgement(a)
	if err != nil {
		return nil, err
	}
	out := o.live
	if out == nil || o.format != "text" {
		if out, err = o.one(a, o.format, os.Stdout); err != nil {
			return nil, err
		}
	}
	hs := []report.Handler{out}
	for _, name := range o.reports {
		format, ok := endings[strings.ToLower(filepath.Ext(name))]
		if !ok {
			return nil, cli.Usage(finding.Tf("cannot tell the format of %s from its ending", "无法从扩展名判断 %s 的格式", name),
				finding.T("use .json, .sarif, .html, .xml (JUnit) or .txt", "请使用 .json、.sarif、.html、.xml(JUnit)或 .txt"))
		}
		f, err := durable.Create(name, 0o600)
		if err != nil {
			return nil, cli.OpenError(name, err)
		}
		o.files = append(o.files, f)
		h, err := o.one(a, format, f.File)
		if err != nil {
			return nil, err
		}
		hs = append(hs, sink{h, f})
	}
	if !a.noProg && cli.IsTerminal(os.Stderr) {
		// First, so that its line is gone before a report is written.
		hs = append([]report.Handler{cli.NewProgress(os.Stderr, a.lang, cli.Columns(os.Stderr, 80))}, hs...)
	}
	if o.witness != nil {
		o.witness.Handler = report.Tee(hs...)
		return assay.Judge(o.witness, j), nil
	}
	return assay.Judge(report.Tee(hs...), j), nil
}

func (o *outputFlags) one(a *app, format string, f *os.File) (report.Handler, error) {
	if h := formats[format]; h != nil {
		return h(a, o, f), nil
	}
	return nil, cli.Usage(finding.Tf("unknown format %q", "未知的格式 %q", format),
		finding.T("use text, json, sarif, html or junit", "请使用 text、json、sarif、html 或 junit"))
}

// formats are the handlers by the name of their format.
var formats = map[string]func(*app, *outputFlags, *os.File) report.Handler{
	"text": func(a *app, o *outputFlags, f *os.File) report.Handler {
		return text.New(f, text.Options{Lang: a.lang, Style: cli.ColorFor(f, os.Getenv), Width: cli.Columns(f, 100), All: o.all})
	},
	"json":  func(_ *app, _ *outputFlags, f *os.File) report.Handler { return json.New(f, false) },
	"html":  func(a *app, _ *outputFlags, f *os.File) report.Handler { return html.New(f, a.lang) },
	"sarif": func(a *app, _ *outputFlags, f *os.File) report.Handler { return sarif.New(f, a.lang) },
	"junit": func(a *app, _ *outputFlags, f *os.File) report.Handler { return junit.New(f, a.lang) },
}

func (o *outputFlags) judgement(a *app) (assay.Judgement, error) {
	var j assay.Judgement
	var err error
	for _, x := range []struct {
		flag, value string
		to          *finding.Severity
	}{{"--severity", o.severity, &j.Show}, {"--fail-on", o.failOn, &j.FailOn}} {
		if *x.to, err = finding.ParseSeverity(x.value); err != nil {
			return j, cli.Usage(finding.Tf("%s: unknown severity %q", "%s：未知的级别 %q", x.flag, x.value),
				finding.T("use critical, high, medium or low", "请使用 critical、high、medium 或 low"))
		}
	}
	j.Accept = &accept.List{}
	for _, name := range o.ignore {
		b, err := os.ReadFile(name)
		if err != nil {
			return j, cli.OpenError(name, err)
		}
		if err := j.Accept.Parse(b, time.Now()); err != nil {
			return j, &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s is no valid ignore file", "%s 不是有效的忽略文件", name), Err: err,
				Hint: finding.T("each entry needs id, check or gap, then reason and expires: see the README", "每项需要 id、check 或 gap，以及 reason 和 expires，见 README")}
		}
	}
	if err := j.Accept.Parse(o.accepted, time.Now()); err != nil {
		return j, cli.Usage(finding.T("--accept takes IDs of findings: "+err.Error(), "--accept 需要问题的 ID："+err.Error()), finding.Text{})
	}
	for _, e := range j.Accept.Expired {
		fmt.Fprintln(os.Stderr, cli.ColorFor(os.Stderr, os.Getenv).Yellow(finding.Tf("assay: an acceptance expired on %s: %s", "assay：一项接受已于 %s 过期：%s", e.Expires, report.Printable(e.Reason)).In(a.lang)))
	}
	if o.baseline != "" {
		f, err := os.Open(o.baseline)
		if err != nil {
			return j, cli.OpenError(o.baseline, err)
		}
		defer f.Close()
		if err := j.Accept.Baseline(f); err != nil {
			return j, &cli.Error{Code: cli.ExitUsage, What: finding.Tf("%s is no JSON report of assay", "%s 不是 assay 的 JSON 报告", o.baseline), Err: err,
				Hint: finding.T("make one with --report FILE.json", "可用 --report FILE.json 生成")}
		}
	}
	return j, nil
}

// exitCode is the contract of DESIGN.md.
func exitCode(d *assay.Judged) int {
	switch {
	case d.Broken:
		return cli.ExitFailed
	case d.Fail:
		return cli.ExitFindings
	case d.Gaps:
		return cli.ExitGaps
	}
	return cli.ExitClean
}
