package accept

import (
	"strings"
	"testing"
	"time"

	"assay/finding"
	"assay/internal/need"
)

var today = time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)

func TestAccepts(t *testing.T) {
	var l List
	err := l.Parse([]byte(`
- check: any/ssh/authorized-keys
  path: /home/build/**
  reason: removed by the pipeline
  expires: 2026-11-22
- id: 00112233aabbccdd
  reason: known
  expires: 2030-01-01
- gap: encrypted
  path: p3
  reason: data disk
  expires: 2027-01-01
- check: linux/**
  reason: old
  expires: 2026-11-21
`), today)
	if err != nil || len(l.Expired) != 1 || len(l.entries) != 3 {
		t.Fatal(err, l)
	}
	at := func(check, path string, more ...string) *finding.Finding {
		f := &finding.Finding{ID: "x", Check: check, Where: finding.Where{Path: path}}
		for _, p := range more {
			f.Places = append(f.Places, finding.Where{Path: p})
		}
		l.Finding(f)
		return f
	}
	if f := at("any/ssh/authorized-keys", "/home/build/.ssh/authorized_keys"); f.Accepted == nil || f.Accepted.Reason != "removed by the pipeline" {
		t.Error("not accepted", f)
	}
	if f := at("any/ssh/authorized-keys", "/root/.ssh/authorized_keys"); f.Accepted != nil {
		t.Error("another path is accepted")
	}
	if f := at("any/ssh/authorized-keys", "/home/build/a", "/root/b"); f.Accepted != nil {
		t.Error("a finding with a place outside is accepted")
	}
	if f := at("any/ssh/host-keys", "/home/build/x"); f.Accepted != nil {
		t.Error("another check is accepted")
	}
	f := &finding.Finding{ID: "00112233aabbccdd"}
	if l.Finding(f); f.Accepted == nil {
		t.Error("by ID: not accepted")
	}
	g := finding.NewGap(finding.GapEncrypted, finding.Where{Volume: "p3"}, "LUKS")
	h := finding.NewGap(finding.GapEncrypted, finding.Where{Volume: "p4"}, "LUKS")
	l.Gap(&g)
	l.Gap(&h)
	if g.Accepted == nil || h.Accepted != nil {
		t.Error("gaps", g.Accepted, h.Accepted)
	}
}

func TestParseNamesTheFault(t *testing.T) {
	for in, want := range map[string]string{
		"- id: a\n  reason: x\n":                                           "line 1: expires",
		"\n- id: a\n  expires: 2027-01-01\n":                               "line 2: a reason is missing",
		"- id: a\n  check: b\n  reason: x\n  expires: 2027-01-01\n":        "exactly one",
		"- reason: x\n  expires: 2027-01-01\n":                             "exactly one",
		"- id: a\n  path: /x\n  reason: x\n  expires: 2027-01-01\n":        "path goes with",
		"- id: a\n  reason: x\n  expires: 2027-01-01\n  serverity: high\n": "serverity",
		"- id: a\n  reason: x\n  expires: 31.12.2027\n":                    "no date",
		"id: a": "cannot unmarshal",
	} {
		err := new(List).Parse([]byte(in), today)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func TestBaseline(t *testing.T) {
	var l List
	err := l.Baseline(strings.NewReader(`{"finding":{"id":"abc","check":"a/b","severity":"high","title":{"en":"","zh":""},"class":"","where":{}}}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := &finding.Finding{ID: "abc"}, &finding.Finding{ID: "def"}
	l.Finding(old)
	l.Finding(fresh)
	if old.Accepted == nil || old.Accepted.By != "baseline" || fresh.Accepted != nil {
		t.Error(old.Accepted, fresh.Accepted)
	}
}

func TestMatchesIsNotExponential(t *testing.T) {
	deep := strings.Repeat("a/", 60) + "b"
	start := need.CPU()
	matches("**/a/**/a/**/a/c", deep)
	if d := need.CPU() - start; d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("- id: a\n  reason: x\n  expires: 2027-01-01\n"))
	f.Fuzz(func(t *testing.T, b []byte) { _ = new(List).Parse(b, today) })
}
