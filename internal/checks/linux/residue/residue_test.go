package residue

import (
	"context"
	"testing"

	"assay/check"
	"assay/finding"
	"assay/internal/checktest"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

func Test(t *testing.T) { checktest.Run(t, All) }

// TestBelowMountPoint needs two volumes, which a txtar has not.
func TestBelowMountPoint(t *testing.T) {
	root := memfs.New(memfs.File{Path: "/data/old/dump.sql", Data: "rows"}, memfs.File{Path: "/empty/"}, memfs.File{Path: "/data/zero"})
	disk := memfs.New(memfs.File{Path: "/new", Data: "x"})
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "p1", FS: root, Root: root.Root()}, fsys.Mount{Path: "/data", Name: "p2", FS: disk, Root: disk.Root()},
		fsys.Mount{Path: "/empty", Name: "p3", FS: disk, Root: disk.Root()})
	if err != nil {
		t.Fatal(err)
	}
	var got []finding.Finding
	err = check.Run(context.Background(), guest.New(tree), []*Check{shadowedFiles}, check.Options{Key: checktest.Key,
		Report: func(f finding.Finding) { got = append(got, f) }, Gap: func(g finding.Gap) { t.Error(g) }})
	if err != nil || len(got) != 1 {
		t.Fatalf("%v %+v", err, got)
	}
	f := got[0]
	if f.Where.Path != "/data" || f.Where.Volume != "p1" || len(f.Places) != 1 || f.Places[0].Path != "/data/old/dump.sql" || f.Title.EN != "/data on volume p1 hides 1 file, 4 B, below its mount point" {
		t.Errorf("%+v", f)
	}
}
