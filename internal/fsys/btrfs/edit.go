package btrfs

import (
	"errors"
	"fmt"
	"math"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/span"
)

// An Editor changes one btrfs volume through a patch. It allocates nothing and
// frees nothing: tree blocks are rewritten where they are, with the generation
// they have, and a file becomes shorter by its size alone, its extents staying
// its own behind its end. So a file whose tree block a snapshot shares cannot
// be changed: that is fsys.ErrCannot.
//
// Extents behind a file's end hold zeros, or a compressed stream of zeros, so a
// file may grow over them. One thing remains: when Linux, on a volume with the
// no-holes feature, writes to a shortened file far behind its end, it counts
// the sectors written twice in nbytes, which du shows and btrfs check reports.
type Editor struct {
	*FS
	p       fsys.Patch
	owners  census
	zeroSum []byte      // of a sector of zeros
	dead    []span.Span // data that files lost since the last Commit, by logical address

	deadPacked map[uint64]extent // compressed extents, by logical address

	zeroed int64 // bytes since the last report
	left   []string
	failed error // why nothing more can be done: a write that failed half way, or Scrub
}

var errScrubbed = errors.New("btrfs: the editor was used after Scrub")

// refuse is the error with which an editor does not open.
func refuse(msg string, args ...any) error {
	return fmt.Errorf("btrfs: %w: %s", fsys.ErrUnsafe, fmt.Sprintf(msg, args...))
}

// refuseFor makes a refusal of what is broken.
func refuseFor(err error) error {
	if errors.Is(err, fsys.ErrUnsafe) {
		return err
	}
	return fmt.Errorf("%w: %w", fsys.ErrUnsafe, err)
}

// cannot says why one file cannot be changed so.
func (in inode) cannot(why string) error {
	return fmt.Errorf("btrfs: subvolume %d, inode %d: %s: %w", in.tree.root.id, in.ino, why, fsys.ErrCannot)
}

const (
	inSnapshot = "its tree block is shared with a snapshot; delete the snapshot first"
	inExtent   = "it shares these bytes with another file or a snapshot"
)

// NewEditor opens a btrfs volume of size bytes for changes. It refuses with
// fsys.ErrUnsafe a volume whose log was not replayed, of which it does not
// understand every feature, or whose trees cannot all be read and do not agree
// on who owns each byte.
func NewEditor(p fsys.Patch, size int64) (*Editor, error) {
	f, err := Open(p, size)
	if err != nil {
		return nil, err
	}
	if err := f.writable(); err != nil {
		return nil, refuseFor(err)
	}
	e := &Editor{FS: f, p: p, deadPacked: map[uint64]extent{}, zeroSum: f.sb.sums.sum(nil, make([]byte, f.sb.sectorsize))}
	if e.owners, err = f.census(); err != nil {
		return nil, refuseFor(err)
	}
	return e, nil
}

// zero zeroes a range of the volume. Like write it remembers a failure, as
// what was half written cannot be taken back.
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

// done remembers that a change that was begun did not end.
func (e *Editor) done(err error) error {
	if err != nil && e.failed == nil {
		e.failed = err
	}
	return err
}

// regular returns a regular file that may be changed, with its extents, at
// most maxFreeSpans of them.
func (e *Editor) regular(n fsys.Node) (inode, []extent, error) {
	if e.failed != nil {
		return inode{}, nil, e.failed
	}
	in, err := e.inode(n)
	if err != nil {
		return in, nil, err
	}
	switch {
	case in.meta.Kind != fsys.Regular:
		return in, nil, fsys.ErrNotFile
	case in.flags&inodeVerity != 0:
		return in, nil, in.cannot("it is sealed by fs-verity")
	case in.meta.Nlink == 0:
		return in, nil, in.cannot("it was deleted")
	}
	var list []extent
	err = e.extents(in.tree.root, in.ino, 0, math.MaxInt64, func(x extent) error {
		if len(list) >= maxFreeSpans {
			return binread.Errorf(format, e.where(x.it), "inode %d has more than %d extents", in.ino, maxFreeSpans)
		}
		if x.kind != extentInline { // all of it was parsed: the leaf need not be kept
			x.it.data = nil
		}
		list = append(list, x)
		return nil
	})
	return in, list, err
}

// alone proves that no other tree has an item of a file.
func (e *Editor) alone(in inode, k key) error {
	p, err := e.find(in.tree.root, k)
	if err == nil && !p.sole {
		err = in.cannot(inSnapshot)
	}
	return err
}

