package html

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// A page is what the template shows.
type page struct {
	Lang    string // "en" or "zh"
	Title   finding.Text
	Policy  template.HTMLAttr
	Style   template.CSS
	Script  template.JS
	Version string
	Targets []*target
	Cleaned bool // the first target was cleaned, the second is the copy
}

// A target is one run and what was counted in it.
type target struct {
	*report.Run
	ID         string       // "t1": anchors begin with it
	State      string       // "clean", "dirty" or "failed"
	Word, Says finding.Text // the verdict, and what it rests on
	Counts     []count
	Gaps       int // those that count
	Accepted   int
	Hidden     int
	Shown      int // findings on the page
	Logins     []login
	Classes    []*class
	ByClass    []bar
	ByDir      []bar
}

// A count is the number of findings of one severity that count.
type count struct {
	Severity finding.Severity
	N        int
	Unknown  bool // the run failed before it could find any
}

func (c count) String() string {
	if c.Unknown {
		return "–"
	}
	return strconv.Itoa(c.N)
}

// A login is an account and the findings that say how it is entered.
type login struct {
	report.Login
	Ways []*item
	More int
}

// maxWays is how many findings stand beside an account.
const maxWays = 6

// A class is a heading with its findings by check.
type class struct {
	Slug     string
	Word     finding.Text
	Total    int
	Groups   []*group
	Accepted []*group

	NAccepted int
}

// A group is the findings of one check within a class.
type group struct {
	Check report.Check
	Known bool // its texts are in the stream
	Items []*item
}

// An item is one finding and its anchor.
type item struct {
	finding.Finding
	Anchor string
}

func newPage(runs []*report.Run, lang string) *page {
	if lang != "zh" {
		lang = "en"
	}
	p := &page{Lang: lang, Policy: policy(), Style: template.CSS(styleCSS), Script: template.JS(scriptJS)}
	dirty := 0
	for i, r := range runs {
		t := newTarget(r, fmt.Sprintf("t%d", i+1))
		p.Targets = append(p.Targets, t)
		p.Version = cmp.Or(p.Version, report.Printable(r.Config.Version))
		if t.State != "clean" {
			dirty++
		}
	}
	switch len(runs) {
	case 0:
		p.Title = finding.T("assay: no target", "assay：没有目标")
	case 1:
		t := p.Targets[0]
		name := report.Printable(t.Config.Target)
		p.Title = finding.Text{EN: t.Word.EN + " · " + name + " · assay", ZH: t.Word.ZH + " · " + name + " · assay"}
	default:
		if p.Cleaned = runs[0].Config.Command == "clean"; p.Cleaned {
			before, after := p.Targets[0], p.Targets[len(p.Targets)-1]
			p.Title = finding.Text{EN: before.Word.EN + " → " + after.Word.EN + " · assay", ZH: before.Word.ZH + " → " + after.Word.ZH + " · assay"}
			break
		}
		p.Title = finding.Tf("assay: %d targets, %d not clean", "assay：%d 个目标，%d 个未通过", len(runs), dirty)
	}
	return p
}

func newTarget(r *report.Run, id string) *target {
	t := &target{Run: r, ID: id, Shown: len(r.Findings)}
	t.count()
	t.judge()
	items := make([]*item, 0, len(r.Findings))
	for _, f := range r.Findings {
		items = append(items, &item{f, id + "-" + f.ID})
	}
	// Within a class the worst first; the stable sort keeps the stream's order.
	slices.SortStableFunc(items, func(a, b *item) int { return cmp.Compare(b.Severity, a.Severity) })
	t.group(items)
	t.login(items)
	t.ByClass, t.ByDir = byClass(items), byDir(items)
	return t
}

// count takes the verdict's numbers, or counts what there is when the stream
// ends without a verdict.
func (t *target) count() {
	by := map[string]int{}
	if v := t.Verdict; v != nil {
		by, t.Gaps, t.Accepted, t.Hidden = v.Findings, v.Gaps, v.Accepted, v.Hidden
	} else {
		for _, f := range t.Findings {
			if f.Accepted != nil {
				t.Accepted++
			} else {
				by[f.Severity.String()]++
			}
		}
		for _, g := range t.Run.Gaps {
			if g.Accepted == nil && g.Kind != finding.GapScope {
				t.Gaps++
			}
		}
	}
	failed := t.Verdict == nil || t.Verdict.Error != ""
	for _, s := range finding.Severities() {
		t.Counts = append(t.Counts, count{s, by[s.String()], failed && by[s.String()] == 0})
	}
}

