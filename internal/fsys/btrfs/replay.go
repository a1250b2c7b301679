package btrfs

import (
	"encoding/binary"

	"assay/internal/binread"
)

// A replay applies one log tree to its subvolume. It follows
// fs/btrfs/tree-log.c of Linux, step by step and in its order: first inodes,
// with what was deleted since, then names of logged directories, then the
// rest. Reads of t.root see what was written before.
type replay struct {
	f       *FS
	t       *subvol
	log     root
	over    *overlay
	fix     map[uint64]bool // inodes whose names must be counted at the end
	ignored map[uint64]bool // unlinked temporary files: LOG_WALK ignore_cur_inode
}

func (r *replay) run() error {
	stages := []func(item) error{r.replayInode, r.replayName, r.replayRest}
	for _, stage := range stages {
		err := r.f.ascend(r.log, key{}, lastKey, func(it item) error {
			if r.over.count > maxLogItems || r.over.bytes > maxLogBytes {
				return errLogLimit
			}
			if r.ignored[it.key.objectid] {
				return nil
			}
			return stage(it)
		})
		if err != nil {
			return err
		}
	}
	return r.fixLinks()
}

func (r *replay) bad(it item, msg string) error {
	return binread.Errorf(format, r.f.where(it), "log item (%d %d %d): %s", it.key.objectid, it.key.typ, it.key.offset, msg)
}

// list collects the items of one kind of an object in the subvolume, so that
// the overlay can be changed while they are looked at.
func (r *replay) list(ino uint64, typ uint8, from, to uint64) (out []item, err error) {
	size := 0
	err = r.f.ascend(r.t.root, key{ino, typ, from}, key{ino, typ, to}, func(it item) error {
		if size += len(it.data); len(out) > maxLogItems || size > maxLogBytes {
			return errLogLimit
		}
		out = append(out, it.own())
		return nil
	})
	return out, err
}

// inode returns the inode item in the subvolume.
func (r *replay) inode(ino uint64) (item, bool, error) {
	it, ok, err := r.f.get(r.t.root, key{ino, inodeItemKey, 0})
	return it, ok && len(it.data) >= inodeSize, err
}

// Fields of btrfs_inode_item.
const (
	inodeGen    = 0
	inodeSize64 = 16
	inodeNbytes = 24
	inodeNlink  = 40
	inodeMode   = 52
)

func isMode(data []byte, mode uint32) bool {
	return binary.LittleEndian.Uint32(data[inodeMode:])&0o170000 == mode
}

const (
	modeDir = 0o040000
	modeReg = 0o100000
)

// replayInode is the first stage: replay_one_buffer in LOG_WALK_REPLAY_INODES.
func (r *replay) replayInode(it item) error {
	ino := it.key.objectid
	if it.key.typ != inodeItemKey {
		return nil
	}
	if len(it.data) < inodeSize {
		return r.bad(it, "an inode item that is too short")
	}
	if binary.LittleEndian.Uint32(it.data[inodeNlink:]) == 0 {
		r.ignored[ino] = true
		return nil
	}
	r.fix[ino] = true
	if err := r.deleteXattrs(ino); err != nil {
		return err
	}
	if isMode(it.data, modeDir) {
		if err := r.deleteNames(ino); err != nil {
			return err
		}
	}
	size, err := r.putInode(it)
	if err != nil || !isMode(it.data, modeReg) {
		return err
	}
	sector := uint64(r.f.sb.sectorsize)
	return r.dropExtents(ino, (size+sector-1)/sector*sector, 1<<63)
}

// putInode is overwrite_item for an inode; it returns the size that the inode
// now has.
func (r *replay) putInode(it item) (uint64, error) {
	old, ok, err := r.inode(it.key.objectid)
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	logged := it.data
	it = it.own()
	switch {
	case !ok:
		le.PutUint64(it.data[inodeNbytes:], 0)
		if isMode(logged, modeDir) {
			le.PutUint64(it.data[inodeSize64:], 0)
		}
	case le.Uint64(logged[inodeGen:]) == 0: // logged only so that it exists
		it = old.own()
		size := le.Uint64(logged[inodeSize64:])
		if size != 0 && isMode(logged, modeReg) && isMode(old.data, modeReg) {
			le.PutUint64(it.data[inodeSize64:], size)
		}
	default:
		copy(it.data[inodeNbytes:inodeNbytes+8], old.data[inodeNbytes:])
		if isMode(logged, modeDir) && isMode(old.data, modeDir) {
			copy(it.data[inodeSize64:inodeSize64+8], old.data[inodeSize64:])
		}
	}
	r.over.put(it)
	size := le.Uint64(it.data[inodeSize64:])
	if size > 1<<62 {
		return 0, r.bad(it, "an inode that is too large")
	}
	return size, nil
}

