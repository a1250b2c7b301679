package regf_test

import (
	"bytes"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/need"
)

// What we read is what hivex reads, in hives that we built.
func TestBuiltLikeHivex(t *testing.T) {
	hivex(t)
	for name, b := range variants() {
		want, err := dumpHivex(write(t, b))
		if err != nil {
			t.Errorf("%s: hivex: %v", name, err)
			continue
		}
		h, err := regf.Open(b)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := dump(h); !slices.Equal(got, want) || len(h.Faults()) > 0 {
			t.Errorf("%s: %v\n%s", name, h.Faults(), diff(got, want))
		}
	}
}

// Other tools accept hives that we built: the fixtures are real.
func TestBuiltAccepted(t *testing.T) {
	for name, b := range variants() {
		file := write(t, b)
		need.Run(t, "regfinfo", file)
		out := need.Run(t, "reglookup", file)
		if !strings.Contains(out, "/Alpha/Beta/Gamma/Secret,SZ,correct horse battery staple") && name != "li" {
			t.Errorf("%s: reglookup says\n%.2000s", name, out)
		}
		out, _ = reged(t, file)
		if !strings.Contains(out, `"Secret"="correct horse battery staple"`) {
			t.Errorf("%s: reged says\n%.2000s", name, out)
		}
	}
}

// reged exports the hive with chntpw's registry editor.
func reged(t testing.TB, file string) (string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.reg")
	cmd := exec.Command(need.Tool(t, "reged"), "-x", file, "PREFIX", `\Alpha`, out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return string(msg), err
	}
	return string(read(t, out)), nil
}

// odd are the samples that do not open without their logs, and why.
var odd = map[string]string{
	"BadBaseBlockHive":   "its base block is destroyed",
	"TruncatedDirtyHive": "shorter than it says",
}

// Real hives: each opens or says why not, and holds what hivex sees in it.
func TestCorpusLikeHivex(t *testing.T) {
	dir := need.Corpus(t, "windows")
	hivex(t)
	n := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b := read(t, name)
		if !bytes.HasPrefix(b, []byte("regf")) || strings.Contains(strings.ToUpper(d.Name()), ".LOG") {
			return nil
		}
		n++
		h, err := regf.Open(b)
		if err != nil {
			t.Logf("%s: %v", d.Name(), err)
			if odd[d.Name()] == "" {
				t.Errorf("%s does not open: %v", name, err)
			}
			return nil
		}
		got := dump(h)
		want, err := dumpHivex(name)
		if len(h.Faults()) > 0 || err != nil {
			t.Logf("%s: %d lines, state %v, faults %v; hivex: %d lines, %v", d.Name(), len(got), h.State(), h.Faults(), len(want), err)
		}
		if err == nil && !slices.Equal(got, want) {
			t.Errorf("%s: we see %d lines, hivex %d\n%s", name, len(got), len(want), diff(got, want))
		}
		return nil
	})
	if err != nil || n < 30 {
		t.Errorf("%d hives, %v", n, err)
	}
}
