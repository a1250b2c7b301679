package secret

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func mustEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// scanAll collects the candidates of text under a path.
func scanAll(t testing.TB, s *Scanner, src Source, text []byte) (out []Candidate) {
	t.Helper()
	err := s.Scan(context.Background(), src, bytes.NewReader(text), func(c Candidate) {
		c.Secret = bytes.Clone(c.Secret)
		out = append(out, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var hole = regexp.MustCompile(`\{\{(alnum|base32|hex|upper|lower|digit|word|name|dotted|base64|human|pem|pemline|pem64|basic)(?::(\d+))?\}\}`)

var humans = []string{"Falcon_2019!", "Qwe123!@#", "Zhang@1987", "Hunter2Hunter2", "P@ssw0rd99", "aliyun#2023", "Admin@123", "Wx$8kd02", "root1234", "sunflower77", "Tr0ub4dor&3", "Huawei12#$"}

// alphabets are what a hole is filled with; base64 leaves "=" out.
var alphabets = map[string]string{
	"alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "hex": "0123456789abcdef", "upper": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"base32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "lower": "0123456789abcdefghijklmnopqrstuvwxyz", "digit": "0123456789", "word": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	"name": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-", "dotted": "0123456789abcdefghijklmnopqrstuvwxyz", "base64": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/",
}

// fillHoles replaces {{alnum:30}} and the like, the same way for the same seed.
func fillHoles(text string, seed uint64) string {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return hole.ReplaceAllStringFunc(text, func(h string) string {
		m := hole.FindStringSubmatch(h)
		switch m[1] {
		case "human":
			return humans[rnd.IntN(len(humans))]
		case "basic":
			return base64.StdEncoding.EncodeToString([]byte("deploy:" + humans[rnd.IntN(len(humans))]))
		case "pem", "pemline", "pem64":
			var seed [32]byte
			for i := range seed {
				seed[i] = byte(rnd.Uint32())
			}
			der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
			if err != nil {
				panic(err)
			}
			p := strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
			switch m[1] {
			case "pemline":
				return strings.ReplaceAll(p, "\n", `\n`)
			case "pem64":
				return base64.StdEncoding.EncodeToString([]byte(p))
			}
			return p
		}
		n, _ := strconv.Atoi(m[2])
		a := alphabets[m[1]]
		b := make([]byte, n)
		for i := range b {
			b[i] = a[rnd.IntN(len(a))]
		}
		if n >= 8 { // a value of one kind of characters would not look random
			switch m[1] {
			case "alnum", "base64", "name":
				copy(b[1:], "7Kq2x")
			case "hex", "lower", "dotted", "upper", "base32":
				b[2] = '4'
			}
		}
		return string(b)
	})
}

// prepare makes the bytes of an example and the place of its secret.
func (x *example) prepare(seed uint64) (text []byte, from, to int) {
	s := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\\`, `\`).Replace(x.text)
	s = fillHoles(s, seed)
	from = strings.Index(s, "«")
	s = strings.Replace(s, "«", "", 1)
	to = strings.Index(s, "»")
	s = strings.Replace(s, "»", "", 1)
	return []byte(s), from, to
}

func seedOf(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

func describe(cs []Candidate) string {
	var b strings.Builder
	for _, c := range cs {
		fmt.Fprintf(&b, "\n\t%s %q @%d conf %d (%s) %q", c.Rule, c.Secret, c.Offset, c.Confidence, c.Reason.EN, c.Excerpt)
	}
	return b.String()
}

// TestExamples holds every rule to its own lines.
func TestExamples(t *testing.T) {
	e := mustEngine(t)
	s := e.NewScanner()
	for _, r := range e.rules {
		t.Run(r.id, func(t *testing.T) {
			pos := 0
			for i := range r.examples {
				x := &r.examples[i]
				for seed := range uint64(3) {
					text, from, to := x.prepare(seedOf(r.id) + seed)
					got := scanAll(t, s, Source{Path: x.path, Size: int64(len(text))}, text)
					if !x.positive {
						for _, c := range got {
							if c.Confidence >= Worth {
								t.Errorf("line %d: found in %q:%s", x.line, text, describe(got))
								break
							}
						}
						continue
					}
					pos++
					if from < 0 || to < from {
						t.Fatalf("line %d: no secret marked", x.line)
					}
					ok := false
					for _, c := range got {
						if c.Rule == r.id && c.Offset == int64(from) && c.Length == int64(to-from) && c.Confidence >= Worth {
							ok = true
						}
						if bytes.Contains([]byte(c.Excerpt), text[from:to]) {
							t.Errorf("line %d: excerpt %q shows the secret", x.line, c.Excerpt)
						}
					}
					if !ok {
						t.Errorf("line %d: want %q at %d in %q, got%s", x.line, text[from:to], from, text, describe(got))
						break
					}
				}
			}
			if pos == 0 && r.kindOfMatch != atStart {
				t.Error("no positive example")
			}
		})
	}
}
