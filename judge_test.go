package assay

import (
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
