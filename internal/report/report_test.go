package report_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"assay/finding"
	"assay/internal/report"
	"assay/internal/report/json"
)

type keep struct{ ms []report.Message }

func (k *keep) Handle(m report.Message) error { k.ms = append(k.ms, m); return nil }
func (k *keep) Close() error                  { return nil }

func TestStreamSurvivesReplay(t *testing.T) {
	gap := finding.NewGap(finding.GapEncrypted, finding.Where{Volume: "p2"}, "LUKS2 volume")
	f := finding.Finding{Check: "any/ssh/authorized-keys", Severity: finding.High, Class: finding.PresetAccount, Title: finding.T("a", "甲"),
		Where: finding.Where{Path: "/root/\xff", Line: 1}, Evidence: &finding.Evidence{Kind: "ssh-public-key", Fingerprint: "SHA256:x"},
		Fix: &finding.Fix{Title: finding.T("Remove", "删除"), Safe: true, Edits: []finding.Edit{{Op: finding.Blank, Path: "/x"}}}}
	f.Identify()
	want := []report.Message{
		{Config: &report.Config{Protocol: "1", Tool: "assay", Target: "a.img"}},
		{Inventory: &report.Inventory{Volumes: []report.Volume{{Name: "p1", Size: 5}}}},
		{Finding: &f}, {Gap: &gap},
		{Verdict: &report.Verdict{Findings: map[string]int{"high": 1}, Gaps: 1, Seconds: 0.5}},
	}
	var b bytes.Buffer
	h := json.New(&b, false)
	for _, m := range want {
		if err := h.Handle(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Handle(report.Message{Progress: &report.Progress{Phase: "check"}}); err != nil {
		t.Fatal(err)
	}
	var got keep
	if err := report.Decode(&b, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.ms, want) {
		t.Errorf("got %+v\nwant %+v", got.ms, want)
	}
}

func TestDecodeNamesTheLine(t *testing.T) {
	for _, bad := range []string{"{}", `{"config":{},"gap":{}}`, `{"nothing":1}`, "x", `{"finding":{"severity":"awful"}}`} {
		err := report.Decode(strings.NewReader("\n"+`{"verdict":{}}`+"\n"+bad+"\n"), &keep{})
		if err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"verdict":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) { _ = report.Decode(bytes.NewReader(b), &keep{}) })
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31mb\u202e\xff\n\u200b名")
	f.Fuzz(func(t *testing.T, s string) {
		p := report.Printable(s)
		if !utf8.ValidString(p) {
			t.Fatalf("%q is not UTF-8", p)
		}
		for _, r := range p {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q of %q has %U", p, s, r)
			}
		}
	})
}

func TestWidth(t *testing.T) {
	for s, w := range map[string]int{"abc": 3, "密钥对": 6, "a、b": 4, "e\u0301": 1} {
		if got := report.Width(s); got != w {
			t.Errorf("Width(%q) = %d, want %d", s, got, w)
		}
	}
}