// Blank makes a regular file empty. Its extents stay its own, behind its end;
// Commit zeroes what of them nobody else can read.
func (e *Editor) Blank(n fsys.Node) error {
	in, list, err := e.regular(n)
	if err != nil || in.meta.Size == 0 {
		return err
	}
	if err := e.alone(in, key{in.ino, inodeItemKey, 0}); err != nil {
		return err
	}
	for _, x := range list {
		if x.kind == extentInline {
			if err := e.alone(in, x.it.key); err != nil {
				return err
			}
		}
	}
	own := in.nbytes
	for _, x := range list {
		if x.kind == extentInline {
			stays, err := e.dropInline(in, x)
			if e.done(err) != nil {
				return err
			}
			own += stays - x.ram // an inline extent counts as what it holds
		}
	}
	e.lose(list, 0)
	return e.done(e.setInode(in, 0, own, own > 0))
}

// lose remembers that a file does not need its extents from a sector's end on.
func (e *Editor) lose(list []extent, from int64) {
	for _, x := range list {
		if x.kind == extentInline || x.hole() || x.end() <= from {
			continue
		}
		if x.compression != compressNone {
			e.deadPacked[x.disk] = x
			continue
		}
		skip := max(0, from-x.start)
		e.dead = append(e.dead, span.Span{Off: int64(x.disk+x.offset) + skip, Len: x.length - skip})
	}
}

// Remove is not possible: to take an item out of a tree that keeps its balance
// and its counts is the work of the kernel. Blank the file instead.
func (e *Editor) Remove(dir fsys.Node, name string) error {
	if e.failed != nil {
		return e.failed
	}
	return fmt.Errorf("btrfs: %q cannot be removed from a btrfs directory: %w", name, fsys.ErrCannot)
}

// Room is how many bytes Replace can write: the length of an inline file, or
// the length of another rounded up to its sector. A file with holes, with
// compressed extents or with bytes that are read from elsewhere too is
// fsys.ErrCannot; an inline file may be compressed when its content fits
// uncompressed.
func (e *Editor) Room(n fsys.Node) (int64, error) {
	in, list, err := e.regular(n)
	if err != nil || in.meta.Size == 0 {
		return 0, err
	}
	return e.room(in, list)
}

func (e *Editor) room(in inode, list []extent) (int64, error) {
	if err := e.alone(in, key{in.ino, inodeItemKey, 0}); err != nil {
		return 0, err
	}
	if len(list) > 0 && list[0].kind == extentInline {
		if err := e.alone(in, list[0].it.key); err != nil {
			return 0, err
		}
		room, err := e.inlineRoom(in, list[0])
		if err == nil && (len(list) > 1 || room < in.meta.Size) {
			err = in.cannot("it does not fit into its tree block uncompressed")
		}
		return room, err
	}
	sector := int64(e.sb.sectorsize)
	if in.meta.Size > math.MaxInt64-sector {
		return 0, in.cannot("it has holes")
	}
	room, at := (in.meta.Size+sector-1)/sector*sector, int64(0)
	for _, x := range list {
		if x.start >= room {
			break
		}
		switch {
		case x.start > at || x.zeroed():
			return 0, in.cannot("it has holes")
		case x.compression != compressNone:
			return 0, in.cannot("it is compressed")
		case e.sharedRange(x, x.start, min(room, x.end())):
			return 0, in.cannot(inExtent)
		}
		if err := e.alone(in, x.it.key); err != nil {
			return 0, err
		}
		at = x.end()
	}
	if at < room {
		return 0, in.cannot("it has holes")
	}
	return room, nil
}

// Replace gives a regular file new content in the sectors that it has.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	in, list, err := e.regular(n)
	if err != nil {
		return err
	}
	if len(content) == 0 {
		return e.Blank(n)
	}
	room := int64(0)
	if in.meta.Size > 0 {
		if room, err = e.room(in, list); err != nil {
			return err
		}
	}
	size := int64(len(content))
	if size > room {
		return fmt.Errorf("btrfs: subvolume %d, inode %d: %d bytes where %d fit: %w", in.tree.root.id, in.ino, size, room, fsys.ErrNoRoom)
	}
	if list[0].kind == extentInline {
		if err := e.done(e.setInline(in, list[0], content)); err != nil {
			return err
		}
		return e.done(e.setInode(in, uint64(size), uint64(size), false))
	}
	for _, x := range list {
		if x.start >= room {
			break
		}
		from, to, end := x.start, min(x.end(), size), min(x.end(), room)
		at := x.disk + x.offset
		if from < to {
			if err := e.done(e.putBytes(at, content[from:to])); err != nil {
				return err
			}
			at += uint64(to - from)
			from = to
		}
		if err := e.done(e.zeroBytes(at, uint64(end-from))); err != nil {
			return err
		}
	}
	e.lose(list, room)
	return e.done(e.setInode(in, uint64(size), in.nbytes, list[len(list)-1].end()-size >= int64(e.sb.sectorsize)))
}

