package regf_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf"
	"assay/internal/artefact/regf/regftest"
	"assay/internal/need"
)

// hivex needs perl with its binding of hivex.
func hivex(t testing.TB) {
	t.Helper()
	need.Perl(t, "Win::Hivex")
}

// dumpHivex lists a hive file as hivex sees it.
func dumpHivex(file string) ([]string, error) {
	out, err := exec.Command("perl", "testdata/dump.pl", file).Output()
	return lines(string(out)), err
}

func lines(s string) []string {
	l := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	slices.Sort(l)
	return l
}

// dump lists a hive in the form of testdata/dump.pl.
func dump(h *regf.Hive) []string {
	var b strings.Builder
	_ = h.Root().Walk(func(path string, k regf.Key) error {
		if path != "" {
			path = `\` + path
		}
		fmt.Fprintln(&b, path)
		for _, v := range k.Values() {
			fmt.Fprintf(&b, "%s\t%s\t%d\t%x\n", path, v.Name(), v.Type(), v.Data())
		}
		return nil
	})
	return lines(b.String())
}

// diff shows the first lines that only one side has.
func diff(got, want []string) string {
	var b strings.Builder
	n := 0
	side := func(mark string, a, other []string) {
		for _, l := range a {
			if _, ok := slices.BinarySearch(other, l); !ok && n < 10 {
				fmt.Fprintf(&b, "%s%.200s\n", mark, l)
				n++
			}
		}
	}
	side("+ ", got, want)
	side("- ", want, got)
	return b.String()
}

func write(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hive")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sample is a tree with everything that hives have.
func sample() *regftest.Key {
	root := &regftest.Key{}
	big := []byte(strings.Repeat("0123456789abcdef", 2500))
	root.At(`Alpha\Beta`).Set("Text", "words").Set("Number", 7).Set("", "default").Set("List", []string{"one", "two"}).Set("Blob", big)
	root.At(`Alpha\Beta\Gamma`).Set("Secret", "correct horse battery staple").Guard = 1
	root.At(`Alpha\Classy`).Class = "deadbeef"
	root.At(`Ключ\ëigen`).Set("Имя", "значение")
	root.At(`Empty`)
	many := root.At("Many")
	for i := range 60 {
		many.At(fmt.Sprintf("k%03d", i)).Set("i", i)
	}
	return root
}

// variants are the sample as different versions of Windows write it.
func variants() map[string][]byte {
	return map[string][]byte{
		"lh":    regftest.Build(sample(), regftest.Options{}),
		"ri-lh": regftest.Build(sample(), regftest.Options{Leaf: 7, Pad: 8192}),
		"lf":    regftest.Build(sample(), regftest.Options{Minor: 3, List: "lf"}),
		"li":    regftest.Build(sample(), regftest.Options{List: "li", Leaf: 50}),
	}
}
