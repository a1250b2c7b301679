package ntfs

import (
	"errors"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// The header of an index block before its index header (struct INDEX_BLOCK),
// and the entries' fields (struct INDEX_ENTRY, struct FILE_NAME_ATTR).
const (
	blockHead   = 0x18
	entryNode   = 0x01
	entryEnd    = 0x02
	entryKey    = 0x10
	nameFixed   = 0x42 // of a $FILE_NAME, before the name
	nameDOS     = 2    // name space of the short name that goes with a long one
	fileDir     = 0x10000000
	fileReparse = 0x400
)

// An index is one B+ tree of a directory ($I30) or of the file system's own:
// the entries in the root attribute, and blocks of entries.
type index struct {
	in     *inode
	root   *attr
	blocks *stream // nil when all is in the root
	bitmap []byte  // which blocks are in use
	size   int64   // of a block
}

// maxBitmap bounds the bitmap of an index: 8 million blocks.
const maxBitmap = 1 << 20

// indexOf opens the index with an ASCII name, nil if the file has none.
func (in *inode) indexOf(name string) (*index, error) {
	x := &index{in: in, root: in.first(typeIndexRoot, name)}
	if x.root == nil {
		return nil, nil
	}
	if !x.root.resident || x.root.valueLen < 0x20 {
		return nil, binread.Errorf(format, x.root.where(), "MFT record %d has an index root of %d bytes", in.base.no, x.root.valueLen)
	}
	x.size = int64(le.Uint32(x.root.value()[8:]))
	a := in.first(typeIndex, name)
	if a == nil {
		return x, nil
	}
	if !power(x.size) || x.size < minRecord || x.size > maxIndex {
		return nil, binread.Errorf(format, x.root.where(), "MFT record %d has index blocks of %d bytes", in.base.no, x.size)
	}
	var err error
	if x.blocks, err = in.stream(a); err != nil {
		return nil, err
	}
	b := in.first(typeBitmap, name)
	if b == nil {
		return nil, binread.Errorf(format, a.where(), "MFT record %d has index blocks without a bitmap", in.base.no)
	}
	s, err := in.stream(b)
	if err != nil {
		return nil, err
	}
	x.bitmap, err = s.all(maxBitmap)
	return x, err
}

// count is the number of blocks that the bitmap can have in use; used reports
// whether one is.
func (x *index) count() int64 {
	if x.blocks == nil {
		return 0
	}
	return min(x.blocks.init/x.size, 8*int64(len(x.bitmap)))
}

func (x *index) used(no int64) bool {
	return no/8 < int64(len(x.bitmap)) && x.bitmap[no/8]>>(no%8)&1 != 0
}

// block reads block no, unprotected, and where it begins on the volume.
func (x *index) block(no int64, b []byte) (at int64, err error) {
	at = -1
	err = x.in.f.pieces(x.blocks.runs, no*x.size, x.size, x.blocks.at, func(p piece) error {
		if p.at == hole {
			return binread.Errorf(format, x.blocks.at, "index block %d of MFT record %d lies in a hole", no, x.in.base.no)
		}
		if at < 0 {
			at = p.at
		}
		return nil
	})
	if err != nil {
		return at, err
	}
	if _, err := x.blocks.raw(b, no*x.size); err != nil {
		return at, err
	}
	return at, unprotect(b, "INDX", at)
}

// An entry is one of an index, with where it is: block -1 is the root.
type entry struct {
	block int64
	off   int // of the entry in the block, or in the root's value
	at    int64
	b     []byte // the whole entry
}

func (e *entry) ref() uint64 { return le.Uint64(e.b) }
func (e *entry) key() []byte { return e.b[entryKey : entryKey+int(le.Uint16(e.b[10:]))] }

// list calls visit for the entries in b, whose index header is at head.
func list(b []byte, head int, at int64, visit func(off int, e []byte) error) error {
	first, used := int64(le.Uint32(b[head:])), int64(le.Uint32(b[head+4:]))
	if first < 0x10 || used > int64(len(b)-head) || first > used {
		return binread.Errorf(format, at+int64(head), "index entries from %d to %d of %d", first, used, len(b)-head)
	}
	for off, end := head+int(first), head+int(used); ; {
		if off+entryKey > end {
			return binread.Errorf(format, at+int64(off), "index entries do not end")
		}
		n, key, flags := int(le.Uint16(b[off+8:])), int(le.Uint16(b[off+10:])), le.Uint16(b[off+12:])
		if n < entryKey || n%8 != 0 || n > end-off {
			return binread.Errorf(format, at+int64(off), "an index entry of %d bytes", n)
		}
		if flags&entryEnd != 0 {
			return nil
		}
		if flags&entryNode != 0 {
			n -= 8 // the child's number comes last
		}
		if key > n-entryKey {
			return binread.Errorf(format, at+int64(off), "an index entry of %d bytes with a key of %d", n, key)
		}
		if err := visit(off, b[off:off+n]); err != nil {
			return err
		}
		off += int(le.Uint16(b[off+8:]))
	}
}

// errVisit wraps what a visitor returned, to tell it from a broken block.
type errVisit struct{ error }

func (e errVisit) Unwrap() error { return e.error }

// each calls visit for every entry, those of the root first, then block by
// block as they lie in the stream: no loop is possible. What is broken is
// passed over; the first of it is the error in the end.
func (x *index) each(visit func(e *entry) error) error {
	var broken brokenCount
	give := func(block, at int64) func(int, []byte) error {
		return func(off int, b []byte) error {
			if err := visit(&entry{block: block, off: off, at: at + int64(off), b: b}); err != nil {
				return errVisit{err}
			}
			return nil
		}
	}
	stop := func(err error) error {
		var v errVisit
		if errors.As(err, &v) {
			return v.error
		}
		if err != nil {
			return broken.add(err)
		}
		return nil
	}
	at := x.root.rec.where(x.root.valueOff)
	if err := stop(list(x.root.value(), 0x10, at, give(-1, at))); err != nil {
		return err
	}
	var buf []byte
	for no := range x.count() {
		if !x.used(no) {
			continue
		}
		if buf == nil {
			buf = make([]byte, x.size)
		}
		at, err := x.block(no, buf)
		if err == nil {
			err = list(buf, blockHead, at, give(no, at))
		}
		if err := stop(err); err != nil {
			return err
		}
	}
	return broken.err()
}

// ReadDir implements fsys.FS. Short names that stand beside long ones are not
// yielded, nor are the file system's own files in the root directory.
func (f *FS) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	in, err := f.inode(n)
	if err != nil {
		return err
	}
	if k, err := in.kind(); err != nil || k != fsys.Directory {
		return cmpErr(err, fsys.ErrNotDir)
	}
	x, err := in.indexOf("$I30")
	if err != nil {
		return err
	}
	if x == nil {
		return binread.Errorf(format, in.base.at, "directory %d has no index", in.base.no)
	}
	var bad error
	err = x.each(func(e *entry) error {
		out, ok, err := nameOf(e)
		if err != nil && bad == nil {
			bad = err
		}
		if !ok || own(number(uint64(out.Node))) {
			return nil
		}
		return yield(out)
	})
	if errors.Is(err, fsys.ErrStop) {
		return nil
	}
	return cmpErr(err, bad)
}

// cmpErr is the first error of the two.
func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// nameOf gives the directory entry of an index entry; ok is false for one that
// is not shown.
func nameOf(e *entry) (out fsys.Entry, ok bool, err error) {
	k := e.key()
	if len(k) < nameFixed || nameFixed+2*int(k[0x40]) > len(k) {
		return out, false, binread.Errorf(format, e.at, "a directory entry with a key of %d bytes", len(k))
	}
	name := decodeName(k[nameFixed : nameFixed+2*int(k[0x40])])
	if k[0x41] == nameDOS || name == "." && own(number(e.ref())) {
		return out, false, nil
	}
	if !validName(name) {
		return out, false, binread.Errorf(format, e.at, "%q cannot be the name of a file", name)
	}
	out = fsys.Entry{Name: name, Node: fsys.Node(e.ref()), Kind: fsys.Regular}
	switch attrs := le.Uint32(k[0x38:]); {
	case attrs&fileReparse != 0:
		out.Kind = fsys.Unknown // what it is, the reparse point says
	case attrs&fileDir != 0:
		out.Kind = fsys.Directory
	}
	return out, true, nil
}
