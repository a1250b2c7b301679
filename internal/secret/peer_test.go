package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// TestPeers counts in each class of the planted corpus what other programs
// find. Run first with ASSAY_CORPUS, a folder that it fills, then with
// ASSAY_REPORTS as well, their reports about the folder: a planted secret counts
// when a finding has a line of it.
func TestPeers(t *testing.T) {
	dir := os.Getenv("ASSAY_CORPUS")
	if dir == "" {
		t.Skip("ASSAY_CORPUS names no folder; make bench-secrets does")
	}
	plants, decoys := loadCorpus(t)
	more, less := crossed()
	plants, decoys = append(plants, more...), append(decoys, less...)
	type planted struct {
		class, file string
		from, to    int // lines
	}
	var all []planted
	fakes := map[string]bool{}
	for i, p := range append(plants, decoys...) {
		text, secrets := p.grow(1)
		name := filepath.Join(dir, fmt.Sprint(i), p.path)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		fakes[name] = p.class == "decoy"
		for _, at := range secrets {
			line := func(at int) int { return 1 + strings.Count(string(text[:at]), "\n") }
			all = append(all, planted{p.class, name, line(at[0]), line(at[1] - 1)})
		}
	}
	for _, report := range filepath.SplitList(os.Getenv("ASSAY_REPORTS")) {
		found := foundByPeer(t, report, dir)
		hit, of, cried := map[string]int{}, map[string]int{}, 0
		for _, p := range all {
			of[p.class]++
			of["all"]++
			for n := p.from; n <= p.to; n++ {
				if found[p.file][n] > 0 {
					hit[p.class]++
					hit["all"]++
					break
				}
			}
		}
		for name, lines := range found {
			if fakes[name] {
				cried += len(lines)
			}
		}
		var names []string
		for n := range of {
			names = append(names, n)
		}
		sort.Strings(names)
		var b strings.Builder
		for _, n := range names {
			fmt.Fprintf(&b, ", %s %d/%d", n, hit[n], of[n])
		}
		t.Logf("%s: %d of %d, %d lines of decoys%s", strings.TrimSuffix(filepath.Base(report), ".json"), hit["all"], of["all"], cried, b.String())
	}
}
