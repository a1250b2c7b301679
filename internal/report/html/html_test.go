package html

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"assay/finding"
	"assay/internal/report"
	"assay/internal/report/reporttest"
)

func render(t testing.TB, lang string, ms []report.Message) string {
	t.Helper()
	var b bytes.Buffer
	h := New(&b, lang)
	for _, m := range ms {
		if err := h.Handle(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// between cuts what stands between two marks that must be there.
func between(t *testing.T, s, from, to string) string {
	t.Helper()
	_, s, ok := strings.Cut(s, from)
	s, _, ok2 := strings.Cut(s, to)
	if !ok || !ok2 {
		t.Fatalf("no %q … %q in the page", from, to)
	}
	return s
}

// TestGolden compares the body of the page with testdata; UPDATE_GOLDEN=1
// rewrites it: read the change before you commit it.
func TestGolden(t *testing.T) {
	s := render(t, "en", reporttest.Stream())
	got := "<main" + between(t, s, "<main", "<script>")
	name := filepath.Join("testdata", "main.html")
	if os.Getenv("UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
	// The other language differs in two places only: the body is the same.
	zh := render(t, "zh", reporttest.Stream())
	if "<main"+between(t, zh, "<main", "<script>") != got {
		t.Error("the body depends on the language: the switch would not change all of it")
	}
	if !strings.Contains(zh, `<html lang="zh-CN"`) || !strings.Contains(s, `<html lang="en"`) {
		t.Error("the page does not say its language")
	}
}

// hostile sets every string below v to a stranger's, however deep it lies.
func hostile(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		hostile(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			hostile(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		hostile(v.Index(0))
	case reflect.String:
		v.SetString(reporttest.Hostile)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Bool:
		v.SetBool(true)
	}
}

// hostileStream is a stream of which every string is a stranger's.
func hostileStream() []report.Message {
	var ms []report.Message
	for i := range reflect.TypeFor[report.Message]().NumField() {
		var m report.Message
		f := reflect.ValueOf(&m).Elem().Field(i)
		hostile(f)
		if m.Progress == nil {
			ms = append(ms, m)
		}
	}
	// A verdict without an error leads to other words.
	ok := report.Verdict{Findings: map[string]int{reporttest.Hostile: 1}, Sandbox: reporttest.Hostile}
	return append(append(ms, ms...), report.Message{Verdict: &ok})
}

func TestHostile(t *testing.T) {
	for _, ms := range [][]report.Message{reporttest.Stream(), hostileStream()} {
		s := render(t, "en", ms)
		for _, r := range s {
			if r != '\n' && r != '\t' && (!unicode.IsPrint(r) || r == unicode.ReplacementChar) {
				t.Fatalf("%U reaches the page", r)
			}
		}
		body := between(t, s, "<main", "</footer>")
		for _, bad := range []string{"<script", "<b>laptop", "javascript:", "ZgotmplZ"} {
			if strings.Contains(body, bad) {
				t.Errorf("%q is in the body", bad)
			}
		}
		if !strings.Contains(body, `\x1b[2J&lt;script&gt;alert(1)&lt;/script&gt;\n]]&gt;&amp;&#34;&#39;\xff\u{202e}gpj.exe`) {
			t.Error("the hostile name is not shown")
		}
	}
}

// TestPolicy computes the digests of what a browser will see.
func TestPolicy(t *testing.T) {
	s := render(t, "en", reporttest.Stream())
	p := between(t, s, `http-equiv="Content-Security-Policy" content="`, `"`)
	if !strings.HasPrefix(p, "default-src 'none';") {
		t.Errorf("policy: %s", p)
	}
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		if want := directive + " " + digest(between(t, s, "<"+tag+">", "</"+tag+">")) + ";"; !strings.Contains(p, want) {
			t.Errorf("%s does not allow the page's own %s: want %s", p, tag, want)
		}
	}
	// What the policy would refuse, and what would reach for the network.
	for _, bad := range []string{`\sstyle=`, `\son[a-z]+=`, `\ssrc=`, `<link [^>]*href="http`, `@import`, `url\(`, `innerHTML`, `fetch\(`} {
		if m := regexp.MustCompile(bad).FindString(s); m != "" {
			t.Errorf("the page has %q", m)
		}
	}
}

// TestBothLanguages asks that every text of the template is there twice.
func TestBothLanguages(t *testing.T) {
	texts := regexp.MustCompile(`\((w|wf) "([^"]*)" "([^"]*)"`).FindAllStringSubmatch(pageHTML, -1)
	if len(texts) < 50 || len(texts) != strings.Count(pageHTML, "(w ")+strings.Count(pageHTML, "(wf ") {
		t.Fatalf("%d texts found", len(texts))
	}
	for _, m := range texts {
		if m[2] == "" || !strings.ContainsFunc(m[3], func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("no text in both languages: %s", m[0])
		}
		if strings.Count(m[2], "%d") != strings.Count(m[3], "%d") {
			t.Errorf("different arguments: %s", m[0])
		}
	}
}

func TestVerdicts(t *testing.T) {
	cases := []struct {
		name, state, word string
		v                 *report.Verdict
	}{
		{"clean", "clean", "CLEAN", &report.Verdict{Clean: true}},
		{"mild", "clean", "CLEAN ENOUGH", &report.Verdict{Clean: true, Findings: map[string]int{"low": 2}}},
		{"findings", "dirty", "NOT CLEAN", &report.Verdict{Findings: map[string]int{"high": 2}}},
		{"gaps", "dirty", "NOT CLEAN", &report.Verdict{Gaps: 1}},
		{"error", "failed", "NOT FINISHED", &report.Verdict{Error: "x"}},
		{"cut off", "failed", "NOT FINISHED", nil},
	}
	for _, c := range cases {
		ms := []report.Message{{Config: &report.Config{Target: "x"}}}
		if c.v != nil {
			ms = append(ms, report.Message{Verdict: c.v})
		}
		s := between(t, render(t, "en", ms), "<main", "</main>")
		if !strings.Contains(s, `class="banner `+c.state+`"`) || !strings.Contains(s, "<span lang=en>"+c.word+"</span>") {
			t.Errorf("%s: not %s, %q", c.name, c.state, c.word)
		}
		if said := strings.Contains(s, "Nothing was left out."); said == (c.state == "failed") {
			t.Errorf("%s: it says that nothing was left out: %v", c.name, said)
		}
	}
	if s := render(t, "en", nil); !strings.Contains(s, "The report is empty.") {
		t.Error("an empty stream is not said to be one")
	}
}

// TestNothingIsLost asks that every finding and every gap is on the page, also
// of a class and a check that nobody described.
func TestNothingIsLost(t *testing.T) {
	f := finding.Finding{Check: "x/y", Class: "new-class", Severity: finding.Low, Title: finding.T("New", "新"), Where: finding.Where{Path: "/a"}}
	f.Identify()
	ms := append(reporttest.Stream(), report.Message{Finding: &f})
	s := render(t, "zh", ms)
	for _, m := range ms {
		if m.Finding != nil && strings.Count(s, `-`+m.Finding.ID+`"`) == 0 {
			t.Errorf("%s is missing", m.Finding.ID)
		}
		if m.Gap != nil && !strings.Contains(s, "<code>"+string(m.Gap.Kind)+"</code>") {
			t.Errorf("%s is missing", m.Gap.Kind)
		}
	}
	if !strings.Contains(s, "new-class") || !strings.Contains(s, "<h5>x/y</h5>") {
		t.Error("an unknown class or check is not shown")
	}
}

// TestBars asks that parts lie side by side inside the drawing.
func TestBars(t *testing.T) {
	var items []*item
	for i := range 5000 {
		items = append(items, &item{Finding: finding.Finding{Severity: finding.Low, Class: finding.UserData, Where: finding.Where{Path: fmt.Sprintf("/srv/d%d/f", i%20)}}})
	}
	for _, s := range finding.Severities() {
		items = append(items, &item{Finding: finding.Finding{Severity: s, Class: finding.UserData, Where: finding.Where{Path: "/etc/x"}}})
	}
	for _, bars := range [][]bar{byClass(items), byDir(items)} {
		for _, b := range bars {
			x, n := 0, 0
			for _, p := range b.Parts {
				if p.X != x || p.Width < minPart {
					t.Errorf("%s: %+v does not begin at %d or cannot be seen", b.Label.EN, p, x)
				}
				x, n = x+p.Width, n+p.N
			}
			if x > barUnits || n != b.Total {
				t.Errorf("%s: %d units, %d of %d findings", b.Label.EN, x, n, b.Total)
			}
		}
	}
	for path, want := range map[string]string{"/etc/shadow": "/etc", "/x": "/", "/home/a/b/c": "/home/a", "/home/a/b": "/home/a", "": "p9"} {
		if got := directory(finding.Where{Path: path, Volume: "p9"}); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// TestContrast computes the contrast of text and ground by WCAG 2.2 (relative
// luminance, 1.4.3): 4.5 for text, 3 for marks, in both palettes.
func TestContrast(t *testing.T) {
	light := between(t, styleCSS, ":root{", "color-scheme:")
	dark := between(t, styleCSS, "(prefers-color-scheme:dark){:root{", "}}")
	text := []string{"text bg", "text card", "text sunk", "dim bg", "dim card", "dim sunk", "link card", "link bg", "on-top top", "critical-on critical",
		"high-on high-bg", "medium-on medium-bg", "low-on low-bg", "good good-bg", "bad bad-bg", "warn warn-bg", "good card", "bad card", "warn card", "card text"}
	marks := []string{"critical card", "high card", "medium card", "low card", "ring bg", "ring card", "dim bg"}
	for name, css := range map[string]string{"light": light, "dark": light + dark} {
		color := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+):#([0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
			color[m[1]] = luminance(m[2])
		}
		for want, pairs := range map[float64][]string{4.5: text, 3: marks} {
			for _, p := range pairs {
				a, b, _ := strings.Cut(p, " ")
				if color[a] == 0 && color[b] == 0 {
					t.Fatalf("no colours %s", p)
				}
				if c := (max(color[a], color[b]) + 0.05) / (min(color[a], color[b]) + 0.05); c < want {
					t.Errorf("%s: %s has a contrast of %.2f, want %.1f", name, p, c, want)
				}
			}
		}
	}
}

func luminance(hex string) (l float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		l += weight * c
	}
	return l
}

// thousands is a stream of n findings as rich as real ones, of 40 checks.
func thousands(n int) []report.Message {
	c := &report.Config{Target: "big.qcow2", Version: "0.1.0", Command: "inspect"}
	ms := []report.Message{{Config: c}}
	for i := range 40 {
		k := reporttest.Check
		k.ID = fmt.Sprintf("any/synthetic/check-%d", i)
		c.Checks = append(c.Checks, k)
	}
	by := map[string]int{}
	for i := range n {
		f := finding.Finding{Check: c.Checks[(i*i)%40].ID, Severity: finding.Severity(1 + i%4), Class: finding.Classes()[i%5], Rows: []string{"B1", "B12"},
			Title:    finding.Tf("Spring: application-%d.yml holds the password of the database shop", "Spring:application-%d.yml 中保存了数据库 shop 的 password", i),
			Where:    finding.Where{Volume: "p1", Path: fmt.Sprintf("/srv/app%d/releases/%d/config/application-%d.yml", i%50, i%7, i), Line: i % 100, User: "deploy"},
			Evidence: &finding.Evidence{Kind: "secret", Fingerprint: "hmac:a0fcae9716ade1260b9d85bf5d72a357", Length: 16, Excerpt: "spring.datasource.password = ********"},
			Fix: &finding.Fix{Title: finding.T("Remove the file", "删除该文件"), Risk: &finding.Text{EN: "The application that reads it does not start", ZH: "读取该文件的应用将无法启动"},
				Edits: []finding.Edit{{Op: finding.Remove, Volume: "p1", Path: fmt.Sprintf("/srv/app%d/releases/%d/config/application-%d.yml", i%50, i%7, i)}}}}
		f.Identify()
		by[f.Severity.String()]++
		ms = append(ms, report.Message{Finding: &f})
	}
	return append(ms, report.Message{Verdict: &report.Verdict{Findings: by}})
}

func TestFiveThousandStaySmall(t *testing.T) {
	const limit = 10 << 20
	if n := len(render(t, "en", thousands(5000))); n > limit {
		t.Errorf("5,000 findings make %d bytes, want at most %d", n, limit)
	} else {
		t.Logf("5,000 findings: %d bytes, %d each", n, n/5000)
	}
}

func BenchmarkFiveThousand(b *testing.B) {
	ms := thousands(5000)
	for b.Loop() {
		h := New(io.Discard, "en")
		for _, m := range ms {
			if err := h.Handle(m); err != nil {
				b.Fatal(err)
			}
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
