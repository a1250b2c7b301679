package regf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors of the editor.
var (
	// ErrUnsafe is wrapped by the error with which Edit refuses a hive: it is
	// damaged, or its logs do not complete it. It can still be read.
	ErrUnsafe = errors.New("this hive must not be edited")
	// ErrNotFound says that the hive has no such key or value.
	ErrNotFound = errors.New("no such key or value")
	// ErrCannot says that the hive cannot take this change in place.
	ErrCannot = errors.New("cannot be done in place")
)

// An Editor changes one hive in memory, in place: nothing moves, nothing grows.
// It is for one goroutine. An edit that fails changes nothing.
type Editor struct {
	h      *Hive
	guards map[uint32]uint32 // keys that use each security cell
}

// Edit opens a hive for changes, after recovery from its logs. Both stay as
// they are: the editor works on a copy. The error wraps ErrUnsafe when the hive
// is not fully sound.
func Edit(b []byte, logs ...[]byte) (*Editor, error) {
	h, err := Open(slices.Clone(b), logs...)
	if err != nil {
		return nil, err
	}
	if h.state == Dirty {
		return nil, fmt.Errorf("%w: its last write was not completed and no log completes it; start Windows once and shut it down", ErrUnsafe)
	}
	if len(h.b) > h.fileLen {
		return nil, fmt.Errorf("%w: its logs make it %d bytes longer than its file; start Windows once and shut it down", ErrUnsafe, len(h.b)-h.fileLen)
	}
	c, err := h.count(nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	return &Editor{h, c.guards}, nil
}

// Hive is the hive with all changes made so far. Keys and values taken from it
// are good until the next change.
func (e *Editor) Hive() *Hive { return e.h }

func (e *Editor) key(path string) (Key, error) {
	k := e.h.Key(path)
	if !k.Exists() {
		return k, fmt.Errorf("%w: key %q", ErrNotFound, path)
	}
	return k, nil
}

// value finds a value by name and its place in the key's list.
func (e *Editor) value(path, name string) (Key, Value, int, error) {
	k, err := e.key(path)
	if err != nil {
		return k, Value{}, 0, err
	}
	for i, v := range k.Values() {
		if strings.EqualFold(v.Name(), name) {
			return k, v, i, nil
		}
	}
	return k, Value{}, 0, fmt.Errorf("%w: value %q of key %q", ErrNotFound, name, path)
}

// DeleteValue removes one value of the key at path.
func (e *Editor) DeleteValue(path, name string) error {
	k, v, i, err := e.value(path, name)
	if err != nil {
		return err
	}
	e.freeValue(v)
	nk := k.node()
	list, n := le.Uint32(nk[nkValueList:]), int(le.Uint32(nk[nkValues:]))
	removeAt(e.h.cell(list)[:4*n], i, 4)
	le.PutUint32(nk[nkValues:], uint32(n-1))
	if n == 1 {
		e.free(list)
		le.PutUint32(nk[nkValueList:], none)
	}
	return nil
}

// removeAt removes element i of a list and zeroes what becomes free at its end.
func removeAt(list []byte, i, width int) {
	copy(list[i*width:], list[(i+1)*width:])
	clear(list[len(list)-width:])
}

// free zeroes a cell and makes it unallocated.
func (e *Editor) free(off uint32) {
	c := e.h.cell(off)
	clear(c)
	le.PutUint32(e.h.b[baseLen+int64(off):], uint32(len(c)+4))
	e.h.cells.clear(off)
}

func (e *Editor) freeValue(v Value) {
	e.freeData(v)
	e.free(v.off)
}

func (e *Editor) freeData(v Value) {
	for _, p := range v.cells() {
		e.free(p.off)
	}
}

// DeleteKey removes the key at path and everything below it. The root cannot
// be removed.
func (e *Editor) DeleteKey(path string) error {
	k, err := e.key(path)
	if err != nil {
		return err
	}
	if k.off == e.h.root {
		return fmt.Errorf("%w: the root key", ErrCannot)
	}
	parent := Key{e.h, le.Uint32(k.node()[nkParent:])}
	e.unlink(parent, k.off)
	e.freeKey(k)
	return nil
}

// freeKey frees a key that no list names any more, and all below it.
func (e *Editor) freeKey(k Key) {
	nk := k.node()
	for _, s := range k.Keys() {
		e.freeKey(s)
	}
	if values := k.Values(); len(values) > 0 {
		for _, v := range values {
			e.freeValue(v)
		}
		e.free(le.Uint32(nk[nkValueList:]))
	}
	if le.Uint32(nk[nkKeys:]) > 0 {
		list := le.Uint32(nk[nkKeyList:])
		for _, l := range e.h.leaves(list) {
			if l != list {
				e.free(l)
			}
		}
		e.free(list)
	}
	if le.Uint16(nk[nkClassLen:]) > 0 && le.Uint32(nk[nkClass:]) != none {
		e.free(le.Uint32(nk[nkClass:]))
	}
	e.release(le.Uint32(nk[nkSecurity:]))
	e.free(k.off)
}

// release gives up one use of a security cell; the last one takes it out of
// the ring.
func (e *Editor) release(off uint32) {
	if off == none {
		return
	}
	e.guards[off]--
	sk := e.h.cell(off)
	if n := le.Uint32(sk[skCount:]); n > 0 {
		le.PutUint32(sk[skCount:], n-1)
	}
	if e.guards[off] > 0 {
		return
	}
	next, prev := le.Uint32(sk[skNext:]), le.Uint32(sk[skPrev:])
	a, b := e.guard(next), e.guard(prev)
	if a == nil || b == nil || le.Uint32(a[skPrev:]) != off || le.Uint32(b[skNext:]) != off {
		return // a ring that is not one: the descriptor stays, it holds nobody's data
	}
	le.PutUint32(a[skPrev:], prev)
	le.PutUint32(b[skNext:], next)
	e.free(off)
}

// guard returns the security cell at off, or nil.
func (e *Editor) guard(off uint32) []byte {
	if !e.h.cells.has(off) {
		return nil
	}
	if c := e.h.cell(off); len(c) >= skHead && string(c[:2]) == "sk" {
		return c
	}
	return nil
}

// unlink takes child out of the parent's subkey list. Lists that become empty
// are freed.
func (e *Editor) unlink(parent Key, child uint32) {
	nk := parent.node()
	root := le.Uint32(nk[nkKeyList:])
	for i, leaf := range e.h.leaves(root) {
		at := slices.Index(e.h.leaf(leaf), child)
		if at < 0 {
			continue
		}
		empty := e.removeFrom(leaf, at, leafWidth(e.h.cell(leaf)))
		if empty && leaf != root {
			e.free(leaf)
			leaf, empty = root, e.removeFrom(root, i, 4)
		}
		if empty {
			e.free(leaf)
			le.PutUint32(nk[nkKeyList:], none)
		}
		break
	}
	le.PutUint32(nk[nkKeys:], le.Uint32(nk[nkKeys:])-1)
}

// removeFrom removes element i of a list cell and reports whether it was the
// last one.
func (e *Editor) removeFrom(list uint32, i, width int) bool {
	c := e.h.cell(list)
	n := int(le.Uint16(c[2:]))
	removeAt(c[4:4+n*width], i, width)
	le.PutUint16(c[2:], uint16(n-1))
	return n == 1
}

// SetValue gives a value new data, which must fit where the old data is: at
// most its length, or up to 4 bytes, which need no cell of their own. The type
// stays.
func (e *Editor) SetValue(path, name string, data []byte) error {
	_, v, _, err := e.value(path, name)
	if err != nil {
		return err
	}
	vk := v.record()
	old, ok := v.parts()
	size := 0
	for _, p := range old {
		size += len(p)
	}
	switch {
	case !ok:
		return fmt.Errorf("%w: value %q of key %q is damaged", ErrCannot, name, path)
	case len(data) <= 4:
		e.freeData(v)
		clear(vk[vkData : vkData+4])
		copy(vk[vkData:], data)
		le.PutUint32(vk[vkSize:], uint32(len(data))|inline)
	case len(data) > size:
		return fmt.Errorf("%w: value %q of key %q has %d bytes, not %d", ErrCannot, name, path, size, len(data))
	case len(old) > 1 && len(data) <= segmentLen:
		e.collapse(v, data)
	default:
		e.fill(v, old, data)
	}
	return nil
}

// fill writes data over the parts of v and frees segments that it leaves empty.
func (e *Editor) fill(v Value, old [][]byte, data []byte) {
	parts := v.cells()
	rest := data
	for i, p := range old {
		n := copy(p, rest)
		clear(p[n:])
		if rest = rest[n:]; n == 0 { // only big data has more than one part: head, list, segments
			e.free(parts[2+i].off)
		}
	}
	if len(old) > 1 {
		n := (len(data) + segmentLen - 1) / segmentLen
		clear(e.h.cell(parts[1].off)[4*n:])
		le.PutUint16(e.h.cell(parts[0].off)[dbCount:], uint16(n))
	}
	le.PutUint32(v.record()[vkSize:], uint32(len(data)))
}

// collapse keeps the first segment of big data as the only cell.
func (e *Editor) collapse(v Value, data []byte) {
	parts := v.cells()
	for i, p := range parts {
		if i != 2 {
			e.free(p.off)
		}
	}
	c := e.h.cell(parts[2].off)
	clear(c[copy(c, data):])
	vk := v.record()
	le.PutUint32(vk[vkData:], parts[2].off)
	le.PutUint32(vk[vkSize:], uint32(len(data)))
}

// OverwriteValue writes data over the bytes of a value that begin at off. It
// changes no length.
func (e *Editor) OverwriteValue(path, name string, off int, data []byte) error {
	_, v, _, err := e.value(path, name)
	if err != nil {
		return err
	}
	parts, ok := v.parts()
	if !ok || off < 0 || int64(off)+int64(len(data)) > v.Size() {
		return fmt.Errorf("%w: value %q of key %q has no bytes %d to %d", ErrCannot, name, path, off, off+len(data))
	}
	for _, p := range parts {
		if off < len(p) {
			data = data[copy(p[off:], data):]
			off = len(p)
		}
		off -= len(p)
	}
	return nil
}

// ZeroValue overwrites the data of a value by zeros of the same length.
func (e *Editor) ZeroValue(path, name string) error {
	_, v, _, err := e.value(path, name)
	if err != nil {
		return err
	}
	parts, ok := v.parts()
	if !ok {
		return fmt.Errorf("%w: value %q of key %q is damaged", ErrCannot, name, path)
	}
	for _, p := range parts {
		clear(p)
	}
	return nil
}
