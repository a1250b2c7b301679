package secret

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// reference is the engine without its speed: the whole text in one window, and
// at every byte every keyword of every rule tried in turn.
func reference(e *Engine, src Source, text []byte) (out []Candidate) {
	s := e.NewScanner()
	s.buf = make([]byte, front+len(text)+tailPad)
	copy(s.buf[front:], text)
	run := &s.run
	run.reset(e, src, func(c Candidate) {
		c.Secret = bytes.Clone(c.Secret)
		out = append(out, c)
	})
	run.window = s.buf
	run.sniff(text[:min(len(text), sniffLen)])
	run.n = len(text)
	if run.wide != 0 {
		run.n = compact(s.buf[front:front+len(text)], run.wide)
	}
	end := front + run.n
	type trigger struct {
		r *rule
		k keyword
	}
	var by [256][]trigger // by first byte, or the reference would take minutes
	for _, r := range e.rules {
		if r.offHere(run) || (run.binary || src.HighOnly) && !r.high {
			continue
		}
		for _, k := range r.keywords {
			c := k.text[0]
			by[c] = append(by[c], trigger{r, k})
			if up := bytes.ToUpper([]byte{c})[0]; up != c && !k.exact {
				by[up] = append(by[up], trigger{r, k})
			}
		}
	}
	for at := front; at < end; at++ {
		for _, x := range by[s.buf[at]] {
			if at+len(x.k.text) > end {
				continue
			}
			here := string(s.buf[at : at+len(x.k.text)])
			if here != x.k.text && (x.k.exact || asciiLower(here) != x.k.text) {
				continue
			}
			lo := max(at-back, front)
			x.r.match(x.r, &view{run: run, b: s.buf[lo:min(at+ahead, end)], at: at - lo, lo: lo, word: &word{text: x.k.text, exact: x.k.exact}})
		}
	}
	if run.n > 0 && !src.HighOnly {
		for _, r := range e.start {
			r.match(r, &view{run: run, b: s.buf[front:min(front+ahead, end)], lo: front})
		}
	}
	for at := front; len(run.lineRules) > 0 && at < end; {
		next := bytes.IndexByte(s.buf[at:end], '\n')
		stop := end
		if next >= 0 {
			stop = at + next
		}
		for _, r := range run.lineRules {
			r.match(r, &view{run: run, b: bytes.TrimSuffix(s.buf[at:min(stop, at+ahead)], []byte("\r")), lo: at})
		}
		at = stop + 1
	}
	run.flush(math.MaxInt64)
	return out
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// compare holds the engine to the reference.
func compare(t *testing.T, e *Engine, s *Scanner, src Source, text []byte) int {
	t.Helper()
	want := brief(reference(e, src, text))
	got := scanAll(t, s, src, text)
	if b := brief(got); !slices.Equal(b, want) {
		for i := range max(len(b), len(want)) {
			if i >= len(b) || i >= len(want) || b[i] != want[i] {
				t.Fatalf("path %q: %d candidates, the reference has %d; first difference:\n got %s\nwant %s", src.Path, len(b), len(want), at(b, i), at(want, i))
			}
		}
	}
	return len(want)
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}

// corpusBody is n bytes of examples and filler, from a seed.
func corpusBody(seed uint64, n int) []byte {
	rules, err := loadRules()
	if err != nil {
		panic(err)
	}
	rnd := rand.New(rand.NewPCG(seed, 2))
	var b bytes.Buffer
	for b.Len() < n {
		r := rules[rnd.IntN(len(rules))]
		if len(r.examples) == 0 {
			continue
		}
		text, _, _ := r.examples[rnd.IntN(len(r.examples))].prepare(rnd.Uint64())
		b.Write(text)
		if rnd.IntN(3) > 0 {
			b.WriteByte('\n')
		}
		b.Write(filler(rnd.IntN(1 + rnd.IntN(1000))))
		if rnd.IntN(3) == 0 {
			b.Write(filler(rnd.IntN(12000)))
		}
	}
	return b.Bytes()
}

var fuzzPaths = []string{"", "a.conf", "x.yml", ".bash_history", "a.py", "A.java", "a.html", "a.log", "README.md", ".pgpass", ".netrc", ".htpasswd", "rsyncd.secrets", "x.p12", "locale/de.po", "/etc/passwd"}

func TestReference(t *testing.T) {
	e := mustEngine(t)
	s := e.NewScanner()
	total := 0
	for seed := range uint64(4) {
		body := corpusBody(seed, 2*BufferSize+int(seed)*1000)
		src := Source{Path: fuzzPaths[(int(seed)*5+1)%len(fuzzPaths)], Size: int64(len(body)), HighOnly: seed == 3}
		total += compare(t, e, s, src, body)
	}
	if total < 200 {
		t.Errorf("only %d candidates compared", total)
	}
}

// FuzzReference: same findings with and without prefilter and windows. The
// input is cut in two around filler so that windows matter.
func FuzzReference(f *testing.F) {
	e := mustEngine(f)
	for _, r := range e.rules {
		for i := range r.examples {
			text, _, _ := r.examples[i].prepare(seedOf(r.id))
			f.Add(uint8(i), uint16(0), text)
		}
	}
	f.Add(uint8(3), uint16(60000), []byte("password=a\x00b\nPASSWORD='"))
	f.Add(uint8(1), uint16(9), []byte("\xff\xfep\x00a\x00s\x00s\x00w\x00o\x00r\x00d\x00=\x00A\x001\x00!\x00x\x00y\x00"))
	s := e.NewScanner()
	big := filler(BufferSize)
	f.Fuzz(func(t *testing.T, kind uint8, pad uint16, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		src := Source{Path: fuzzPaths[int(kind&15)], HighOnly: kind&16 != 0}
		body := text
		if kind&32 != 0 {
			n := min(int(pad)*4, len(big))
			body = slices.Concat(big[:n], text, []byte(strings.Repeat(" ", int(kind)>>6)), text)
		}
		compare(t, e, s, src, body)
	})
}

// FuzzScan feeds arbitrary bytes: no panic, candidates in order, inside the
// stream, and what Secret holds is what stands there.
func FuzzScan(f *testing.F) {
	e := mustEngine(f)
	f.Add([]byte("password=Falcon_2019!"), "a.conf")
	f.Add([]byte("mysql -uroot -p'"), ".bash_history")
	f.Add([]byte("redis://:@a@b/#@"), "")
	s := e.NewScanner()
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		last := int64(0)
		err := s.Scan(context.Background(), Source{Path: path}, bytes.NewReader(text), func(c Candidate) {
			if c.Offset < last || c.Offset+c.Length > int64(len(text)) || c.Length <= 0 || c.Confidence < 1 || c.Confidence > 100 {
				t.Fatalf("candidate out of place: %+v", c)
			}
			last = c.Offset + c.Length
			if s.run.wide == 0 && !bytes.Equal(c.Secret, text[c.Offset:last]) {
				t.Fatalf("secret %q is not at %d", c.Secret, c.Offset)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
