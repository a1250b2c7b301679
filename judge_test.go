package assay

import (
	"errors"
	"strings"
	"testing"
	"time"

	"assay/finding"
	"assay/internal/accept"
	"assay/internal/report"
	"assay/internal/report/reporttest"
)

type keep struct{ ms []report.Message }

func (k *keep) Handle(m report.Message) error { k.ms = append(k.ms, m); return nil }
func (k *keep) Close() error                  { return nil }

func judged(t *testing.T, j Judgement) (*Judged, *keep) {
	t.Helper()
	k := &keep{}
	d := Judge(k, j)
	if err := reporttest.Feed(d); err != nil {
		t.Fatal(err)
	}
	return d, k
}

func verdict(k *keep) report.Verdict {
	for _, m := range k.ms {
		if m.Verdict != nil {
			return *m.Verdict
		}
	}
	return report.Verdict{}
}

func TestJudgeCountsAnew(t *testing.T) {
	d, k := judged(t, Judgement{})
	v := verdict(k)
	// The stream's acceptances are not ours: what counted there is judged again.
	if v.Accepted != 0 || v.Findings["medium"] != 2 || v.Gaps != 2 || v.Clean || !d.Fail || !d.Gaps || !d.Broken {
		t.Errorf("%+v, %v %v %v", v, d.Fail, d.Gaps, d.Broken)
	}
}

func TestJudgeHidesButCounts(t *testing.T) {
	d, k := judged(t, Judgement{Show: finding.High, FailOn: finding.Critical})
	n := 0
	for _, m := range k.ms {
		if m.Finding != nil {
			n++
			if m.Finding.Severity < finding.High {
				t.Errorf("shown: %v", m.Finding.Severity)
			}
		}
	}
	if v := verdict(k); n != 3 || v.Hidden != 3 || v.Findings["low"] != 1 || !d.Fail {
		t.Errorf("%d shown, %+v", n, v)
	}
}

func TestJudgeAccepts(t *testing.T) {
	var l accept.List
	err := l.Parse([]byte(`
- check: "**"
  reason: all known
  expires: 2099-01-01
- gap: encrypted
  reason: data
  expires: 2099-01-01
- gap: missing-device
  path: /data
  reason: data
  expires: 2099-01-01
`), time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	d, k := judged(t, Judgement{Accept: &l})
	if v := verdict(k); !v.Clean || v.Accepted != len(reporttest.Findings()) || v.Gaps != 0 || d.Fail || d.Gaps {
		t.Errorf("%+v", v)
	}
	for _, m := range k.ms {
		if m.Finding != nil && m.Finding.Accepted == nil {
			t.Error("not marked:", m.Finding.Title.EN)
		}
	}
}

func at(check, path string, line int, kind, fp string, more ...finding.Where) finding.Finding {
	return finding.Finding{Check: check, Where: finding.Where{Path: path, Line: line}, Places: more,
		Evidence: &finding.Evidence{Kind: kind, Fingerprint: fp}}
}

func TestEachSecretIsSaidOnce(t *testing.T) {
	var o overlap
	for _, f := range []finding.Finding{
		at("any/cloud/alibaba-credentials", "/root/.ossutilconfig", 4, "secret", "hmac:1"),
		at("any/ssh/private-keys", "/root/key", 0, "ssh-private-key", "hmac:2"),
		at("any/history/shell-history", "/root/.bash_history", 2, "line", "hmac:3"),
	} {
		if o.hold(f) {
			t.Fatal("a check that knows the file must not wait")
		}
	}
	for _, f := range []finding.Finding{
		at("any/secrets/hard-coded", "/root/.ossutilconfig", 4, "access-key", "hmac:9"), // same line
		at("any/secrets/hard-coded", "/root/.ossutilconfig", 9, "access-key", "hmac:1", finding.Where{Path: "/opt/copy", Line: 1}),
		at("any/secrets/hard-coded", "/root/key", 1, "private-key", "hmac:8"),
		at("any/secrets/hard-coded", "/root/.bash_history", 3, "password", "hmac:7"), // another line
		{Check: "any/secrets/deleted", Where: finding.Where{Volume: "p1", Offset: 9, Deleted: true}, Evidence: &finding.Evidence{Kind: "password", Fingerprint: "hmac:1"}},
	} {
		if !o.hold(f) {
			t.Fatal("a content finding must wait")
		}
	}
	var got []string
	for _, f := range o.release() {
		if f.ID == "" {
			t.Error("no ID")
		}
		got = append(got, f.Check+" "+f.Where.Path)
	}
	want := "any/secrets/hard-coded /opt/copy|any/secrets/hard-coded /root/.bash_history|any/secrets/deleted "
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got %s", s)
	}
}

func TestSelect(t *testing.T) {
	all, err := Select(nil, false)
	if err != nil || len(all) < 100 {
		t.Fatalf("%d checks, %v", len(all), err)
	}
	some, err := Select([]string{"any/ssh/"}, false)
	if err != nil || len(some) == 0 || len(some) >= len(all) {
		t.Errorf("%d of any/ssh, %v", len(some), err)
	}
	lean, err := Select(nil, true)
	if err != nil || len(lean) >= len(all) {
		t.Errorf("no-content leaves %d of %d, %v", len(lean), len(all), err)
	}
	if _, err := Select([]string{"linux/ss"}, false); err == nil {
		t.Error("half a name must not select")
	}
}

// TestScope: what a probe does not bring keeps nobody from a clean verdict
// about the rest, is said in it, and is never certified; from anything but a
// running machine it is a gap as any other.
func TestScope(t *testing.T) {
	feed := func(target string) (*Judged, *keep, *Witness) {
		k := &keep{}
		w := &Witness{Handler: k}
		d := Judge(w, Judgement{})
		g := scope(finding.T("a part", "一部分"))
		for _, m := range []report.Message{{Config: &report.Config{Command: "inspect", Target: target}}, {Gap: &g}, {Verdict: &report.Verdict{SHA256: strings.Repeat("a", 64)}}} {
			if err := d.Handle(m); err != nil {
				t.Fatal(err)
			}
		}
		return d, k, w
	}
	for _, target := range []string{"ssh://root@web", "ecs://cn-hangzhou/i-1"} {
		d, k, w := feed(target)
		if v := verdict(k); !v.Clean || v.Gaps != 0 || v.Scope != 1 || d.Gaps {
			t.Errorf("%s: %+v", target, v)
		}
		if _, err := w.Certify("x", time.Now(), nil); !errors.Is(err, ErrNotClean) {
			t.Errorf("%s is certified: %v", target, err)
		}
	}
	d, k, _ := feed("web.qcow2")
	if v := verdict(k); v.Clean || v.Gaps != 1 || v.Scope != 0 || !d.Gaps {
		t.Errorf("an image has the scope of a probe: %+v", v)
	}
}
