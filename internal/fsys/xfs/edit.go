package xfs

import (
	"errors"
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// An Editor changes one XFS file system through a patch. It never changes what
// a file's extents are: a file becomes shorter by its size alone, which XFS
// takes for blocks reserved past the end of the file.
type Editor struct {
	*FS
	p fsys.Patch

	clones  []uint64        // regular files that say they share blocks
	blanked map[uint64]bool // those of clones that were emptied
	stale   bool            // blanked changed since the last Commit
	shared  span.Set        // blocks with more than one owner
	cow     span.Set        // blocks set aside for copies on write, which the next mount frees
	lost    int64           // bytes that nobody owns and that are not free either

	zeroed int64 // bytes since the last report
	left   []string
	failed error // why nothing more can be done: a write that failed half way, or Scrub
}

var _ fsys.Editor = (*Editor)(nil)

var errScrubbed = errors.New("xfs: the editor was used after Scrub")

// refuse is the error with which an editor does not open.
func refuse(msg string, args ...any) error {
	return fmt.Errorf("xfs: %w: %s", fsys.ErrUnsafe, fmt.Sprintf(msg, args...))
}

// refuseFor makes a refusal of what is broken.
func refuseFor(err error) error {
	if errors.Is(err, fsys.ErrUnsafe) {
		return err
	}
	return fmt.Errorf("%w: %w", fsys.ErrUnsafe, err)
}

// cannot says why one file cannot be changed so.
func cannot(n fsys.Node, why string) error {
	return fmt.Errorf("xfs: inode %d: %s: %w", n, why, fsys.ErrCannot)
}

// NewEditor opens an XFS volume of size bytes for changes. A dirty log is
// replayed into the patch and left clean. It refuses with fsys.ErrUnsafe a
// volume of which it does not understand every feature, or whose trees do not
// agree on who owns each block.
func NewEditor(p fsys.Patch, size int64) (*Editor, error) {
	fs, err := Open(p, size)
	if err != nil {
		return nil, err
	}
	if err := fs.writable(); err != nil {
		return nil, err
	}
	loose, err := fs.looseEnds()
	if err != nil {
		return nil, refuseFor(err)
	}
	if loose {
		if fs, err = settle(fs, p); err != nil {
			return nil, err
		}
	}
	e := &Editor{FS: fs, p: p, blanked: map[uint64]bool{}}
	if err := e.census(); err != nil {
		return nil, refuseFor(err)
	}
	if err := e.findShared(); err != nil {
		return nil, refuseFor(err)
	}
	return e, nil
}

// writable refuses what is known from the super block and the log.
func (fs *FS) writable() error {
	switch {
	case fs.log.Reason != "":
		return refuse("its log cannot be replayed: %s; mount and unmount it once, or run xfs_repair", fs.log.Reason)
	case fs.dev.size < fs.size():
		return refuse("the volume ends at byte %d, but the file system claims %d", fs.dev.size, fs.size())
	case fs.realtime != 0:
		return refuse("it has a realtime device")
	case fs.inProgress:
		return refuse("at byte 126: mkfs.xfs did not finish it")
	case fs.incompat&incompatNeedsRepair != 0:
		return refuse("at byte 216: it is marked as needing xfs_repair")
	case fs.roCompat&^uint32(roKnown) != 0:
		return refuse("at byte 212: feature bits %#x are not known", fs.roCompat&^uint32(roKnown))
	}
	return nil
}

// zero zeroes a range. Like write it remembers a failure, as what was half
// written cannot be taken back.
func (e *Editor) zero(off, n int64) error {
	if n <= 0 || e.failed != nil {
		return e.failed
	}
	e.zeroed += n
	e.failed = e.p.Zero(off, n)
	return e.failed
}

// write writes bytes.
func (e *Editor) write(off int64, b []byte) error {
	if e.failed == nil {
		_, e.failed = e.p.WriteAt(b, off)
	}
	return e.failed
}

// putInode writes b in place of an inode, with its checksum. No other inode
// may have been looked up since i was.
func (e *Editor) putInode(i *inode, b []byte) error {
	if e.v5 {
		setSum(b, 100)
	}
	if err := e.write(i.off, b); err != nil {
		return err
	}
	copy(i.b, b)
	return nil
}

// setSize writes the size of a file.
func (e *Editor) setSize(i *inode, n int64) error {
	b := append([]byte(nil), i.b...)
	be.PutUint64(b[56:], uint64(n))
	return e.putInode(i, b)
}

// regular returns a regular file that may be changed, and its extents.
func (e *Editor) regular(n fsys.Node) (*inode, []extent, error) {
	if e.failed != nil {
		return nil, nil, e.failed
	}
	i, err := e.inode(uint64(n))
	if err != nil {
		return nil, nil, err
	}
	switch {
	case i.kind() != fsys.Regular:
		return nil, nil, fsys.ErrNotFile
	case e.hidden(i):
		return nil, nil, cannot(n, "it belongs to the file system")
	case i.nlink() == 0:
		return nil, nil, cannot(n, "it was deleted")
	}
	exts, err := i.dataFork().extentList()
	return i, exts, err
}

// clone reports whether an inode may share blocks.
func clone(i *inode) bool {
	return i.kind() == fsys.Regular && i.flags2()&flag2Reflink != 0
}

// isShared reports whether any byte of a range of a file has another owner.
func (e *Editor) isShared(exts []extent, off, n int64) bool {
	for k := extentAt(exts, off); k < len(exts) && exts[k].logical < off+n; k++ {
		x := exts[k]
		from, to := max(off, x.logical), min(off+n, x.end())
		if overlap(e.shared, x.physical+from-x.logical, to-from) > 0 {
			return true
		}
	}
	return false
}

// Blank makes a regular file empty. The blocks stay its own, zeroed; those
// that it may share are looked at in Commit.
func (e *Editor) Blank(n fsys.Node) error {
	i, exts, err := e.regular(n)
	if err != nil {
		return err
	}
	if i.size() == 0 {
		return nil
	}
	if err := e.setSize(i, 0); err != nil {
		return err
	}
	if clone(i) {
		e.blanked[i.number], e.stale = true, true
		return nil
	}
	for _, x := range exts {
		if err := e.zero(x.physical, x.length); err != nil {
			return err
		}
	}
	return nil
}

// Remove is not possible: to take a name out of an XFS directory and give its
// inode back safely is the work of the kernel. Blank the file instead.
func (e *Editor) Remove(dir fsys.Node, name string) error {
	if e.failed != nil {
		return e.failed
	}
	return cannot(dir, fmt.Sprintf("%q cannot be removed from an XFS directory", name))
}

// written is the length of the part from the start of a file that is mapped
// without holes to extents that hold bytes.
func written(exts []extent) int64 {
	end := int64(0)
	for _, x := range exts {
		if x.logical != end || x.unwritten {
			break
		}
		end = x.end()
	}
	return end
}

// Room is how many bytes Replace can write: the length of the file rounded up
// to its last written block. A file with holes or shared blocks is
// fsys.ErrCannot.
func (e *Editor) Room(n fsys.Node) (int64, error) {
	i, exts, err := e.regular(n)
	if err != nil {
		return 0, err
	}
	room := written(exts)
	switch {
	case room < i.size():
		return 0, cannot(n, "it has holes")
	case clone(i) && len(exts) > 0 && e.isShared(exts, 0, exts[len(exts)-1].end()):
		return 0, cannot(n, "it shares blocks with another file")
	}
	return room, nil
}

// Replace gives a regular file new content in the blocks that it has.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	room, err := e.Room(n)
	if err != nil {
		return err
	}
	if int64(len(content)) > room {
		return fmt.Errorf("xfs: inode %d: %d bytes where %d fit: %w", n, len(content), room, fsys.ErrNoRoom)
	}
	i, exts, err := e.regular(n)
	if err != nil {
		return err
	}
	if err := e.setSize(i, int64(len(content))); err != nil {
		return err
	}
	for _, x := range exts {
		k := min(max(0, int64(len(content))-x.logical), x.length)
		if k > 0 {
			if err := e.write(x.physical, content[x.logical:x.logical+k]); err != nil {
				return err
			}
		}
		if err := e.zero(x.physical+k, x.length-k); err != nil {
			return err
		}
	}
	return nil
}

