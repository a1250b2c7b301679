package regftest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

var le = binary.LittleEndian

const (
	page    = 4096
	none    = 0xffffffff
	segment = 16344
	written = 133000000000000000 // a FILETIME of 2022
)

// A Key is one key to build.
type Key struct {
	Name   string
	Class  string
	Keys   []*Key
	Values []Value
	// Guard chooses a security descriptor; keys with the same number share one.
	Guard int
}

// A Value is one value to build.
type Value struct {
	Name string
	Type uint32
	Data []byte
}

// At returns the key at a path below k, making it and what leads to it as
// needed.
func (k *Key) At(path string) *Key {
	for name := range strings.SplitSeq(path, `\`) {
		if name == "" {
			continue
		}
		i := slices.IndexFunc(k.Keys, func(s *Key) bool { return strings.EqualFold(s.Name, name) })
		if i < 0 {
			k.Keys = append(k.Keys, &Key{Name: name})
			i = len(k.Keys) - 1
		}
		k = k.Keys[i]
	}
	return k
}

// Set adds a value: a string as REG_SZ, []string as REG_MULTI_SZ, []byte as
// REG_BINARY, an int as REG_DWORD.
func (k *Key) Set(name string, v any) *Key {
	switch v := v.(type) {
	case string:
		k.Values = append(k.Values, Value{name, 1, UTF16(v + "\x00")})
	case []string:
		k.Values = append(k.Values, Value{name, 7, UTF16(strings.Join(v, "\x00") + "\x00\x00")})
	case []byte:
		k.Values = append(k.Values, Value{name, 3, v})
	case int:
		k.Values = append(k.Values, Value{name, 4, le.AppendUint32(nil, uint32(v))})
	default:
		panic(fmt.Sprintf("no type for %T", v))
	}
	return k
}

// UTF16 encodes s in little-endian UTF-16.
func UTF16(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = le.AppendUint16(b, u)
	}
	return b
}

// Options vary what Windows versions write differently.
type Options struct {
	Minor int    // 3 or 5; 0 means 5
	Leaf  int    // keys of one leaf list before the list is split; 0 means 500
	List  string // "lh", "lf" or "li"; "" means "lh"
	Pad   int    // bytes behind the last bin
}

// Build makes the hive of root, whose name is replaced by "ROOT".
func Build(root *Key, o Options) []byte {
	o.Minor, o.Leaf, o.List = cmp.Or(o.Minor, 5), cmp.Or(o.Leaf, 500), cmp.Or(o.List, "lh")
	b := &builder{o: o, guards: map[int]uint32{}}
	b.page(page)
	top := *root
	top.Name = "ROOT"
	at := b.key(&top, none)
	le.PutUint16(b.bins[at+4+2:], 0x2c) // root, no delete, Latin-1 name
	b.fill()
	head := make([]byte, page)
	copy(head, "regf")
	for off, v := range map[int]uint32{4: 7, 8: 7, 20: 1, 24: uint32(o.Minor), 32: 1, 36: at, 40: uint32(len(b.bins)), 44: 1} {
		le.PutUint32(head[off:], v)
	}
	le.PutUint64(head[12:], written)
	copy(head[48:], UTF16(`\SystemRoot\test`))
	Seal(head)
	return append(append(head, b.bins...), make([]byte, o.Pad)...)
}

// Seal writes the checksum of a base block.
func Seal(b []byte) {
	var c uint32
	for i := 0; i < 508; i += 4 {
		c ^= le.Uint32(b[i:])
	}
	if c == 0 {
		c = 1
	}
	if c == none {
		c = none - 1
	}
	le.PutUint32(b[508:], c)
}

type builder struct {
	o      Options
	bins   []byte
	end    int // of the bin being filled
	free   int // where the next cell goes
	guards map[int]uint32
	first  uint32 // first security cell
	last   uint32
}

// page begins a bin of n bytes.
func (b *builder) page(n int) {
	b.fill()
	at := len(b.bins)
	b.bins = append(b.bins, make([]byte, n)...)
	copy(b.bins[at:], "hbin")
	le.PutUint32(b.bins[at+4:], uint32(at))
	le.PutUint32(b.bins[at+8:], uint32(n))
	le.PutUint64(b.bins[at+20:], written)
	b.free, b.end = at+32, at+n
}

// fill makes the rest of the bin a free cell.
func (b *builder) fill() {
	if b.free < b.end {
		le.PutUint32(b.bins[b.free:], uint32(b.end-b.free))
		b.free = b.end
	}
}

// cell allocates a cell with this content.
func (b *builder) cell(content []byte) uint32 {
	n := (len(content) + 4 + 7) &^ 7
	if n > b.end-b.free {
		b.page(max(page, (n+32+page-1)/page*page))
	}
	at := b.free
	le.PutUint32(b.bins[at:], uint32(-n))
	copy(b.bins[at+4:], content)
	b.free += n
	return uint32(at)
}

// name encodes a name, as Latin-1 where that is possible.
func name(s string) (b []byte, latin bool) {
	for _, r := range s {
		if r > 0xff {
			return UTF16(s), false
		}
		b = append(b, byte(r))
	}
	return b, true
}

func (b *builder) key(k *Key, parent uint32) uint32 {
	n, latin := name(k.Name)
	at := b.cell(append(make([]byte, 76), n...))
	nk := make([]byte, 76)
	copy(nk, "nk")
	if latin {
		le.PutUint16(nk[2:], 0x20)
	}
	le.PutUint64(nk[4:], written)
	le.PutUint32(nk[16:], parent)
	le.PutUint16(nk[72:], uint16(len(n)))
	for _, off := range []int{28, 32, 40, 48} {
		le.PutUint32(nk[off:], none)
	}
	if k.Class != "" {
		le.PutUint32(nk[48:], b.cell(UTF16(k.Class)))
		le.PutUint16(nk[74:], uint16(2*len(k.Class)))
	}
	le.PutUint32(nk[44:], b.guard(k.Guard))
	if len(k.Values) > 0 {
		var list []byte
		for _, v := range k.Values {
			list = le.AppendUint32(list, b.value(v))
			le.PutUint32(nk[60:], max(le.Uint32(nk[60:]), uint32(2*len(v.Name))))
			le.PutUint32(nk[64:], max(le.Uint32(nk[64:]), uint32(len(v.Data))))
		}
		le.PutUint32(nk[36:], uint32(len(k.Values)))
		le.PutUint32(nk[40:], b.cell(list))
	}
	if len(k.Keys) > 0 {
		le.PutUint32(nk[20:], uint32(len(k.Keys)))
		le.PutUint32(nk[28:], b.keys(k.Keys, at))
		for _, s := range k.Keys {
			le.PutUint32(nk[52:], max(le.Uint32(nk[52:]), uint32(2*len(s.Name))))
		}
	}
	copy(b.bins[at+4:], nk)
	return at
}

// keys builds the list of subkeys, in Windows' order.
func (b *builder) keys(list []*Key, parent uint32) uint32 {
	list = slices.Clone(list)
	slices.SortFunc(list, func(x, y *Key) int { return cmp.Compare(strings.ToUpper(x.Name), strings.ToUpper(y.Name)) })
	var leaves []uint32
	for part := range slices.Chunk(list, b.o.Leaf) {
		c := le.AppendUint16([]byte(b.o.List), uint16(len(part)))
		for _, k := range part {
			c = le.AppendUint32(c, b.key(k, parent))
			switch b.o.List {
			case "lh":
				c = le.AppendUint32(c, hash(k.Name))
			case "lf":
				hint := make([]byte, 4)
				copy(hint, k.Name)
				c = append(c, hint...)
			}
		}
		leaves = append(leaves, b.cell(c))
	}
	if len(leaves) == 1 {
		return leaves[0]
	}
	c := le.AppendUint16([]byte("ri"), uint16(len(leaves)))
	for _, l := range leaves {
		c = le.AppendUint32(c, l)
	}
	return b.cell(c)
}

func hash(s string) (h uint32) {
	for _, u := range utf16.Encode([]rune(strings.ToUpper(s))) {
		h = 37*h + uint32(u)
	}
	return h
}

func (b *builder) value(v Value) uint32 {
	n, latin := name(v.Name)
	vk := make([]byte, 20)
	copy(vk, "vk")
	le.PutUint16(vk[2:], uint16(len(n)))
	le.PutUint32(vk[4:], uint32(len(v.Data)))
	le.PutUint32(vk[12:], v.Type)
	if latin && len(n) > 0 { // Windows leaves the flags of a default value 0
		le.PutUint16(vk[16:], 1)
	}
	switch {
	case len(v.Data) <= 4:
		le.PutUint32(vk[4:], uint32(len(v.Data))|1<<31)
		copy(vk[8:], v.Data)
	case len(v.Data) > segment && b.o.Minor >= 4:
		le.PutUint32(vk[8:], b.big(v.Data))
	default:
		le.PutUint32(vk[8:], b.cell(v.Data))
	}
	return b.cell(append(vk, n...))
}

func (b *builder) big(data []byte) uint32 {
	var list []byte
	for part := range slices.Chunk(data, segment) {
		// Windows lets every segment but the last end with 4 spare bytes.
		list = le.AppendUint32(list, b.cell(append(slices.Clone(part), 0, 0, 0, 0)))
	}
	db := le.AppendUint16([]byte("db"), uint16(len(list)/4))
	db = le.AppendUint32(db, b.cell(list))
	return b.cell(append(db, 0, 0, 0, 0))
}

// guard returns the security cell n, shared by all keys that name it, in a ring
// with the others.
func (b *builder) guard(n int) uint32 {
	if at, ok := b.guards[n]; ok {
		p := b.bins[at+4+12:]
		le.PutUint32(p, le.Uint32(p)+1)
		return at
	}
	// A self-relative descriptor with owner SYSTEM, group SYSTEM and the DACL
	// "Everyone: full access"; the revision byte of ACE flags tells them apart.
	system := []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
	acl := []byte{2, 0, 28, 0, 1, 0, 0, 0, 0, byte(n&1) * 2, 20, 0, 0x3f, 0, 0x0f, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	sd := []byte{1, 0, 4, 0x80, 20, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0}
	sd = slices.Concat(sd, system, system, acl)
	sk := make([]byte, 20)
	copy(sk, "sk")
	le.PutUint32(sk[12:], 1)
	le.PutUint32(sk[16:], uint32(len(sd)))
	at := b.cell(append(sk, sd...))
	if len(b.guards) == 0 {
		b.first, b.last = at, at
	}
	b.guards[n] = at
	link := func(from, to uint32) {
		le.PutUint32(b.bins[from+4+4:], to)
		le.PutUint32(b.bins[to+4+8:], from)
	}
	link(b.last, at)
	link(at, b.first)
	b.last = at
	return at
}
