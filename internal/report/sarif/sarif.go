package sarif

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

// The parts of a SARIF log that assay writes.
type (
	sarifLog struct {
		Schema  string `json:"$schema"`
		Version string `json:"version"`
		Runs    []run  `json:"runs"`
	}
	run struct {
		Tool        tool           `json:"tool"`
		Language    string         `json:"language"`
		Newlines    []string       `json:"newlineSequences"`
		Invocations []invocation   `json:"invocations"`
		URIBases    map[string]uri `json:"originalUriBaseIds"`
		Results     []result       `json:"results"`
		Properties  map[string]any `json:"properties,omitempty"`
	}
	tool struct {
		Driver driver `json:"driver"`
	}
	driver struct {
		Name     string `json:"name"`
		Version  string `json:"semanticVersion"`
		Language string `json:"language"`
		Rules    []rule `json:"rules"`
	}
	rule struct {
		ID         string         `json:"id"`
		Short      message        `json:"shortDescription"`
		Full       message        `json:"fullDescription"`
		Help       message        `json:"help"`
		HelpURI    string         `json:"helpUri,omitempty"`
		Config     configuration  `json:"defaultConfiguration"`
		Properties map[string]any `json:"properties"`
	}
	configuration struct {
		Level string `json:"level"`
	}
	message struct {
		Text string `json:"text"`
	}
	invocation struct {
		Successful    bool           `json:"executionSuccessful"`
		Notifications []notification `json:"toolExecutionNotifications,omitempty"`
	}
	notification struct {
		Level     string     `json:"level"`
		Message   message    `json:"message"`
		Locations []location `json:"locations,omitempty"`
	}
	uri struct {
		URI         string   `json:"uri,omitempty"`
		Description *message `json:"description,omitempty"`
	}
	result struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      message           `json:"message"`
		Locations    []location        `json:"locations"`
		Related      []location        `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Suppressions []suppression     `json:"suppressions,omitempty"`
		Rank         float64           `json:"rank"`
		Properties   map[string]any    `json:"properties"`
	}
	location struct {
		Physical physical  `json:"physicalLocation"`
		Logical  []logical `json:"logicalLocations,omitempty"`
	}
	physical struct {
		Artifact artifact `json:"artifactLocation"`
		Region   *region  `json:"region,omitempty"`
	}
	artifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId"`
	}
	region struct {
		StartLine int      `json:"startLine"`
		Snippet   *message `json:"snippet,omitempty"`
	}
	logical struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
	}
	suppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
)

// baseID stands for the root of the guest's tree.
const baseID = "IMAGE_ROOT"

// maxRelated bounds the further places of one result: services show 100.
const maxRelated = 100

// New makes a handler that writes to w when it is closed, in lang.
func New(w io.Writer, lang string) report.Handler { return &handler{w: w, lang: lang} }

type handler struct {
	report.Collector
	w    io.Writer
	lang string
}

func (h *handler) Close() error {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []run{}}
	for _, r := range h.Runs {
		log.Runs = append(log.Runs, h.run(r))
	}
	e := json.NewEncoder(h.w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(log)
}

func (h *handler) run(r *report.Run) run {
	out := run{
		Tool:     tool{driver{Name: "assay", Version: r.Config.Version, Language: h.lang, Rules: []rule{}}},
		Language: h.lang,
		Newlines: []string{"\n"},
		URIBases: map[string]uri{baseID: {Description: &message{"The root directory of the inspected image."}}},
		Results:  []result{},
		Properties: map[string]any{
			"target": report.Printable(r.Config.Target), "catalogue": r.Config.Catalogue,
		},
	}
	index := map[string]int{}
	for _, f := range r.Findings {
		if _, ok := index[f.Check]; !ok {
			index[f.Check] = len(out.Tool.Driver.Rules)
			out.Tool.Driver.Rules = append(out.Tool.Driver.Rules, h.rule(r, f))
		}
		out.Results = append(out.Results, h.result(f, index[f.Check]))
	}
	inv := invocation{Successful: true}
	for _, g := range r.Gaps {
		inv.Notifications = append(inv.Notifications, h.gap(g))
	}
	if v := r.Verdict; v == nil || v.Error != "" {
		inv.Successful = false
		why := "the run did not reach its verdict"
		if v != nil {
			why = v.Error
		}
		inv.Notifications = append(inv.Notifications, notification{Level: "error", Message: message{report.Printable(why)}})
	}
	out.Invocations = []invocation{inv}
	if strings.HasPrefix(r.Config.Command, "policy") {
		out.inSources()
	}
	return out
}

// sourceRoot is the base that code review services take for the repository.
const sourceRoot = "%SRCROOT%"

