package recall

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/checks"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

// windowsRows is how many rows each group of the Windows catalogue has.
var windowsRows = map[string]int{"WAC": 12, "WSS": 8, "WCR": 27, "WHI": 6, "WLG": 9, "WTM": 8, "WID": 9}

// folding finds names in spite of case, as NTFS does.
type folding struct{ *memfs.FS }

func (folding) Fold(name string) string { return strings.ToUpper(name) }

// TestWindows holds the catalogue of Windows against the checks. A row without
// a plant is covered by checks of Windows, whose own tests plant it; one with a
// plant by checks that serve Linux too, which must find it in a profile.
func TestWindows(t *testing.T) {
	covers := map[string][]string{}
	for _, c := range checks.Machine {
		for _, r := range c.Covers {
			if group, _, _ := strings.Cut(r, "-"); windowsRows[group] > 0 {
				covers[r] = append(covers[r], c.ID)
			}
		}
	}
	private, public := keys(t)
	fill := strings.NewReplacer("{{KEY}}", private, "{{PUB}}", public)
	files := []memfs.File{{Path: "/Windows/System32/config/SYSTEM", Data: "x"}}
	listed := map[string]bool{}
	table := table(t, "windows.tsv", 6)
	for _, f := range table {
		row, by, plant, content, reason := f[0], strings.Split(f[2], ","), f[3], f[4], f[5]
		listed[row] = true
		got := covers[row]
		slices.Sort(got)
		switch {
		case plant != "":
			data, err := strconv.Unquote(content)
			if err != nil {
				t.Fatalf("%s: %v", row, err)
			}
			files = append(files, memfs.File{Path: plant, Data: fill.Replace(data)})
		case f[2] == "-":
			if len(got) > 0 || reason == "" {
				t.Errorf("row %s: covered by %v, reason %q", row, got, reason)
			}
		case !slices.Equal(got, by):
			t.Errorf("row %s: covered by %v, the catalogue says %v", row, got, by)
		}
	}
	for group, n := range windowsRows {
		for i := 1; i <= n; i++ {
			if id := group + "-" + strconv.Itoa(1000 + i)[1:]; !listed[id] {
				t.Errorf("row %s is not listed", id)
			}
		}
	}
	for r := range covers {
		if !listed[r] {
			t.Errorf("checks %v cover row %s, which the catalogue does not know", covers[r], r)
		}
	}
	found := inspect(t, files)
	for _, f := range table {
		if plant := f[3]; plant != "" && !slices.ContainsFunc(found, func(x finding.Finding) bool {
			return slices.Contains(strings.Split(f[2], ","), x.Check) && names(x, plant)
		}) {
			t.Errorf("row %s: nothing of %s names %s", f[0], f[2], plant)
		}
	}
}

// inspect runs all checks over files as Windows has them.
func inspect(t *testing.T, files []memfs.File) (found []finding.Finding) {
	t.Helper()
	m := folding{memfs.New(files...)}
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "p1", FS: m, Root: m.Root()})
	if err != nil {
		t.Fatal(err)
	}
	err = check.Run(context.Background(), guest.New(tree), checks.Machine, check.Options{
		Key:    []byte("recall"),
		Report: func(f finding.Finding) { found = append(found, f) },
		Gap: func(g finding.Gap) {
			if strings.Contains(g.Detail, "internal error") {
				t.Errorf("%s: %s", g.Check, g.Detail)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
