package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"assay/finding"
	"assay/internal/report"
)

// Progress is a handler that keeps one line of a terminal up to date: what is
// being done, how far, how fast, how long still.
type Progress struct {
	w     io.Writer
	lang  string
	width int
	now   func() time.Time

	phase   string
	started time.Time
	drawn   time.Time
	shown   bool
}

// NewProgress makes one for the terminal w of the given width.
func NewProgress(w io.Writer, lang string, width int) *Progress {
	return &Progress{w: w, lang: lang, width: width, now: time.Now}
}

// redraw is how often the line changes: faster only costs.
const redraw = 100 * time.Millisecond

var phases = map[string]finding.Text{
	"open":    finding.T("opening", "打开"),
	"check":   finding.T("checking", "检查"),
	"read":    finding.T("reading", "读取"),
	"digest":  finding.T("computing the digest", "计算摘要"),
	"collect": finding.T("reading the account", "读取账号"),
}

// Handle implements report.Handler.
func (p *Progress) Handle(m report.Message) error {
	if m.Progress == nil {
		if m.Verdict != nil {
			p.Clear()
		}
		return nil
	}
	now := p.now()
	if m.Progress.Phase != p.phase {
		p.phase, p.started, p.drawn = m.Progress.Phase, now, time.Time{}
	}
	if now.Sub(p.drawn) < redraw {
		return nil
	}
	p.drawn = now
	line := p.line(*m.Progress, now.Sub(p.started))
	for report.Width(line) > p.width-1 {
		line = line[:len(line)-1]
	}
	p.shown = true
	_, err := fmt.Fprintf(p.w, "\r%s\x1b[K", strings.ToValidUTF8(line, ""))
	return err
}

func (p *Progress) line(m report.Progress, spent time.Duration) string {
	word := m.Phase
	if t, ok := phases[m.Phase]; ok {
		word = t.In(p.lang)
	}
	amount := fmt.Sprint(m.Done)
	if m.Total > 0 {
		amount += fmt.Sprintf("/%d", m.Total)
	}
	if m.Unit == "bytes" {
		amount = finding.Size(m.Done)
		if m.Total > 0 {
			amount += " / " + finding.Size(m.Total)
		}
	}
	line := fmt.Sprintf("%s  %s", word, amount)
	secs := spent.Seconds()
	if secs < 0.5 || m.Done <= 0 {
		return line
	}
	rate := float64(m.Done) / secs
	if m.Unit == "bytes" {
		line += fmt.Sprintf("  %s/s", finding.Size(int64(rate)))
	}
	if m.Total > m.Done {
		left := time.Duration(float64(m.Total-m.Done) / rate * float64(time.Second)).Round(time.Second)
		line += finding.Tf("  %s left", "  剩余 %s", left).In(p.lang)
	}
	return line
}

// Clear removes the line, before something else is written.
func (p *Progress) Clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// Close implements report.Handler.
func (p *Progress) Close() error { p.Clear(); return nil }
