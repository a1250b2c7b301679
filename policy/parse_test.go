package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestBadInput: every slip is named with its place and what to write instead.
func TestBadInput(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "1:1: the document ends"},
		{"\ufeff" + documentA, "byte order mark"},
		{"{\n  // deny\n}", "2:3: JSON has no comments"},
		{"{ \"a\": \"\xff\" }", "1:9: byte 0xff is not valid UTF-8"},
		{`{"Version":"1","Version":"1"}`, `1:16: "Version" is already at line 1`},
		{`{"Version":"1",}`, "1:15: a comma before"},
		{`{"Version":'1'}`, `plain double quotes`},
		{`{"Version":“1”}`, `plain double quotes`},
		{`{"Version":"1","Statement":[]`, "ends in the middle"},
		{`{"Version":"1"} {}`, "1:17: there is more"},
		{strings.Repeat("[", 100000), "nested more than"},
		{`"` + strings.Repeat("x", 10<<20) + `"`, "the most that is read"},
		{"[]", "a policy is an object"},
		{`{"Version": 01}`, "no JSON value"},
		{`{"Version":"\ud800"}`, "character's code"},
		{"{\"Version\":\"1\n\"}", "does not end on its line"},
		{`{"Version":Infinity}`, "no JSON value"},
	} {
		_, err := Parse("x.json", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x.json:") {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestProblems are documents that are JSON and that the service refuses, or
// that are made good with a warning.
func TestProblems(t *testing.T) {
	one := func(elements string) string { return `{"Version":"1","Statement":[{` + elements + `}]}` }
	many := strings.TrimSuffix(strings.Repeat(`{"Effect":"Deny","Action":"a:b","Resource":"*"},`, 10000), ",")
	for _, c := range []struct{ text, want string }{
		{`{"Statement":[]}`, "version,no-statement"},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"a:b","Resource":"*"}]}`, "version"},
		{`{"Version":1,"Statement":[{"Effect":"Deny","Action":"a:b","Resource":"*"}]}`, "unquoted"},
		{`{"Version":"1","Statement":{"Effect":"Deny"}}`, "statement-list"},
		{`{"version":"1","Statement":[1]}`, "element-case,version,statement-object"},
		{one(`"Effect":"deny","Action":"a:b","Resource":"*"`), "effect"},
		{one(`"Effect":"Block","Action":"a:b","Resource":"*"`), "effect"},
		{one(`"Effect":"Deny","Actions":"a:b","Resource":"*"`), "unknown-element,missing-element"},
		{one(`"Effect":"Deny","Action":"a:b","NotAction":"a:c","Resource":"*"`), "both-elements"},
		{one(`"Effect":"Deny","Action":[],"Resource":"*"`), "empty-list"},
		{one(`"Effect":"Deny","Action":[["a:b"]],"Resource":"*"`), "value"},
		{one(`"Effect":"Deny","Action":"ExportImage","Resource":"*"`), "action-form"},
		{one(`"Effect":"Deny","Action":"a:b","Resource":"image/*"`), "resource-form"},
		{one(`"Sid":"x","Effect":"Deny","Action":"a:b","Resource":"*"`), "sid"},
		{one(`"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"Bool":{"k":true}}`), "unquoted"},
		{one(`"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"BoolIfExists":{"k":"true"}}`), "unknown-operator"},
		{one(`"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"Bool":"x"}`), "condition"},
		{one(`"Effect":"Deny","Action":"a:b","Resource":"*","Condition":[]`), "condition"},
		{`{"Version":"1","Statement":[` + many + `]}`, "too-many-statements"},
		{documentA, ""}, {documentB, ""}, {trust, ""},
	} {
		d, err := Parse("x.json", []byte(c.text))
		if err != nil {
			t.Errorf("%.60q: %v", c.text, err)
			continue
		}
		var codes []string
		for _, p := range d.Problems {
			codes = append(codes, p.Code)
			if p.Pos.Line < 1 || p.Pos.Column < 1 || p.Text.EN == "" || p.Text.ZH == "" || p.Advice.EN == "" || p.Advice.ZH == "" {
				t.Errorf("%.60q: %+v lacks a place, a language or advice", c.text, p)
			}
		}
		if got := strings.Join(codes, ","); got != c.want {
			t.Errorf("%.80q: %s, want %s", c.text, got, c.want)
		}
	}
}

