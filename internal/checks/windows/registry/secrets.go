package registry

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
	"assay/internal/secret"
)

// engine is compiled once a process: it does not change.
var engine = sync.OnceValues(secret.NewEngine)

var secrets = &Check{
	ID:       "windows/registry/secrets",
	Severity: finding.High,
	Class:    finding.IdentityCredential,
	Rows:     []string{"B1", "B2"},
	Covers:   []string{"WCR-012", "WCR-020"},
	Content:  true,
	Doc: check.Doc{
		Title:  t("Credentials in values of the registry", "注册表值中的凭证"),
		Why:    t("Command lines of services, entries that run at logon and settings of programs are stored in clear: whoever gets the image reads them", "服务的命令行、登录时运行的条目和程序设置都以明文保存：得到镜像的人都能读取"),
		Remedy: t("Revoke the credential first: it was in an image. Then change the service or the program so that it gets it when the instance starts", "先吊销该凭证：它曾存在于镜像中。再修改服务或程序，使其在实例启动时获取凭证"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		w := p.Subject.Windows()
		if w == nil {
			return nil
		}
		e, err := engine()
		if err != nil {
			return err
		}
		s := &search{p: p, scanner: e.NewScanner(), found: map[string]*sighting{}}
		for _, u := range all(w) {
			if err := s.hive(u); err != nil {
				return err
			}
		}
		for _, print := range s.order {
			p.Report(s.found[print].finding())
		}
		return nil
	},
}

// all are the hives whose values people and programs write: those of the
// machine but SAM and SECURITY, which have checks of their own, and two of each
// profile.
func all(w *guest.WindowsGuest) (out []user) {
	for _, h := range w.Hives() {
		if name := path.Base(h.Path); h.Err == nil && !strings.EqualFold(name, "SAM") && !strings.EqualFold(name, "SECURITY") {
			out = append(out, user{Hive: h})
		}
	}
	for _, p := range w.Profiles() {
		for i := range out {
			if out[i].Hive == p.Hive() || out[i].Hive == p.Classes() {
				out[i].name = p.Name
			}
		}
	}
	return out
}

// A search goes through the hives and gathers what is one secret.
type search struct {
	p       *Pass
	scanner *secret.Scanner
	found   map[string]*sighting // by fingerprint
	order   []string
}

// A sighting is one secret with all its places.
type sighting struct {
	best   secret.Candidate // without Secret
	ev     *finding.Evidence
	name   string // of the value that holds it
	places []finding.Where
	redact []finding.Edit
	scrub  []finding.Edit // of hives in whose deleted cells it lies
}

// hive searches one hive.
func (s *search) hive(u user) error {
	known := reported(s.p.Subject.Windows(), u)
	scan := func(deleted bool) func(*script) error {
		return func(text *script) error {
			src := secret.Source{Path: "registry.reg", Size: int64(text.Len()), HighOnly: deleted}
			err := s.scanner.Scan(s.p.Context, src, strings.NewReader(text.String()), func(c secret.Candidate) {
				o := text.at(int(c.Offset), int(c.Offset+c.Length))
				if c.Confidence >= cmp.Or(s.p.Reading.MinConfidence, secret.Worth) && o != nil && !known(o.key) && !derived(o.key) {
					s.add(u, c, o)
				}
			})
			if errors.Is(err, secret.ErrTooMuch) {
				s.p.Gap(finding.GapLimit, u.Where(), "%v", err)
				return nil
			}
			return err
		}
	}
	return scripts(u.Hive, scan(false), scan(true))
}

// derived reports whether a key holds what Windows and browsers make
// themselves: hashes over settings, marks of what was synchronised.
func derived(key string) bool {
	key = strings.ToLower(key) + `\`
	return strings.Contains(key, `\preferencemacs\`) || strings.Contains(key, `\settingsync\`)
}

// maxPlaces bounds the places of one secret.
const maxPlaces = 100

func (s *search) add(u user, c secret.Candidate, o *origin) {
	ev := s.p.Secret(c.Kind, c.Secret, strings.TrimRight(c.Excerpt, "\r"))
	x := s.found[ev.Fingerprint]
	if x == nil {
		x = &sighting{}
		s.found[ev.Fingerprint] = x
		s.order = append(s.order, ev.Fingerprint)
	}
	if x.ev == nil || cmp.Or(cmp.Compare(c.Severity, x.best.Severity), cmp.Compare(c.Confidence, x.best.Confidence)) > 0 {
		c.Secret = nil
		x.best, x.ev, x.name = c, ev, o.value
	}
	if len(x.places) == maxPlaces {
		return
	}
	where := u.Where()
	where.User = u.name
	off, n := o.passage.Span(int(c.Offset)-o.from, int(c.Offset+c.Length)-o.from)
	if o.deleted > 0 {
		where.Deleted, where.Offset = true, o.deleted+int64(off)
		x.scrub = append(x.scrub, u.Edit(finding.RegScrub, "", ""))
	} else {
		where.Path = u.At(o.key + `\` + o.value).Path
		e := u.Edit(finding.RegReplace, o.key, o.value)
		e.Offset, e.Length, e.Expect = int64(off), int64(n), ev.Fingerprint
		x.redact = append(x.redact, e)
	}
	for _, w := range x.places {
		if w == where {
			return
		}
	}
	x.places = append(x.places, where)
}

// finding is what is told of one secret. Deleted places go by themselves.
func (x *sighting) finding() finding.Finding {
	f := finding.Finding{Severity: min(x.best.Severity, finding.High), Confidence: x.best.Confidence, Reason: &x.best.Reason, Evidence: x.ev,
		Where: x.places[0], Places: x.places[1:], Anchor: x.best.Rule + " " + x.best.ID}
	if len(f.Places) == 0 {
		f.Places = nil
	}
	en, zh := x.best.Title.EN, x.best.Title.ZH
	hive := path.Base(strings.SplitN(f.Where.Path, "!/", 2)[0])
	switch {
	case len(x.redact) == 0:
		en, zh = en+" in deleted keys of "+hive, hive+" 的已删除键中："+zh
	case x.name == "":
		en, zh = en+" in the registry ("+hive+")", "注册表（"+hive+"）中："+zh
	default:
		en, zh = en+" in the registry value "+credfile.Show(x.name)+" ("+hive+")", "注册表值 "+credfile.Show(x.name)+"（"+hive+"）中："+zh
	}
	if n := len(f.Places); n > 0 {
		en, zh = fmt.Sprintf("%s and %d more places", en, n), fmt.Sprintf("%s，另有 %d 处", zh, n)
	}
	f.Title = finding.T(en, zh)
	if len(x.redact) == 0 {
		f.Fix = &finding.Fix{Title: t("Zero what is deleted, and empty the logs", "将已删除的内容清零并清空日志"), Safe: true, Edits: x.scrub}
		return f
	}
	f.Fix = &finding.Fix{Title: t("Overwrite the secret with a placeholder of the same length", "用等长占位符覆盖该机密"), Risk: &credfile.LossRisk, Redact: x.redact}
	return f
}

// reported tells which keys of a hive another check of this package removes
// with all below them, sessions of clients and traces.
func reported(w *guest.WindowsGuest, u user) func(key string) bool {
	var keys []string
	for _, v := range everywhere(w) {
		if v.Hive != u.Hive {
			continue
		}
		for _, list := range [][]saved{clients, passwords, traceKeys} {
			for _, s := range list {
				if key := v.under(s.key); s.holds(v.Key(key)) {
					keys = append(keys, strings.ToLower(key))
				}
			}
		}
	}
	return func(key string) bool {
		key = strings.ToLower(key)
		for _, k := range keys {
			if rest, ok := strings.CutPrefix(key, k); ok && (rest == "" || rest[0] == '\\') {
				return true
			}
		}
		return false
	}
}
