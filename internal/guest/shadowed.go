package guest

import (
	"strings"

	"assay/internal/fsys"
)

// A Shadow is a directory that another file system is mounted over: what was
// left in it is in the image, but no user of the machine sees it.
type Shadow struct {
	Path   string     // the mount point
	Volume string     // the volume that holds the hidden directory
	Tree   *fsys.Tree // its "/" is the hidden directory
}

// Shadowed returns the mount points below which files are hidden, in the order
// of the tree's mounts. Empty directories hide nothing.
func (g *Guest) Shadowed() []Shadow {
	var out []Shadow
	mounts := g.Tree.Mounts()
	for i, m := range mounts {
		if m.Path == "/" {
			continue
		}
		for _, under := range mounts[i+1:] { // longest path first: the nearest comes first
			prefix := strings.TrimSuffix(under.Path, "/") + "/"
			if !strings.HasPrefix(m.Path, prefix) {
				continue
			}
			if s, ok := shadow(m.Path, strings.TrimPrefix(m.Path, prefix), under); ok {
				out = append(out, s)
			}
			break
		}
	}
	return out
}

// shadow looks into the directory rel of the mount that lies under.
func shadow(at, rel string, under fsys.Mount) (Shadow, bool) {
	whole, err := fsys.NewTree(fsys.Mount{Path: "/", Name: under.Name, FS: under.FS, Root: under.Root})
	if err != nil {
		return Shadow{}, false
	}
	p, _, err := whole.Lookup("/"+rel, false)
	if err != nil {
		return Shadow{}, false // no such directory: nothing is hidden
	}
	if m, err := whole.Meta(p); err != nil || m.Kind != fsys.Directory {
		return Shadow{}, false
	}
	hidden, err := fsys.NewTree(fsys.Mount{Path: "/", Name: under.Name, FS: under.FS, Root: p.Node})
	if err != nil {
		return Shadow{}, false
	}
	es, err := hidden.ReadDir("/")
	return Shadow{at, under.Name, hidden}, len(es) > 0 || err != nil // whoever walks it meets the error again
}
