package fat

import (
	"errors"
	"fmt"

	"assay/internal/binread"
	"assay/internal/fsys"
)

// An Editor changes one FAT file system through a patch. Everything is written
// at once, but for the count of free clusters, which Commit writes.
type Editor struct {
	*FS
	p fsys.Patch

	lost   uint32 // clusters in use that belong to no file
	zeroed int64  // bytes since the last report
	left   []string
	failed error // why nothing more can be done: a write that failed half way, or Scrub
}

var _ fsys.Editor = (*Editor)(nil)

var errScrubbed = errors.New("vfat: the editor was used after Scrub")

// cannot says why one file cannot be changed so.
func cannot(n fsys.Node, why string) error {
	return fmt.Errorf("vfat: entry at byte %d: %s: %w", n, why, fsys.ErrCannot)
}

// NewEditor opens a FAT volume of size bytes for changes. It refuses with
// fsys.ErrUnsafe a FAT that cannot be trusted.
func NewEditor(p fsys.Patch, size int64) (*Editor, error) {
	f, err := Open(p, size)
	if err != nil {
		return nil, err
	}
	refuse := func(err error) error {
		return fmt.Errorf("%w: %w; let fsck.fat or chkdsk repair it", fsys.ErrUnsafe, err)
	}
	if _, err := f.Free(); err != nil {
		return nil, refuse(err)
	}
	e := &Editor{FS: f, p: p}
	if err := e.countLost(); err != nil {
		return nil, refuse(err)
	}
	return e, nil
}

