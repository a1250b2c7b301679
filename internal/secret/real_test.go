package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A labelled is one line of a real source tree, judged by a reader before the
// engine saw it; testdata/real/labels.tsv holds them.
type labelled struct {
	half, tree, path string
	line             int
	digest           string
	label, kind      string
}

// realTrees is where scripts/bench-secrets.sh unpacks the trees.
func realTrees() string { return os.Getenv("ASSAY_TREES") }

func loadLabels(t testing.TB) (out []labelled) {
	t.Helper()
	b, err := os.ReadFile("testdata/real/labels.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSpace(l), "\t")
		if strings.HasPrefix(l, "#") {
			continue
		}
		if len(f) != 7 {
			t.Fatalf("labels.tsv: %q", l)
		}
		n, err := strconv.Atoi(f[3])
		if err != nil {
			t.Fatalf("labels.tsv: %q", l)
		}
		out = append(out, labelled{f[0], f[1], f[2], n, f[4], f[5], f[6]})
	}
	return out
}

// A place in a tree, and the greatest confidence of what was found there.
type spots map[string]map[int]int

func (s spots) mark(file string, from, to, confidence int) {
	if s[file] == nil {
		s[file] = map[int]int{}
	}
	for n := from; n <= to; n++ {
		s[file][n] = max(s[file][n], confidence)
	}
}

// foundByAssay scans the files that have labels.
func foundByAssay(t testing.TB, labels []labelled) spots {
	s := mustEngine(t).NewScanner()
	out, done := spots{}, map[string]bool{}
	for _, l := range labels {
		name := filepath.Join(realTrees(), l.tree, l.path)
		if done[name] {
			continue
		}
		done[name] = true
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range scanAll(t, s, Source{Path: "/" + l.path, Size: int64(len(text))}, text) {
			from := 1 + bytes.Count(text[:c.Offset], []byte{'\n'})
			out.mark(name, from, from+bytes.Count(text[c.Offset:c.Offset+c.Length], []byte{'\n'}), c.Confidence)
		}
	}
	return out
}

// foundByPeer reads the report of a peer about base: gitleaks' format, which
// betterleaks writes too, or trivy's.
func foundByPeer(t testing.TB, report, base string) spots {
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	type lines struct{ StartLine, EndLine int }
	out := spots{}
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		var r struct {
			Results []struct {
				Target  string
				Secrets []lines
			}
		}
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatalf("%s: %v", report, err)
		}
		for _, f := range r.Results {
			for _, l := range f.Secrets {
				out.mark(filepath.Join(base, f.Target), l.StartLine, l.EndLine, 100)
			}
		}
		return out
	}
	var list []struct {
		File string
		lines
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatalf("%s: %v", report, err)
	}
	for _, f := range list {
		out.mark(f.File, f.StartLine, f.EndLine, 100)
	}
	return out
}

// A score counts labelled lines.
type score struct{ hit, miss, cry int }

func (s score) recall() float64    { return float64(s.hit) / float64(max(s.hit+s.miss, 1)) }
func (s score) precision() float64 { return float64(s.hit) / float64(max(s.hit+s.cry, 1)) }

func (s score) String() string {
	return fmt.Sprintf("%.2f (%d of %d) | %.2f (%d of %d) |", s.recall(), s.hit, s.hit+s.miss, s.precision(), s.hit, s.hit+s.cry)
}

// judge scores what was found with a confidence of least or more.
func judge(labels []labelled, found spots, half string, least int) (s score) {
	for _, l := range labels {
		if l.half != half || l.label == "unclear" {
			continue
		}
		hit := found[filepath.Join(realTrees(), l.tree, l.path)][l.line] >= least
		switch {
		case l.label == "true" && hit:
			s.hit++
		case l.label == "true":
			s.miss++
		case hit:
			s.cry++
		}
	}
	return s
}

// TestRealTrees is the measure on passwords of people in the source trees of
// other projects, where scripts/bench-secrets.sh has unpacked them.
func TestRealTrees(t *testing.T) {
	if realTrees() == "" {
		t.Skip("ASSAY_TREES names no folder; make bench-secrets makes one")
	}
	var labels []labelled
	gone := 0
	for _, l := range loadLabels(t) { // of lines that are still there
		text, err := os.ReadFile(filepath.Join(realTrees(), l.tree, l.path))
		lines := bytes.Split(text, []byte{'\n'})
		if err != nil || l.line > len(lines) {
			gone++
			continue
		}
		if sum := sha256.Sum256(bytes.TrimSpace(lines[l.line-1])); hex.EncodeToString(sum[:6]) != l.digest {
			gone++
			continue
		}
		labels = append(labels, l)
	}
	t.Logf("%d labelled lines, %d more are not in these versions", len(labels), gone)
	if gone > len(labels)/4 {
		t.Fatal("these are not the trees that were labelled")
	}
	ours := foundByAssay(t, labels)
	for _, half := range []string{"tune", "held"} {
		for _, least := range []int{5, 20, 50} {
			t.Logf("| %s | assay --min-confidence %d | %v", half, least, judge(labels, ours, half, least))
		}
		for _, report := range filepath.SplitList(os.Getenv("ASSAY_REPORTS")) {
			t.Logf("| %s | %s | %v", half, strings.TrimSuffix(filepath.Base(report), ".json"), judge(labels, foundByPeer(t, report, realTrees()), half, 1))
		}
		if s := judge(labels, ours, half, testFloor); s.recall() < 0.6 || s.precision() < 0.85 {
			t.Errorf("%s: %v", half, s)
		}
	}
	if half := os.Getenv("ASSAY_SHOW"); half != "" {
		show(t, labels, ours, half)
	}
}

// show lists the mistakes in one half.
func show(t *testing.T, labels []labelled, found spots, half string) {
	for _, l := range labels {
		name := filepath.Join(realTrees(), l.tree, l.path)
		conf := found[name][l.line]
		if l.half != half || l.label == "unclear" || l.label != "true" && conf == 0 {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-11s %3d %s/%s:%d %.140s", l.label, conf, l.tree, l.path, l.line, bytes.TrimSpace(bytes.Split(text, []byte{'\n'})[l.line-1]))
	}
}