// inSources places results in the user's own files instead of an image's.
func (r *run) inSources() {
	r.URIBases = map[string]uri{sourceRoot: {Description: &message{"The directory in which assay ran."}}}
	var all [][]location
	for _, x := range r.Results {
		all = append(all, x.Locations, x.Related)
	}
	for _, i := range r.Invocations {
		for _, n := range i.Notifications {
			all = append(all, n.Locations)
		}
	}
	for _, ls := range all {
		for j := range ls {
			ls[j].Physical.Artifact.BaseID = sourceRoot
		}
	}
}

// severities maps ours to SARIF's level, to GitHub's security-severity (a CVSS
// like number) and to rank.
var severities = map[finding.Severity]struct {
	level, security string
	rank            float64
}{
	finding.Critical: {"error", "9.5", 95}, finding.High: {"error", "8.0", 80},
	finding.Medium: {"warning", "5.5", 55}, finding.Low: {"note", "2.0", 20},
}

// rule describes a check; a finding whose check the stream does not describe
// lends its own words.
func (h *handler) rule(r *report.Run, f finding.Finding) rule {
	k, ok := r.Checks[f.Check]
	if !ok {
		k = report.Check{ID: f.Check, Severity: f.Severity.String(), Title: f.Title, Why: f.Title, Remedy: f.Title}
	}
	sev, err := finding.ParseSeverity(k.Severity)
	if err != nil {
		sev = f.Severity
	}
	s := severities[sev]
	out := rule{ID: f.Check, Short: message{k.Title.In(h.lang)}, Full: message{k.Why.In(h.lang)},
		Help: message{k.Why.In(h.lang) + "\n\n" + k.Remedy.In(h.lang)}, Config: configuration{s.level},
		Properties: map[string]any{"security-severity": s.security, "tags": append([]string{"security", string(k.Class)}, k.Rows...)}}
	for _, ref := range k.References {
		if strings.HasPrefix(ref, "https://") {
			out.HelpURI = ref
			break
		}
	}
	return out
}

func (h *handler) result(f finding.Finding, index int) result {
	s := severities[f.Severity]
	text := report.Printable(f.Title.In(h.lang))
	if f.Fix != nil {
		text += "\n" + report.Printable(f.Fix.Title.In(h.lang))
	}
	out := result{RuleID: f.Check, RuleIndex: index, Level: s.level, Rank: s.rank, Message: message{text},
		Locations: []location{place(f.Where)}, Fingerprints: map[string]string{"assay/v1": f.ID},
		Properties: map[string]any{"severity": f.Severity.String(), "security-severity": s.security, "class": f.Class}}
	if f.Evidence != nil && f.Evidence.Fingerprint != "" {
		out.Properties["evidence"] = f.Evidence.Kind + " " + f.Evidence.Fingerprint
	}
	if e := f.Evidence; e != nil && e.Excerpt != "" { // the line with its secrets masked
		if at := out.Locations[0].Physical.Region; at != nil {
			at.Snippet = &message{report.Printable(e.Excerpt)}
		} else {
			out.Properties["excerpt"] = report.Printable(e.Excerpt)
		}
	}
	if f.Confidence > 0 {
		out.Properties["confidence"] = f.Confidence
	}
	for _, w := range f.Places[:min(len(f.Places), maxRelated)] {
		out.Related = append(out.Related, place(w))
	}
	if a := f.Accepted; a != nil {
		why := a.Reason
		if a.Expires != "" {
			why += fmt.Sprintf(" (until %s)", a.Expires)
		}
		out.Suppressions = []suppression{{Kind: "external", Status: "accepted", Justification: report.Printable(strings.TrimSpace(why))}}
	}
	return out
}

// place is a path in the image as a relative URI. A finding without a path (a
// swap volume) is placed at its volume's name.
func place(w finding.Where) location {
	name := strings.TrimPrefix(w.Path, "/")
	if name == "" {
		name = w.Volume
	}
	if name == "" {
		name = "."
	}
	l := location{Physical: physical{Artifact: artifact{URI: escape(name), BaseID: baseID}}}
	if w.Line > 0 {
		l.Physical.Region = &region{StartLine: w.Line}
	}
	if w.User != "" {
		l.Logical = append(l.Logical, logical{report.Printable(w.User), "user"})
	}
	if w.Volume != "" {
		l.Logical = append(l.Logical, logical{report.Printable(w.Volume), "volume"})
	}
	return l
}

// escape makes a URI reference of path bytes: each component percent-encoded,
// and a first component with a colon kept from looking like a scheme.
func escape(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "/")
}

func (h *handler) gap(g finding.Gap) notification {
	n := notification{Level: "warning", Message: message{strings.TrimSuffix(report.Printable(g.Title.In(h.lang))+": "+report.Printable(g.Detail), ": ")}}
	if g.Accepted != nil || g.Kind == finding.GapScope {
		n.Level = "note"
	}
	if g.Where.Path != "" || g.Where.Volume != "" {
		n.Locations = []location{place(g.Where)}
	}
	return n
}
