package content

import (
	"slices"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
)

// mapped is a tree whose files have the extents it says.
type mapped struct {
	*memfs.FS
	extents []fsys.Extent
}

func (m mapped) Extents(fsys.Node) ([]fsys.Extent, error) { return m.extents, nil }

func TestRuns(t *testing.T) {
	const mib = 1 << 20
	written := func(off, n int64) fsys.Extent { return fsys.Extent{Logical: off, Len: n} }
	ahead := func(off, n int64) fsys.Extent {
		return fsys.Extent{Logical: off, Len: n, State: fsys.Unwritten}
	}
	for _, c := range []struct {
		name    string
		size    int64
		extents []fsys.Extent
		want    []runOf
	}{
		{"small", mib, []fsys.Extent{written(0, 4096)}, []runOf{{Off: 0, Len: mib}}},
		{"whole", 4 * mib, []fsys.Extent{written(0, 4*mib)}, []runOf{{Off: 0, Len: 4 * mib}}},
		{"a tail set aside", 8 * mib, []fsys.Extent{written(0, 3*mib), ahead(3*mib, 5*mib)}, []runOf{{Off: 0, Len: 4 * mib}}},
		{"a short tail", 4 * mib, []fsys.Extent{written(0, 4*mib-4096), ahead(4*mib-4096, 4096)}, []runOf{{Off: 0, Len: 4 * mib}}},
		{"a hole", 64 * mib, []fsys.Extent{written(0, 4096), written(32*mib, 8192)}, []runOf{{Off: 0, Len: 4096}, {Off: 32 * mib, Len: 8192}}},
		{"small holes", 4 * mib, []fsys.Extent{written(0, 4096), written(8192, 4096), written(mib/2, 3*mib)}, []runOf{{Off: 0, Len: 4 * mib}}},
	} {
		m := mapped{memfs.New(memfs.File{Path: "/f", Size: c.size}), c.extents}
		tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "m", FS: m, Root: m.Root()})
		if err != nil {
			t.Fatal(err)
		}
		place, _, err := tree.Lookup("/f", false)
		if err != nil {
			t.Fatal(err)
		}
		w := worker{g: guest.New(tree)}
		if got := w.runs(job{path: "/f", place: place}, c.size); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
