package text

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// A Styler colours words; cli.Style is one.
type Styler interface {
	Bold(string) string
	Dim(string) string
	Red(string) string
	BoldRed(string) string
	Yellow(string) string
	Green(string) string
	Cyan(string) string
}

// Options say how to write.
type Options struct {
	Lang  string // "en" or "zh"
	Style Styler
	Width int  // columns to fill
	All   bool // show every low finding with its details, and every place
}

// maxPlaces is how many further places of a finding are shown without All.
const maxPlaces = 3

// New makes a handler that writes to w when it is closed.
func New(w io.Writer, o Options) report.Handler { return &handler{w: w, o: o} }

type handler struct {
	report.Collector
	w io.Writer
	o Options
}

func (h *handler) Close() error {
	p := &page{Writer: bufio.NewWriter(h.w), o: h.o}
	for i, r := range h.Runs {
		if i > 0 {
			fmt.Fprintln(p)
		}
		p.run(r)
	}
	return p.Flush()
}

type page struct {
	*bufio.Writer
	o    Options
	said []string // commands that were shown last
}

// say picks the language.
func (p *page) say(en, zh string, args ...any) string {
	return finding.Tf(en, zh, args...).In(p.o.Lang)
}

func (p *page) run(r *report.Run) {
	switch {
	case r.Config.Command == "clean":
		p.clean(r)
		return
	case r.Config.Command == "fix" || strings.HasPrefix(r.Config.Command, "policy ") && len(r.Actions) > 0:
		p.change(r)
		return
	}
	p.head(r)
	p.matrix(r.Inventory.Policies)
	for _, c := range finding.Classes() {
		p.class(r, c)
	}
	for _, f := range r.Findings { // of a newer stream, with classes that this version does not know
		if !slices.Contains(finding.Classes(), f.Class) {
			p.finding(f)
		}
	}
	p.gaps(r)
	if r.Verdict != nil {
		p.verdict(r)
	}
}

func (p *page) head(r *report.Run) {
	fmt.Fprintln(p, p.o.Style.Bold(report.Printable(r.Config.Target)))
	var line []string
	if s := r.Inventory.System; s != nil {
		name := cmp.Or(s.Name, strings.TrimSpace(s.ID+" "+s.Version), s.Family)
		line = append(line, report.Printable(name))
		if s.Packages > 0 {
			line = append(line, p.say("%d packages", "%d 个软件包", s.Packages))
		}
		switch n := len(s.Logins); {
		case n == 1:
			line = append(line, p.say("1 account with a login shell", "1 个可登录的账户"))
		case n > 1:
			line = append(line, p.say("%d accounts with a login shell", "%d 个可登录的账户", n))
		}
	}
	if a := r.Inventory.Account; a != nil {
		line = append(line, p.account(a)...)
	}
	for _, d := range r.Inventory.Disks {
		line = append(line, strings.TrimSpace(d.Format+" "+report.Printable(d.Variant))+" "+finding.Size(d.Size))
		for _, s := range d.Snapshots {
			line = append(line, p.say("snapshot %s", "快照 %s", report.Printable(s)))
		}
	}
	p.wrap("  ", line, " · ")
	var vols []string
	for _, v := range r.Inventory.Volumes {
		vols = append(vols, p.volume(v))
	}
	p.wrap("  ", vols, " · ")
}

func (p *page) volume(v report.Volume) string {
	s := report.Printable(v.Name) + " " + cmp.Or(v.Content, "?") + " " + finding.Size(v.Size)
	if v.Mount != "" {
		s += " " + report.Printable(v.Mount)
	}
	if v.Replayed {
		s += p.say(" (log replayed)", "（已重放日志）")
	}
	return s
}

// wrap writes items joined by sep, on as many lines as the width asks for.
func (p *page) wrap(indent string, items []string, sep string) {
	line := ""
	for _, it := range items {
		switch {
		case line == "":
			line = indent + it
		case report.Width(line)+report.Width(sep+it) > p.o.Width:
			fmt.Fprintln(p, p.o.Style.Dim(line))
			line = indent + it
		default:
			line += sep + it
		}
	}
	if line != "" {
		fmt.Fprintln(p, p.o.Style.Dim(line))
	}
}

