package secret

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
)

// A plant is a realistic file around one secret. testdata/corpus holds them:
// blocks of "== class path", then the text of the file with the secrets
// between « and »; "== decoy path" is a file in which nothing may be found.
type plant struct {
	class, path, text string
}

func loadCorpus(t testing.TB) (plants, decoys []plant) {
	t.Helper()
	names, err := os.ReadDir("testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range names {
		b, err := os.ReadFile("testdata/corpus/" + d.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split("\n"+string(b), "\n== ")[1:] {
			head, text, _ := strings.Cut(block, "\n")
			class, path, ok := strings.Cut(head, " ")
			if !ok {
				t.Fatalf("%s: %q", d.Name(), head)
			}
			p := plant{class, path, strings.TrimRight(text, "\n") + "\n"}
			if class == "decoy" {
				decoys = append(decoys, p)
			} else {
				plants = append(plants, p)
			}
		}
	}
	return plants, decoys
}

// passwords are what people choose; a seed takes some of them, or makes one up
// of syllables, digits and signs.
func password(rnd *rand.Rand) string {
	syllables := []string{"fal", "con", "zhang", "wei", "ber", "lin", "sun", "moon", "ka", "to", "ri", "mo", "xia", "long", "hu", "bei", "nan"}
	signs := "!@#%_-+."
	var b strings.Builder
	for range 2 + rnd.IntN(2) {
		s := syllables[rnd.IntN(len(syllables))]
		if rnd.IntN(3) == 0 {
			s = strings.ToUpper(s[:1]) + s[1:]
		}
		b.WriteString(s)
	}
	if rnd.IntN(4) > 0 {
		b.WriteByte(signs[rnd.IntN(len(signs))])
	}
	fmt.Fprintf(&b, "%d", rnd.IntN(9000)+10)
	if rnd.IntN(3) == 0 {
		b.WriteByte("!#%"[rnd.IntN(3)])
	}
	return b.String()
}

// grow fills a plant's holes and gives the text with the places of its secrets.
func (p plant) grow(seed uint64) (text []byte, secrets [][2]int) {
	rnd := rand.New(rand.NewPCG(seed, seedOf(p.path+p.text)))
	s := p.text
	for strings.Contains(s, "{{human}}") {
		s = strings.Replace(s, "{{human}}", password(rnd), 1)
	}
	s = fillHoles(s, rnd.Uint64())
	for {
		i := strings.Index(s, "«")
		if i < 0 {
			return []byte(s), secrets
		}
		s = s[:i] + s[i+len("«"):]
		j := strings.Index(s, "»")
		s = s[:j] + s[j+len("»"):]
		secrets = append(secrets, [2]int{i, j})
	}
}

// TestCorpus is the measure: recall in each class, and no decoy.
func TestCorpus(t *testing.T) {
	plants, decoys := loadCorpus(t)
	more, less := crossed()
	plants, decoys = append(plants, more...), append(decoys, less...)
	s := mustEngine(t).NewScanner()
	type tally struct{ found, all int }
	classes := map[string]*tally{}
	kinds := map[string]bool{}
	total, missed, cried := 0, map[string]bool{}, 0
	seeds := []uint64{1, 2, 3, 20261122, 77}
	for _, seed := range seeds {
		for _, p := range plants {
			text, secrets := p.grow(seed)
			got := scanAll(t, s, Source{Path: p.path, Size: int64(len(text))}, text)
			if classes[p.class] == nil {
				classes[p.class] = &tally{}
			}
			for _, at := range secrets {
				classes[p.class].all++
				total++
				ok := slices.ContainsFunc(got, func(c Candidate) bool {
					hit := c.Confidence >= Worth && c.Offset < int64(at[1]) && int64(at[0]) < c.Offset+c.Length && bytes.Contains(c.Secret, text[at[0]:at[1]])
					if hit {
						kinds[c.Rule] = true
					}
					return hit
				})
				if ok {
					classes[p.class].found++
				} else if key := p.class + p.path + p.text; !missed[key] {
					missed[key] = true
					t.Logf("missed %s %s (seed %d): %q in %.300q; got%s", p.class, p.path, seed, text[at[0]:at[1]], text, describe(got))
				}
			}
			for _, c := range got { // a plant's file holds nothing else
				if c.Confidence >= Worth && !slices.ContainsFunc(secrets, func(at [2]int) bool { return c.Offset < int64(at[1]) && int64(at[0]) < c.Offset+c.Length }) {
					t.Errorf("%s (seed %d): not planted: %s %q", p.path, seed, c.Rule, c.Secret)
				}
			}
		}
		for _, p := range decoys {
			text, _ := p.grow(seed)
			for _, c := range scanAll(t, s, Source{Path: p.path, Size: int64(len(text))}, text) {
				if c.Confidence >= Worth {
					cried++
					t.Errorf("decoy %s (seed %d): %s %q conf %d in %q", p.path, seed, c.Rule, c.Secret, c.Confidence, c.Excerpt)
				}
			}
		}
	}
	var names []string
	for name := range classes {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		c := classes[name]
		recall := float64(c.found) / float64(c.all)
		t.Logf("%-16s %4d of %4d  %.3f", name, c.found, c.all, recall)
		if recall < 0.95 {
			t.Errorf("%s: recall %.3f", name, recall)
		}
	}
	t.Logf("%d secrets of %d rules, %d decoy files with %d lines, %d seeds, %d cries", total/len(seeds), len(kinds), len(decoys), lines(decoys), len(seeds), cried)
}

// lines counts the lines of plants that hold something.
func lines(ps []plant) (n int) {
	for _, p := range ps {
		for l := range strings.Lines(p.text) {
			if strings.TrimSpace(l) != "" {
				n++
			}
		}
	}
	return n
}
