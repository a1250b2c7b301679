package btrfs

import (
	"errors"
)

// A root is where a tree starts, and what a replayed log changes in it.
type root struct {
	id     uint64
	bytenr uint64
	gen    uint64
	level  uint8
	over   *overlay // nil when no log concerns this tree
}

func (r root) want() want {
	return want{bytenr: r.bytenr, gen: r.gen, level: r.level, isRoot: true, under: lastKey}
}

// descend returns what n promises of its i-th child.
func (n *node) descend(i int, under key) want {
	w := want{level: n.level - 1, first: n.key(i), under: under}
	w.bytenr, w.gen = n.child(i)
	if i+1 < n.n {
		w.under = n.key(i + 1)
	}
	return w
}

// ascend calls fn for each item with from <= key <= to in the order of keys.
func (f *FS) ascend(r root, from, to key, fn func(item) error) error {
	if r.over == nil {
		return f.walk(r.want(), from, to, fn)
	}
	return r.over.merge(from, to, fn, func(fn func(item) error) error {
		return f.walk(r.want(), from, to, fn)
	})
}

// walk is ascend below one tree block, without an overlay. It is recursive;
// levels decrease from at most 7.
func (f *FS) walk(w want, from, to key, fn func(item) error) error {
	n, err := f.node(w)
	if err != nil {
		return err
	}
	i := n.after(from)
	if i > 0 && (n.level > 0 || n.key(i-1) == from) {
		i--
	}
	for ; i < n.n && !to.less(n.key(i)); i++ {
		if n.level == 0 {
			err = fn(n.item(i))
		} else {
			err = f.walk(n.descend(i, w.under), from, to, fn)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// get returns the item with exactly this key.
func (f *FS) get(r root, k key) (item, bool, error) {
	it, ok, err := f.floor(r, k)
	return it, ok && it.key == k, err
}

// floor returns the last item whose key is not greater than k.
func (f *FS) floor(r root, k key) (item, bool, error) {
	if r.over != nil {
		return f.floorOver(r, k)
	}
	return f.floorBase(r, k)
}

func (f *FS) floorBase(r root, k key) (item, bool, error) {
	w := r.want()
	for {
		n, err := f.node(w)
		if err != nil {
			return item{}, false, err
		}
		i := n.after(k) - 1
		if i < 0 {
			return item{}, false, nil
		}
		if n.level == 0 {
			return n.item(i), true, nil
		}
		w = n.descend(i, w.under)
	}
}

// floorOver is floor on a tree with an overlay. It looks no further than the
// items of k's kind and object, which is all that is asked of floor.
func (f *FS) floorOver(r root, k key) (item, bool, error) {
	best, found := r.over.floor(k)
	for at := k; ; at.offset-- {
		it, ok, err := f.floorBase(r, at)
		if err != nil {
			return item{}, false, err
		}
		if !ok || it.key.objectid != k.objectid || it.key.typ != k.typ || found && it.key.less(best.key) {
			return best, found, nil
		}
		if !r.over.has(it.key) {
			return it, true, nil
		}
		if it.key.offset == 0 {
			return best, found, nil
		}
		if err := r.over.step(); err != nil {
			return item{}, false, err
		}
		at = it.key
	}
}

// errFound ends a walk that has what it wants.
var errFound = errors.New("found")

// where is the byte offset of an item's data on the volume, for errors.
func (f *FS) where(it item) int64 {
	at, _ := f.chunks.physical(it.leaf)
	if at < 0 {
		return -1
	}
	return at + int64(it.at)
}
