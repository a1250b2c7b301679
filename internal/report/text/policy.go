package text

import (
	"cmp"
	"fmt"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// outcomeWords name what a scenario meets.
var outcomeWords = map[string]finding.Text{
	"blocked": finding.T("blocked", "已阻止"), "open": finding.T("OPEN", "未阻止"), "undetermined": finding.T("undetermined", "无法确定"),
	"cannot be blocked": finding.T("no policy can", "策略无法阻止"), "works": finding.T("works", "可用"), "hindered": finding.T("HINDERED", "受阻"),
}

// matrix shows every scenario of the baseline: what it meets, and what decides.
func (p *page) matrix(m *report.Policies) {
	if m == nil {
		return
	}
	st := p.o.Style
	fmt.Fprintln(p, st.Dim("  "+report.Printable(m.Assumed.In(p.o.Lang))))
	fmt.Fprintln(p)
	for _, r := range m.Matrix {
		word := cmp.Or(outcomeWords[r.Outcome].In(p.o.Lang), r.Outcome)
		pad := strings.Repeat(" ", max(0, 14-report.Width(word)))
		switch r.Outcome {
		case "blocked", "works":
			word = st.Green(word)
		case "open", "hindered":
			word = st.BoldRed(word)
		case "undetermined":
			word = st.Yellow(word)
		default:
			word = st.Dim(word)
		}
		title := report.Printable(r.Title.In(p.o.Lang))
		line := "  " + word + pad + title
		by := r.By
		if r.Watch != "" {
			by = p.say("watched by assay audit", "由 assay audit 监测")
		}
		if by != "" {
			used := 16 + report.Width(title)
			line += strings.Repeat(" ", max(2, 84-used)) + st.Dim(report.Printable(by))
		}
		fmt.Fprintln(p, line)
	}
}
