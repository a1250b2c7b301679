package ext4

import (
	"slices"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// Extended attributes (ext4_xattr_ibody_header, ext4_xattr_header,
// ext4_xattr_entry).
const (
	xattrMagic     = 0xEA020000
	xattrBlockHead = 32
	xattrEntryHead = 16
)

// Bounds on attributes: Linux allows 64 KiB for a value.
const (
	maxXattrValue = 1 << 20
	maxXattrTotal = 4 << 20
)

// e_name_index. Those not listed are internal to the file system (system.data
// for inline content, encryption contexts, verity descriptors).
var xattrPrefix = map[uint8]string{
	1:  "user.",
	2:  "system.posix_acl_access",
	3:  "system.posix_acl_default",
	4:  "trusted.",
	5:  "lustre.",
	6:  "security.",
	8:  "system.richacl",
	10: "gnu.",
}

const (
	xattrACLAccess  = 2
	xattrACLDefault = 3
	xattrSystem     = 7
)

// An xattrEntry is one attribute where it stands. Its value lies in table at
// valueOff, or in the inode valueIno.
type xattrEntry struct {
	index     uint8
	name      string
	at        int64 // of the entry on the volume
	table     []byte
	tableAt   int64
	valueOff  int
	valueSize uint32
	valueIno  uint32
}

// Xattrs implements fsys.FS. ACLs have the form in which the kernel gives them
// to programs. Attributes before a broken one are returned with the error.
func (f *FS) Xattrs(n fsys.Node) ([]fsys.Xattr, error) {
	in, err := f.live(n)
	if err != nil {
		return nil, err
	}
	var out []fsys.Xattr
	total := 0
	add := func(e xattrEntry) error {
		prefix, ok := xattrPrefix[e.index]
		if !ok {
			return nil
		}
		v, err := f.xattrValue(e)
		if err != nil {
			return err
		}
		if total += len(v); total > maxXattrTotal {
			return binread.Errorf(format, e.at, "the attributes of inode %d have more than %d bytes", in.ino, maxXattrTotal)
		}
		if e.index == xattrACLAccess || e.index == xattrACLDefault {
			if v, err = userACL(v, e.at); err != nil {
				return err
			}
		}
		out = append(out, fsys.Xattr{Name: prefix + e.name, Value: slices.Clone(v)})
		return nil
	}
	if err = f.bodyXattrs(in, add); err == nil {
		err = f.blockXattrs(in, add)
	}
	slices.SortStableFunc(out, func(a, b fsys.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// bodyXattrs visits the attributes behind the fields of the inode.
func (f *FS) bodyXattrs(in inode, yield func(xattrEntry) error) error {
	start := 128 + in.extra()
	if in.extra() == 0 || start+4 > len(in.b) || le.Uint32(in.b[start:]) != xattrMagic {
		return nil
	}
	return eachXattr(in.b[start+4:], in.off+int64(start)+4, 0, yield)
}

// blockXattrs visits the attributes in the block that i_file_acl names.
func (f *FS) blockXattrs(in inode, yield func(xattrEntry) error) error {
	blk := in.fileACL()
	if blk == 0 {
		return nil
	}
	b, err := f.xattrBlock(in, blk)
	if err != nil {
		return err
	}
	return eachXattr(b, blk*f.bs, xattrBlockHead, yield)
}

func (f *FS) xattrBlock(in inode, blk int64) ([]byte, error) {
	if blk < f.first || blk >= f.blocks {
		return nil, binread.Errorf(format, in.off+0x68, "the attributes of inode %d are at block %d of %d", in.ino, blk, f.blocks)
	}
	at := blk * f.bs
	b, err := f.cache.bytes(at, f.bs)
	switch {
	case err != nil:
		return nil, err
	case le.Uint32(b) != xattrMagic:
		return nil, binread.Errorf(format, at, "the attribute block of inode %d has no magic number", in.ino)
	case f.metaCsum() && crc32cHole(crc32cLE64(f.seed, uint64(blk)), b, 0x10, 4) != le.Uint32(b[0x10:]):
		return nil, binread.Errorf(format, at, "the attribute block of inode %d has a wrong checksum", in.ino)
	}
	return b, nil
}

// eachXattr visits the entries of table from off on.
func eachXattr(table []byte, at int64, off int, yield func(xattrEntry) error) error {
	for off+4 <= len(table) && le.Uint32(table[off:]) != 0 {
		if off+xattrEntryHead > len(table) {
			return binread.Errorf(format, at+int64(off), "an attribute is cut off")
		}
		b := table[off:]
		end := xattrEntryHead + int(b[0])
		if end > len(b) {
			return binread.Errorf(format, at+int64(off), "an attribute's name is cut off")
		}
		err := yield(xattrEntry{
			index: b[1], name: string(b[xattrEntryHead:end]),
			at: at + int64(off), table: table, tableAt: at,
			valueOff: int(le.Uint16(b[2:])), valueIno: le.Uint32(b[4:]), valueSize: le.Uint32(b[8:]),
		})
		if err != nil {
			return err
		}
		off += (end + 3) &^ 3
	}
	return nil
}

// xattrValue reads a value; it may alias the cache.
func (f *FS) xattrValue(e xattrEntry) ([]byte, error) {
	if e.valueIno != 0 {
		return f.xattrInode(e)
	}
	if e.valueSize == 0 {
		return nil, nil
	}
	if int64(e.valueOff)+int64(e.valueSize) > int64(len(e.table)) {
		return nil, binread.Errorf(format, e.at, "an attribute's value of %d bytes at %d is out of range", e.valueSize, e.valueOff)
	}
	return e.table[e.valueOff : e.valueOff+int(e.valueSize)], nil
}

// xattrInode reads a value that has an inode of its own (feature ea_inode).
func (f *FS) xattrInode(e xattrEntry) ([]byte, error) {
	in, err := f.readInode(e.valueIno)
	switch {
	case err != nil:
		return nil, err
	case f.incompat&incompatEAInode == 0 || !in.has(flagEAInode) || in.kind() != fsys.Regular:
		return nil, binread.Errorf(format, e.at, "an attribute's value is in inode %d, which is none for values", e.valueIno)
	case e.valueSize > maxXattrValue || int64(e.valueSize) != f.size(in):
		return nil, binread.Errorf(format, e.at, "an attribute's value of %d bytes is in inode %d of %d bytes", e.valueSize, e.valueIno, f.size(in))
	}
	c, err := f.content(in)
	if err != nil {
		return nil, err
	}
	return binread.At(c, format, 0, min(int64(e.valueSize), c.Size()), maxXattrValue)
}

// userACL turns an ACL from the form on disk (ext4_acl_header version 1, short
// entries for those without an id) to that of system calls
// (posix_acl_xattr_header version 2).
func userACL(v []byte, at int64) ([]byte, error) {
	const user, group = 2, 8 // ACL_USER, ACL_GROUP: the tags that have an id
	if len(v) < 4 || le.Uint32(v) != 1 {
		return nil, binread.Errorf(format, at, "an ACL has an unknown version")
	}
	out := le.AppendUint32(nil, 2)
	for v = v[4:]; len(v) > 0; {
		if len(v) < 4 {
			return nil, binread.Errorf(format, at, "an ACL is cut off")
		}
		tag, id := le.Uint16(v), ^uint32(0)
		out = append(out, v[:4]...)
		v = v[4:]
		if tag == user || tag == group {
			if len(v) < 4 {
				return nil, binread.Errorf(format, at, "an ACL is cut off")
			}
			id, v = le.Uint32(v), v[4:]
		}
		out = le.AppendUint32(out, id)
	}
	return out, nil
}
