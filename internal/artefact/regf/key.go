package regf

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// Layout of a key node (CM_KEY_NODE).
const (
	nkHead      = 76
	nkFlags     = 2
	nkWritten   = 4
	nkParent    = 16
	nkKeys      = 20
	nkKeyList   = 28
	nkValues    = 36
	nkValueList = 40
	nkSecurity  = 44
	nkClass     = 48
	nkNameLen   = 72
	nkClassLen  = 74

	keyCompName   = 0x20 // the name is Latin-1, else UTF-16
	keyPredefined = 0x40 // stands for another key; the count of values means something else
)

// maxDepth is how deep Windows lets keys lie below each other.
const maxDepth = 512

// A Key is one key of a hive. The zero Key has no name, no keys and no values,
// so that lookups can be chained without asking each time.
type Key struct {
	h   *Hive
	off uint32
}

// Exists reports whether k is a key.
func (k Key) Exists() bool { return k.h != nil }

// node returns the content of the key node at off, or nil.
func (h *Hive) node(off uint32) []byte {
	c := h.cell(off)
	if c == nil {
		return nil
	}
	if len(c) < nkHead || string(c[:2]) != "nk" || int(le.Uint16(c[nkNameLen:])) > len(c)-nkHead {
		h.fault(off, "no sound key node")
		return nil
	}
	return c
}

func (k Key) node() []byte {
	if k.h == nil {
		return nil
	}
	return k.h.node(k.off)
}

// Name is the key's name. Code units that are no UTF-16 become U+FFFD.
func (k Key) Name() string {
	c := k.node()
	if c == nil {
		return ""
	}
	return text(c[nkHead:nkHead+int(le.Uint16(c[nkNameLen:]))], le.Uint16(c[nkFlags:])&keyCompName != 0)
}

// text decodes a name: Latin-1 or UTF-16.
func text(b []byte, latin bool) string {
	if !latin {
		return utf16Text(b)
	}
	if !slices.ContainsFunc(b, func(x byte) bool { return x >= 0x80 }) {
		return string(b)
	}
	r := make([]rune, len(b))
	for i, x := range b {
		r[i] = rune(x)
	}
	return string(r)
}

func utf16Text(b []byte) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = le.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}

// Written is when the key was changed last.
func (k Key) Written() time.Time {
	if c := k.node(); c != nil {
		return filetime(c[nkWritten:])
	}
	return time.Time{}
}

// Class is the key's class name, which Windows uses to hide data: the boot key
// is spread over four of them.
func (k Key) Class() string {
	c := k.node()
	if c == nil || le.Uint16(c[nkClassLen:]) == 0 || le.Uint32(c[nkClass:]) == none {
		return ""
	}
	d := k.h.cell(le.Uint32(c[nkClass:]))
	return utf16Text(d[:min(len(d), int(le.Uint16(c[nkClassLen:])))])
}

// Keys returns the keys right below k, in the order of the hive. A damaged one
// is left out, with a fault.
func (k Key) Keys() []Key {
	c := k.node()
	if c == nil {
		return nil
	}
	var out []Key
	for _, off := range k.h.children(c, k.off) {
		if k.h.node(off) != nil {
			out = append(out, Key{k.h, off})
		}
	}
	return out
}

// children returns the offsets in the subkey list of the key node c at off,
// each once.
func (h *Hive) children(c []byte, off uint32) []uint32 {
	n := le.Uint32(c[nkKeys:])
	if n == 0 {
		return nil
	}
	var out []uint32
	for _, leaf := range h.leaves(le.Uint32(c[nkKeyList:])) {
		out = append(out, h.leaf(leaf)...)
	}
	if uint32(len(out)) != n {
		h.fault(off, "a key of %d keys lists %d", n, len(out))
	}
	return h.distinct(out, off)
}

// leaves returns the leaf lists of a subkey list, each once.
func (h *Hive) leaves(list uint32) []uint32 {
	c := h.cell(list)
	if len(c) < 4 || string(c[:2]) != "ri" {
		return []uint32{list}
	}
	n := int(le.Uint16(c[2:]))
	if n > (len(c)-4)/4 {
		h.fault(list, "an index root has room for fewer than its %d lists", n)
		n = (len(c) - 4) / 4
	}
	return h.distinct(offsets(c[4:4+4*n], 4), list)
}

// leaf returns the key offsets of one leaf list.
func (h *Hive) leaf(list uint32) []uint32 {
	c := h.cell(list)
	width := leafWidth(c)
	if width == 0 {
		if c != nil {
			h.fault(list, "no sound list of keys")
		}
		return nil
	}
	n := int(le.Uint16(c[2:]))
	if n > (len(c)-4)/width {
		h.fault(list, "a list of keys has room for fewer than its %d", n)
		n = (len(c) - 4) / width
	}
	return offsets(c[4:4+width*n], width)
}

// leafWidth is the length of an element of a leaf list, 0 when c is none: "li"
// has offsets, "lf" and "lh" have a hint or a hash behind each.
func leafWidth(c []byte) int {
	if len(c) < 4 {
		return 0
	}
	switch string(c[:2]) {
	case "li":
		return 4
	case "lf", "lh":
		return 8
	}
	return 0
}

func offsets(b []byte, width int) []uint32 {
	out := make([]uint32, len(b)/width)
	for i := range out {
		out[i] = le.Uint32(b[i*width:])
	}
	return out
}

// distinct leaves out what the list at off names a second time: a small hive
// could claim to hold more than memory does.
func (h *Hive) distinct(list []uint32, off uint32) []uint32 {
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) == len(list) {
		return list
	}
	h.fault(off, "a list names the same cell twice")
	seen := make(map[uint32]bool, len(list))
	return slices.DeleteFunc(list, func(x uint32) bool {
		again := seen[x]
		seen[x] = true
		return again
	})
}

// Key finds a key below k by its path, as Hive.Key does.
func (k Key) Key(path string) Key {
	for name := range strings.SplitSeq(path, `\`) {
		if name == "" {
			continue
		}
		if k = k.child(name); !k.Exists() {
			return Key{}
		}
	}
	return k
}

func (k Key) child(name string) Key {
	for _, s := range k.Keys() {
		if strings.EqualFold(s.Name(), name) {
			return s
		}
	}
	return Key{}
}

// ErrStop, returned by the function given to Walk, ends the walk without an
// error.
var ErrStop = errors.New("stop")

// Walk calls fn for k, with the path "", and for every key below it, parents
// first, with its path from k. A key is visited once however many lists name
// it, and none deeper than Windows allows. The error is that of fn.
func (k Key) Walk(fn func(path string, k Key) error) error {
	if !k.Exists() {
		return nil
	}
	err := k.walk("", newBitmap(k.h.size), 0, fn)
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

func (k Key) walk(path string, seen bitmap, depth int, fn func(string, Key) error) error {
	if !seen.add(k.off) {
		k.h.fault(k.off, "a key has two parents")
		return nil
	}
	if depth > maxDepth {
		k.h.fault(k.off, "more than %d keys below each other", maxDepth)
		return nil
	}
	if err := fn(path, k); err != nil {
		return err
	}
	for _, s := range k.Keys() {
		below := s.Name()
		if path != "" {
			below = path + `\` + below
		}
		if err := s.walk(below, seen, depth+1, fn); err != nil {
			return err
		}
	}
	return nil
}
