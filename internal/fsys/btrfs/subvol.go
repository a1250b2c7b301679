package btrfs

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// A Subvolume is one tree of files: the top level, a subvolume or a snapshot.
type Subvolume struct {
	ID       uint64 // as in subvolid=; 5 is the top level
	Path     string // as in subvol=, absolute below the top level; "" when its place cannot be found
	Parent   uint64 // id of the subvolume in which it is linked; 0 for the top level
	ReadOnly bool
	UUID     string // "" when not recorded
	Root     fsys.Node
}

// A subvol is a Subvolume as it is kept: btrfs_root_item and btrfs_root_ref.
type subvol struct {
	index  int
	root   root
	dirid  uint64 // inode of its top directory
	flags  uint64
	uuid   [16]byte
	source [16]byte // UUID of what it is a snapshot of

	parent, parentDir uint64 // where it is linked: subvolume id and directory
	name              string
	path              string
}

// node packs an inode number of this subvolume.
func (t *subvol) node(ino uint64) fsys.Node {
	return fsys.Node(uint64(t.index)<<48 | ino&maxObjectid)
}

// Subvolumes lists all subvolumes and snapshots in the order of their ids, the
// top level first. Deleted ones are not listed.
func (f *FS) Subvolumes() []Subvolume {
	out := make([]Subvolume, len(f.subvols))
	for i, t := range f.subvols {
		out[i] = Subvolume{
			ID: t.root.id, Path: t.path, Parent: t.parent, ReadOnly: t.flags&1 != 0, Root: t.node(t.dirid),
		}
		if t.uuid != [16]byte{} {
			u := hex.EncodeToString(t.uuid[:])
			out[i].UUID = u[:8] + "-" + u[8:12] + "-" + u[12:16] + "-" + u[16:20] + "-" + u[20:]
		}
	}
	return out
}