// Overwrite changes bytes of a regular file in place. A compressed extent is
// compressed again, which is fsys.ErrCannot when it becomes longer and for
// LZO.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	in, list, err := e.within(n, off, int64(len(b)))
	if err != nil {
		return err
	}
	end := off + int64(len(b))
	at := off
	for _, x := range list {
		if x.start > at || x.zeroed() {
			break
		}
		at = x.end()
	}
	if at < end {
		return in.cannot("the bytes lie in a hole")
	}
	return e.change(in, list, off, end, func(from, to int64) []byte { return b[from-off : to-off] })
}

// Clear zeroes a range of a regular file in place.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	in, list, err := e.within(n, off, length)
	if err != nil {
		return err
	}
	return e.change(in, list, off, off+length, nil)
}

// within returns the extents of a file that touch a range, which must lie
// within its size.
func (e *Editor) within(n fsys.Node, off, length int64) (inode, []extent, error) {
	in, list, err := e.regular(n)
	if err != nil {
		return in, nil, err
	}
	if off < 0 || length < 0 || off > in.meta.Size || length > in.meta.Size-off {
		return in, nil, binread.Errorf(format, -1, "subvolume %d, inode %d: %d bytes at %d of a file of %d", in.tree.root.id, in.ino, length, off, in.meta.Size)
	}
	var out []extent
	for _, x := range list {
		if x.end() > off && x.start < off+length {
			out = append(out, x)
		}
	}
	return in, out, nil
}

// change puts new bytes into a range of a file, zeros when fresh is nil. All
// that can fail for a good reason is tried before the first write.
func (e *Editor) change(in inode, list []extent, off, end int64, fresh func(from, to int64) []byte) error {
	var steps []func() error
	for _, x := range list {
		from, to := max(off, x.start), min(end, x.end())
		if x.zeroed() || from >= to {
			continue
		}
		if err := e.alone(in, x.it.key); err != nil {
			return err
		}
		var part []byte // nil for zeros
		if fresh != nil {
			part = fresh(from, to)
		}
		step, err := e.changeExtent(in, x, from, to, part)
		if err != nil {
			return err
		}
		steps = append(steps, step)
	}
	for _, step := range steps {
		if err := e.done(step()); err != nil {
			return err
		}
	}
	return nil
}

// changeExtent prepares the change of bytes [from, to) of a file, which lie in
// one extent.
func (e *Editor) changeExtent(in inode, x extent, from, to int64, part []byte) (func() error, error) {
	put := func(b []byte) {
		clear(b[:to-from])
		copy(b, part)
	}
	switch {
	case x.kind == extentInline:
		room, err := e.inlineRoom(in, x)
		if err != nil {
			return nil, err
		}
		if room < x.length {
			return nil, in.cannot("it does not fit into its tree block uncompressed")
		}
		b := make([]byte, x.length)
		if _, err := e.readExtent(b, x, 0, false); err != nil {
			return nil, err
		}
		put(b[from:])
		return func() error { return e.setInline(in, x, b) }, nil
	case e.sharedRange(x, from, to):
		return nil, in.cannot(inExtent)
	case x.compression != compressNone:
		b, err := e.repack(x, func(plain []byte) { put(plain[x.offset+uint64(from-x.start):]) })
		return func() error { return e.putPacked(x, b) }, err
	}
	at := x.disk + x.offset + uint64(from-x.start)
	if part == nil {
		return func() error { return e.zeroBytes(at, uint64(to-from)) }, nil
	}
	return func() error { return e.putBytes(at, part) }, nil
}

// Commit zeroes what blanked and shortened files lost, unless another file can
// read it. Everything else was written at once.
func (e *Editor) Commit() (fsys.Report, error) {
	if e.failed != nil {
		return fsys.Report{}, e.failed
	}
	if len(e.dead)+len(e.deadPacked) == 0 {
		return e.report(), nil
	}
	owners, err := e.census()
	if err != nil {
		return fsys.Report{}, e.done(err)
	}
	e.owners = owners
	dead := span.Make(e.dead)
	for _, s := range dead.Subtract(owners.live) {
		if err := e.done(e.zeroBytes(uint64(s.Off), uint64(s.Len))); err != nil {
			return fsys.Report{}, err
		}
	}
	kept := dead.Intersect(owners.live).Total()
	for _, x := range e.deadPacked {
		if overlaps(owners.live, x.onDisk()) {
			kept += int64(x.diskLen)
		} else if err := e.done(e.zeroPacked(x)); err != nil {
			return fsys.Report{}, err
		}
	}
	if kept > 0 {
		e.left = append(e.left, fmt.Sprintf("%d bytes of emptied files that other files or snapshots still share", kept))
	}
	e.dead = nil
	clear(e.deadPacked)
	return e.report(), nil
}

// report takes what was done since the last one.
func (e *Editor) report() fsys.Report {
	r := fsys.Report{Zeroed: e.zeroed, Left: e.left}
	e.zeroed, e.left = 0, nil
	return r
}
