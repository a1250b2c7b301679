package ntfs

import (
	"bytes"
	"fmt"
	"io"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// Records of the file system's own (enum NTFS_SYSTEM_FILES).
const (
	recordMFT    = 0
	recordMirror = 1
	recordLog    = 2
	recordVolume = 3
	recordRoot   = 5
	recordBitmap = 6
	recordBoot   = 7
	recordBad    = 8
	recordUpcase = 10
	recordExtend = 11
	firstUser    = 24 // all below are reserved
)

// An FS is one NTFS file system. It implements fsys.FS, fsys.Extenter,
// fsys.FreeSpace, fsys.InodeScanner, fsys.Streamer and fsys.Folder, and is
// safe for concurrent use.
type FS struct {
	*geometry
	r        io.ReaderAt
	volume   int64   // bytes of the volume
	mft      *stream // $MFT's data
	cache    *cache
	upcase   []byte // $UpCase, nil when it cannot be used
	version  [2]byte
	flags    uint16 // of the volume
	label    string
	log      logState
	root     fsys.Node
	extend   map[uint64]bool // records of what lies below $Extend
	problems []fsys.Problem
}

var (
	_ fsys.FS           = (*FS)(nil)
	_ fsys.Extenter     = (*FS)(nil)
	_ fsys.FreeSpace    = (*FS)(nil)
	_ fsys.InodeScanner = (*FS)(nil)
	_ fsys.Streamer     = (*FS)(nil)
)

// Open opens the file system on the first size bytes of r. It gives
// binread.ErrNotMine when there is none; what can be read in spite of damage,
// or of a log with unfinished writes, is opened with Problems in its
// description. The log is never replayed: what only it holds is not seen.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	g, err := readGeometry(r, size)
	if err != nil {
		return nil, err
	}
	f := &FS{geometry: g, r: r, volume: size, root: recordRoot}
	if err := f.openMFT(); err != nil {
		return nil, err
	}
	if r, err := f.record(recordRoot); err == nil {
		f.root = fsys.Node(r.ref()) // as entries and Scan refer to it
	}
	if g.size() > size {
		f.problem(finding.GapCorrupt, binread.Errorf(format, 0x28, "the file system has %d bytes, the volume %d", g.size(), size))
	}
	if err := f.mirrored(); err != nil {
		f.problem(finding.GapCorrupt, err)
	}
	if err := f.readVolume(); err != nil {
		f.problem(finding.GapCorrupt, err)
	}
	f.log = f.readLog()
	if f.log.reason != "" {
		f.problem(finding.GapJournal, binread.Errorf(format, f.log.at, "%s; what was written last may be missing", f.log.reason))
	}
	f.loadUpcase()
	f.loadExtend()
	return f, nil
}

// openMFT finds all runs of the MFT. Record 0 maps the first of them; if there
// are more, its attribute list names the records that map the rest, each of
// which lies in what is mapped before.
func (f *FS) openMFT() error {
	first := (16*f.recordSize + f.cluster - 1) / f.cluster
	if first > f.clusters-f.mftAt {
		return binread.Errorf(format, 0x30, "no room for the MFT at cluster %d of %d", f.mftAt, f.clusters)
	}
	f.cache = newCache()
	f.mft = &stream{f: f, at: f.mftAt * f.cluster, runs: []run{{0, f.mftAt, first}}, size: first * f.cluster, init: first * f.cluster}
	r, err := f.raw(recordMFT)
	if err != nil {
		return err
	}
	var data, list *attr
	err = r.each(func(a *attr) error {
		switch {
		case a.is(typeData, "") && a.lowest == 0 && !a.resident:
			data = a
		case a.typ == typeList:
			list = a
		}
		return nil
	})
	if err != nil {
		return err
	}
	if data == nil || data.flags&(attrMethod|attrEncrypted|attrSparse) != 0 {
		return binread.Errorf(format, r.at, "the MFT has no data")
	}
	s := &stream{f: f, at: r.at, first: data, size: data.size, init: min(data.init, data.size)}
	if s.runs, err = f.decodeRuns(nil, r.b[data.pairs:data.off+data.len], 0, data.highest, data.where()); err != nil {
		return err
	}
	f.mft, f.cache = s, newCache()
	if list == nil {
		return f.mappedMFT()
	}
	refs, err := f.extensions(r, list)
	if err != nil {
		return err
	}
	return f.extendMFT(refs)
}

