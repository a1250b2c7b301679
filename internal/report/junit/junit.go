package junit

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

type (
	suites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suites   []suite  `xml:"testsuite"`
	}
	suite struct {
		Name     string  `xml:"name,attr"`
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Errors   int     `xml:"errors,attr"`
		Skipped  int     `xml:"skipped,attr"`
		Time     string  `xml:"time,attr"`
		Cases    []entry `xml:"testcase"`
	}
	entry struct {
		Class   string  `xml:"classname,attr"`
		Name    string  `xml:"name,attr"`
		Failure *detail `xml:"failure,omitempty"`
		Error   *detail `xml:"error,omitempty"`
		Skipped *detail `xml:"skipped,omitempty"`
	}
	detail struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// New makes a handler that writes to w when it is closed, in lang. A finding
// below the run's fail-on severity is no failure, but stands in the case's text.
func New(w io.Writer, lang string) report.Handler { return &handler{w: w, lang: lang} }

type handler struct {
	report.Collector
	w    io.Writer
	lang string
}

func (h *handler) Close() error {
	var all suites
	for _, r := range h.Runs {
		s := h.suite(r)
		all.Suites = append(all.Suites, s)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
	}
	if _, err := io.WriteString(h.w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(h.w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(h.w, "\n")
	return err
}

func (h *handler) suite(r *report.Run) suite {
	s := suite{Name: report.Printable(r.Config.Target), Time: "0"}
	failOn, err := finding.ParseSeverity(r.Config.FailOn)
	if err != nil {
		failOn = finding.Medium
	}
	byCheck := map[string][]finding.Finding{}
	for _, f := range r.Findings {
		byCheck[f.Check] = append(byCheck[f.Check], f)
	}
	names := make([]string, 0, len(r.Checks))
	for id := range r.Checks {
		names = append(names, id)
	}
	for id := range byCheck {
		if _, ok := r.Checks[id]; !ok {
			names = append(names, id)
		}
	}
	slices.Sort(names)
	for _, id := range names {
		s.add(h.check(id, r.Checks[id], byCheck[id], failOn))
	}
	for _, g := range r.Gaps {
		s.add(h.gap(g))
	}
	if v := r.Verdict; v != nil {
		s.Time = fmt.Sprintf("%.3f", v.Seconds)
		if v.Error != "" {
			s.add(entry{Class: "assay", Name: "verdict", Error: &detail{Message: report.Printable(v.Error), Type: "failed"}})
		}
	}
	return s
}

func (s *suite) add(e entry) {
	s.Tests++
	switch {
	case e.Failure != nil:
		s.Failures++
	case e.Error != nil:
		s.Errors++
	case e.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, e)
}

// check makes one case of a check and its findings.
func (h *handler) check(id string, k report.Check, fs []finding.Finding, failOn finding.Severity) entry {
	group, name := id, id
	if i := strings.LastIndexByte(id, '/'); i > 0 {
		group, name = id[:i], id[i+1:]
	}
	e := entry{Class: "assay." + strings.ReplaceAll(group, "/", "."), Name: name}
	var failed, accepted, mild []string
	worst := finding.Severity(0)
	for _, f := range fs {
		line := h.line(f)
		switch {
		case f.Accepted != nil:
			accepted = append(accepted, line+" ("+report.Printable(cmp.Or(f.Accepted.Reason, f.Accepted.By))+")")
		case f.Severity >= failOn:
			failed = append(failed, line)
			worst = max(worst, f.Severity)
		default:
			mild = append(mild, line)
		}
	}
	switch {
	case len(failed) > 0:
		text := strings.Join(append(failed, mild...), "\n") + "\n\n" + k.Remedy.In(h.lang)
		e.Failure = &detail{Message: failed[0], Type: worst.String(), Text: text}
	case len(accepted) > 0:
		e.Skipped = &detail{Message: accepted[0], Text: strings.Join(append(accepted, mild...), "\n")}
	}
	return e
}

func (h *handler) line(f finding.Finding) string {
	at := report.Printable(cmp.Or(f.Where.Path, f.Where.Volume))
	if f.Where.Line > 0 {
		at += fmt.Sprintf(":%d", f.Where.Line)
	}
	return fmt.Sprintf("%s: %s: %s [%s]", report.SeverityWord(f.Severity).In(h.lang), at, report.Printable(f.Title.In(h.lang)), f.ID)
}

func (h *handler) gap(g finding.Gap) entry {
	e := entry{Class: "assay.gap." + string(g.Kind), Name: report.Printable(cmp.Or(g.Where.Path, g.Where.Volume, g.Check, g.ID))}
	d := &detail{Message: g.Title.In(h.lang), Type: string(g.Kind), Text: report.Printable(g.Detail)}
	if g.Accepted != nil || g.Kind == finding.GapScope {
		e.Skipped = d
	} else {
		e.Error = d
	}
	return e
}
