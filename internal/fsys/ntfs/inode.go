package ntfs

import (
	"cmp"
	"slices"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// maxList bounds an attribute list; Windows keeps it within 256 KiB.
const maxList = 256 << 10

// An inode is one file: its base record and those that the attribute list
// names, with all attributes.
type inode struct {
	f     *FS
	base  *record
	list  *attr   // the attribute list, nil if there is none
	attrs []*attr // all others; a stream's pieces follow each other in order
}

// inode loads the file that n refers to.
func (f *FS) inode(n fsys.Node) (*inode, error) {
	r, err := f.record(number(uint64(n)))
	if err != nil {
		return nil, err
	}
	if !r.inUse() || number(r.base()) != 0 || sequence(uint64(n)) != 0 && sequence(uint64(n)) != r.seq() {
		return nil, fsys.ErrNotExist
	}
	return f.load(r)
}

// load collects the attributes of the file with base record r.
func (f *FS) load(r *record) (*inode, error) {
	in := &inode{f: f, base: r}
	err := r.each(func(a *attr) error {
		if a.typ == typeList {
			in.list = a
		} else {
			in.attrs = append(in.attrs, a)
		}
		return nil
	})
	if err != nil || in.list == nil {
		return in, err
	}
	refs, err := f.extensions(r, in.list)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		x, err := f.record(number(ref))
		if err != nil {
			return nil, err
		}
		if !x.inUse() || number(x.base()) != r.no || x.seq() != sequence(ref) {
			return nil, binread.Errorf(format, x.at, "MFT record %d is named by record %d but is not part of it", x.no, r.no)
		}
		if err := x.each(func(a *attr) error { in.attrs = append(in.attrs, a); return nil }); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(in.attrs, func(a, b *attr) int {
		if c := cmp.Compare(a.typ, b.typ); c != 0 {
			return c
		}
		if c := slices.Compare(a.name, b.name); c != 0 {
			return c
		}
		return cmp.Compare(a.lowest, b.lowest)
	})
	return in, nil
}

// extensions reads the attribute list of record r and returns the references
// of the other records that it names, each once.
func (f *FS) extensions(r *record, list *attr) ([]uint64, error) {
	b, err := f.listBytes(list)
	if err != nil {
		return nil, err
	}
	var refs []uint64
	seen := map[uint64]bool{r.no: true}
	for len(b) > 0 {
		if len(b) < 0x1A {
			break
		}
		n := int(le.Uint16(b[4:]))
		if n < 0x1A || n > len(b) || n%8 != 0 {
			return nil, binread.Errorf(format, list.where(), "MFT record %d has an entry of %d bytes in its attribute list", r.no, n)
		}
		if ref := le.Uint64(b[0x10:]); !seen[number(ref)] {
			seen[number(ref)] = true
			refs = append(refs, ref)
		}
		b = b[n:]
	}
	return refs, nil
}

func (f *FS) listBytes(list *attr) ([]byte, error) {
	if list.resident {
		return list.value(), nil
	}
	s := &stream{f: f, at: list.where(), size: list.size, init: min(list.init, list.size)}
	var err error
	if s.runs, err = f.decodeRuns(nil, list.rec.b[list.pairs:list.off+list.len], list.lowest, list.highest, list.where()); err != nil {
		return nil, err
	}
	return s.all(maxList)
}

// first returns the first attribute of a type with an ASCII name, nil if there
// is none.
func (in *inode) first(typ uint32, name string) *attr {
	for _, a := range in.attrs {
		if a.is(typ, name) {
			return a
		}
	}
	return nil
}

// dir reports whether the file is a directory.
func (in *inode) dir() bool { return in.base.flags()&recordDirectory != 0 }

// own reports whether the file is one of the file system's own.
func own(no uint64) bool { return no < firstUser }

// stream collects the stream of which a is the first piece.
func (in *inode) stream(a *attr) (*stream, error) {
	s := &stream{f: in.f, at: a.where(), first: a, flags: a.flags, size: a.size}
	if a.resident {
		s.resident = a.value()
		return s, nil
	}
	if a.lowest != 0 {
		return nil, binread.Errorf(format, a.where(), "a stream of MFT record %d begins with cluster %d", in.base.no, a.lowest)
	}
	s.init, s.alloc = min(a.init, a.size), a.alloc
	next := int64(0)
	for _, p := range in.attrs {
		if p.typ != a.typ || p.resident || !slices.Equal(p.name, a.name) {
			continue
		}
		if p.lowest != next {
			return nil, binread.Errorf(format, p.where(), "a stream of MFT record %d continues with cluster %d instead of %d", in.base.no, p.lowest, next)
		}
		var err error
		if s.runs, err = in.f.decodeRuns(s.runs, p.rec.b[p.pairs:p.off+p.len], p.lowest, p.highest, p.where()); err != nil {
			return nil, err
		}
		next = p.highest + 1
	}
	if s.flags&attrMethod != 0 {
		if s.flags&attrMethod != attrCompressed || a.unit > maxUnit || in.f.cluster<<a.unit > maxUnitBytes {
			return nil, binread.Unsupported(format, "compression method %d with units of %d clusters of %d bytes", s.flags&attrMethod, 1<<min(a.unit, 31), in.f.cluster)
		}
		s.unit = in.f.cluster << a.unit
	}
	if next < (s.size+in.f.cluster-1)/in.f.cluster {
		return nil, binread.Errorf(format, a.where()+0x30, "a stream of %d bytes has %d clusters", s.size, next)
	}
	return s, nil
}
