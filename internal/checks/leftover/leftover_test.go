package leftover_test

import (
	"context"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/leftover"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

func find(t *testing.T, paths ...string) finding.Finding {
	t.Helper()
	var files []memfs.File
	for _, p := range paths {
		files = append(files, memfs.File{Path: p, Data: "x"})
	}
	var out []finding.Finding
	c := &check.Check[*guest.Guest]{ID: "x/y", Run: func(p *check.Pass[*guest.Guest]) error {
		return leftover.Run(p, leftover.Spec{
			Patterns: []string{"/var/log/**"},
			Group:    leftover.Under("/var/log/app"),
			Title:    func(leftover.Group) finding.Text { return finding.T("x", "x") },
		})
	}}
	err := check.Run(context.Background(), guest.New(memfs.Tree(files...)), []*check.Check[*guest.Guest]{c}, check.Options{
		Report: func(f finding.Finding) { out = append(out, f) },
		Gap:    func(g finding.Gap) { t.Error(g.Detail) },
	})
	if err != nil || len(out) != 1 {
		t.Fatalf("%v, %d findings, want 1", err, len(out))
	}
	return out[0]
}

// What a person accepted stays accepted when the group grows.
func TestGroupKeepsItsID(t *testing.T) {
	one, two := find(t, "/var/log/app/a/1"), find(t, "/var/log/app/a/1", "/var/log/app/b/2")
	if one.ID != two.ID || one.Where.Path != "/var/log/app" || len(one.Places) != 1 || len(two.Places) != 2 {
		t.Errorf("%s %s %v\n%s %s %v", one.ID, one.Where.Path, one.Places, two.ID, two.Where.Path, two.Places)
	}
	if f := find(t, "/var/log/other"); f.Where.Path != "/var/log" {
		t.Errorf("a file outside the group's directory is at %s", f.Where.Path)
	}
}
