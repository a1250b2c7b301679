package xfs

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
	"assay/internal/span"
)

// What the kernel gives back only after it replayed the log, by the owner that
// a block has until then.
const (
	ownDeleted = "an inode that was deleted while open"
	ownChunk   = "a chunk of which the last inodes were deleted while open"
	ownPast    = "the space past the end of a file"
	ownMap     = "the extent tree of a file with space past its end"
	ownStaged  = "a copy on write"
	ownTree    = "a tree of a group"
	ownOther   = "something else"
)

// An ownership says who has each block of a file system, from its metadata
// alone: no block is judged by its content.
type ownership struct {
	t   testing.TB
	fs  *FS
	of  map[int64]owner // by offset of the block
	all map[string][]span.Span
}

// An owner is one of the kinds above, and which it is in words.
type owner struct {
	kind, who string
	shared    bool // a clone: it may have other owners of that sort
}

// ownersOf asks every tree and every inode of a file system for its blocks.
func ownersOf(t testing.TB, fs *FS) *ownership {
	t.Helper()
	o := &ownership{t: t, fs: fs, of: map[int64]owner{}, all: map[string][]span.Span{}}
	deleted := map[uint64]bool{}
	gone, err := fs.Unlinked()
	must(t, err)
	for _, n := range gone {
		deleted[uint64(n)] = true
	}
	for ag := range fs.agCount {
		must(t, fs.eachTree(ag, func(a agTree, b treeBlock) error {
			o.claim(b.off, fs.blockSize, owner{kind: ownTree, who: a.describe})
			return nil
		}, func(x span.Span) { o.claim(x.Off, x.Len, owner{kind: ownStaged}) }))
		o.inodeChunks(ag, deleted)
	}
	must(t, fs.eachInode(func(i *inode) error { return o.inode(i, deleted[i.number]) }))
	for at, w := range o.of {
		o.all[w.kind] = append(o.all[w.kind], span.Span{Off: at, Len: fs.blockSize})
	}
	return o
}

// claim gives a range of blocks an owner. What clones share stays as long as
// one of them needs it.
func (o *ownership) claim(off, n int64, w owner) {
	for at := off; at < off+n; at += o.fs.blockSize {
		old, taken := o.of[at]
		switch {
		case taken && !(old.shared && w.shared):
			o.t.Errorf("the block at %d belongs to %+v and to %+v", at, old, w)
		case !taken || w.kind == ownOther:
			o.of[at] = w
		}
	}
}

// inodeChunks claims the inode chunks of a group. One block can hold more than
// one chunk; none of the variants here has such.
func (o *ownership) inodeChunks(ag uint32, deleted map[uint64]bool) {
	fs := o.fs
	g := fs.inodesOf(ag)
	must(o.t, g.err)
	first := uint64(ag) << (fs.agLog + fs.inopLog)
	for _, rec := range g.chunks {
		alive, dying := 0, 0
		for n := range uint32(chunkInodes) {
			switch {
			case !rec.live(n):
			case deleted[first|uint64(rec.start+n)]:
				dying++
			default:
				alive++
			}
		}
		kind := ownOther
		if alive == 0 && dying > 0 {
			kind = ownChunk
		}
		for n := uint32(0); n < chunkInodes; n += 1 << fs.inopLog {
			if rec.exists(n) {
				o.claim(fs.agByte(ag, (rec.start+n)>>fs.inopLog), fs.blockSize,
					owner{kind: kind, who: fmt.Sprintf("inodes from %d, %d in use, %d deleted", first|uint64(rec.start), alive, dying)})
			}
		}
	}
}

// inode claims what an inode maps.
func (o *ownership) inode(i *inode, deleted bool) error {
	w := owner{who: fmt.Sprintf("inode %d, mode %o, %d bytes, %d names", i.number, i.mode(), i.size(), i.nlink())}
	mapped, err := hasExtents(i)
	if err != nil {
		return err
	}
	if mapped {
		end := int64(math.MaxInt64)
		if i.kind() == fsys.Regular {
			end = (i.size() + o.fs.blockSize - 1) / o.fs.blockSize * o.fs.blockSize
		}
		w.shared = clone(i)
		if err := o.fork(i.dataFork(), w, end, deleted); err != nil {
			return err
		}
	}
	w.shared = false
	if f, ok := i.attrFork(); ok && f.format != formatLocal {
		return o.fork(f, w, math.MaxInt64, deleted)
	}
	return nil
}

