package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"assay/finding"
)

// a key of a candidate, without what depends on the engine.
func brief(cs []Candidate) (out []string) {
	for _, c := range cs {
		out = append(out, fmt.Sprintf("%s %d+%d line %d conf %d %s id %q %q %q %v", c.Rule, c.Offset, c.Length, c.Line, c.Confidence, c.Severity, c.ID, c.Secret, c.Excerpt, c.Encrypted))
	}
	return out
}

// filler is text without keywords.
func filler(n int) []byte {
	line := []byte("the quick brown fox jumps over the lazy dog and runs on\n")
	return append(bytes.Repeat(line, n/len(line)), bytes.Repeat([]byte("\n"), n%len(line))...)
}

// TestBorders moves every positive example over every place where a window
// ends: it must be found alike, at its place.
func TestBorders(t *testing.T) {
	e := mustEngine(t)
	s := e.NewScanner()
	step := BufferSize - ahead - back
	for _, r := range e.rules {
		for i := range r.examples {
			x := &r.examples[i]
			if !x.positive {
				continue
			}
			text, from, to := x.prepare(seedOf(r.id))
			for _, shift := range []int{-len(text), -to, -from, -1, 0, -(from + to) / 2} {
				var body []byte
				var places []int
				for _, border := range []int{step, step + back, BufferSize, 2*BufferSize - 2*ahead - back} {
					at := border + shift
					body = append(body, filler(at-len(body))...)
					body[at-1] = '\n'
					body = append(append(body, text...), '\n')
					places = append(places, at)
				}
				got := scanAll(t, s, Source{Path: x.path, Size: -1}, body)
				for _, at := range places {
					line := bytes.Count(body[:at+from], []byte("\n")) + 1
					ok := slices.ContainsFunc(got, func(c Candidate) bool {
						return c.Rule == r.id && c.Offset == int64(at+from) && string(c.Secret) == string(text[from:to]) && c.Line == line
					})
					if !ok {
						t.Fatalf("%s line %d: not found with its start at %d (shift %d), got%s", r.id, x.line, at, shift, describe(got))
					}
				}
			}
		}
	}
}

