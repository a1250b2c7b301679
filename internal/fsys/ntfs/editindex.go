package ntfs

import (
	"cmp"
	"errors"
	"slices"

	"assay/internal/fsys"
)

// A place is one index entry that repeats what a file's record says: the file,
// the directory, and where in its index.
type place struct {
	file, dir uint64 // references
	block     int64  // -1 is the root
	off       int
}

// places are those of all entries of one directory, sorted by file: edits come
// directory by directory. Entries never move, so they stay true.
type places struct {
	dir  uint64
	list []place
}

// maxPlaces bounds the entries remembered: 128 MiB. In a larger directory the
// sizes are left out of date, which Windows corrects when it opens the file.
const maxPlaces = 4 << 20

// entries lists the index entries of a file in the directories that its names
// are in. One that is not there is none.
func (e *Editor) entries(in *inode) ([]place, error) {
	var out []place
	var seen []uint64
	for _, a := range in.attrs {
		if a.typ != typeName || !a.resident || a.valueLen < nameFixed {
			continue
		}
		dir := le.Uint64(a.value())
		if slices.Contains(seen, dir) {
			continue
		}
		seen = append(seen, dir)
		found, err := e.entriesIn(dir, in.base.ref())
		if err != nil && !errors.Is(err, fsys.ErrNotExist) {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (e *Editor) entriesIn(dir, file uint64) ([]place, error) {
	if e.last.dir != dir || e.last.list == nil {
		list, err := e.readPlaces(dir, file)
		if err != nil || len(list) >= maxPlaces {
			return nil, err
		}
		slices.SortFunc(list, func(a, b place) int { return cmp.Compare(a.file, b.file) })
		e.last = places{dir, list}
	}
	i, _ := slices.BinarySearchFunc(e.last.list, file, func(p place, f uint64) int { return cmp.Compare(p.file, f) })
	j := i
	for j < len(e.last.list) && e.last.list[j].file == file {
		j++
	}
	return slices.Clone(e.last.list[i:j]), nil
}

func (e *Editor) readPlaces(dir, file uint64) ([]place, error) {
	in, err := e.inode(fsys.Node(dir))
	if err != nil {
		return nil, err
	}
	x, err := in.indexOf("$I30")
	if err != nil || x == nil {
		return nil, err
	}
	out := []place{}
	err = x.each(func(v *entry) error {
		if len(v.key()) < nameFixed {
			return nil
		}
		if len(out) < maxPlaces {
			out = append(out, place{v.ref(), dir, v.block, v.off})
		}
		return nil
	})
	return out, err
}

// patchEntries writes the allocated and the real size of a file into the index
// entries that repeat them; a negative one stays as it is.
func (e *Editor) patchEntries(entries []place, sizes [2]int64) error {
	for _, p := range entries {
		in, err := e.inode(fsys.Node(p.dir))
		if err != nil {
			return err
		}
		x, err := in.indexOf("$I30")
		if err != nil {
			return err
		}
		patch := func(b []byte) {
			for i, v := range sizes {
				if v >= 0 {
					le.PutUint64(b[p.off+entryKey+0x28+8*i:], uint64(v))
				}
			}
		}
		if p.block < 0 {
			patch(x.root.value())
			if err := e.put(x.root.rec); err != nil {
				return err
			}
			continue
		}
		b := make([]byte, x.size)
		if _, err := x.block(p.block, b); err != nil {
			return err
		}
		patch(b)
		if err := e.putBlock(x, p.block, b); err != nil {
			return err
		}
	}
	return nil
}

// putBlock writes a changed index block.
func (e *Editor) putBlock(x *index, no int64, b []byte) error {
	return e.write(x.blocks.runs, no*x.size, protect(b), x.blocks.at)
}
