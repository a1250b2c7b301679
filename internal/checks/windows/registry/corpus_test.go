package registry

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
	"assay/internal/need"
)

// TestRealHives searches real hives, in which nobody has planted a secret: what
// it tells of them is a false alarm, and what it cannot judge a fault.
func TestRealHives(t *testing.T) {
	n := 0
	err := filepath.WalkDir(need.Corpus(t, "windows"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(strings.ToUpper(d.Name()), ".LOG") {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil || !bytes.HasPrefix(b, []byte("regf")) {
			return err
		}
		n++
		mem := memfs.New(memfs.File{Path: "/Windows/System32/config/SYSTEM", Data: "x"}, memfs.File{Path: "/Users/ops/NTUSER.DAT", Data: string(b)})
		tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "mem", FS: mem, Root: mem.Root()})
		if err != nil {
			return err
		}
		return check.Run(context.Background(), guest.New(tree), []*Check{secrets}, check.Options{
			Report: func(f finding.Finding) { t.Errorf("%s: %s, %s", d.Name(), f.Title.EN, f.Where.Path) },
			Gap:    func(g finding.Gap) { t.Errorf("%s: %s", d.Name(), g.Detail) },
		})
	})
	if err != nil || n < 30 {
		t.Errorf("%d hives, %v", n, err)
	}
}