func (p *page) class(r *report.Run, c finding.Class) {
	var fs []finding.Finding
	for _, f := range r.Findings {
		if f.Class == c {
			fs = append(fs, f)
		}
	}
	if len(fs) == 0 {
		return
	}
	slices.SortStableFunc(fs, func(a, b finding.Finding) int {
		return cmp.Or(boolCompare(a.Accepted != nil, b.Accepted != nil), cmp.Compare(b.Severity, a.Severity))
	})
	fmt.Fprintf(p, "\n%s %s\n", p.o.Style.Bold(report.ClassWord(c).In(p.o.Lang)), p.o.Style.Dim(fmt.Sprintf("(%d)", len(fs))))
	for _, f := range fs {
		p.finding(f)
	}
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// label is the severity, padded to one column for all of a language.
func (p *page) label(f finding.Finding) string {
	word := report.SeverityWord(f.Severity).In(p.o.Lang)
	st, width := p.o.Style, 8
	if p.o.Lang == "zh" {
		width = 4
	}
	if f.Accepted != nil {
		word = p.say("accepted", "接受")
	}
	pad := strings.Repeat(" ", max(0, width-report.Width(word)))
	switch {
	case f.Accepted != nil:
		return st.Dim(word) + pad
	case f.Severity == finding.Critical:
		return st.BoldRed(word) + pad
	case f.Severity == finding.High:
		return st.Red(word) + pad
	case f.Severity == finding.Medium:
		return st.Yellow(word) + pad
	}
	return st.Dim(word) + pad
}

func (p *page) finding(f finding.Finding) {
	indent := "            "
	if p.o.Lang == "zh" {
		indent = "        "
	}
	fmt.Fprintf(p, "  %s  %s\n", p.label(f), report.Printable(f.Title.In(p.o.Lang)))
	st := p.o.Style
	line := place(f.Where)
	if e := f.Evidence; e != nil && e.Excerpt != "" {
		line += "  " + report.Printable(e.Excerpt)
	}
	if line != "" {
		fmt.Fprintln(p, indent+st.Dim(line))
	}
	for i, w := range f.Places {
		if i == maxPlaces && !p.o.All && len(f.Places) > maxPlaces+1 {
			fmt.Fprintln(p, indent+st.Dim(p.say("… and %d more places", "… 另有 %d 处", len(f.Places)-i)))
			break
		}
		fmt.Fprintln(p, indent+st.Dim(place(w)))
	}
	if f.Reason != nil {
		fmt.Fprintln(p, indent+st.Dim(report.Printable(f.Reason.In(p.o.Lang))))
	}
	if f.Accepted != nil {
		fmt.Fprintln(p, indent+st.Dim(p.accepted(*f.Accepted)))
		return
	}
	p.commands(indent, f.Fix)
}

func (p *page) accepted(a finding.Acceptance) string {
	if a.By == "baseline" {
		return p.say("known from the baseline", "基线中已有")
	}
	return p.say("accepted until %s: %s", "已接受，有效期至 %s:%s", a.Expires, report.Printable(a.Reason))
}

func place(w finding.Where) string {
	s := report.Printable(w.Path)
	if w.Line > 0 {
		s += fmt.Sprintf(":%d", w.Line)
	}
	if w.Deleted {
		s += fmt.Sprintf(" [%s @%d]", report.Printable(w.Volume), w.Offset)
	}
	return strings.TrimSpace(s)
}

func (p *page) gaps(r *report.Run) {
	var gaps []finding.Gap
	for _, g := range r.Gaps {
		if g.Kind == finding.GapScope {
			fmt.Fprintf(p, "\n%s\n  %s\n", p.o.Style.Bold(p.say("Scope of this inspection", "本次检查的范围")), report.Printable(g.Title.In(p.o.Lang)))
		} else {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintf(p, "\n%s %s\n", p.o.Style.Bold(p.say("Not inspected", "未检查的内容")), p.o.Style.Dim(fmt.Sprintf("(%d)", len(gaps))))
	for i, g := range gaps {
		if i == 20 && !p.o.All {
			fmt.Fprintf(p, "  %s\n", p.o.Style.Dim(p.say("… and %d more", "… 另有 %d 项", len(gaps)-i)))
			break
		}
		at := cmp.Or(g.Where.Path, g.Where.Volume, g.Check)
		mark := p.o.Style.Yellow("!")
		if g.Accepted != nil {
			mark = p.o.Style.Dim("-")
		}
		fmt.Fprintf(p, "  %s %s: %s\n", mark, report.Printable(at), g.Title.In(p.o.Lang))
		detail, _, _ := strings.Cut(g.Detail, "\n")
		fmt.Fprintln(p, "    "+p.o.Style.Dim(report.Printable(detail)))
	}
}

func (p *page) verdict(r *report.Run) {
	v, st := r.Verdict, p.o.Style
	fmt.Fprintln(p)
	found := p.counts(v)
	if len(v.Findings) > 0 {
		found = p.say("findings: %s", "发现：%s", found)
	}
	if v.Gaps > 0 {
		found += p.say("; not inspected: %d", "；未检查：%d 项", v.Gaps)
	}
	if v.Accepted > 0 {
		found += p.say("; accepted: %d", "；已接受：%d 项", v.Accepted)
	}
	switch {
	case v.Error != "":
		fmt.Fprintf(p, "%s  %s\n", st.BoldRed(p.say("NOT FINISHED", "未完成")), report.Printable(v.Error))
	case v.Clean && v.Scope > 0:
		fmt.Fprintf(p, "%s  %s\n", st.Green(p.say("CLEAN WITHIN ITS SCOPE", "检查范围内干净")), found)
	case v.Clean && len(v.Findings) == 0:
		fmt.Fprintf(p, "%s  %s\n", st.Green(p.say("CLEAN", "干净")), found)
	case v.Clean:
		fmt.Fprintf(p, "%s  %s\n", st.Green(p.say("CLEAN ENOUGH", "达标")), found)
	default:
		fmt.Fprintf(p, "%s  %s\n", st.BoldRed(p.say("NOT CLEAN", "不干净")), found)
	}
	if v.Hidden > 0 {
		fmt.Fprintln(p, st.Dim(p.say("%d findings are below --severity and not shown.", "%d 项低于 --severity，未显示。", v.Hidden)))
	}
	if v.Sealed > 0 {
		fmt.Fprintln(p, st.Dim(p.say("%d archives are, by their digest, what a package brought; they were not opened.", "%d 个压缩包的摘要与软件包一致，未解包检查。", v.Sealed)))
	}
	if a := r.Inventory.Account; a != nil {
		fmt.Fprintln(p, st.Dim(p.say("%d API calls; %.2f s; catalogue %s.", "%d 次 API 调用；用时 %.2f 秒；检查目录 %s。", a.Calls, v.Seconds, v.Catalogue)))
	} else {
		fmt.Fprintln(p, st.Dim(p.say("Read %s in %.2f s; sandbox: %s; catalogue %s.", "读取 %s，用时 %.2f 秒；沙箱：%s；检查目录 %s。",
			finding.Size(v.BytesRead), v.Seconds, v.Sandbox, v.Catalogue)))
	}
	p.next(r)
}

// next says what to do now, as commands to copy.
func (p *page) next(r *report.Run) {
	worst := finding.Finding{}
	for _, f := range r.Findings {
		if f.Accepted == nil && f.Severity > worst.Severity {
			worst = f
		}
	}
	if worst.Check == "" {
		return
	}
	st := p.o.Style
	fmt.Fprintf(p, "\n%s\n", p.say("Next:", "下一步："))
	fmt.Fprintf(p, "  %s  %s\n", st.Cyan("assay explain "+worst.Check), p.say("what it means, and what to do", "了解含义和处理方法"))
	if r.Config.Command == "inspect" {
		fmt.Fprintf(p, "  %s  %s\n", st.Cyan("assay inspect "+quoteArg(r.Config.Target)+" --report report.html"), p.say("the same as a page to share", "生成可分享的网页报告"))
	}
}

// quoteArg makes a target safe to copy into a shell.
func quoteArg(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r >= 0x80 || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:@+=,", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(report.Printable(s), "'", `'\''`) + "'"
}
