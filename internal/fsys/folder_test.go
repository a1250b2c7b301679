package fsys_test

import (
	"errors"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
)

// folding is a file system that finds names in spite of case.
type folding struct{ *memfs.FS }

func (folding) Fold(name string) string { return strings.ToUpper(name) }

// TestLookupFolds finds names in any case where the file system says so, the
// one spelled the same first, and answers with the names as they are stored.
func TestLookupFolds(t *testing.T) {
	linux := memfs.New(memfs.File{Path: "/Windows/x", Data: "linux"})
	win := folding{memfs.New(memfs.File{Path: "/Windows/System32/config/SAM", Data: "hive"},
		memfs.File{Path: "/two/a", Data: "a"}, memfs.File{Path: "/two/A", Data: "A"})}
	tr, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "p1", FS: linux, Root: linux.Root()}, fsys.Mount{Path: "/c", Name: "p2", FS: win, Root: win.Root()})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/c/windows/SYSTEM32/Config/sam": "/c/Windows/System32/config/SAM",
		"/c/two/a":                       "/c/two/a",
		"/c/TWO/A":                       "/c/two/A",
	} {
		if _, got, err := tr.Lookup(name, true); err != nil || got != want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"/windows/x", "/C/two/a", "/c/windows/nothing"} {
		if _, _, err := tr.Lookup(name, true); !errors.Is(err, fsys.ErrNotExist) {
			t.Errorf("Lookup(%q) = %v, want ErrNotExist", name, err)
		}
	}
}
