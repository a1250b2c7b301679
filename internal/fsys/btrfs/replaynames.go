package btrfs

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
)

// byName finds a name in a directory through its DIR_ITEM.
func (r *replay) byName(tree root, dir uint64, name string) (found dirItem, ok bool, err error) {
	it, ok, err := r.f.get(tree, key{dir, dirItemKey, nameHash(name)})
	if err != nil || !ok {
		return found, false, err
	}
	ok = false
	err = eachDirItem(it, func(d dirItem) error {
		if d.name == name {
			found, ok = d, true
		}
		return nil
	})
	return found, ok, r.f.cut(it, err)
}

// byIndex finds a name in a directory through its DIR_INDEX; it must have that
// name.
func (r *replay) byIndex(tree root, dir, index uint64, name string) (found dirItem, ok bool, err error) {
	it, ok, err := r.f.get(tree, key{dir, dirIndexKey, index})
	if err != nil || !ok {
		return found, false, err
	}
	ok = false
	err = eachDirItem(it, func(d dirItem) error {
		if d.name == name {
			found, ok = d, true
		}
		return nil
	})
	return found, ok, r.f.cut(it, err)
}

// names lists the names in the INODE_REF or INODE_EXTREF item with key k.
func (r *replay) names(tree root, k key) ([]ref, error) {
	it, ok, err := r.f.get(tree, k)
	if err != nil || !ok {
		return nil, err
	}
	list, err := refs(it)
	return list, r.f.cut(it, err)
}

// extrefHash is btrfs_extref_hash, the key offset of INODE_EXTREF.
func extrefHash(parent uint64, name string) uint64 {
	return uint64(crc32cSeed(uint32(parent), name))
}

// deleteNames removes the names of a directory that lie in a range for which
// the log speaks, and that the log does not have: replay_dir_deletes.
func (r *replay) deleteNames(dir uint64) error {
	if _, ok, err := r.inode(dir); err != nil || !ok {
		return err
	}
	return r.f.ascend(r.log, key{dir, dirLogIndexKey, 0}, key{dir, dirLogIndexKey, ^uint64(0)}, func(rng item) error {
		if len(rng.data) < 8 {
			return r.bad(rng, "a range that is too short")
		}
		return r.deleteRange(dir, rng.key.offset, rng.buf().LE64(0), true)
	})
}