// fork claims the blocks of one fork, of which end is the first byte that the
// kernel does not keep. An extent can lie on both sides of it.
func (o *ownership) fork(f fork, w owner, end int64, deleted bool) error {
	var trees []int64
	exts, err := f.extentsAnd(func(b treeBlock) error {
		trees = append(trees, b.off)
		return nil
	})
	data, past, tree := ownOther, ownPast, ownOther
	if deleted {
		data, past, tree = ownDeleted, ownDeleted, ownDeleted
	}
	for _, x := range exts {
		inside := min(max(end-x.logical, 0), x.length)
		o.claim(x.physical, inside, owner{data, w.who, w.shared})
		o.claim(x.physical+inside, x.length-inside, owner{past, w.who, w.shared})
		if inside < x.length && !deleted {
			tree = ownMap
		}
	}
	for _, at := range trees {
		o.claim(at, o.fs.blockSize, owner{kind: tree, who: w.who})
	}
	return err
}

// set is the blocks of some owners.
func (o *ownership) set(kinds ...string) span.Set {
	var all []span.Span
	for _, k := range kinds {
		all = append(all, o.all[k]...)
	}
	return span.Make(all)
}

// name says who has the blocks of a set, the first few.
func (o *ownership) name(s span.Set) (out []string) {
	for _, x := range s {
		for at := x.Off; at < x.Off+x.Len; at += o.fs.blockSize {
			if len(out) == 10 {
				return append(out, "and more")
			}
			out = append(out, fmt.Sprintf("%d: %+v", at, o.of[at]))
		}
	}
	return out
}

// sameFree compares free space with what the kernel made of a copy, both ways
// and block by block, and says who had the blocks before recovery.
func sameFree(t *testing.T, fs *FS, copied string) (before *ownership) {
	t.Helper()
	free, err := fs.Free()
	must(t, err)
	after := openImage(t, copied)
	if !after.LogState().Clean {
		t.Fatalf("the kernel left %+v", after.LogState())
	}
	want := freeByDB(t, after, copied)
	before = ownersOf(t, fs)
	then := ownersOf(t, after)
	if both := free.Intersect(before.set(ownOther, ownTree, ownPast, ownMap, ownStaged, ownChunk)); len(both) > 0 {
		t.Errorf("free, and in use: %q", before.name(both))
	}
	// What is free here is free then. The kernel finishes its work with blocks
	// of its own, though: a tree that it has to make larger for that.
	if more := free.Subtract(want).Subtract(then.set(ownTree)); len(more) > 0 {
		t.Errorf("free here, but not after the kernel's recovery: %q", then.name(more))
	}
	// What the kernel gives back and is not free here has an owner here who
	// loses it, and no other.
	later := before.set(ownDeleted, ownChunk, ownPast, ownMap, ownStaged, ownTree)
	if less := want.Subtract(free).Subtract(later); len(less) > 0 {
		t.Errorf("free after the kernel's recovery, but not here: %q", before.name(less))
	}
	// And who is named here does lose it, unless a tree took it, or, past the
	// end of a file, it is still there.
	if kept := before.set(ownDeleted, ownStaged).Subtract(want).Subtract(then.set(ownTree)); len(kept) > 0 {
		t.Errorf("to be given back, but the kernel kept it: %q", then.name(kept))
	}
	if kept := before.set(ownPast).Subtract(want).Subtract(then.set(ownPast, ownTree)); len(kept) > 0 {
		t.Errorf("past the end of a file, but the kernel made something of it: %q", then.name(kept))
	}
	gone := want.Subtract(free)
	t.Logf("free: %d bytes; then also %d", free.Total(), gone.Total())
	for _, k := range []string{ownDeleted, ownChunk, ownPast, ownMap, ownStaged, ownTree} {
		if b := before.set(k); len(b) > 0 {
			t.Logf("%d of %d bytes of %s", gone.Intersect(b).Total(), b.Total(), k)
		}
	}
	t.Logf("%d bytes went to trees", free.Intersect(then.set(ownTree)).Total())
	return before
}

