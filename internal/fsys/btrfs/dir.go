package btrfs

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// A dirItem is a btrfs_dir_item: a name in a directory, or an extended
// attribute.
type dirItem struct {
	location key
	kind     uint8
	name     string
	data     []byte // aliases the tree block
}

// eachDirItem calls fn for each btrfs_dir_item in an item: those whose names
// have the same hash lie behind each other. It returns errCut when the last
// one is cut short.
func eachDirItem(it item, fn func(dirItem) error) error {
	b := it.buf()
	for off := 0; off < len(it.data); {
		data, name := int(b.LE16(off+25)), int(b.LE16(off+27))
		d := dirItem{location: keyAt(b, off), kind: b.U8(off + 29), name: string(b.Bytes(off+dirItemSize, name)), data: b.Bytes(off+dirItemSize+name, data)}
		if b.Over() {
			return errCut
		}
		if err := fn(d); err != nil {
			return err
		}
		off += dirItemSize + name + data
	}
	return nil
}

var errCut = binread.Errorf(format, -1, "a name runs over the end of its item")

// cut names the place of errCut.
func (f *FS) cut(it item, err error) error {
	if err == errCut {
		return binread.Errorf(format, f.where(it), "a name of object %d runs over the end of its item", it.key.objectid)
	}
	return err
}

// fileKinds is btrfs_tree.h, BTRFS_FT_*.
var fileKinds = [...]fsys.Kind{
	fsys.Unknown, fsys.Regular, fsys.Directory, fsys.CharDevice, fsys.BlockDevice, fsys.FIFO, fsys.Socket, fsys.Symlink,
}

// ReadDir implements fsys.FS, in the order of DIR_INDEX: that in which the
// names were made. A directory has one name only on btrfs; a further name
// for it, which could make a walk endless or exponential, is an error.
func (f *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	in, err := f.inode(n)
	if err != nil {
		return err
	}
	if in.meta.Kind != fsys.Directory {
		return fsys.ErrNotDir
	}
	if in.ino == emptyDirID {
		return nil
	}
	var broken error // the first place that could not be used
	err = f.ascend(in.tree.root, key{in.ino, dirIndexKey, 0}, key{in.ino, dirIndexKey, ^uint64(0)}, func(it item) error {
		var stop error
		err := eachDirItem(it, func(d dirItem) error {
			e, err := f.entry(in.tree, in.ino, it, d)
			if err == nil {
				stop = yield(e)
			} else if broken == nil {
				broken = err
			}
			return stop
		})
		if stop == nil && err != nil && broken == nil {
			broken = f.cut(it, err)
		}
		return stop
	})
	switch {
	case err == nil:
		return broken
	case errors.Is(err, fsys.ErrStop):
		return nil
	}
	return err
}

// entry makes an Entry of one name.
func (f *FS) entry(t *subvol, dir uint64, it item, d dirItem) (fsys.Entry, error) {
	bad := func(msg string, args ...any) (fsys.Entry, error) {
		return fsys.Entry{}, binread.Errorf(format, f.where(it), "directory %d of subvolume %d: "+msg, append([]any{dir, t.root.id}, args...)...)
	}
	e := fsys.Entry{Name: d.name}
	if d.name == "" || d.name == "." || d.name == ".." || strings.ContainsAny(d.name, "/\x00") {
		return bad("a name that no directory can hold: %q", d.name)
	}
	if int(d.kind) < len(fileKinds) {
		e.Kind = fileKinds[d.kind]
	}
	ino := d.location.objectid
	switch {
	case d.location.typ == rootItemKey:
		e.Kind = fsys.Directory
		e.Node = t.node(emptyDirID)
		i, ok := f.byID[ino]
		if ok && i > 0 && f.subvols[i].linkedAt(t.root.id, dir, d.name) {
			e.Node = f.subvols[i].node(f.subvols[i].dirid)
		}
		return e, nil
	case d.location.typ != inodeItemKey || ino < firstFree:
		return bad("%q leads to object %d of type %d", d.name, ino, d.location.typ)
	case ino > maxObjectid:
		return fsys.Entry{}, binread.Unsupported(format, "inode number %d of %q", ino, d.name)
	}
	e.Node = t.node(ino)
	if e.Kind == fsys.Unknown { // never made by Linux; the walk must know directories
		in, err := f.inode(e.Node)
		if err != nil {
			return fsys.Entry{}, err
		}
		e.Kind = in.meta.Kind
	}
	if e.Kind == fsys.Directory {
		ref, err := f.dirRef(t.root, ino)
		if err != nil {
			return fsys.Entry{}, err
		}
		if ref.parent != dir || ref.name != d.name || ref.index != it.key.offset {
			return bad("%q is not the name of directory %d", d.name, ino)
		}
	}
	return e, nil
}

// linkedAt tells whether the subvolume's back reference names this entry; the
// entry is a relic in a snapshot otherwise.
func (t *subvol) linkedAt(parent, dir uint64, name string) bool {
	return t.parent == parent && t.parentDir == dir && t.name == name
}

// A ref is one name that an inode says it has: btrfs_inode_ref or
// btrfs_inode_extref.
type ref struct {
	parent, index uint64
	name          string
}

// refs lists the names in an INODE_REF or INODE_EXTREF item.
func refs(it item) ([]ref, error) {
	var out []ref
	b := it.buf()
	for off := 0; off < len(it.data); {
		r := ref{parent: it.key.offset}
		if it.key.typ == inodeExtrefKey {
			r.parent = b.LE64(off)
			off += 8
		}
		r.index = b.LE64(off)
		n := int(b.LE16(off + 8))
		r.name = string(b.Bytes(off+10, n))
		if b.Over() {
			return out, errCut
		}
		off += 10 + n
		out = append(out, r)
	}
	return out, nil
}

// dirRef returns the one name of a directory.
func (f *FS) dirRef(r root, ino uint64) (ref, error) {
	it, ok, err := f.floor(r, key{ino, inodeRefKey, ^uint64(0)})
	if err != nil {
		return ref{}, err
	}
	if !ok || it.key.objectid != ino || it.key.typ != inodeRefKey {
		return ref{}, binread.Errorf(format, -1, "directory %d of subvolume %d has no name", ino, r.id)
	}
	list, err := refs(it)
	if err != nil || len(list) != 1 {
		return ref{}, binread.Errorf(format, f.where(it), "directory %d of subvolume %d has %d names", ino, r.id, len(list))
	}
	return list[0], nil
}

// Xattrs implements fsys.FS.
func (f *FS) Xattrs(n fsys.Node) ([]fsys.Xattr, error) {
	in, err := f.inode(n)
	if err != nil || in.ino == emptyDirID {
		return nil, err
	}
	var out []fsys.Xattr
	size := 0
	err = f.ascend(in.tree.root, key{in.ino, xattrItemKey, 0}, key{in.ino, xattrItemKey, ^uint64(0)}, func(it item) error {
		if size += len(it.data); size > maxXattrBytes {
			return binread.Errorf(format, f.where(it), "inode %d has more than %d bytes of extended attributes", in.ino, maxXattrBytes)
		}
		return f.cut(it, eachDirItem(it, func(d dirItem) error {
			out = append(out, fsys.Xattr{Name: d.name, Value: slices.Clone(d.data)})
			return nil
		}))
	})
	slices.SortFunc(out, func(a, b fsys.Xattr) int { return cmp.Compare(a.Name, b.Name) })
	return out, err
}