// readRoots fills trees and subvols from the root tree.
func (f *FS) readRoots() error {
	rt := root{id: rootTreeID, bytenr: f.sb.root, gen: f.sb.generation, level: f.sb.rootLevel}
	f.trees = map[uint64]root{rootTreeID: rt}
	links := map[uint64]subvol{} // by child: only where it is linked
	byID := map[uint64]*subvol{} // live subvolumes
	deleted, beyond, broken, def := 0, 0, 0, uint64(fsTreeID)
	var first error // of the broken ones
	err := f.ascend(rt, key{}, lastKey, func(it item) error {
		switch it.key.typ {
		case rootItemKey:
			t, refs, err := f.parseRoot(it)
			switch {
			case err != nil:
				if broken++; first == nil {
					first = err
				}
			case !isSubvolID(t.root.id):
				f.trees[t.root.id] = t.root
			case refs == 0:
				deleted++
			case len(byID) >= maxSubvolumes:
				beyond++
			default:
				byID[t.root.id] = t
				f.snapshot = f.snapshot || t.source != [16]byte{}
			}
		case rootRefKey:
			if t, ok := parseRootRef(it); ok && len(links) < maxSubvolumes {
				links[it.key.offset] = t
			}
		case dirItemKey:
			if it.key.objectid == f.sb.rootDir {
				def = f.defaultID(it, def)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if broken > 0 {
		f.problem(finding.GapCorrupt, "%d trees cannot be found, the first because of: %v", broken, first)
	}
	if byID[fsTreeID] == nil {
		if first != nil {
			return first
		}
		return binread.Errorf(format, -1, "the root tree has no top-level file tree")
	}
	f.deleted = deleted
	if deleted > 0 {
		f.problem(finding.GapUnsupported, "%d deleted subvolumes wait for Linux to clean them up: their data is neither visible nor free", deleted)
		f.snapshot = true
	}
	if beyond > 0 {
		f.problem(finding.GapLimit, "%d subvolumes more than %d are not shown", beyond, maxSubvolumes)
	}
	f.index(byID)
	for id, l := range links {
		if i, ok := f.byID[id]; ok && id != fsTreeID {
			t := f.subvols[i]
			t.parent, t.parentDir, t.name = l.parent, l.parentDir, l.name
		}
	}
	f.deflt = f.Root()
	if i, ok := f.byID[def]; ok {
		f.deflt = f.subvols[i].node(f.subvols[i].dirid)
	} else {
		f.problem(finding.GapCorrupt, "the default subvolume %d does not exist: the top level was taken", def)
	}
	return nil
}

// defaultID finds the subvolume that the entry "default" of the root tree's
// directory leads to.
func (f *FS) defaultID(it item, id uint64) uint64 {
	err := eachDirItem(it, func(d dirItem) error {
		if d.name == "default" && d.location.typ == rootItemKey {
			id = d.location.objectid
		}
		return nil
	})
	if err != nil {
		f.problem(finding.GapCorrupt, "the default subvolume cannot be told: %v", f.cut(it, err))
	}
	return id
}

func isSubvolID(id uint64) bool { return id == fsTreeID || id >= firstFree && id <= lastFree }

// parseRoot reads a btrfs_root_item, in its old or its present length.
func (f *FS) parseRoot(it item) (*subvol, uint32, error) {
	if len(it.data) < oldRootSize {
		return nil, 0, binread.Errorf(format, f.where(it), "root item of tree %d has %d bytes", it.key.objectid, len(it.data))
	}
	b := it.buf()
	t := &subvol{
		root:  root{id: it.key.objectid, gen: b.LE64(160), bytenr: b.LE64(176), level: b.U8(238)},
		dirid: b.LE64(168), flags: b.LE64(208),
	}
	if t.root.level > maxLevel || t.dirid > maxObjectid {
		return nil, 0, binread.Errorf(format, f.where(it), "root item of tree %d: level %d, directory %d", t.root.id, t.root.level, t.dirid)
	}
	if len(it.data) >= 279 && b.LE64(239) == t.root.gen { // generation_v2: the fields after it are valid
		copy(t.uuid[:], it.data[247:])
		copy(t.source[:], it.data[263:])
	}
	return t, b.LE32(216), nil
}

func (f *FS) index(byID map[uint64]*subvol) {
	f.byID = make(map[uint64]int, len(byID))
	for _, t := range byID {
		f.subvols = append(f.subvols, t)
	}
	slices.SortFunc(f.subvols, func(a, b *subvol) int { return key{objectid: a.root.id}.compare(key{objectid: b.root.id}) })
	for i, t := range f.subvols {
		t.index = i
		f.byID[t.root.id] = i
	}
}

// parseRootRef reads a btrfs_root_ref: (parent, ROOT_REF, child).
func parseRootRef(it item) (subvol, bool) {
	b := it.buf()
	t := subvol{parent: it.key.objectid, parentDir: b.LE64(0), name: string(b.Bytes(18, int(b.LE16(16))))}
	return t, !b.Over()
}

// linkSubvols finds the path of every subvolume.
func (f *FS) linkSubvols() {
	f.subvols[0].path = "/"
	steps := 0
	for _, t := range f.subvols[1:] {
		t.path, _ = f.subvolPath(t, &steps)
	}
}

var errNoPath = errors.New("no path")

// subvolPath climbs from a subvolume to the top level.
func (f *FS) subvolPath(t *subvol, steps *int) (string, error) {
	var names []string // last first
	size := 0
	add := func(name string) bool {
		*steps++
		size += len(name) + 1
		names = append(names, name)
		return len(names) <= maxPathDepth && size <= maxPathBytes && *steps <= maxPathSteps
	}
	for t.root.id != fsTreeID {
		i, ok := f.byID[t.parent]
		if !ok || !add(t.name) {
			return "", errNoPath
		}
		dir := t.parentDir
		t = f.subvols[i]
		for dir != t.dirid {
			ref, err := f.dirRef(t.root, dir)
			if err != nil {
				return "", err
			}
			if !add(ref.name) {
				return "", errNoPath
			}
			dir = ref.parent
		}
		if t.path != "" {
			add(strings.TrimPrefix(t.path, "/"))
			break
		}
	}
	slices.Reverse(names)
	return "/" + strings.TrimPrefix(strings.Join(names, "/"), "/"), nil
}