// extendMFT appends the runs in the extension records of the MFT.
func (f *FS) extendMFT(refs []uint64) error {
	for len(refs) > 0 {
		next := f.mft.runs[len(f.mft.runs)-1].end()
		found := -1
		for i, ref := range refs {
			r, err := f.raw(number(ref))
			if err != nil {
				continue // not mapped yet, perhaps
			}
			err = r.each(func(a *attr) error {
				if !a.is(typeData, "") || a.resident || a.lowest != next {
					return nil
				}
				found = i
				f.mft.runs, err = f.decodeRuns(f.mft.runs, r.b[a.pairs:a.off+a.len], next, a.highest, a.where())
				return err
			})
			if err != nil {
				return err
			}
			if found >= 0 {
				break
			}
		}
		if found < 0 {
			break
		}
		refs = append(refs[:found], refs[found+1:]...)
	}
	f.cache = newCache()
	return f.mappedMFT()
}

// mappedMFT checks that the runs cover the MFT's size, without holes and with
// no more clusters than there are: so no record is met more than once.
func (f *FS) mappedMFT() error {
	runs, left := f.mft.runs, f.clusters
	for _, r := range runs {
		if left -= r.n; r.lcn == hole || left < 0 {
			return binread.Errorf(format, f.mft.at, "the MFT has a hole or %d clusters too many", max(0, -left))
		}
	}
	if len(runs) == 0 || runs[len(runs)-1].end() < (f.mft.init+f.cluster-1)/f.cluster {
		return binread.Errorf(format, f.mft.at, "the MFT of %d bytes is not mapped as a whole", f.mft.size)
	}
	return nil
}

// records is how many records of the MFT were ever formatted.
func (f *FS) records() uint64 { return uint64(min(f.mft.init, f.mft.size) / f.recordSize) }

// mirrored compares the first records with $MFTMirr, as ntfs-3g does before it
// mounts.
func (f *FS) mirrored() error {
	b := make([]byte, f.recordSize)
	for no := range uint64(4) {
		r, err := f.record(no)
		if err != nil {
			return err
		}
		at := f.mirrorAt*f.cluster + int64(no)*f.recordSize
		if err := binread.Full(f.r, format, b, at); err != nil {
			return err
		}
		if err := unprotect(b, "FILE", at); err != nil {
			return err
		}
		if m := (&record{no: no, at: at, b: b}); m.check() != nil || r.check() != nil || m.used() != r.used() || m.first() != r.first() ||
			!bytes.Equal(b[r.first():r.used()], r.b[r.first():r.used()]) {
			return binread.Errorf(format, at, "the mirror of MFT record %d differs", no)
		}
	}
	return nil
}

// readVolume reads name, version and flags of the volume.
func (f *FS) readVolume() error {
	in, err := f.inode(recordVolume)
	if err != nil {
		return err
	}
	if a := in.first(typeVolName, ""); a != nil && a.resident {
		f.label = decodeName(a.value())
	}
	a := in.first(typeVolInfo, "")
	if a == nil || !a.resident || a.valueLen < 12 {
		return binread.Errorf(format, in.base.at, "$Volume does not say its version")
	}
	v := a.value()
	f.version = [2]byte{v[8], v[9]}
	f.flags = le.Uint16(v[10:])
	return nil
}

// system reads an attribute of one of the file system's own files.
func (f *FS) system(no uint64, typ uint32, name string, limit int64) ([]byte, error) {
	s, err := f.systemStream(no, typ, name)
	if err != nil {
		return nil, err
	}
	return s.all(limit)
}

func (f *FS) systemStream(no uint64, typ uint32, name string) (*stream, error) {
	in, err := f.inode(fsys.Node(no))
	if err != nil {
		return nil, err
	}
	a := in.first(typ, name)
	if a == nil {
		return nil, binread.Errorf(format, in.base.at, "MFT record %d has no attribute %#x", no, typ)
	}
	return in.stream(a)
}

func (f *FS) problem(kind finding.GapKind, err error) {
	f.problems = append(f.problems, fsys.Problem{Kind: kind, Detail: err.Error()})
}

// Describe implements fsys.FS.
func (f *FS) Describe() fsys.Description {
	return fsys.Description{
		Type: format, UUID: fmt.Sprintf("%016X", f.serial), Label: f.label,
		BlockSize: f.cluster, Size: f.size(), Problems: f.problems,
	}
}

// Root implements fsys.FS.
func (f *FS) Root() fsys.Node { return f.root }
