package regf

import "assay/internal/binread"

// Layout of a security cell (CM_KEY_SECURITY): a ring of descriptors that keys
// share.
const (
	skHead  = 20
	skNext  = 4
	skPrev  = 8
	skCount = 12
	skLen   = 16
)

// A census lists the cells that keys and values own, and who shares a security
// descriptor.
type census struct {
	h      *Hive
	owned  bitmap
	used   func(off uint32, n int) // called for each owned cell with the bytes of its content that mean something
	guards map[uint32]uint32       // keys of each security cell
}

// count walks everything below the root. It fails at the first thing that is
// not exactly as Windows leaves it: a cell owned twice, a key with the wrong
// parent, a list that is not what its key says. Only what is fully understood
// may be edited, because a cell that is freed must have no other owner.
func (h *Hive) count(used func(off uint32, n int)) (*census, error) {
	c := &census{h: h, owned: newBitmap(h.size), used: used, guards: map[uint32]uint32{}}
	if err := c.key(h.root, h.root, 0); err != nil {
		return nil, err
	}
	if f := h.Faults(); len(f) > 0 {
		return nil, f[0]
	}
	return c, nil
}

// own notes that n bytes of the cell at off are used, by one owner.
func (c *census) own(off uint32, n int) error {
	if b := c.h.cell(off); b == nil || n > len(b) {
		return binread.Errorf(format, int64(off)+baseLen, "no allocated cell of at least %d bytes", n)
	}
	if !c.owned.add(off) {
		return binread.Errorf(format, int64(off)+baseLen, "a cell has two owners")
	}
	if c.used != nil {
		c.used(off, n)
	}
	return nil
}

func (c *census) key(off, parent uint32, depth int) error {
	nk := c.h.node(off)
	bad := func(msg string, args ...any) error { return binread.Errorf(format, int64(off)+baseLen, msg, args...) }
	switch {
	case nk == nil:
		return bad("no sound key node")
	case depth > maxDepth:
		return bad("more than %d keys below each other", maxDepth)
	case off != c.h.root && le.Uint32(nk[nkParent:]) != parent:
		return bad("a key names another parent than that which lists it")
	}
	if err := c.own(off, nkHead+int(le.Uint16(nk[nkNameLen:]))); err != nil {
		return err
	}
	if n := int(le.Uint16(nk[nkClassLen:])); n > 0 && le.Uint32(nk[nkClass:]) != none {
		if err := c.own(le.Uint32(nk[nkClass:]), n); err != nil {
			return err
		}
	}
	if err := c.security(le.Uint32(nk[nkSecurity:])); err != nil {
		return err
	}
	if err := c.values(nk, off); err != nil {
		return err
	}
	return c.keys(nk, off, depth)
}

func (c *census) security(off uint32) error {
	if off == none {
		return nil
	}
	c.guards[off]++
	if c.guards[off] > 1 {
		return nil
	}
	sk := c.h.cell(off)
	if len(sk) < skHead || string(sk[:2]) != "sk" || int64(le.Uint32(sk[skLen:])) > int64(len(sk)-skHead) {
		return binread.Errorf(format, int64(off)+baseLen, "no sound security descriptor")
	}
	return c.own(off, skHead+int(le.Uint32(sk[skLen:])))
}

func (c *census) values(nk []byte, off uint32) error {
	list := c.h.valueList(nk, off)
	if len(list) == 0 {
		return nil
	}
	if err := c.own(le.Uint32(nk[nkValueList:]), 4*len(list)); err != nil {
		return err
	}
	for _, v := range list {
		if err := c.value(Value{c.h, v}); err != nil {
			return err
		}
	}
	return nil
}

func (c *census) value(v Value) error {
	vk := v.record()
	if vk == nil {
		return binread.Errorf(format, int64(v.off)+baseLen, "no sound value")
	}
	if err := c.own(v.off, vkHead+int(le.Uint16(vk[vkNameLen:]))); err != nil {
		return err
	}
	for _, p := range v.cells() {
		if err := c.own(p.off, p.used); err != nil {
			return err
		}
	}
	return nil
}

// A part is a cell that belongs to a value's data.
type part struct {
	off  uint32
	used int
}

// cells lists the cells of v's data: one, or head, list and segments.
func (v Value) cells() []part {
	vk := v.record()
	if vk == nil {
		return nil
	}
	size := le.Uint32(vk[vkSize:])
	if size&inline != 0 || size == 0 {
		return nil
	}
	off, n := le.Uint32(vk[vkData:]), int(size)
	d := v.h.cell(off)
	if d == nil || !v.h.isBig(d, n) {
		return []part{{off, n}}
	}
	list := v.h.segmentList(d)
	out := []part{{off, dbHead}, {le.Uint32(d[dbList:]), 4 * len(list)}}
	for _, s := range list {
		out = append(out, part{s, min(n, segmentLen)})
		n -= min(n, segmentLen)
	}
	if n > 0 {
		v.h.fault(v.off, "big data lacks %d bytes", n)
	}
	return out
}

func (c *census) keys(nk []byte, off uint32, depth int) error {
	children := c.h.children(nk, off)
	if len(children) == 0 {
		return nil
	}
	list := le.Uint32(nk[nkKeyList:])
	leaves := c.h.leaves(list)
	if leaves[0] != list {
		if err := c.own(list, 4+4*len(leaves)); err != nil {
			return err
		}
	}
	for _, l := range leaves {
		b := c.h.cell(l)
		if leafWidth(b) == 0 {
			return binread.Errorf(format, int64(l)+baseLen, "no sound list of keys")
		}
		if err := c.own(l, 4+leafWidth(b)*int(le.Uint16(b[2:]))); err != nil {
			return err
		}
	}
	for _, s := range children {
		if err := c.key(s, off, depth+1); err != nil {
			return err
		}
	}
	return nil
}
