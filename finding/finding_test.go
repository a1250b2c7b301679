package finding

import (
	"encoding/json"
	"testing"
)

func TestIdentityIsStable(t *testing.T) {
	a := Finding{Check: "any/ssh/authorized-keys", Where: Where{Path: "/root/.ssh/authorized_keys", Line: 3, Volume: "p1"}, Anchor: "SHA256:x"}
	b := a
	b.Where.Line, b.Where.Volume, b.Severity = 9, "p2", High
	a.Identify()
	b.Identify()
	if a.ID != b.ID || len(a.ID) != 16 {
		t.Fatalf("line and volume must not change the ID: %s, %s", a.ID, b.ID)
	}
	for _, change := range []func(*Finding){
		func(f *Finding) { f.Anchor = "SHA256:y" }, func(f *Finding) { f.Where.User = "u" },
		func(f *Finding) { f.Where.Path += "2" }, func(f *Finding) { f.Check = "x/y" },
		func(f *Finding) { f.Where.Deleted = true },
	} {
		c := a
		change(&c)
		c.Identify()
		if c.ID == a.ID {
			t.Errorf("%+v has the ID of another finding", c)
		}
	}
}

func TestPathBytesSurviveJSON(t *testing.T) {
	for _, p := range []string{"/etc/passwd", "/\xff\xfe/a\nb", "/名字"} {
		b, err := json.Marshal(Finding{Severity: Low, Where: Where{Path: p, Line: 2}})
		if err != nil {
			t.Fatal(err)
		}
		var f Finding
		if err := json.Unmarshal(b, &f); err != nil || f.Where.Path != p {
			t.Errorf("%q became %q (%v) by %s", p, f.Where.Path, err, b)
		}
	}
}

func TestSeverityText(t *testing.T) {
	for _, s := range Severities() {
		got, err := ParseSeverity(s.String())
		if err != nil || got != s {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	if _, err := ParseSeverity("severity"); err == nil {
		t.Error("an unknown severity must be refused")
	}
}

func TestGapTitles(t *testing.T) {
	for k, x := range gapTitles {
		if x.EN == "" || x.ZH == "" {
			t.Errorf("%s has no title in one language", k)
		}
		if g := NewGap(k, Where{}, "x"); g.ID == "" || g.Title != x {
			t.Errorf("%s: %+v", k, g)
		}
	}
}
