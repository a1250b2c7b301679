package report

import "assay/finding"

// outcomeWords name what a scenario of the policies' baseline meets.
var outcomeWords = map[string]finding.Text{
	"blocked": finding.T("blocked", "已阻止"), "open": finding.T("OPEN", "未阻止"), "undetermined": finding.T("undetermined", "无法确定"),
	"cannot be blocked": finding.T("no policy can", "策略无法阻止"), "works": finding.T("works", "可用"), "hindered": finding.T("HINDERED", "受阻"),
}

// OutcomeWord names an outcome for people; one that it does not know stays.
func OutcomeWord(o string) finding.Text {
	if t, ok := outcomeWords[o]; ok {
		return t
	}
	return finding.T(Printable(o), Printable(o))
}