// TestReaders cuts the same stream up in different ways.
func TestReaders(t *testing.T) {
	e := mustEngine(t)
	s := e.NewScanner()
	body := corpusBody(7, 3*BufferSize)
	want := brief(scanAll(t, s, Source{Path: "app.conf"}, body))
	if len(want) < 20 {
		t.Fatalf("only %d candidates", len(want))
	}
	for name, r := range map[string]io.Reader{
		"one byte": iotest.OneByteReader(bytes.NewReader(body)), "half": iotest.HalfReader(bytes.NewReader(body)), "data and EOF": iotest.DataErrReader(bytes.NewReader(body)),
	} {
		var got []Candidate
		if err := s.Scan(context.Background(), Source{Path: "app.conf"}, r, func(c Candidate) {
			c.Secret = bytes.Clone(c.Secret)
			got = append(got, c)
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(brief(got), want) {
			t.Errorf("%s: other candidates", name)
		}
	}
}

func TestErrors(t *testing.T) {
	s := mustEngine(t).NewScanner()
	broken := errors.New("sector 7")
	text := []byte("DB_PASSWORD=Falcon_2019!\n")
	n := 0
	err := s.Scan(context.Background(), Source{Path: ".env"}, io.MultiReader(bytes.NewReader(text), iotest.ErrReader(broken)), func(Candidate) { n++ })
	if !errors.Is(err, broken) || n != 1 {
		t.Errorf("broken reader: %v, %d candidates", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Scan(ctx, Source{}, bytes.NewReader(text), func(Candidate) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := s.Scan(context.Background(), Source{}, idle{}, func(Candidate) {}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("idle reader: %v", err)
	}
	if got := scanAll(t, s, Source{Path: ".env"}, text); len(got) != 1 {
		t.Errorf("after errors: %d candidates", len(got))
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// TestBinaryOrText holds what is taken for a text: there, and only there, a
// setting is a setting.
func TestBinaryOrText(t *testing.T) {
	s := mustEngine(t).NewScanner()
	const setting = "\nDB_PASSWORD=Falcon_2019!\n"
	gbk := bytes.Repeat([]byte{0xc3, 0xdc, 0xc2, 0xeb, '\n'}, 400)
	noise := make([]byte, 4096) // as of a compressed stream, without zeros
	for i := range noise {
		noise[i] = byte(i*167+i>>8) | 1
	}
	for _, c := range []struct {
		what, head string
		text       bool
	}{
		{"a text", "note", true},
		{"Chinese in GBK", string(gbk), true},
		{"overstruck and coloured", strings.Repeat("N\bNA\bA \x1b[1mx\x1b[0m\r\n", 200), true},
		{"a history with typed keys", strings.Repeat("ls\x01\x02\n", 20), true},
		{"a log after a crash", strings.Repeat("line of a log\n", 100) + strings.Repeat("\x00", 20), true},
		{"an object of Go", "go object linux amd64 go1.26.8 X:none\n\n!\n\x00\x00go120ld" + strings.Repeat("go:string.", 200), false},
		{"a program", "\x7fELF\x02\x01\x01\x00" + strings.Repeat("name ", 300), false},
		{"packed", string(noise), false},
	} {
		got := len(scanAll(t, s, Source{Path: "srv/app/thing"}, []byte(c.head+setting))) > 0
		if got != c.text {
			t.Errorf("%s: read as a text: %v, want %v", c.what, got, c.text)
		}
	}
}

// TestUTF16 finds the same in both byte orders, with or without a mark, at the
// offsets of the bytes.
func TestUTF16(t *testing.T) {
	s := mustEngine(t).NewScanner()
	for _, pad := range []int{0, 1, BufferSize/2 - 40, BufferSize - 7, 2*BufferSize + 3} {
		text := string(filler(pad)) + "note: 中文\nDB_PASSWORD=Falcon_2019!\n"
		at := strings.Index(text, "Falcon")
		units := utf16.Encode([]rune(text))
		unitAt := len(utf16.Encode([]rune(text[:at])))
		for _, big := range []bool{false, true} {
			for _, mark := range []bool{true, false} {
				var b []byte
				u := units
				off := int64(2 * unitAt)
				if mark {
					u = append([]uint16{0xfeff}, units...)
					off += 2
				}
				for _, c := range u {
					if big {
						b = append(b, byte(c>>8), byte(c))
					} else {
						b = append(b, byte(c), byte(c>>8))
					}
				}
				b = append(b, 'x') // half a unit at the end
				got := scanAll(t, s, Source{Path: "x.env"}, b)
				if len(got) != 1 || string(got[0].Secret) != "Falcon_2019!" || got[0].Offset != off || got[0].Length != 24 || got[0].Line != strings.Count(text[:at], "\n")+1 {
					t.Errorf("pad %d big %v mark %v: want offset %d, got%s", pad, big, mark, off, describe(got))
				}
			}
		}
	}
}

// TestColdPath holds the scanner to no allocation where nothing is found.
func TestColdPath(t *testing.T) {
	s := mustEngine(t).NewScanner()
	body := append(filler(2*BufferSize), "see https://www.debian.org/ for the password policy, a token, or -----BEGIN CERTIFICATE-----; user@host mysql -u root\n"...)
	r := bytes.NewReader(body)
	report := func(c Candidate) { t.Errorf("found %s %q", c.Rule, c.Excerpt) }
	ctx := context.Background()
	src := Source{Path: "/var/log/messages", Size: int64(len(body))}
	n := testing.AllocsPerRun(20, func() {
		r.Reset(body)
		if err := s.Scan(ctx, src, r, report); err != nil {
			t.Fatal(err)
		}
	})
	if n > 2 { // the path in lower case and its name
		t.Errorf("%v allocations", n)
	}
}

// TestHighOnly: what needs no context is found in raw bytes, the rest is not.
func TestHighOnly(t *testing.T) {
	s := mustEngine(t).NewScanner()
	e := mustEngine(t)
	for _, r := range e.rules {
		for i := range r.examples {
			x := &r.examples[i]
			if !x.positive || r.kindOfMatch != atWord {
				continue
			}
			text, from, to := x.prepare(seedOf(r.id))
			body := slices.Concat(make([]byte, 5000), []byte("\x01\x02\x00\n"), text, []byte("\n"), make([]byte, 5000))
			got := scanAll(t, s, Source{HighOnly: true}, body)
			ok := slices.ContainsFunc(got, func(c Candidate) bool { return string(c.Secret) == string(text[from:to]) && c.Line == 0 })
			if r.high && !ok {
				t.Errorf("%s line %d: not found in raw bytes, got%s", r.id, x.line, describe(got))
			}
			for _, c := range got {
				if j := slices.IndexFunc(e.rules, func(r *rule) bool { return r.id == c.Rule }); !e.rules[j].high {
					t.Errorf("%s ran over raw bytes", c.Rule)
				}
			}
		}
	}
}

// TestExcerpts: no secret of a line stands in the excerpt of another.
func TestExcerpts(t *testing.T) {
	s := mustEngine(t).NewScanner()
	text := "db_password=Falcon_2019! admin_password=Qwe123!@# url=redis://:Hunter2x@c:1/ END\n"
	got := scanAll(t, s, Source{Path: "a.conf"}, []byte(text))
	if len(got) != 3 {
		t.Fatalf("want 3, got%s", describe(got))
	}
	want := "db_password=******** admin_password=******** url=redis://:********@c:1/ END"
	for _, c := range got {
		if c.Excerpt != want {
			t.Errorf("excerpt %q", c.Excerpt)
		}
	}
}

// TestReasons: doubts lower confidence and severity, and say so.
func TestReasons(t *testing.T) {
	s := mustEngine(t).NewScanner()
	text := []byte(`password = "Falcon_2019!"` + "\n")
	for path, low := range map[string]bool{"/srv/app/config.py": false, "/srv/app/tests/test_login.py": true, "/usr/share/doc/x/a.txt": true, "/srv/locale/de.po": true} {
		got := scanAll(t, s, Source{Path: path}, text)
		if len(got) != 1 {
			t.Fatalf("%s: got%s", path, describe(got))
		}
		if c := got[0]; (c.Severity == finding.Low) != low || (c.Confidence < Worth) != low || c.Reason.EN == "" || c.Reason.ZH == "" {
			t.Errorf("%s: %s %d %q", path, c.Severity, c.Confidence, c.Reason)
		}
	}
}

// TestRuleFiles refuses broken rules.
func TestRuleFiles(t *testing.T) {
	good := "rule: a/b\nkind: k\nen: E\nzh: Z\nseverity: high\nconfidence: 50\nkeywords: abcd\nmatch: token\nbody: alnum 4\n"
	if _, err := parseRules(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"kind: k\n", good + "match: nothing\n", good + "body: alnum\n", good + "body: klingon 4\n", good + "keywords: abc\n", good + "severity: bad\n", good + "colour: red\n",
		good + "pattern: (\n", good + "pattern: abc\n", good + "flag: -p sideways\n", good + "magic: zz\n", good + "gate: ajar\n", good + "only: moon\n", good + "no colon here\n",
		strings.Replace(good, "keywords: abcd\n", "", 1), strings.Replace(good, "zh: Z\n", "", 1), strings.Replace(good, "match: token", "match: line", 1), good + "before: 9999\n",
	} {
		if _, err := parseRules(bad); err == nil {
			t.Errorf("accepted: %q", bad)
		}
	}
}

// TestEveryRule: ids say their file's room, texts are there, examples too.
func TestEveryRule(t *testing.T) {
	e := mustEngine(t)
	t.Logf("%d rules, %d keywords (%d high)", len(e.rules), len(e.all.words), len(e.high.words))
	for _, r := range e.rules {
		if strings.Count(r.id, "/") != 1 || strings.ToLower(r.id) != r.id {
			t.Errorf("id %q", r.id)
		}
		neg := 0
		for _, x := range r.examples {
			if !x.positive {
				neg++
			}
		}
		if neg == 0 && r.kindOfMatch != atStart {
			t.Errorf("%s has no negative example", r.id)
		}
	}
	if len(e.Rules()) != len(e.rules) {
		t.Error("Rules leaves some out")
	}
}
