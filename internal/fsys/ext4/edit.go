package ext4

import (
	"encoding/base64"
	"errors"
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// An Editor changes one file system through a patch. It implements
// fsys.Editor, and everything that an FS does.
//
// Each operation is written as soon as it is known to be possible: bitmaps,
// counters and checksums with it. So the file system is whole between any two
// operations, nothing grows in memory, and Commit has only to report.
type Editor struct {
	*FS
	patch   fsys.Patch
	system  span.Set // blocks that no file may give back: metadata and the journal
	lost    int64    // blocks that are in use, but of nobody
	broken  error    // why nothing can be done any more
	lastDir found    // where the last name was removed; the next one is near
	zeroed  int64    // since the last report
	left    []string
}

var _ fsys.Editor = (*Editor)(nil)

var errEnded = errors.New("ext4: the editor has ended with Scrub")

// NewEditor opens the file system on the first size bytes of p for changes. It
// writes what the journal holds, leaves the journal empty, deals with orphans
// as the kernel does on mounting, and makes the counts of the superblock right.
//
// Before that it reads all that says who owns which block: all inodes, their
// maps and all bitmaps. Whatever does not fit together, a feature it does not
// know or keep up, and a file system noted as having errors is an ErrUnsafe,
// and nothing was written.
func NewEditor(p fsys.Patch, size int64) (*Editor, error) {
	f, err := Open(p, size)
	if errors.Is(err, binread.ErrNotMine) {
		return nil, err
	}
	if err == nil {
		err = f.editable()
	}
	if err != nil {
		return nil, mustNot(err)
	}
	e := &Editor{FS: f, patch: p}
	if err := e.survey(); err != nil {
		return nil, mustNot(err)
	}
	if err := e.recover(); err != nil {
		return nil, err
	}
	e.left = nil
	return e, nil
}

// mustNot makes err, why a volume must not be written, an ErrUnsafe.
func mustNot(err error) error {
	if errors.Is(err, fsys.ErrUnsafe) {
		return err
	}
	return fmt.Errorf("%w: %w", fsys.ErrUnsafe, err)
}

func refuse(reason, advice string) error {
	return fmt.Errorf("%w: the ext4 file system %s; %s", fsys.ErrUnsafe, reason, advice)
}

// What to do about a volume that is refused.
const (
	adviceFsck  = "run e2fsck on it and try again"
	adviceMount = "mount and unmount it with the system that made it and try again"
	adviceOther = "clean it in the running system instead"
)

// s_feature_compat and s_feature_ro_compat that an editor keeps up with. Not
// among them are quota, whose files would have to be kept, and lazy_bg,
// exclude_bitmap, snapshots and replicas, which only patched kernels know.
const (
	compatKeptUp = 0x1 /* dir_prealloc */ | 0x2 /* imagic */ | compatHasJournal | 0x8 /* ext_attr */ |
		compatResizeInode | 0x20 /* dir_index */ | compatSparseSuper2 | 0x400 /* fast_commit */ |
		0x800 /* stable_inodes */ | compatOrphanFile
	roQuota  = 0x100
	roKeptUp = roBitmapsKnown &^ (roQuota | roBigalloc | roSharedBlocks)

	roOrphanPresent = 0x10000
)

// maxEditBlocks bounds the bitmap of the survey to 256 MiB.
const maxEditBlocks = 1 << 31

// editable refuses a file system of which something is known, without a look
// at its files, that an editor cannot cope with.
func (f *FS) editable() error {
	switch {
	case f.ro&roBigalloc != 0:
		return refuse("has clusters (bigalloc)", adviceOther)
	case f.ro&roQuota != 0:
		return refuse("keeps quotas", "remove them with tune2fs -O ^quota and try again")
	case f.ro&roSharedBlocks != 0:
		return refuse("has files that share blocks", adviceOther)
	case f.ro&^roKeptUp != 0 || f.compat&^compatKeptUp != 0:
		return refuse(fmt.Sprintf("has features that are not known (compat %#x, ro_compat %#x)", f.compat&^compatKeptUp, f.ro&^roKeptUp), adviceOther)
	case f.compat&compatHasJournal != 0 && f.journalIno == 0:
		return refuse("has its journal on another device", adviceMount)
	case f.state&stateError != 0 || f.aborted:
		return refuse("is marked as having errors", adviceFsck)
	case f.stale:
		return fmt.Errorf("%w (%s)", refuse("has a journal that cannot be replayed", adviceMount), f.problems[0].Detail)
	case len(f.problems) > 0:
		return fmt.Errorf("%w (%s)", refuse("is damaged", adviceFsck), f.problems[0].Detail)
	case f.blocks > maxEditBlocks:
		return refuse(fmt.Sprintf("has more than %d blocks", int64(maxEditBlocks)), adviceOther)
	}
	if err := f.bitmapsBelievable(); err != nil {
		return fmt.Errorf("%w (%w)", refuse("cannot be trusted", adviceFsck), err)
	}
	if err := f.journalEmpty(); err != nil {
		return err
	}
	return f.notMounted()
}

// journalEmpty refuses a journal that the superblock calls empty and that is
// not: the kernel throws away what it holds, e2fsck writes it.
func (f *FS) journalEmpty() error {
	if f.compat&compatHasJournal == 0 || f.incompat&incompatRecover != 0 {
		return nil
	}
	j, err := f.openJournal()
	if err != nil {
		return err
	}
	if j.start != 0 || j.failed {
		return refuse("has a journal that is not empty, or noted an error, though it should be", adviceFsck)
	}
	return nil
}

// The block of multiple mount protection (mmp_struct), at s_mmp_block.
const (
	mmpMagic    = 0x004D4D50
	mmpSeqClean = 0xFF4D4D50
)

// notMounted refuses a file system that some other machine may have mounted.
func (f *FS) notMounted() error {
	if f.incompat&incompatMMP == 0 {
		return nil
	}
	sb, err := f.cache.bytes(superOff, superSize)
	if err != nil {
		return err
	}
	blk := le.Uint64(sb[0x168:])
	if blk < uint64(f.first) || blk >= uint64(f.blocks) {
		return binread.Errorf(format, superOff+0x168, "the block against multiple mounts is %d of %d", blk, f.blocks)
	}
	b, err := f.cache.bytes(int64(blk)*f.bs, f.bs)
	if err != nil {
		return err
	}
	if le.Uint32(b) != mmpMagic || le.Uint32(b[4:]) != mmpSeqClean {
		return refuse("is in use by another system (mmp)", "unmount it there and try again")
	}
	return nil
}

// ready fails when the editor can do no more.
func (e *Editor) ready() error { return e.broken }

// cannot says why an operation is not possible on an inode.
func cannot(ino uint32, reason string) error {
	return fmt.Errorf("ext4: inode %d %s: %w", ino, reason, fsys.ErrCannot)
}

// Commit implements fsys.Editor. Nothing is held back that it would have to
// write.
func (e *Editor) Commit() (fsys.Report, error) {
	if err := e.ready(); err != nil {
		return fsys.Report{}, err
	}
	return e.report(), nil
}

func (e *Editor) report() fsys.Report {
	r := fsys.Report{Zeroed: e.zeroed, Left: e.left}
	e.zeroed, e.left = 0, nil
	return r
}

// diskName is how the name of an entry is written on the volume.
func diskName(dir inode, name string) (string, bool) {
	if !dir.has(flagEncrypt) {
		return name, true
	}
	b, err := base64.RawURLEncoding.DecodeString(name)
	return string(b), err == nil
}