func (t *target) judge() {
	total := 0
	for _, c := range t.Counts {
		total += c.N
	}
	v := t.Verdict
	switch {
	case v == nil:
		t.State, t.Word = "failed", finding.T("NOT FINISHED", "未完成")
		t.Says = finding.T("The report ends without a verdict: what follows may be a part only.", "报告没有结论：以下内容可能不完整。")
	case v.Error != "":
		t.State, t.Word = "failed", finding.T("NOT FINISHED", "未完成")
		t.Says = finding.Text{EN: v.Error, ZH: v.Error}
	case v.Clean && v.Scope > 0:
		t.State, t.Word = "clean", finding.T("CLEAN WITHIN ITS SCOPE", "检查范围内干净")
		t.Says = finding.T("Nothing that counts was found in what was looked at. A running machine is not looked at whole: see the scope below.", "已检查的内容中没有计入的问题。运行中的机器并未完整检查，范围见下方。")
	case v.Clean && total == 0:
		t.State, t.Word = "clean", finding.T("CLEAN", "干净")
		t.Says = finding.T("Nothing was found, and nothing was left out that is not accepted.", "没有发现问题，也没有未经接受的未检查内容。")
	case v.Clean:
		t.State, t.Word = "clean", finding.T("CLEAN ENOUGH", "达标")
		t.Says = t.mild()
	case total == 0 && t.Gaps > 0:
		t.State, t.Word = "dirty", finding.T("NOT CLEAN", "不干净")
		t.Says = finding.T("Nothing was found, but a part could not be inspected: see what was not inspected.", "没有发现问题，但有内容未能检查，详见“未检查的内容”。")
	default:
		t.State, t.Word = "dirty", finding.T("NOT CLEAN", "不干净")
		if t.Config.Command == "clean" && len(t.Actions) > 0 {
			t.Says = finding.T("This is the state before cleaning. The image itself was not changed; what was done to the copy is below.", "这是清理前的状态。原镜像未被改动；对副本所做的更改见下方。")
			break
		}
		t.Says = finding.T("Do not publish or share this before the findings below are settled.", "在处理完以下问题之前，请勿发布或共享。")
	}
}

// mild says why findings do not spoil the verdict.
func (t *target) mild() finding.Text {
	limit, err := finding.ParseSeverity(t.Config.FailOn)
	if err != nil {
		limit = finding.Medium // the default of assay.Judge
	}
	word := report.SeverityWord(limit)
	return finding.Text{EN: "Every finding is below the severity that fails a run (" + word.EN + ").", ZH: "所有发现均低于判定不通过的级别(" + word.ZH + ")。"}
}

// group puts items under their class and check, in the order of report's
// classes; a class that this version does not know comes last, under its name.
func (t *target) group(items []*item) {
	bySlug := map[finding.Class]*class{}
	for _, c := range finding.Classes() {
		bySlug[c] = t.class(c, report.ClassWord(c))
	}
	for _, it := range items {
		c := bySlug[it.Class]
		if c == nil {
			c = t.class(it.Class, finding.T(string(it.Class), string(it.Class)))
			bySlug[it.Class] = c
		}
		c.Total++
		groups := &c.Groups
		if it.Accepted != nil {
			groups = &c.Accepted
			c.NAccepted++
		}
		i := slices.IndexFunc(*groups, func(g *group) bool { return g.Check.ID == it.Check })
		if i < 0 {
			k, known := t.Checks[it.Check]
			if !known {
				k = report.Check{ID: it.Check, Title: finding.T(it.Check, it.Check)}
			}
			i = len(*groups)
			*groups = append(*groups, &group{Check: k, Known: known})
		}
		(*groups)[i].Items = append((*groups)[i].Items, it)
	}
	t.Classes = slices.DeleteFunc(t.Classes, func(c *class) bool { return c.Total == 0 })
}

func (t *target) class(c finding.Class, word finding.Text) *class {
	x := &class{Slug: report.Printable(string(c)), Word: word}
	t.Classes = append(t.Classes, x)
	return x
}

// login sets beside each account the findings that are a way into it.
func (t *target) login(items []*item) {
	if t.Inventory.System == nil {
		return
	}
	byUser := map[string][]*item{}
	for _, it := range items {
		key := it.Evidence != nil && it.Evidence.Kind == "ssh-public-key"
		if it.Accepted == nil && (key || it.Class == finding.PresetAccount) {
			byUser[it.Where.User] = append(byUser[it.Where.User], it)
		}
	}
	for _, l := range t.Inventory.System.Logins {
		ways := byUser[l.User]
		more := max(0, len(ways)-maxWays)
		t.Logins = append(t.Logins, login{l, ways[:len(ways)-more], more})
	}
}

// OS is the system's name for people.
func (t *target) OS() string {
	s := t.Inventory.System
	if s == nil {
		return ""
	}
	return report.Printable(cmp.Or(s.Name, strings.TrimSpace(s.ID+" "+s.Version), s.Family))
}