// inside returns a file's extents if a range lies within its size and is
// nobody else's.
func (e *Editor) inside(n fsys.Node, off, length int64) ([]extent, error) {
	i, exts, err := e.regular(n)
	switch {
	case err != nil:
		return nil, err
	case off < 0 || length < 0 || off > i.size() || length > i.size()-off:
		return nil, binread.Errorf(format, i.off+56, "inode %d: %d bytes at %d of a file of %d", n, length, off, i.size())
	case clone(i) && e.isShared(exts, off, length):
		return nil, cannot(n, "it shares these blocks with another file")
	}
	return exts, nil
}

// Overwrite changes bytes of a regular file in place.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	exts, err := e.inside(n, off, int64(len(b)))
	if err != nil {
		return err
	}
	end := off + int64(len(b))
	first := extentAt(exts, off)
	at := off
	for k := first; at < end; k++ {
		if k == len(exts) || exts[k].logical > at || exts[k].unwritten {
			return cannot(n, "the bytes lie in a hole")
		}
		at = exts[k].end()
	}
	for k := first; off < end; k++ {
		x := exts[k]
		part := min(end, x.end()) - off
		if err := e.write(x.physical+off-x.logical, b[:part]); err != nil {
			return err
		}
		off, b = off+part, b[part:]
	}
	return nil
}

// Clear zeroes a range of a regular file in place.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	exts, err := e.inside(n, off, length)
	if err != nil {
		return err
	}
	for k := extentAt(exts, off); k < len(exts) && exts[k].logical < off+length; k++ {
		x := exts[k]
		from, to := max(off, x.logical), min(off+length, x.end())
		if err := e.zero(x.physical+from-x.logical, to-from); err != nil {
			return err
		}
	}
	return nil
}

// Commit zeroes the blocks of emptied files that no other file needs any more.
// Everything else was written at once.
func (e *Editor) Commit() (fsys.Report, error) {
	if e.failed != nil {
		return fsys.Report{}, e.failed
	}
	if e.stale {
		if err := errors.Join(e.zeroClones(), e.noteShared()); err != nil {
			return fsys.Report{}, err
		}
		e.stale = false
	}
	return e.report(), nil
}

// report takes what was done since the last one.
func (e *Editor) report() fsys.Report {
	r := fsys.Report{Zeroed: e.zeroed, Left: e.left}
	e.zeroed, e.left = 0, nil
	return r
}
