package guest

import (
	"strings"

	"assay/internal/fsys"
	"assay/internal/fsys/btrfs"
)

// spareSubvolumes lists the subvolumes of a source that no walk of the tree
// reaches: none of them is mounted, and none lies below a mounted one.
func (a *assembly) spareSubvolumes(s *Source, v subvolumed) (out []Volume) {
	subs := v.Subvolumes()
	one := island{FS: s.FS, others: map[fsys.Node]bool{}}
	for _, sub := range subs {
		one.others[sub.Root] = true
	}
	for _, sub := range subs {
		if a.reached(s, subs, sub) {
			continue
		}
		if sub.Root == s.FS.Root() && one.empty(sub.Root) {
			continue // the usual top level: nothing but subvolumes
		}
		out = append(out, Volume{Name: s.Name + "@" + strings.TrimPrefix(sub.Path, "/"), Content: s.Content, FS: one, Root: sub.Root, Snapshot: true})
	}
	return out
}

// reached reports whether a subvolume, or one above it, is mounted.
func (a *assembly) reached(s *Source, subs []btrfs.Subvolume, sub btrfs.Subvolume) bool {
	for _, m := range subs {
		if !a.used[candidate{src: s, root: m.Root}.key()] {
			continue
		}
		placed := m.Path != "" // the others are linked nowhere
		if m.Root == sub.Root || placed && strings.HasPrefix(clean(sub.Path), strings.TrimSuffix(clean(m.Path), "/")+"/") {
			return true
		}
	}
	return false
}

// An island is a file system whose directories do not show other subvolumes:
// each of those is inspected by itself, and once.
type island struct {
	fsys.FS
	others map[fsys.Node]bool // roots of all subvolumes
}

// ReadDir implements fsys.FS.
func (i island) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	return i.FS.ReadDir(n, func(e fsys.Entry) error {
		if i.others[e.Node] {
			return nil
		}
		return yield(e)
	})
}

func (i island) empty(n fsys.Node) bool {
	empty := true
	err := i.ReadDir(n, func(fsys.Entry) error { empty = false; return fsys.ErrStop })
	return empty && err == nil
}
