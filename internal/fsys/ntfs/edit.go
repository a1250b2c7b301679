package ntfs

import (
	"errors"
	"fmt"
	"slices"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// An Editor changes an NTFS volume without allocating anything: a file shrinks
// within the clusters it has, which stay its own. It implements
// fsys.Editor and fsys.StreamEditor; Remove is always fsys.ErrCannot.
//
// Nothing is held back: each edit writes the records and index blocks it
// changes, and for records 0 to 3 their mirror. Times stay as they are, and
// so do the LSNs in records: the log is empty after Scrub.
type Editor struct {
	*FS
	p      fsys.Patch
	census *census
	mirror *stream // $MFTMirr
	last   places
	zeroed int64
}

var (
	_ fsys.Editor       = (*Editor)(nil)
	_ fsys.StreamEditor = (*Editor)(nil)
)

// NewEditor opens the volume of size bytes under p. It refuses with
// fsys.ErrUnsafe what Windows has not finished with and what it does not fully
// understand; the error says what to do.
func NewEditor(p fsys.Patch, size int64) (*Editor, error) {
	f, err := Open(p, size)
	var u *binread.UnsupportedError
	switch {
	case errors.As(err, &u) && u.Encrypted:
		return nil, fmt.Errorf("%w: %w; turn BitLocker off and wait until it has decrypted the volume", fsys.ErrUnsafe, err)
	case errors.Is(err, binread.ErrNotMine):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", fsys.ErrUnsafe, err)
	}
	e := &Editor{FS: f, p: p}
	if err := e.preflight(); err != nil {
		return nil, fmt.Errorf("%w: %w", fsys.ErrUnsafe, err)
	}
	return e, nil
}

// write changes bytes of a stream where it is stored. Holes must not be met.
func (e *Editor) write(runs []run, off int64, b []byte, where int64) error {
	return e.pieces(runs, off, int64(len(b)), where, func(p piece) error {
		if p.at == hole {
			return binread.Errorf(format, where, "byte %d of a stream lies in a hole", p.off)
		}
		_, err := e.p.WriteAt(b[p.off-off:p.off-off+p.n], p.at)
		return err
	})
}

// zero makes bytes of a stream zero where it is stored, from off to the end of
// its runs or for n bytes.
func (e *Editor) zero(runs []run, off, n int64) error {
	for _, r := range runs[runAt(runs, off/e.cluster):] {
		from, to := max(off, r.vcn*e.cluster), r.end()*e.cluster
		if n >= 0 {
			to = min(to, off+n)
		}
		if r.lcn == hole || from >= to {
			continue
		}
		if err := e.zeroAt(r.lcn*e.cluster+from-r.vcn*e.cluster, to-from); err != nil {
			return err
		}
	}
	return nil
}

// zeroAt makes bytes of the volume zero.
func (e *Editor) zeroAt(at, n int64) error {
	if n <= 0 {
		return nil
	}
	e.zeroed += n
	return e.p.Zero(at, n)
}

// put writes a changed record, and its mirror if it has one.
func (e *Editor) put(r *record) error {
	b := protect(r.b)
	off := int64(r.no) * e.recordSize
	if err := e.write(e.mft.runs, off, b, r.at); err != nil {
		return err
	}
	e.cache.drop(off / chunkSize)
	if off+e.recordSize > e.mirror.size {
		return nil
	}
	return e.write(e.mirror.runs, off, b, e.mirror.at)
}

// shrink makes the value of a resident attribute n bytes long, moves what
// follows it in the record and clears what gets free. Other attributes of the
// record must be parsed again.
func (r *record) shrink(a *attr, n int) {
	used := r.used()
	head := a.valueOff - a.off
	size := (head + n + 7) &^ 7
	clear(r.b[a.valueOff+n : a.off+a.len])
	le.PutUint32(r.b[a.off+0x10:], uint32(n))
	le.PutUint32(r.b[a.off+4:], uint32(size))
	copy(r.b[a.off+size:], r.b[a.off+a.len:used])
	le.PutUint32(r.b[0x18:], uint32(used-a.len+size))
	clear(r.b[used-a.len+size:])
}

// setSize sets the length of a stream that is not resident, all of it valid.
func (a *attr) setSize(size, init int64) {
	le.PutUint64(a.rec.b[a.off+0x30:], uint64(size))
	le.PutUint64(a.rec.b[a.off+0x38:], uint64(init))
}

// editable loads a regular file that may be changed, with its data; nil data
// is a file that never had any.
func (e *Editor) editable(n fsys.Node) (*inode, *stream, error) {
	in, err := e.regular(n)
	if err != nil {
		return nil, nil, err
	}
	if own(in.base.no) || in.metafile() {
		return nil, nil, fmt.Errorf("%w: it is one of the file system's own", fsys.ErrCannot)
	}
	if err := in.elsewhere(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", fsys.ErrCannot, err)
	}
	a := in.first(typeData, "")
	if a == nil {
		return in, nil, nil
	}
	s, err := in.stream(a)
	return in, s, err
}

// Blank implements fsys.Editor. The clusters stay with the file, all zero, but
// for a compressed one (see release).
func (e *Editor) Blank(n fsys.Node) error {
	in, s, err := e.editable(n)
	if err != nil || s == nil || s.size == 0 {
		return err
	}
	return e.truncate(in, s, nil)
}

// BlankStream implements fsys.StreamEditor.
func (e *Editor) BlankStream(n fsys.Node, name string) error {
	in, err := e.inode(n)
	if err != nil {
		return err
	}
	a := in.named(name)
	if a == nil || name == "" {
		return fsys.ErrNotExist
	}
	if own(in.base.no) && in.base.no != recordRoot || in.metafile() {
		return fmt.Errorf("%w: it is one of the file system's own", fsys.ErrCannot)
	}
	if err := in.elsewhere(); err != nil && a.is(typeData, wofStream) {
		return fmt.Errorf("%w: %w", fsys.ErrCannot, err)
	}
	s, err := in.stream(a)
	if err != nil {
		return err
	}
	return e.truncate(in, s, nil)
}

// truncate gives a stream new content that fits into what it has, and zeroes
// the rest of that. A compressed one can only be made empty.
func (e *Editor) truncate(in *inode, s *stream, content []byte) error {
	a := s.first
	var entries []place
	if len(a.name) == 0 {
		var err error
		if entries, err = e.entries(in); err != nil {
			return err
		}
	}
	if s.unit > 0 {
		return e.release(in, s, entries)
	}
	size := int64(len(content))
	sizes := [2]int64{(size + 7) &^ 7, size}
	if a.resident {
		e.zeroed += max(0, s.size-size)
		copy(a.rec.b[a.valueOff:], content)
		a.rec.shrink(a, len(content))
	} else {
		sizes[0] = -1 // the allocation stays
		if err := e.write(s.runs, 0, content, s.at); err != nil {
			return err
		}
		if err := e.zero(s.runs, size, -1); err != nil {
			return err
		}
		a.setSize(size, size)
	}
	if err := e.put(a.rec); err != nil {
		return err
	}
	return e.patchEntries(entries, sizes)
}

// Remove implements fsys.Editor: taking an entry out of a B+ tree may mean to
// balance it, which this editor does not do. Blank the file instead.
func (e *Editor) Remove(fsys.Node, string) error {
	return fmt.Errorf("%w: entries of NTFS directories are not removed", fsys.ErrCannot)
}

// Room implements fsys.Editor: up to the end of the clusters, or of the
// attribute in the record. What is stored otherwise than byte for byte, or has
// holes, is fsys.ErrCannot.
func (e *Editor) Room(n fsys.Node) (int64, error) {
	_, s, err := e.editable(n)
	if err != nil || s == nil {
		return 0, err
	}
	return s.room()
}

func (s *stream) room() (int64, error) {
	if s.first.resident {
		return int64(s.first.len - (s.first.valueOff - s.first.off)), nil
	}
	if s.unit > 0 || s.flags&attrEncrypted != 0 {
		return 0, fmt.Errorf("%w: the file is compressed or encrypted", fsys.ErrCannot)
	}
	if slices.ContainsFunc(s.runs, func(r run) bool { return r.lcn == hole }) {
		return 0, fmt.Errorf("%w: the file has holes", fsys.ErrCannot)
	}
	if len(s.runs) == 0 {
		return 0, nil
	}
	return min(s.alloc, s.runs[len(s.runs)-1].end()*s.f.cluster), nil
}

// Replace implements fsys.Editor.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	in, s, err := e.editable(n)
	if err != nil {
		return err
	}
	room := int64(0)
	if s != nil {
		if room, err = s.room(); err != nil {
			return err
		}
	}
	if int64(len(content)) > room {
		return fsys.ErrNoRoom
	}
	if s == nil {
		return nil
	}
	return e.truncate(in, s, content)
}

