package checktest

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/apply"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
	"assay/internal/plan"
)

// fixes holds every fix to its word: a plan of all that the check offers is
// applied, and what its steps settle must not be found again. Once on a file
// system that can remove, once on one that can only empty.
func fixes(t *testing.T, c *check.Check[*guest.Guest], files func() []memfs.File, found []finding.Finding) {
	t.Helper()
	for _, o := range []plan.Options{
		{Profile: plan.Image, Remove: []string{c.ID}},
		{Profile: plan.Minimal, Redact: true},
	} {
		if p := plan.Make(found, o); len(p.Steps) > 0 {
			applied(t, c, files, p, found)
		}
	}
}

// applied applies a plan and wants what it settles to be gone.
func applied(t *testing.T, c *check.Check[*guest.Guest], files func() []memfs.File, p *plan.Plan, before []finding.Finding) {
	t.Helper()
	was := map[string]finding.Severity{}
	for _, f := range before {
		was[f.ID] = f.Severity
	}
	for _, keepNames := range []bool{false, true} {
		fs := &memfs.Editor{FS: memfs.New(files()...), KeepNames: keepNames, Spare: 4096}
		weaker := make([]bool, len(p.Steps))
		mount := fsys.Mount{Path: "/", Name: "mem", FS: editor(fs, files()), Root: fs.Root()}
		err := apply.Run(context.Background(), p, apply.Machine{
			Mounts: []fsys.Mount{mount}, Volumes: map[string]apply.Volume{"mem": {Name: "mem", Editor: fs}},
			Fingerprint: func(b []byte) string { return check.Fingerprint(Key, b) },
			Random:      rand.Reader,
		}, func(i int, r apply.Result) { weaker[i] = r.Note != finding.Text{} })
		if err != nil {
			t.Errorf("the fixes of %s: %v", c.ID, err)
			continue
		}
		tree, err := fsys.NewTree(mount)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range run(t, c, tree) {
			for i, s := range p.Steps {
				// A name that stays may be all that a finding is about.
				if slices.Contains(s.Findings, f.ID) && !(weaker[i] && f.Severity < finding.High) && f.Severity >= was[f.ID] {
					t.Errorf("after its fix (%s %s, names kept: %v) it is found again: %s", s.Op, s.Path, keepNames, line(f))
				}
			}
		}
	}
}

func run(t *testing.T, c *check.Check[*guest.Guest], tree *fsys.Tree) (found []finding.Finding) {
	t.Helper()
	err := check.Run(context.Background(), guest.New(tree), []*check.Check[*guest.Guest]{c}, check.Options{
		Key:    Key,
		Report: func(f finding.Finding) { found = append(found, f) },
		Gap: func(g finding.Gap) {
			if strings.Contains(g.Detail, "internal error") {
				t.Error(g.Detail)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
