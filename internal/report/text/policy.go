package text

import (
	"fmt"
	"strings"

	"assay/internal/report"
)

// matrix shows every scenario of the baseline: what it meets, and what decides.
func (p *page) matrix(m *report.Policies) {
	if m == nil {
		return
	}
	st := p.o.Style
	fmt.Fprintln(p, st.Dim("  "+report.Printable(m.Assumed.In(p.o.Lang))))
	fmt.Fprintln(p)
	for _, r := range m.Matrix {
		word := report.OutcomeWord(r.Outcome).In(p.o.Lang)
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
