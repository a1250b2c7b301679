package btrfs

import (
	"cmp"
	"slices"
)

// An overlay is what log replay changes in one tree: items that are put in
// place of, or beside, those on disk, and items that are removed. It is built
// by one goroutine and not changed after Open.
type overlay struct {
	groups map[group][]*change // sorted by offset
	order  []group             // all groups, sorted; made by seal
	count  int                 // changes
	bytes  int                 // of all data ever put
	steps  int                 // removed items stepped over before seal
	sealed bool
}

// A group is all items of one kind of one object.
type group struct {
	objectid uint64
	typ      uint8
}

type change struct {
	item item
	dead bool // the item on disk with this key is removed
}

func newOverlay() *overlay { return &overlay{groups: map[group][]*change{}} }

func (o *overlay) find(k key) (list []*change, i int, ok bool) {
	list = o.groups[group{k.objectid, k.typ}]
	i, ok = slices.BinarySearchFunc(list, k.offset, func(c *change, off uint64) int { return cmp.Compare(c.item.key.offset, off) })
	return list, i, ok
}

// has tells whether the overlay decides about k.
func (o *overlay) has(k key) bool {
	_, _, ok := o.find(k)
	return ok
}

// set puts or removes one item.
func (o *overlay) set(c change) {
	k := c.item.key
	list, i, ok := o.find(k)
	o.bytes += len(c.item.data)
	if ok {
		list[i] = &c
		return
	}
	o.count++
	o.groups[group{k.objectid, k.typ}] = slices.Insert(list, i, &c)
}

func (o *overlay) put(it item) { o.set(change{item: it.own()}) }

func (o *overlay) remove(k key) {
	o.set(change{item: item{key: k}, dead: true})
}

// floor returns the last item put with k's object and kind and an offset that
// is not greater.
func (o *overlay) floor(k key) (item, bool) {
	list, i, ok := o.find(k)
	if !ok {
		i--
	}
	for ; i >= 0; i-- {
		if !list[i].dead {
			return list[i].item, true
		}
	}
	return item{}, false
}

// seal makes the overlay ready for ranges over several objects.
func (o *overlay) seal() {
	o.order = o.order[:0]
	for g := range o.groups {
		o.order = append(o.order, g)
	}
	slices.SortFunc(o.order, compareGroups)
	o.sealed = true
}

// step counts a removed item that was stepped over; a log made to have many of
// them must not take long.
func (o *overlay) step() error {
	if o.sealed {
		return nil
	}
	if o.steps++; o.steps > maxLogSteps {
		return errLogLimit
	}
	return nil
}

func compareGroups(a, b group) int {
	return cmp.Or(cmp.Compare(a.objectid, b.objectid), cmp.Compare(a.typ, b.typ))
}

// within lists the groups that a range of keys touches.
func (o *overlay) within(from, to key) []group {
	lo, hi := group{from.objectid, from.typ}, group{to.objectid, to.typ}
	if lo == hi {
		return []group{lo}
	}
	i, _ := slices.BinarySearchFunc(o.order, lo, compareGroups)
	j, ok := slices.BinarySearchFunc(o.order, hi, compareGroups)
	if ok {
		j++
	}
	return o.order[i:max(i, j)]
}

// merge calls fn, in the order of keys, for the items of base in from..to as
// the overlay changes them.
func (o *overlay) merge(from, to key, fn func(item) error, base func(func(item) error) error) error {
	groups := o.within(from, to)
	var list []*change
	next := func() *change { // the next change in the range; nil at the end
		for {
			for len(list) > 0 && list[0].item.key.less(from) {
				list = list[1:]
			}
			if len(list) > 0 {
				if to.less(list[0].item.key) {
					return nil
				}
				return list[0]
			}
			if len(groups) == 0 {
				return nil
			}
			list, groups = o.groups[groups[0]], groups[1:]
		}
	}
	emit := func(c *change) error {
		list = list[1:]
		if c.dead {
			return nil
		}
		return fn(c.item)
	}
	err := base(func(it item) error {
		for c := next(); c != nil && !it.key.less(c.item.key); c = next() {
			same := c.item.key == it.key
			if err := emit(c); err != nil || same {
				return err
			}
		}
		return fn(it)
	})
	for c := next(); c != nil && err == nil; c = next() {
		err = emit(c)
	}
	return err
}
