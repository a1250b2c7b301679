package html

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"assay/finding"
	"assay/internal/report"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed style.css
	styleCSS string
	//go:embed script.js
	scriptJS string
)

// New makes a handler that writes to w when it is closed. The page opens in
// lang, "zh" or "en", and holds both.
func New(w io.Writer, lang string) report.Handler { return &handler{w: w, lang: lang} }

type handler struct {
	report.Collector
	w    io.Writer
	lang string
}

func (h *handler) Close() error {
	t, err := template.New("page").Funcs(funcs).Parse(pageHTML)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(h.w, 64<<10)
	if err := t.Execute(b, newPage(h.Runs, h.lang)); err != nil {
		return err
	}
	return b.Flush()
}

// funcs are what the template says things with. Every string of a stream goes
// through one of them: p, t, at or size.
var funcs = template.FuncMap{
	"p":        report.Printable,
	"w":        finding.T,
	"wf":       finding.Tf,
	"size":     finding.Size,
	"bytes":    func(n int) string { return finding.Size(int64(n)) },
	"sev":      report.SeverityWord,
	"tag":      langTag,
	"at":       at,
	"link":     link,
	"edit":     edit,
	"when":     when,
	"icon":     func() template.HTMLAttr { return template.HTMLAttr(`href="` + iconURL + `"`) },
	"logins":   loginWords,
	"password": loginMark,
	"kind":     func(k finding.GapKind) string { return report.Printable(string(k)) },
	"results":  report.ResultWord,
	"op":       report.OpWord,
	"place":    editPlace,
	"outcome":  report.OutcomeWord,
}

// iconURL is the page's own icon: without one, a browser asks the server for it.
const iconURL = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E" +
	"%3Crect width='16' height='16' rx='3' fill='%23163a5f'/%3E%3Cpath d='M4 8.5l2.7 2.7L12 5.5' fill='none' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E"

// langTag is the BCP 47 tag of a language of assay.
func langTag(lang string) string {
	if lang == "zh" {
		return "zh-CN"
	}
	return "en"
}

// policy is the page's Content-Security-Policy as an attribute: its own style
// and script by their digests, its icon, nothing else, and no strings that
// become markup.
func policy() template.HTMLAttr {
	return template.HTMLAttr(fmt.Sprintf(`content="default-src 'none'; style-src %s; script-src %s; img-src data:; base-uri 'none'; `+
		`form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"`, digest(styleCSS), digest(scriptJS)))
}

// digest names an inline text as a CSP source (CSP Level 3, 2.3.1).
func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
}

// link is s when it is a web address that may be a link, else "".
func link(s string) string {
	if strings.HasPrefix(s, "https://") && report.Printable(s) == s {
		return s
	}
	return ""
}

// when writes the time of a run for people; what is no RFC 3339 stays.
func when(s string) string {
	if len(s) == len("2006-01-02T15:04:05Z") && s[10] == 'T' && s[19] == 'Z' {
		s = s[:10] + " " + s[11:19] + " UTC"
	}
	return report.Printable(s)
}

// at names a place in the guest as text does: path:line, and for bytes that no
// file owns the volume and the offset.
func at(w finding.Where) string {
	s := report.Printable(w.Path)
	if w.Line > 0 {
		s += fmt.Sprintf(":%d", w.Line)
	}
	if w.Deleted {
		return strings.TrimSpace(s + fmt.Sprintf(" [%s @%d]", report.Printable(w.Volume), w.Offset))
	}
	if s == "" {
		s = report.Printable(w.Volume)
	}
	return s
}

// editPlace names what a step is about: a path with its line, a volume, a user.
func editPlace(e finding.Edit) string {
	s := at(finding.Where{Volume: e.Volume, Path: report.EditPath(e), Line: e.Line})
	if e.Key != "" {
		s += " " + report.Printable(e.Key)
	}
	if e.Value != "" {
		s += " " + report.Printable(e.Value)
	}
	if e.User != "" {
		s = report.Printable(e.User) + " · " + s
	}
	return s
}

// edit names one step of a fix: "lock-password guest in /etc/shadow".
func edit(e finding.Edit) string {
	s := string(e.Op)
	if e.User != "" {
		s += " " + e.User
	}
	place := at(finding.Where{Volume: e.Volume, Path: e.Path, Line: e.Line, Offset: e.Offset, Deleted: e.Path == "" && e.Offset > 0})
	if place != "" {
		s += " " + place
	}
	if with := report.EditWith(e); with != "" {
		s += " → " + with
	}
	return report.Printable(s)
}

// loginMark is the class of a password state's mark: a state that lets someone
// in is marked, one that the page does not know is plain.
func loginMark(state string) string {
	switch state {
	case "empty", "set":
		return state
	}
	return ""
}

// loginWords explains the state of a password field.
func loginWords(state string) finding.Text {
	switch state {
	case "none":
		return finding.T("none", "无密码登录")
	case "empty":
		return finding.T("empty: no password needed", "空：无需密码")
	case "set":
		return finding.T("set", "已设置")
	case "locked":
		return finding.T("locked, hash kept", "已锁定，保留哈希")
	case "shadowed":
		return finding.T("missing from shadow", "shadow 中缺失")
	}
	return finding.T(state, state)
}
