package xfs

import (
	"io"
	"sync"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// An FS is one XFS file system. It implements fsys.FS, fsys.Extenter,
// fsys.FreeSpace and fsys.InodeScanner.
type FS struct {
	*super
	dev    *overlay
	log    LogState
	desc   fsys.Description
	chunks chunkCache

	mu      sync.Mutex
	groups  map[uint32]*group
	records int // chunk records held by all groups
}

var (
	_ fsys.FS           = (*FS)(nil)
	_ fsys.Extenter     = (*FS)(nil)
	_ fsys.FreeSpace    = (*FS)(nil)
	_ fsys.InodeScanner = (*FS)(nil)
)

// Open recognises an XFS volume of size bytes and replays its log if that is
// dirty. It returns binread.ErrNotMine when the magic number is missing. A
// log that cannot be replayed is no error: Describe names it as a problem.
func Open(r io.ReaderAt, size int64) (*FS, error) {
	s, err := readSuper(r)
	if err != nil {
		return nil, err
	}
	fs := &FS{super: s, dev: &overlay{base: r, size: size}, groups: map[uint32]*group{}}
	fs.chunks.init(s)
	fs.recoverLog()
	if len(fs.dev.pages) > 0 { // recovery may have replayed a grown super block
		if fs.super, err = readSuper(fs.dev); err != nil {
			return nil, err
		}
	}
	fs.describe()
	return fs, nil
}

func (fs *FS) describe() {
	fs.desc = fsys.Description{
		Type: format, UUID: uuidString(fs.uuid), Label: fs.label,
		BlockSize: fs.blockSize, Size: fs.size(), Replayed: fs.log.Replayed,
	}
	problem := func(kind finding.GapKind, detail string) {
		fs.desc.Problems = append(fs.desc.Problems, fsys.Problem{Kind: kind, Detail: detail})
	}
	if fs.log.Reason != "" {
		problem(finding.GapJournal, fs.log.Reason)
	}
	if fs.dev.size < fs.size() {
		problem(finding.GapCorrupt, binread.Errorf(format, fs.dev.size,
			"the volume ends here, but the file system claims %d bytes", fs.size()).Error())
	}
	if fs.realtime != 0 {
		problem(finding.GapMissing, "xfs: files on the realtime device are not read")
	}
	if fs.incompat&incompatNeedsRepair != 0 {
		problem(finding.GapCorrupt, "xfs: at byte 216: the file system is marked as needing repair")
	}
}

// Describe says what this file system is.
func (fs *FS) Describe() fsys.Description { return fs.desc }

// Root is the inode number of the top directory.
func (fs *FS) Root() fsys.Node { return fsys.Node(fs.root) }

// Log returns the range of the internal log; it is empty when the log is on
// another device or outside of the volume. The log holds old names,
// attributes and link targets. Zeroing it makes the file system unmountable:
// the first four bytes of each 512-byte sector (the cycle number) and the
// last, unmount, record MUST stay.
func (fs *FS) Log() span.Span { return fs.log.Where }

// LogState says what the log was like when the file system was opened.
func (fs *FS) LogState() LogState { return fs.log }

// block reads one metadata block of a version 5 or 4 magic number and checks it.
func (fs *FS) block(off, n int64, v4, v5 uint32) ([]byte, error) {
	b, err := binread.At(fs.dev, format, off, n, 1<<16)
	if err != nil {
		return nil, err
	}
	if !fs.v5 {
		if be.Uint32(b) != v4 {
			return nil, binread.Errorf(format, off, "bad magic number %#x", be.Uint32(b))
		}
		return b, nil
	}
	return b, fs.checkMeta(b, off, v5)
}
