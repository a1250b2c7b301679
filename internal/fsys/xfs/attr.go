package xfs

import (
	"encoding/binary"
	"slices"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

const (
	maxAttrValue = 64 << 10 // XATTR_SIZE_MAX
	maxAttrBytes = 32 << 20 // names and values of one inode

	// Flags of an attribute.
	attrLocal      = 1 << 0
	attrRoot       = 1 << 1
	attrSecure     = 1 << 2
	attrParent     = 1 << 3 // parent pointers are not attributes of the user
	attrIncomplete = 1 << 7

	// Magic numbers of struct xfs_da_blkinfo.
	attrLeafV2 = 0xfbee
	attrLeafV3 = 0x3bee
	daNodeV2   = 0xfebe
	daNodeV3   = 0x3ebe

	attrRemoteMagic  = 0x5841524d // "XARM"
	attrRemoteHeader = 56         // struct xfs_attr3_rmt_hdr, in each block, version 5
)

// An attrReader collects the attributes of one inode.
type attrReader struct {
	fs    *FS
	ino   *inode
	exts  []extent
	seen  map[uint32]bool // blocks of the tree
	out   []fsys.Xattr
	bytes int
	err   error // the first broken place

	// Shown on the way, where not nil: every block of the hash tree, and the
	// place of every value that has blocks of its own.
	each  func(off int64, b []byte)
	value func(block, length uint32)
}

// Xattrs returns the extended attributes, sorted by name. Access control
// lists come as the kernel shows them, system.posix_acl_access and
// system.posix_acl_default. With an error it returns what could be read.
func (fs *FS) Xattrs(n fsys.Node) ([]fsys.Xattr, error) {
	i, err := fs.inode(uint64(n))
	if err != nil {
		return nil, err
	}
	f, ok := i.attrFork()
	if !ok || f.format == formatExtents && f.extents == 0 {
		return nil, nil
	}
	r := attrReader{fs: fs, ino: i, seen: map[uint32]bool{}}
	if f.format == formatLocal {
		r.short(f)
	} else {
		if r.exts, err = f.extentList(); err != nil {
			return nil, err
		}
		r.tree(0, -1)
	}
	slices.SortFunc(r.out, func(a, b fsys.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return r.out, r.err
}

func (r *attrReader) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

// add takes one attribute. It reports false when there are too many.
func (r *attrReader) add(flags byte, name, value []byte) bool {
	if flags&(attrParent|attrIncomplete) != 0 {
		return true
	}
	if r.bytes += len(name) + len(value) + 64; r.bytes > maxAttrBytes {
		r.note(binread.Unsupported(format, "more than %d bytes of attributes (inode %d)", maxAttrBytes, r.ino.number))
		return false
	}
	full, v := "user."+string(name), slices.Clone(value)
	switch {
	case flags&attrSecure != 0:
		full = "security." + string(name)
	case flags&attrRoot != 0 && string(name) == "SGI_ACL_FILE":
		full, v = "system.posix_acl_access", posixACL(value)
	case flags&attrRoot != 0 && string(name) == "SGI_ACL_DEFAULT":
		full, v = "system.posix_acl_default", posixACL(value)
	case flags&attrRoot != 0:
		full = "trusted." + string(name)
	}
	r.out = append(r.out, fsys.Xattr{Name: full, Value: v})
	return true
}

// posixACL turns struct xfs_acl into the kernel's xattr form (struct
// posix_acl_xattr_header, version 2, little-endian). A malformed one stays.
func posixACL(b []byte) []byte {
	if len(b) < 4 || int64(be.Uint32(b)) != int64(len(b)-4)/12 {
		return slices.Clone(b)
	}
	out := binary.LittleEndian.AppendUint32(nil, 2)
	for e := b[4:]; len(e) >= 12; e = e[12:] {
		tag, id, perm := be.Uint32(e), be.Uint32(e[4:]), be.Uint16(e[8:])
		if tag != 2 && tag != 8 { // only named users and groups have an id
			id = 0xffffffff
		}
		out = binary.LittleEndian.AppendUint16(out, uint16(tag))
		out = binary.LittleEndian.AppendUint16(out, perm)
		out = binary.LittleEndian.AppendUint32(out, id)
	}
	return out
}

// short reads attributes that lie in the inode: struct xfs_attr_sf_hdr.
func (r *attrReader) short(f fork) {
	buf := binread.Buf{B: f.b}
	at := 4
	for n := int(buf.U8(2)); n > 0; n-- {
		nameLen, valueLen, flags := int(buf.U8(at)), int(buf.U8(at+1)), buf.U8(at+2)
		name, value := buf.Bytes(at+3, nameLen), buf.Bytes(at+3+nameLen, valueLen)
		if buf.Over() {
			r.note(r.ino.bad(f.off+at, "an attribute ends outside of the inode"))
			return
		}
		if !r.add(flags, name, value) {
			return
		}
		at += 3 + nameLen + valueLen
	}
}

// read returns n bytes of the attribute fork from one of its blocks on, and
// where the first lies on the volume.
func (r *attrReader) read(block uint32, n int64) ([]byte, int64, error) {
	at := int64(block) << r.fs.blockLog
	k := extentAt(r.exts, at)
	if k == len(r.exts) || r.exts[k].logical > at {
		return nil, 0, r.ino.bad(0, "attribute block %d is not mapped", block)
	}
	off := r.exts[k].physical + at - r.exts[k].logical
	b := make([]byte, n)
	_, err := readExtents(r.fs.dev, r.exts, b, at)
	return b, off, err
}

// tree reads the hash tree from one block down; level is the one expected, -1
// for the root.
func (r *attrReader) tree(block uint32, level int) {
	if r.seen[block] {
		r.note(r.ino.bad(0, "attribute block %d is used twice", block))
		return
	}
	r.seen[block] = true
	b, off, err := r.read(block, r.fs.blockSize)
	if err != nil {
		r.note(err)
		return
	}
	magic := be.Uint16(b[8:])
	leaf, node, head := uint16(attrLeafV2), uint16(daNodeV2), 12
	if r.fs.v5 {
		leaf, node, head = attrLeafV3, daNodeV3, 56
		if err := r.fs.checkMeta(b, off, uint32(magic)); err != nil {
			r.note(err)
			return
		}
	}
	switch {
	case magic == leaf && level <= 0:
		r.leaf(b, off, head)
		if r.each != nil {
			r.each(off, b)
		}
	case magic == node && level != 0:
		r.node(b, off, head, level)
		if r.each != nil {
			r.each(off, b)
		}
	default:
		r.note(binread.Errorf(format, off, "inode %d: bad attribute block of magic number %#x", r.ino.number, magic))
	}
}

// node follows struct xfs_da_node_hdr and its entries.
func (r *attrReader) node(b []byte, off int64, head, level int) {
	n, got, at := int(be.Uint16(b[head:])), int(be.Uint16(b[head+2:])), head+4
	if r.fs.v5 {
		at += 4
	}
	if got == 0 || got > maxLevels || level > 0 && got != level || n > (len(b)-at)/8 {
		r.note(binread.Errorf(format, off, "inode %d: attribute node of level %d with %d entries", r.ino.number, got, n))
		return
	}
	for i := range n {
		r.tree(be.Uint32(b[at+8*i+4:]), got-1)
	}
}

// leaf reads struct xfs_attr_leafblock or xfs_attr3_leafblock.
func (r *attrReader) leaf(b []byte, off int64, head int) {
	n, at := int(be.Uint16(b[head:])), head+20
	if r.fs.v5 {
		at += 4
	}
	if n > (len(b)-at)/8 {
		r.note(binread.Errorf(format, off, "inode %d: attribute leaf with %d entries", r.ino.number, n))
		return
	}
	buf := binread.Buf{B: b}
	for i := range n {
		e := b[at+8*i:]
		idx, flags := int(be.Uint16(e[4:])), e[6]
		var name, value []byte
		var err error
		if flags&attrLocal != 0 {
			nameLen := int(buf.U8(idx + 2))
			name, value = buf.Bytes(idx+3, nameLen), buf.Bytes(idx+3+nameLen, int(buf.BE16(idx)))
		} else {
			name = buf.Bytes(idx+9, int(buf.U8(idx+8)))
			if !buf.Over() && flags&(attrParent|attrIncomplete) == 0 {
				value, err = r.remote(buf.BE32(idx), buf.BE32(idx+4))
				if err == nil && r.value != nil {
					r.value(buf.BE32(idx), buf.BE32(idx+4))
				}
			}
		}
		switch {
		case buf.Over():
			r.note(binread.Errorf(format, off+int64(idx), "inode %d: an attribute ends outside of its block", r.ino.number))
			return
		case err != nil:
			r.note(err)
		case !r.add(flags, name, value):
			return
		}
	}
}

// remote reads a value that has blocks of its own.
func (r *attrReader) remote(block, length uint32) ([]byte, error) {
	if length > maxAttrValue {
		return nil, r.ino.bad(0, "an attribute value of %d bytes", length)
	}
	if !r.fs.v5 {
		b, _, err := r.read(block, int64(length))
		return b, err
	}
	var out []byte
	for ; len(out) < int(length); block++ {
		b, off, err := r.read(block, r.fs.blockSize)
		if err != nil {
			return nil, err
		}
		if err := r.fs.checkMeta(b, off, attrRemoteMagic); err != nil {
			return nil, err
		}
		n := be.Uint32(b[8:])
		if be.Uint64(b[32:]) != r.ino.number || be.Uint32(b[4:]) != uint32(len(out)) ||
			n == 0 || int64(n) > int64(len(b)-attrRemoteHeader) || n > length-uint32(len(out)) {
			return nil, binread.Errorf(format, off, "a block of an attribute value that does not continue inode %d, byte %d",
				r.ino.number, len(out))
		}
		out = append(out, b[attrRemoteHeader:attrRemoteHeader+n]...)
	}
	return out, nil
}