// TestFreeAfterRecovery leaves one of everything that has blocks when the
// machine stops and loses them when it starts again, and nothing of it to
// chance: files whose last extent begins before their end and reaches past it,
// chunks of nothing but deleted inodes, attributes, trees and links of such,
// and what was set aside for a copy on write.
func TestFreeAfterRecovery(t *testing.T) {
	for _, args := range [][]string{nil, {"-m", "rmapbt=1"}, {"-b", "size=1k"}, {"-m", "finobt=0", "-i", "sparse=0"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			img := mkfs(t, 512<<20, args...)
			dir, umount := mount(t, img, "rw,noatime,allocsize=1m")
			open := leaveBlocks(t, dir)
			crash(t, dir, true, func() {
				for _, f := range open {
					f.Close()
				}
				umount()
			})
			copied := copyImage(t, img)
			fs := recovered(t, img, copied)
			before := sameFree(t, fs, copied)
			for _, kind := range []string{ownDeleted, ownChunk, ownPast, ownStaged} {
				if len(before.set(kind)) == 0 {
					t.Errorf("there was nothing of %s", kind)
				}
			}
			if n := straddling(t, fs); n != 8 {
				t.Errorf("%d files have an extent on both sides of their end, want 8", n)
			}
			s := load(t, img)
			for _, x := range before.set(ownDeleted, ownPast, ownStaged) {
				s.write(x.Off, secret(int(x.Len)))
			}
			if n := len(s.marks(mark)); n < 1000 {
				t.Fatalf("%d marks", n)
			}
			_, err := newEditor(t, s).Scrub()
			must(t, err)
			if at := s.marks(mark); len(at) > 0 {
				t.Errorf("Scrub left marks at %v", at[:min(20, len(at))])
			}
			repairAgrees(t, s.save(t))
		})
	}
}

// leaveBlocks makes the files of TestFreeAfterRecovery. It returns those that
// have to be open when the file system stops.
func leaveBlocks(t *testing.T, dir string) (open []*os.File) {
	t.Helper()
	create := func(name string) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		must(t, err)
		open = append(open, f)
		return f
	}
	for k := range 8 { // allocsize reserves 1 MiB with the first byte
		for _, name := range []string{"past", "straddling"} {
			f := create(fmt.Sprintf("%s%d", name, k))
			_, err := f.Write([]byte("island"))
			must(t, err)
			must(t, f.Sync())
			if name == "straddling" { // into what was reserved
				must(t, f.Truncate(int64(20000+k*10001)))
				must(t, f.Sync())
			}
		}
	}
	must(t, os.WriteFile(dir+"/whole", noise(1<<20, 1), 0o644))
	must(t, os.Mkdir(dir+"/gone", 0o755))
	must(t, os.Mkdir(dir+"/stay", 0o755))
	wholeChunk(t, create)
	pieces := create("gone/pieces")
	for k := range int64(300) {
		_, err := pieces.WriteAt(noise(4096, 2), k*3*4096)
		must(t, err)
		must(t, unix.Fallocate(int(pieces.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, k*3*4096+4096, 8192))
	}
	for k := range 30 {
		must(t, unix.Fsetxattr(int(pieces.Fd()), fmt.Sprintf("user.x%d", k), noise(1000*k, 3), 0))
	}
	must(t, os.Symlink(strings.Repeat("links/", 150), dir+"/gone/link"))
	link, err := unix.Open(dir+"/gone/link", unix.O_PATH|unix.O_NOFOLLOW, 0)
	must(t, err)
	open = append(open, os.NewFile(uintptr(link), "link"))
	need.Run(t, "cp", "--reflink=always", dir+"/whole", dir+"/clone")
	clone, err := os.OpenFile(dir+"/clone", os.O_WRONLY, 0)
	must(t, err)
	open = append(open, clone)
	_, err = clone.WriteAt([]byte("other"), 500000)
	must(t, err)
	must(t, clone.Sync())
	need.Run(t, "sync", "-f", dir)
	must(t, os.RemoveAll(dir+"/gone"))
	return open
}

// wholeChunk makes files until some have all inodes of a chunk, and moves those
// into the folder that will be gone. As a chunk has one inode for each of the
// lists of deleted ones, none of these gets long.
func wholeChunk(t *testing.T, create func(string) *os.File) {
	t.Helper()
	chunks := map[uint64][]string{}
	for k := range 1000 {
		f := create(fmt.Sprintf("stay/file%d", k))
		var st unix.Stat_t
		must(t, unix.Fstat(int(f.Fd()), &st))
		of := st.Ino / chunkInodes
		if chunks[of] = append(chunks[of], f.Name()); len(chunks[of]) < chunkInodes {
			continue
		}
		for _, name := range chunks[of] {
			must(t, os.Rename(name, strings.Replace(name, "/stay/", "/gone/", 1)))
		}
		return
	}
	t.Fatal("1000 files, and none of their chunks is full")
}

// straddling counts the files that have an extent with blocks on both sides of
// their end.
func straddling(t *testing.T, fs *FS) (n int) {
	t.Helper()
	must(t, fs.eachInode(func(i *inode) error {
		if i.kind() != fsys.Regular {
			return nil
		}
		exts, err := i.dataFork().extentList()
		end := (i.size() + fs.blockSize - 1) / fs.blockSize * fs.blockSize
		for _, x := range exts {
			if x.logical < end && x.end() > end {
				n++
			}
		}
		return err
	}))
	return n
}
