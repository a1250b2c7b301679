package ntfs

import (
	"slices"
	"strings"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// fileReadOnly is FILE_ATTRIBUTE_READONLY.
const fileReadOnly = 0x1

// Stat implements fsys.FS. Modes are those of ntfs-3g without options: the
// file belongs to root and everybody may do all, but for the read-only
// attribute; Windows' own access lists are not translated. A directory's size
// is that of its index blocks. A pair of a long and a short name counts as one
// link.
func (f *FS) Stat(n fsys.Node) (fsys.Meta, error) {
	in, err := f.inode(n)
	if err != nil {
		return fsys.Meta{}, err
	}
	return in.meta()
}

func (in *inode) meta() (fsys.Meta, error) {
	m := fsys.Meta{Mode: 0o777, Inode: in.base.no}
	var err error
	if m.Kind, err = in.kind(); err != nil {
		return m, err
	}
	for _, a := range in.attrs {
		if a.typ == typeName && a.resident && a.valueLen >= nameFixed && a.value()[0x41] != nameDOS {
			m.Nlink++
		}
	}
	if a := in.first(typeStandard, ""); a != nil && a.resident && a.valueLen >= 0x24 {
		v := a.value()
		m.Btime, m.Mtime = fileTime(v), fileTime(v[8:])
		m.Ctime, m.Atime = fileTime(v[16:]), fileTime(v[24:])
		if le.Uint32(v[32:])&fileReadOnly != 0 {
			m.Mode = 0o555
		}
	}
	switch m.Kind {
	case fsys.Directory:
		if a := in.first(typeIndex, "$I30"); a != nil {
			m.Size = a.size
		}
	case fsys.Symlink:
		target, err := in.target()
		if err != nil {
			return m, err
		}
		m.Size = int64(len(target))
	case fsys.Regular:
		if a := in.first(typeData, ""); a != nil {
			m.Size, m.Flags = a.size, a.meta()
		}
	}
	return m, nil
}

// meta gives the flags of a stream.
func (a *attr) meta() (out fsys.Flags) {
	if a.flags&attrEncrypted != 0 {
		out |= fsys.Encrypted
	}
	if a.resident {
		return out | fsys.Inline
	}
	if a.flags&attrMethod != 0 {
		out |= fsys.Compressed
	}
	if a.flags&attrSparse != 0 {
		out |= fsys.Sparse
	}
	return out
}

// fileTime converts 100 ns since 1601.
func fileTime(b []byte) fsys.Time {
	const epoch, second = 116444736000000000, 10000000
	v := int64(le.Uint64(b))
	if v <= 0 {
		return fsys.Time{}
	}
	v -= epoch
	sec, part := v/second, v%second
	if part < 0 {
		sec, part = sec-1, part+second
	}
	return fsys.Time{Sec: sec, Nsec: uint32(part) * 100}
}

// Xattrs implements fsys.FS. Extended attributes (those of OS/2, in which the
// Windows Subsystem for Linux keeps modes) are not read.
func (f *FS) Xattrs(fsys.Node) ([]fsys.Xattr, error) { return nil, nil }

// Open implements fsys.FS. A file compressed by Windows Overlay Filter with LZX,
// deduplicated data and placeholders of files kept elsewhere are not
// supported.
func (f *FS) Open(n fsys.Node) (fsys.File, error) {
	in, err := f.regular(n)
	if err != nil {
		return nil, err
	}
	if w, err := in.overlaid(); w != nil || err != nil {
		return w, err
	}
	if err := in.elsewhere(); err != nil {
		return nil, err
	}
	a := in.first(typeData, "")
	if a == nil {
		return &stream{f: f, at: in.base.at}, nil
	}
	s, err := in.stream(a)
	if err != nil {
		return nil, err
	}
	return s.file()
}

// regular loads a file and refuses what is not a regular one.
func (f *FS) regular(n fsys.Node) (*inode, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	if k, err := in.kind(); err != nil || k != fsys.Regular {
		return nil, cmpErr(err, fsys.ErrNotFile)
	}
	return in, nil
}

// Streams implements fsys.Streamer.
func (f *FS) Streams(n fsys.Node) ([]fsys.Stream, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	tag, _, err := in.reparse()
	if err != nil {
		return nil, err
	}
	var out []fsys.Stream
	for _, a := range in.attrs {
		if tag == tagWOF && a.is(typeData, wofStream) { // the file's own content
			continue
		}
		if a.typ == typeData && len(a.name) > 0 && a.lowest == 0 {
			out = append(out, fsys.Stream{Name: decodeName(a.name), Size: a.size, Flags: a.meta()})
		}
	}
	slices.SortFunc(out, func(a, b fsys.Stream) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// OpenStream implements fsys.Streamer.
func (f *FS) OpenStream(n fsys.Node, name string) (fsys.File, error) {
	s, err := f.named(n, name)
	if err != nil {
		return nil, err
	}
	return s.file()
}

// StreamExtents implements fsys.Streamer.
func (f *FS) StreamExtents(n fsys.Node, name string) ([]fsys.Extent, error) {
	s, err := f.named(n, name)
	if err != nil {
		return nil, err
	}
	return s.extents()
}

func (f *FS) named(n fsys.Node, name string) (*stream, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	a := in.named(name)
	if a == nil {
		return nil, fsys.ErrNotExist
	}
	return in.stream(a)
}

// named finds the first piece of a stream by its name, as it is or, failing
// that, folded. "" is the file's own data.
func (in *inode) named(name string) *attr {
	var like *attr
	for _, a := range in.attrs {
		if a.typ != typeData || a.lowest != 0 {
			continue
		}
		have := decodeName(a.name)
		if have == name {
			return a
		}
		if like == nil && have != "" && in.f.Fold(have) == in.f.Fold(name) {
			like = a
		}
	}
	return like
}

// Extents implements fsys.Extenter: of a file's data, of a directory's index
// blocks.
func (f *FS) Extents(n fsys.Node) ([]fsys.Extent, error) {
	in, err := f.inode(n)
	if err != nil {
		return nil, err
	}
	a := in.first(typeData, "")
	if in.dir() {
		a = in.first(typeIndex, "$I30")
	}
	if a == nil {
		return nil, nil
	}
	s, err := in.stream(a)
	if err != nil {
		return nil, err
	}
	return s.extents()
}

// maxExtents bounds what Extents lists.
const maxExtents = 4 << 20

func (s *stream) extents() ([]fsys.Extent, error) {
	if s.first.resident {
		if s.size == 0 {
			return nil, nil
		}
		a := s.first
		return []fsys.Extent{{Physical: a.rec.where(a.valueOff), Len: s.size, State: fsys.Packed}}, nil
	}
	if s.unit > 0 {
		return s.unitExtents()
	}
	var out []fsys.Extent
	state := fsys.Written
	if s.flags&attrEncrypted != 0 {
		state = fsys.Packed
	}
	// The cluster that holds the last valid byte is written, those after it are not.
	valid := (s.init + s.f.cluster - 1) / s.f.cluster
	for _, r := range s.runs {
		if r.lcn == hole {
			continue
		}
		for from := r.vcn; from < r.end(); {
			e := fsys.Extent{Logical: from * s.f.cluster, Physical: (r.lcn + from - r.vcn) * s.f.cluster, State: state}
			to := r.end()
			if from >= valid {
				e.State = fsys.Unwritten
			} else {
				to = min(to, valid)
			}
			e.Len = (to - from) * s.f.cluster
			out = append(out, e)
			from = to
		}
	}
	return out, nil
}

// unitExtents lists the units that have clusters: plain ones piece by piece,
// compressed ones as a whole at the first cluster.
func (s *stream) unitExtents() ([]fsys.Extent, error) {
	var out []fsys.Extent
	per := s.unit / s.f.cluster
	for k := 0; k < len(s.runs); k++ {
		r := s.runs[k]
		if r.lcn == hole {
			continue
		}
		for no := r.vcn / per; no*per < r.end(); no++ {
			if len(out) > 0 && out[len(out)-1].Logical/s.unit == no {
				continue // begun in the run before
			}
			if len(out) >= maxExtents {
				return out, binread.Errorf(format, s.at, "more than %d extents", maxExtents)
			}
			u, err := s.unitAt(no)
			if err != nil {
				return out, err
			}
			if u.stored < s.unit {
				out = append(out, fsys.Extent{Logical: no * s.unit, Physical: u.pieces[0].at, Len: s.unit, State: fsys.Packed})
				continue
			}
			for _, p := range u.pieces {
				out = append(out, fsys.Extent{Logical: p.off, Physical: p.at, Len: p.n})
			}
		}
	}
	return out, nil
}
