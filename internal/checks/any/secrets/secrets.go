package secrets

import (
	"cmp"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/content"
	"assay/internal/guest"
	"assay/internal/secret"
)

// Check and Pass are those of checks on machines.
type (
	Check = check.Check[*guest.Guest]
	Pass  = check.Pass[*guest.Guest]
)

// engine is compiled once a process: it does not change.
var engine = sync.OnceValues(secret.NewEngine)

// accounts are files that the checks of accounts understand line by line.
var accounts = []string{"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/passwd", "/etc/passwd-", "/etc/group", "/etc/group-"}

func options(p *Pass) content.Options {
	hives := registry(p.Subject)
	memo, _ := p.Memo.(*content.Memo)
	return content.Options{Memo: memo, Workers: runtime.GOMAXPROCS(0), Key: p.Key(), MinConfidence: cmp.Or(p.Reading.MinConfidence, secret.Worth), MaxFileSize: p.Reading.MaxFileSize, Meter: p.Meter, Seen: p.Seen,
		Leave: func(name string) bool {
			if hives[name] {
				return true
			}
			for _, a := range accounts {
				if name == a {
					return true
				}
			}
			// dpkg's and ucf's own copies of what packages brought, and what the
			// kernel makes.
			return strings.HasPrefix(name, "/var/lib/dpkg/info/") || strings.HasPrefix(name, "/var/lib/ucf/cache/") || strings.HasPrefix(name, "/proc/") || strings.HasPrefix(name, "/sys/") || strings.HasPrefix(name, "/dev/")
		}}
}

// registry are the hives that windows/registry/secrets reads value by value.
func registry(g *guest.Guest) map[string]bool {
	w := g.Windows()
	if w == nil {
		return nil
	}
	out := map[string]bool{}
	for _, h := range w.Hives() {
		if name := strings.ToUpper(path.Base(h.Path)); h.Err == nil && name != "SAM" && name != "SECURITY" {
			out[h.Path] = true
		}
	}
	return out
}

// report makes one finding of all hits with the same fingerprint.
func report(p *Pass, r content.Result) {
	p.Meter.Sealed.Add(int64(r.Sealed))
	for _, g := range r.Gaps {
		p.Gap(g.Kind, g.Where, "%s", g.Detail)
	}
	var order []string
	groups := map[string][]content.Hit{}
	for _, h := range r.Hits {
		k := h.Fingerprint
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], h)
	}
	nth := map[string]int{} // findings of one rule at one path, to tell them apart
	for _, k := range order {
		hits := groups[k]
		f := one(hits)
		at := f.Where.Path + "\x00" + f.Anchor
		nth[at]++
		f.Anchor = fmt.Sprintf("%s #%d", f.Anchor, nth[at])
		p.Report(f)
	}
}

// maxPlaces bounds the further places of one secret.
const maxPlaces = 100

func one(hits []content.Hit) finding.Finding {
	best := hits[0]
	for _, h := range hits[1:] {
		if h.Severity > best.Severity || h.Severity == best.Severity && h.Confidence > best.Confidence {
			best = h
		}
	}
	// Critical is kept for what lets anybody in who knows the image; a
	// credential must be taken out of it first.
	f := finding.Finding{Severity: min(best.Severity, finding.High), Confidence: best.Confidence, Where: where(best), Reason: &best.Reason,
		Title:    title(best, len(hits)),
		Evidence: &finding.Evidence{Kind: best.Kind, Fingerprint: best.Fingerprint, Length: best.Length, Excerpt: strings.TrimRight(best.Excerpt, "\r")},
		Anchor:   best.Rule + " " + best.ID}
	for _, h := range hits {
		if w := where(h); w != f.Where && len(f.Places) < maxPlaces {
			f.Places = append(f.Places, w)
		}
	}
	f.Fix = redact(hits)
	return f
}

// redact overwrites a secret in the files that hold it as it is; inside a
// container its bytes are encoded, and only removing the file helps; an edit
// names no stream of a file.
func redact(hits []content.Hit) *finding.Fix {
	fix := &finding.Fix{Title: t("Overwrite the secret with a placeholder of the same length", "用等长占位符覆盖该机密"), Risk: &credfile.LossRisk}
	for _, h := range hits {
		if h.Inner == "" && h.Stream == "" && !h.Deleted && h.Span > 0 && len(fix.Redact) < maxPlaces {
			fix.Redact = append(fix.Redact, finding.Edit{Op: finding.Replace, Volume: h.Volume, Path: h.Path, Offset: h.Offset, Length: h.Span, Expect: h.Fingerprint})
		}
	}
	if len(fix.Redact) == 0 {
		return nil
	}
	return fix
}

func where(h content.Hit) finding.Where {
	w := finding.Where{Volume: h.Volume, Path: h.Path, Line: h.Line, Offset: h.Offset, Deleted: h.Deleted}
	if h.Inner != "" {
		w.Path += "!/" + h.Inner
	}
	return w
}

// show is how much of an id stands in a title: AccessKey ids are half public,
// and the rest is in the file for who may read it.
func show(id string) string {
	if i := strings.IndexByte(id, '@'); i < 0 && len(id) > 12 {
		return id[:8] + "…"
	}
	return id
}

func title(h content.Hit, n int) finding.Text {
	en, zh := h.Title.EN, h.Title.ZH
	if h.ID != "" {
		en, zh = en+" ("+show(h.ID)+")", zh+"("+show(h.ID)+")"
	}
	switch {
	case h.Deleted:
		en, zh = en+" in deleted data of "+h.Volume, h.Volume+" 的已删除数据中："+zh
	default:
		base := path.Base(h.Path)
		en, zh = en+" in "+base, base+" 中："+zh
	}
	if n > 1 {
		en, zh = fmt.Sprintf("%s and %d more places", en, n-1), fmt.Sprintf("%s，另有 %d 处", zh, n-1)
	}
	return finding.T(en, zh)
}

func t(en, zh string) finding.Text { return finding.T(en, zh) }
