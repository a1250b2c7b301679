package secret

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// TestPeer gives the planted corpus to gitleaks, where ASSAY_GITLEAKS names
// its program, and counts in each class what it finds: a planted secret counts
// when a finding in its file holds it.
func TestPeer(t *testing.T) {
	program := os.Getenv("ASSAY_GITLEAKS")
	if program == "" {
		t.Skip("ASSAY_GITLEAKS names no program")
	}
	plants, decoys := loadCorpus(t)
	more, less := crossed()
	plants, decoys = append(plants, more...), append(decoys, less...)
	dir := t.TempDir()
	write := func(i int, p plant) (name string, text []byte, secrets [][2]int) {
		text, secrets = p.grow(1)
		name = filepath.Join(dir, fmt.Sprint(i), p.path)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return name, text, secrets
	}
	type planted struct{ class, file, secret string }
	var all []planted
	for i, p := range plants {
		name, text, secrets := write(i, p)
		for _, at := range secrets {
			all = append(all, planted{p.class, name, string(text[at[0]:at[1]])})
		}
	}
	fakes := map[string]bool{}
	for i, p := range decoys {
		name, _, _ := write(len(plants)+i, p)
		fakes[name] = true
	}
	out := filepath.Join(t.TempDir(), "report.json")
	c := exec.Command(program, "dir", dir, "--no-banner", "--exit-code", "0", "--report-format", "json", "--report-path", out)
	if b, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var found []struct{ File, Match, Secret string }
	b, err := os.ReadFile(out)
	if err == nil {
		err = json.Unmarshal(b, &found)
	}
	if err != nil {
		t.Fatal(err)
	}
	cried := 0
	byFile := map[string]string{}
	for _, f := range found {
		byFile[f.File] += f.Match + "\n" + f.Secret + "\n"
		if fakes[f.File] {
			cried++
		}
	}
	hit, of := map[string]int{}, map[string]int{}
	for _, p := range all {
		of[p.class]++
		if strings.Contains(byFile[p.file], p.secret) {
			hit[p.class]++
			hit["all"]++
		}
		of["all"]++
	}
	var names []string
	for n := range of {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		t.Logf("%-12s %3d of %3d", n, hit[n], of[n])
	}
	t.Logf("%d findings in decoys", cried)
}