// deleteRange unlinks the names of a directory with an index in [from, to];
// with logged, only those that the log does not have.
func (r *replay) deleteRange(dir, from, to uint64, logged bool) error {
	if from > to {
		return nil
	}
	items, err := r.list(dir, dirIndexKey, from, to)
	if err != nil {
		return err
	}
	for _, it := range items {
		var gone []dirItem
		err := eachDirItem(it, func(d dirItem) error {
			keep := false
			var err error
			if logged {
				_, keep, err = r.byIndex(r.log, dir, it.key.offset, d.name)
			}
			if !keep {
				gone = append(gone, d)
			}
			return err
		})
		if err != nil {
			return r.f.cut(it, err)
		}
		for _, d := range gone {
			if err := r.unlink(dir, d.location.objectid, d.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// unlink removes one name of an inode, wherever it is kept:
// btrfs_unlink_inode. The count of its names is left to fixLinks.
func (r *replay) unlink(dir, ino uint64, name string) error {
	r.fix[ino] = true
	it, ok, err := r.f.get(r.t.root, key{dir, dirItemKey, nameHash(name)})
	if err == nil && ok {
		err = r.filter(it, func(d dirItem) bool { return d.name != name })
	}
	if err != nil {
		return r.f.cut(it, err)
	}
	for _, k := range []key{{ino, inodeRefKey, dir}, {ino, inodeExtrefKey, extrefHash(dir, name)}} {
		it, ok, err := r.f.get(r.t.root, k)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		list, err := refs(it)
		if err != nil {
			return r.f.cut(it, err)
		}
		var left []byte
		for _, x := range list {
			if x.name != name || x.parent != dir {
				left = appendRef(left, k.typ, x)
				continue
			}
			r.over.remove(key{dir, dirIndexKey, x.index})
		}
		if it.data = left; len(left) == 0 {
			r.over.remove(k)
		} else {
			r.over.put(it)
		}
	}
	return r.grow(dir, -2*len(name))
}

// appendRef writes a btrfs_inode_ref or btrfs_inode_extref.
func appendRef(b []byte, typ uint8, x ref) []byte {
	if typ == inodeExtrefKey {
		b = binary.LittleEndian.AppendUint64(b, x.parent)
	}
	b = binary.LittleEndian.AppendUint64(b, x.index)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(x.name)))
	return append(b, x.name...)
}

// replayName is the second stage: replay_one_name.
func (r *replay) replayName(it item) error {
	if it.key.typ != dirIndexKey {
		return nil
	}
	var logged []dirItem
	if err := eachDirItem(it, func(d dirItem) error { logged = append(logged, d); return nil }); err != nil || len(logged) != 1 {
		return r.bad(it, "it does not hold one name")
	}
	d, dir := logged[0], it.key.objectid
	if _, ok, err := r.inode(dir); err != nil || !ok {
		return r.bad(it, "a name in a directory that does not exist")
	}
	exists := false
	if d.location.typ == inodeItemKey {
		var err error
		if _, exists, err = r.inode(d.location.objectid); err != nil {
			return err
		}
	}
	old, ok, err := r.byName(r.t.root, dir, d.name)
	if err != nil {
		return err
	}
	byName, err := r.clash(dir, d, old, ok, exists)
	if err != nil {
		return err
	}
	old, ok, err = r.byIndex(r.t.root, dir, it.key.offset, d.name)
	if err != nil {
		return err
	}
	byIndex, err := r.clash(dir, d, old, ok, exists)
	if err != nil || byName && byIndex || !exists {
		return err
	}
	later, err := r.inLog(d.location.objectid, dir, d.name)
	if err != nil || later {
		return err // addRefs makes the name
	}
	if byName || byIndex {
		return nil // btrfs_add_link finds that it exists
	}
	x := ref{dir, it.key.offset, d.name}
	if err := r.addName(d.location.objectid, x, d.kind); err != nil {
		return err
	}
	k := key{d.location.objectid, inodeRefKey, dir}
	have, _, err := r.f.get(r.t.root, k)
	if err != nil {
		return err
	}
	have.key, have.data = k, appendRef(slices.Clone(have.data), inodeRefKey, x)
	r.over.put(have)
	r.fix[d.location.objectid] = true
	return nil
}

// clash tells whether a name that is there already is the logged one; another
// is unlinked if the new one can take its place: delete_conflicting_dir_entry.
func (r *replay) clash(dir uint64, d, old dirItem, ok, exists bool) (same bool, err error) {
	if !ok {
		return false, nil
	}
	if old.location == d.location && old.kind == d.kind {
		return true, nil
	}
	if !exists {
		return false, nil
	}
	return false, r.unlink(dir, old.location.objectid, old.name)
}

// inLog tells whether the log has this name among those of the inode.
func (r *replay) inLog(ino, dir uint64, name string) (bool, error) {
	for _, k := range []key{{ino, inodeRefKey, dir}, {ino, inodeExtrefKey, extrefHash(dir, name)}} {
		list, err := r.names(r.log, k)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(list, func(x ref) bool { return x.parent == dir && x.name == name }) {
			return true, nil
		}
	}
	return false, nil
}

// addName writes DIR_ITEM and DIR_INDEX of a name: btrfs_add_link without the
// back reference.
func (r *replay) addName(ino uint64, x ref, kind uint8) error {
	d := dirItem{location: key{ino, inodeItemKey, 0}, kind: kind, name: x.name}
	index := item{key: key{x.parent, dirIndexKey, x.index}, data: appendDirItem(nil, d)}
	if _, ok, err := r.f.get(r.t.root, index.key); err != nil || ok {
		return r.bad(index, "its place is taken by another name")
	}
	k := key{x.parent, dirItemKey, nameHash(x.name)}
	it, _, err := r.f.get(r.t.root, k)
	if err != nil {
		return err
	}
	it.key, it.data = k, appendDirItem(slices.Clone(it.data), d)
	r.over.put(it)
	r.over.put(index)
	return r.grow(x.parent, 2*len(x.name))
}

// addRefs makes the names that an inode has according to the log, and removes
// those it no longer has: add_inode_ref.
func (r *replay) addRefs(it item) error {
	list, err := refs(it)
	if err != nil || len(list) == 0 {
		return r.bad(it, "names that run over its end")
	}
	ino := it.key.objectid
	if _, ok, err := r.inode(list[0].parent); err != nil || !ok {
		return err // not every parent is logged
	}
	self, ok, err := r.inode(ino)
	if err != nil || !ok {
		return r.bad(it, "names of an inode that does not exist")
	}
	kind := fileTypes[binary.LittleEndian.Uint32(self.data[inodeMode:])&0o170000]
	searched := false
	for _, x := range list {
		if _, ok, err := r.inode(x.parent); err != nil || !ok {
			return err
		}
		have, err := r.linked(ino, x)
		if err != nil || have {
			if err != nil {
				return err
			}
			continue
		}
		if !searched {
			if ino == x.parent {
				return nil // the top directory
			}
			searched = true
			if err := r.makeRoom(ino, x); err != nil {
				return err
			}
		}
		if err := r.relink(ino, x, kind); err != nil {
			return err
		}
	}
	if err := r.unlinkOld(it.key, list); err != nil {
		return err
	}
	r.over.put(it)
	return nil
}

// fileTypes gives BTRFS_FT_* for the type bits of a mode.
var fileTypes = map[uint32]uint8{
	0o100000: 1, 0o040000: 2, 0o020000: 3, 0o060000: 4, 0o010000: 5, 0o140000: 6, 0o120000: 7,
}

// linked tells whether a name is in its directory and leads to ino: inode_in_dir.
func (r *replay) linked(ino uint64, x ref) (bool, error) {
	d, ok, err := r.byIndex(r.t.root, x.parent, x.index, x.name)
	if err != nil || !ok || d.location.objectid != ino {
		return false, err
	}
	d, ok, err = r.byName(r.t.root, x.parent, x.name)
	return ok && d.location.objectid == ino, err
}

// makeRoom removes names of ino in the same directory that the log does not
// have, and names of others that are in the way: __add_inode_ref.
func (r *replay) makeRoom(ino uint64, x ref) error {
	for _, k := range []key{{ino, inodeRefKey, x.parent}, {ino, inodeExtrefKey, extrefHash(x.parent, x.name)}} {
		list, err := r.names(r.t.root, k)
		if err != nil {
			return err
		}
		logged, err := r.names(r.log, k)
		if err != nil {
			return err
		}
		for _, old := range list {
			if old.parent != x.parent || slices.ContainsFunc(logged, func(l ref) bool { return l.parent == old.parent && l.name == old.name }) {
				continue
			}
			if err := r.unlink(old.parent, ino, old.name); err != nil {
				return err
			}
		}
	}
	d, ok, err := r.byIndex(r.t.root, x.parent, x.index, x.name)
	if err != nil {
		return err
	}
	if ok {
		return r.unlink(x.parent, d.location.objectid, d.name)
	}
	return nil
}

// relink puts a name of ino in its directory in the place of any other that
// has it: the rest of add_inode_ref's loop, and add_link.
func (r *replay) relink(ino uint64, x ref, kind uint8) error {
	d, ok, err := r.byName(r.t.root, x.parent, x.name)
	if err != nil {
		return err
	}
	if ok {
		if err := r.unlink(x.parent, d.location.objectid, x.name); err != nil {
			return err
		}
	}
	return r.addName(ino, x, kind)
}

// unlinkOld removes the names in the subvolume's item that the log's item no
// longer has: unlink_old_inode_refs.
func (r *replay) unlinkOld(k key, logged []ref) error {
	list, err := r.names(r.t.root, k)
	if err != nil {
		return err
	}
	for _, old := range list {
		if slices.ContainsFunc(logged, func(l ref) bool { return l.parent == old.parent && l.name == old.name }) {
			continue
		}
		if err := r.unlink(old.parent, k.objectid, old.name); err != nil {
			return err
		}
	}
	return nil
}

// fixLinks sets the link counts, and empties directories that have no name
// left: fixup_inode_link_counts. It also counts the bytes files own anew.
func (r *replay) fixLinks() error {
	for len(r.fix) > 0 {
		inos := slices.Sorted(maps.Keys(r.fix))
		clear(r.fix)
		for _, ino := range slices.Backward(inos) {
			if err := r.fixLink(ino); err != nil {
				return err
			}
		}
		if r.over.count > maxLogItems || r.over.bytes > maxLogBytes {
			return errLogLimit
		}
	}
	return nil
}

func (r *replay) fixLink(ino uint64) error {
	it, ok, err := r.inode(ino)
	if err != nil || !ok {
		return err
	}
	nlink := 0
	for _, typ := range []uint8{inodeRefKey, inodeExtrefKey} {
		err := r.f.ascend(r.t.root, key{ino, typ, 0}, key{ino, typ, ^uint64(0)}, func(it item) error {
			list, err := refs(it)
			nlink += len(list)
			return r.f.cut(it, err)
		})
		if err != nil {
			return err
		}
	}
	if nlink == 0 && isMode(it.data, modeDir) {
		if err := r.deleteRange(ino, 0, ^uint64(0), false); err != nil {
			return err
		}
	}
	owned := uint64(0)
	if isMode(it.data, modeReg) {
		err := r.f.extents(r.t.root, ino, 0, math.MaxInt64, func(e extent) error {
			if !e.hole() {
				owned += uint64(e.length)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return r.change(ino, func(data []byte) {
		binary.LittleEndian.PutUint32(data[inodeNlink:], uint32(nlink))
		if isMode(data, modeReg) {
			binary.LittleEndian.PutUint64(data[inodeNbytes:], owned)
		}
	})
}