// Overwrite implements fsys.Editor. A compressed file is packed again unit by
// unit, which is fsys.ErrCannot when one does not fit into its clusters.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	s, err := e.within(n, off, int64(len(b)))
	if err != nil || len(b) == 0 {
		return err
	}
	switch {
	case s.first.resident:
		copy(s.first.value()[off:], b)
		return e.put(s.first.rec)
	case s.unit > 0:
		return e.overwriteUnits(s, off, b)
	}
	end := off + int64(len(b))
	err = e.pieces(s.runs, off, end-off, s.at, func(p piece) error {
		if p.at == hole {
			return fmt.Errorf("%w: byte %d lies in a hole", fsys.ErrCannot, p.off)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if end > s.init { // what lies between was zero so far, and stays so
		if err := e.zero(s.runs, s.init, max(0, off-s.init)); err != nil {
			return err
		}
	}
	if err := e.write(s.runs, off, b, s.at); err != nil || end <= s.init {
		return err
	}
	s.first.setSize(s.size, end)
	return e.put(s.first.rec)
}

// within loads the data of a file and checks that a range lies in it.
func (e *Editor) within(n fsys.Node, off, length int64) (*stream, error) {
	_, s, err := e.editable(n)
	if err != nil {
		return nil, err
	}
	size := int64(0)
	if s != nil {
		size = s.size
		if s.flags&attrEncrypted != 0 {
			return nil, fmt.Errorf("%w: the file is encrypted", fsys.ErrCannot)
		}
	}
	if off < 0 || length < 0 || length > size || off > size-length {
		return nil, fmt.Errorf("%w: %d bytes at %d do not lie within the file's %d", fsys.ErrCannot, length, off, size)
	}
	return s, nil
}

// Clear implements fsys.Editor.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	s, err := e.within(n, off, length)
	if err != nil || length == 0 {
		return err
	}
	return e.clear(s, off, length)
}

func (e *Editor) clear(s *stream, off, length int64) error {
	switch {
	case s.first.resident:
		clear(s.first.value()[off : off+length])
		e.zeroed += length
		return e.put(s.first.rec)
	case s.unit > 0:
		return e.clearUnits(s, off, length)
	}
	return e.zero(s.runs, off, length)
}

// Commit implements fsys.Editor: all is written already.
func (e *Editor) Commit() (fsys.Report, error) {
	out := fsys.Report{Zeroed: e.zeroed}
	e.zeroed = 0
	return out, nil
}