func TestPositions(t *testing.T) {
	d := parse(t, "a.json", documentA)
	s := d.Statements[0]
	got := fmt.Sprint(s.Pos, s.Actions[2].Pos, s.Conditions[0].Pos, s.Conditions[0].KeyPos, s.Conditions[0].Values[0].Pos)
	if want := "4:9 8:17 12:17 13:21 14:25"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if d := parse(t, "b", `{"Version":"1","Statement":[{"Effect":"Deny","Sid":"中文","Action":"a:b","Resource":"*"}]}`); d.Statements[0].Actions[0].Pos.Column != 66 {
		t.Errorf("columns count characters: %v", d.Statements[0].Actions[0].Pos)
	}
	if d.Minified != 191 {
		t.Errorf("document A has %d characters minified, the facts say 191", d.Minified)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		p, s string
		want bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"?", "", false}, {"?", "é", true}, {"a*", "a", true}, {"*a", "ba", true},
		{"a*a", "a", false}, {"a*a", "aa", true}, {"a**b", "ab", true}, {"*a*b*", "xxaxxb", true}, {"*a?c*", "xabaxc", true}, {"a?*?b", "axb", false},
		{"a?*?b", "axyb", true}, {"*?", "", false}, {"*?", "中", true}, {"ab*ab", "ab", false}, {"?*?", "é", false},
	} {
		if got := compile(c.p, false).match(c.s); got != c.want {
			t.Errorf("%q %q: %v", c.p, c.s, got)
		}
	}
}

// TestGlobIsLinear doubles the subject: exponential or quadratic matching would
// not end.
func TestGlobIsLinear(t *testing.T) {
	s := strings.Repeat("a", 1<<20)
	began := time.Now()
	for _, p := range []string{strings.Repeat("a*", 200) + "b", strings.Repeat("*a", 200) + "b", strings.Repeat("*?a", 50) + "b", strings.Repeat("*a?a", 20) + "c*b"} {
		if compile(p, false).match(s) {
			t.Error(p)
		}
	}
	if d := time.Since(began); d > time.Minute { // of a clock that others on the machine use too
		t.Errorf("%v for 4 MiB", d)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{documentA, documentB, trust, allowAll, `{"Version":1,"Statement":[{"Effect":"Deny","NotAction":["a:*"],"NotResource":"acs:a:b:c:d","Condition":{"IpAddress":{"acs:SourceIp":["10.0.0.0/8",1]}}}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse("f", b)
		if err != nil {
			return
		}
		s, err := NewSet(Attachments{Identity: []*Document{d}})
		if (err == nil) != d.Valid() {
			t.Fatalf("valid %v, set %v", d.Valid(), err)
		}
		if err == nil {
			Evaluate(s, &Request{Action: "ecs:RunInstances", Context: context("acs:SourceIp", "10.1.1.1")})
		}
	})
}

// FuzzGlob compares with regexp.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbxc", true)
	f.Add("*??*a", "中文a", false)
	f.Fuzz(func(t *testing.T, p, s string, fold bool) {
		if len(p) > 60 || len(s) > 200 || strings.ToValidUTF8(p, "") != p || strings.ToValidUTF8(s, "") != s || fold && (foreign(p) || foreign(s)) {
			return
		}
		if got, want := compile(p, fold).match(s), slowLike(p, s, fold); got != want {
			t.Fatalf("%q %q fold %v: %v, regexp says %v", p, s, fold, got, want)
		}
	})
}

// foreign reports whether s has characters beyond ASCII, whose case regexp folds
// and RAM's actions do not have.
func foreign(s string) bool { return strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }
