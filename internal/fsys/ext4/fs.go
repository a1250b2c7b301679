package ext4

import (
	"errors"
	"io"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
)

// An FS is one ext2, ext3 or ext4 file system. It implements fsys.FS,
// fsys.Extenter, fsys.FreeSpace and fsys.InodeScanner, and is safe for
// concurrent use.
type FS struct {
	*super
	dev      io.ReaderAt // the volume, with the journal replayed over it
	volume   int64       // its bytes
	cache    *cache
	orphans  orphans
	replayed bool
	aborted  bool // the journal has an error noted
	stale    bool // the journal could not be replayed as a whole
	problems []fsys.Problem
}

var (
	_ fsys.FS           = (*FS)(nil)
	_ fsys.Extenter     = (*FS)(nil)
	_ fsys.FreeSpace    = (*FS)(nil)
	_ fsys.InodeScanner = (*FS)(nil)
)

// Open opens the file system on the first size bytes of r. It gives
// binread.ErrNotMine when there is none; what can be read in spite of damage
// is opened with Problems in its description.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	s, err := readSuper(r, size)
	if err != nil {
		return nil, err
	}
	f := &FS{super: s, dev: r, volume: size, cache: newCache(r, size)}
	if s.incompat&incompatRecover != 0 {
		f.replayJournal()
	}
	if f.badSum {
		f.problem(finding.GapCorrupt, binread.Errorf(format, superOff+0x3FC, "the superblock has a wrong checksum"))
	}
	if f.blocks > size/f.bs {
		f.problem(finding.GapCorrupt, binread.Errorf(format, superOff+4, "the file system claims %d blocks of %d bytes, but the volume has %d bytes", f.blocks, f.bs, size))
	}
	if err := f.checkGroups(); err != nil {
		f.problem(finding.GapCorrupt, err)
	}
	if err := f.loadOrphans(); err != nil {
		f.problem(finding.GapCorrupt, err)
	}
	return f, nil
}

// replayJournal puts the replayed journal over the volume.
func (f *FS) replayJournal() {
	over, err := f.replay()
	if err != nil {
		f.stale = true
		f.problem(finding.GapJournal, err)
	}
	if over == nil {
		return
	}
	s, err := readSuper(over, f.volume)
	if err == nil && (s.bs != f.bs || s.blocks < f.blocks || s.inodeSize != f.inodeSize) {
		err = binread.Errorf(format, superOff, "the journal holds a superblock of another file system")
	}
	if err != nil {
		f.stale = true
		if errors.Is(err, binread.ErrNotMine) {
			err = binread.Errorf(format, superOff+0x38, "the journal destroys the superblock")
		}
		f.problem(finding.GapJournal, err)
		return
	}
	f.super, f.dev, f.replayed = s, over, true
	f.cache = newCache(over, f.volume)
}

func (f *FS) problem(kind finding.GapKind, err error) {
	f.problems = append(f.problems, fsys.Problem{Kind: kind, Detail: err.Error()})
}

// Describe implements fsys.FS. Type is "ext2", "ext3" or "ext4", by the
// features in use, as blkid decides.
func (f *FS) Describe() fsys.Description {
	return fsys.Description{
		Type: f.kind(), UUID: f.uuidString(), Label: f.label,
		BlockSize: f.bs, Size: f.blocks * f.bs,
		Replayed: f.replayed, Problems: f.problems,
	}
}

// Root implements fsys.FS.
func (f *FS) Root() fsys.Node { return rootIno }