// countLost counts the clusters that are neither free nor bad nor anybody's.
func (e *Editor) countLost() error {
	c := &checker{fs: e.FS, owned: make([]uint64, (uint64(e.g.clusters)+2+63)/64)}
	if err := c.tree(); err != nil {
		return err
	}
	bad := [...]uint32{12: 0xff7, 16: 0xfff7, 32: 0x0ffffff7}[e.g.bits]
	cur := e.t.cursor()
	for k := uint32(2); k-2 < e.g.clusters; k++ {
		if c.owned[k/64]>>(k%64)&1 != 0 {
			continue
		}
		v, err := cur.next(k)
		if err != nil {
			return err
		}
		if v != freeEntry && v != bad {
			e.lost++
		}
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

// regular returns the entry of a regular file and its clusters.
func (e *Editor) regular(n fsys.Node) (*entry, []run, error) {
	if e.failed != nil {
		return nil, nil, e.failed
	}
	if n == rootNode {
		return nil, nil, fsys.ErrNotFile
	}
	x, err := e.entry(n)
	if err != nil {
		return nil, nil, err
	}
	if x.dir() {
		return nil, nil, fsys.ErrNotFile
	}
	runs, err := e.fileRuns(x)
	return x, runs, err
}

// setFile writes the size and the first cluster of a file into its entry.
func (e *Editor) setFile(x *entry, size int64, first uint32) error {
	le.PutUint32(x.raw[28:], uint32(size))
	le.PutUint16(x.raw[26:], uint16(first))
	if e.g.bits == 32 {
		le.PutUint16(x.raw[20:], uint16(first>>16))
	}
	return e.write(x.at, x.raw[:])
}

// release zeroes clusters and marks them as free.
func (e *Editor) release(runs []run) error {
	for _, r := range runs {
		if err := e.zero(e.g.offset(r.first), int64(r.count)*e.g.cluster); err != nil {
			return err
		}
		if err := e.setEntries(r.first, r.count, freeEntry); err != nil {
			return err
		}
	}
	return nil
}

// setEntries writes the same value into the FAT entries of consecutive
// clusters, in every copy. The upper four bits of FAT32's entries stay.
func (e *Editor) setEntries(first, count, value uint32) error {
	defer e.t.forget()
	for count > 0 {
		n := min(count, 16<<10)
		from := e.g.entryAt(first)
		end := from + int64(n)*int64(e.g.bits)/8
		if e.g.bits == 12 {
			end = e.g.entryAt(first+n-1) + 2
		}
		b, err := binread.At(e.p, format, from, end-from, 0)
		if err != nil {
			return err
		}
		for k := range n {
			at := e.g.entryAt(first+k) - from
			switch {
			case e.g.bits == 32:
				le.PutUint32(b[at:], le.Uint32(b[at:])&0xf0000000|value)
			case e.g.bits == 16:
				le.PutUint16(b[at:], uint16(value))
			case (first+k)%2 == 1:
				le.PutUint16(b[at:], le.Uint16(b[at:])&0xf|uint16(value)<<4)
			default:
				le.PutUint16(b[at:], le.Uint16(b[at:])&0xf000|uint16(value))
			}
		}
		for _, copied := range e.g.fats {
			if err := e.write(copied+from-e.g.fat, b); err != nil {
				return err
			}
		}
		first, count = first+n, count-n
	}
	return nil
}

// cut splits runs after a number of clusters.
func cut(runs []run, clusters uint32) (kept, rest []run) {
	for k, r := range runs {
		if r.logical+r.count <= clusters {
			continue
		}
		kept = runs[:k:k]
		if n := max(clusters, r.logical) - r.logical; n > 0 {
			kept = append(kept, run{r.logical, r.first, n})
			r = run{r.logical + n, r.first + n, r.count - n}
		}
		return kept, append([]run{r}, runs[k+1:]...)
	}
	return runs, nil
}

// Blank makes a regular file empty and gives its clusters back.
func (e *Editor) Blank(n fsys.Node) error {
	x, runs, err := e.regular(n)
	if err != nil {
		return err
	}
	if x.size() == 0 {
		return nil
	}
	if err := e.setFile(x, 0, 0); err != nil {
		return err
	}
	return e.release(runs)
}

// Remove removes a name and what it stands for. Its entries, those of a long
// name included, become deleted ones of which nothing is left.
func (e *Editor) Remove(dir fsys.Node, name string) error {
	if e.failed != nil {
		return e.failed
	}
	var found *entry
	var places []int64
	err := e.entries(dir, func(x *entry) error {
		if x.name == name {
			found, places = x, append([]int64{x.at}, x.parts...)
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	if found == nil {
		return fsys.ErrNotExist
	}
	runs, err := e.chain(found)
	if err != nil {
		return err
	}
	for _, at := range places {
		if err := e.erase(at); err != nil {
			return err
		}
	}
	return e.release(runs)
}

// chain returns the clusters of what is to be removed: a file, or a directory
// without entries.
func (e *Editor) chain(x *entry) ([]run, error) {
	if !x.dir() {
		return e.fileRuns(x)
	}
	err := e.entries(fsys.Node(x.at), func(*entry) error { return errStop })
	if errors.Is(err, errStop) {
		return nil, cannot(fsys.Node(x.at), "the directory is not empty")
	}
	if err != nil {
		return nil, err
	}
	return e.t.runs(x.first(e.g), x.at+26, maxDir)
}

// erase makes one directory entry a deleted one. It does not become zero, as
// that would end the directory.
func (e *Editor) erase(at int64) error {
	e.zeroed += entrySize - 1
	b := [entrySize]byte{deleted}
	return e.write(at, b[:])
}

// Room is how many bytes fit into the clusters of a file.
func (e *Editor) Room(n fsys.Node) (int64, error) {
	_, runs, err := e.regular(n)
	return min(capacity(runs, e.g.cluster), maxFile-1), err
}

// Replace gives a regular file new content in the clusters that it has, and
// gives those back that it does not need any more.
func (e *Editor) Replace(n fsys.Node, content []byte) error {
	x, runs, err := e.regular(n)
	if err != nil {
		return err
	}
	size := int64(len(content))
	if room := min(capacity(runs, e.g.cluster), maxFile-1); size > room {
		return fmt.Errorf("vfat: entry at byte %d: %d bytes where %d fit: %w", n, size, room, fsys.ErrNoRoom)
	}
	kept, rest := cut(runs, uint32((size+e.g.cluster-1)/e.g.cluster))
	first := uint32(0)
	if len(kept) > 0 {
		first = kept[0].first
		last := kept[len(kept)-1]
		if len(rest) > 0 {
			end := [...]uint32{12: 0xfff, 16: 0xffff, 32: 0x0fffffff}[e.g.bits]
			if err := e.setEntries(last.first+last.count-1, 1, end); err != nil {
				return err
			}
		}
	}
	if err := e.setFile(x, size, first); err != nil {
		return err
	}
	if err := e.put(kept, 0, content); err != nil {
		return err
	}
	if err := e.clear(kept, size, capacity(kept, e.g.cluster)-size); err != nil {
		return err
	}
	return e.release(rest)
}

// each calls do with the parts of a range of a file: where each is on the
// volume, and its length.
func (e *Editor) each(runs []run, off, n int64, do func(at, n int64) error) error {
	for _, r := range runs {
		from := int64(r.logical) * e.g.cluster
		to := from + int64(r.count)*e.g.cluster
		lo, hi := max(from, off), min(to, off+n)
		if lo < hi {
			if err := do(e.g.offset(r.first)+lo-from, hi-lo); err != nil {
				return err
			}
		}
	}
	return nil
}

// put writes b at an offset of a file.
func (e *Editor) put(runs []run, off int64, b []byte) error {
	return e.each(runs, off, int64(len(b)), func(at, n int64) error {
		part := b[:n]
		b = b[n:]
		return e.write(at, part)
	})
}

// clear zeroes a range of a file.
func (e *Editor) clear(runs []run, off, n int64) error { return e.each(runs, off, n, e.zero) }

// inside returns the clusters of a file if a range lies within its size.
func (e *Editor) inside(n fsys.Node, off, length int64) ([]run, error) {
	x, runs, err := e.regular(n)
	if err == nil && (off < 0 || length < 0 || off > x.size() || length > x.size()-off) {
		err = binread.Errorf(format, x.at+28, "%d bytes at %d of a file of %d", length, off, x.size())
	}
	return runs, err
}

// Overwrite changes bytes of a regular file in place.
func (e *Editor) Overwrite(n fsys.Node, off int64, b []byte) error {
	runs, err := e.inside(n, off, int64(len(b)))
	if err != nil {
		return err
	}
	return e.put(runs, off, b)
}

// Clear zeroes a range of a regular file in place.
func (e *Editor) Clear(n fsys.Node, off, length int64) error {
	runs, err := e.inside(n, off, length)
	if err != nil {
		return err
	}
	return e.clear(runs, off, length)
}

// Commit writes the count of free clusters.
func (e *Editor) Commit() (fsys.Report, error) {
	if e.failed != nil {
		return fsys.Report{}, e.failed
	}
	if err := e.setInfo(); err != nil {
		return fsys.Report{}, err
	}
	r := fsys.Report{Zeroed: e.zeroed, Left: e.left}
	e.zeroed, e.left = 0, nil
	return r, nil
}

// setInfo writes the number of free clusters into FAT32's FSInfo sector, where
// there is one that knew it.
func (e *Editor) setInfo() error {
	if e.g.bits != 32 {
		return nil
	}
	boot, err := binread.At(e.p, format, 0, 512, 512)
	if err != nil {
		return err
	}
	at := int64(le.Uint16(boot[48:])) * e.g.sector
	if at == 0 || at >= e.g.fat {
		return nil
	}
	b, err := binread.At(e.p, format, at, 512, 512)
	if err != nil {
		return err
	}
	const lead, body = 0x41615252, 0x61417272 // FSI_LeadSig, FSI_StrucSig
	if le.Uint32(b) != lead || le.Uint32(b[484:]) != body || le.Uint32(b[488:]) == 0xffffffff {
		return nil
	}
	free := uint32(0)
	cur := e.t.cursor()
	for k := uint32(2); k-2 < e.g.clusters; k++ {
		v, err := cur.next(k)
		if err != nil {
			return err
		}
		if v == freeEntry {
			free++
		}
	}
	if le.Uint32(b[488:]) == free {
		return nil
	}
	le.PutUint32(b[488:], free)
	return e.write(at+488, b[488:492])
}