// change edits the inode item of ino in place, if there is one.
func (r *replay) change(ino uint64, edit func(data []byte)) error {
	it, ok, err := r.inode(ino)
	if err != nil || !ok {
		return err
	}
	it = it.own()
	edit(it.data)
	r.over.put(it)
	return nil
}

// grow adds n, which can be negative, to the size of a directory.
func (r *replay) grow(dir uint64, n int) error {
	return r.change(dir, func(data []byte) {
		size := int64(binary.LittleEndian.Uint64(data[inodeSize64:]))
		binary.LittleEndian.PutUint64(data[inodeSize64:], uint64(max(0, size+int64(n))))
	})
}

// replayRest is the last stage: LOG_WALK_REPLAY_ALL.
func (r *replay) replayRest(it item) error {
	switch it.key.typ {
	case xattrItemKey:
		r.over.put(it)
	case inodeRefKey, inodeExtrefKey:
		return r.addRefs(it)
	case extentDataKey:
		return r.replayExtent(it)
	}
	return nil
}

// deleteXattrs removes the attributes that the log does not have:
// replay_xattr_deletes.
func (r *replay) deleteXattrs(ino uint64) error {
	items, err := r.list(ino, xattrItemKey, 0, ^uint64(0))
	if err != nil {
		return err
	}
	for _, it := range items {
		logged, ok, err := r.f.get(r.log, it.key)
		if err != nil {
			return err
		}
		names := map[string]bool{}
		if ok {
			err = eachDirItem(logged, func(d dirItem) error { names[d.name] = true; return nil })
		}
		if err == nil {
			err = r.filter(it, func(d dirItem) bool { return names[d.name] })
		}
		if err != nil {
			return r.f.cut(it, err)
		}
	}
	return nil
}

// filter keeps only some of the names in an item of btrfs_dir_items.
func (r *replay) filter(it item, keep func(dirItem) bool) error {
	var left []byte
	err := eachDirItem(it, func(d dirItem) error {
		if keep(d) {
			left = appendDirItem(left, d)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(left) == 0:
		r.over.remove(it.key)
	case len(left) < len(it.data):
		it.data = left
		r.over.put(it)
	}
	return nil
}

// appendDirItem writes a btrfs_dir_item; its transaction is left zero.
func appendDirItem(b []byte, d dirItem) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, d.location.objectid)
	b = append(b, d.location.typ)
	b = le.AppendUint64(b, d.location.offset)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint16(b, uint16(len(d.data)))
	b = le.AppendUint16(b, uint16(len(d.name)))
	b = append(b, d.kind)
	b = append(b, d.name...)
	return append(b, d.data...)
}

// dropExtents removes what a file has in [start, end), cutting extents at the
// borders: btrfs_drop_extents.
func (r *replay) dropExtents(ino, start, end uint64) error {
	var hit []extent
	err := r.f.extents(r.t.root, ino, int64(min(start, 1<<62)), int64(min(end, 1<<62)), func(e extent) error {
		if len(hit) > maxLogItems {
			return errLogLimit
		}
		e.it = e.it.own()
		hit = append(hit, e)
		return nil
	})
	if err != nil {
		return err
	}
	le := binary.LittleEndian
	for _, e := range hit {
		from, to := uint64(e.start), uint64(e.end())
		if e.kind == extentInline && (start > from || end < to) {
			return r.bad(e.it, "it replaces a part of an inline extent")
		}
		r.over.remove(e.it.key)
		if start > from {
			left := e.it.own()
			le.PutUint64(left.data[45:], start-from)
			r.over.put(left)
		}
		if end < to {
			right := e.it.own()
			right.key.offset = end
			if !e.hole() {
				le.PutUint64(right.data[37:], e.offset+end-from)
			}
			le.PutUint64(right.data[45:], to-end)
			r.over.put(right)
		}
	}
	return nil
}

// replayExtent is replay_one_extent.
func (r *replay) replayExtent(it item) error {
	e, err := r.f.parseExtent(it)
	if err != nil {
		return err
	}
	if _, ok, err := r.inode(it.key.objectid); err != nil || !ok {
		return r.bad(it, "an extent of an inode that does not exist")
	}
	end := uint64(e.end())
	if e.kind == extentInline {
		sector := uint64(r.f.sb.sectorsize)
		end = (e.ram + sector - 1) / sector * sector
	}
	if err := r.dropExtents(it.key.objectid, uint64(e.start), end); err != nil {
		return err
	}
	if !e.hole() || r.f.sb.incompat&incompatNoHoles == 0 {
		r.over.put(it)
	}
	return nil
}
