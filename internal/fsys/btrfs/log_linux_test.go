package btrfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// TestLogLikeKernel changes files at random, with fsync now and then, takes a
// copy of the volume as a power cut would, and compares what the log replay
// here makes of it with what Linux makes of it.
func TestLogLikeKernel(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mkfs.btrfs", "btrfs", "mount")
	for i, v := range []variant{
		{name: "default", size: 256 << 20},
		{name: "mixed-holes-zstd", size: 256 << 20, mkfs: []string{"--mixed", "-n", "4096", "-O", "^no-holes"}, mount: "compress-force=zstd"},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			logRounds(t, v, uint64(i), 6)
		})
	}
}

// copyLogged copies a mounted image after a step that Linux logged. Whoever
// calls sync(2) on the machine, as dpkg does, makes Linux commit instead, and so
// do some steps: after the given number of tries the last copy is it.
func copyLogged(t *testing.T, img, to string, tries int, step func(try int)) {
	t.Helper()
	for try := range tries {
		step(try)
		need.Run(t, "cp", "--sparse=auto", img, to)
		if open(t, to).Describe().Replayed {
			return
		}
	}
}

func logRounds(t *testing.T, v variant, seed uint64, rounds int) {
	t.Helper()
	img := newImage(t, v)
	dir, done := mount(t, img, strings.TrimPrefix(v.mount+",commit=900", ","))
	s := &stress{filler: filler{t, dir, rand.New(rand.NewPCG(seed, 1))}}
	need.Run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(dir, "sub"))
	for i := range 6 {
		s.dirs = append(s.dirs, fmt.Sprintf("dir%d", i), fmt.Sprintf("sub/dir%d", i))
	}
	for _, d := range s.dirs {
		s.mkdir(d)
	}
	s.write("dir0/hub", []byte("linked"))
	for range 120 { // more names than one INODE_REF item holds at 4 KiB nodes
		s.relink()
	}
	var copies []string
	for i := range rounds {
		for range 60 {
			s.step()
		}
		need.Run(t, "sync", "-f", dir)
		for range 10 + s.r.IntN(40) {
			s.step()
			if s.r.IntN(4) == 0 {
				s.fsync()
			}
		}
		c := fmt.Sprintf("%s.%d", img, i)
		copyLogged(t, img, c, 20, func(int) { s.step(); s.fsync() })
		copies = append(copies, c)
	}
	done()
	replayed := 0
	for i, c := range copies {
		if likeKernelReplay(t, fmt.Sprintf("seed %d round %d", seed, i), c) {
			replayed++
		}
	}
	t.Logf("%d of %d copies had a log", replayed, len(copies))
	if replayed < rounds/2 {
		t.Errorf("only %d of %d copies had a log", replayed, len(copies))
	}
}

// likeKernelReplay compares what is read of a copy with what Linux makes of
// it, and removes it. It tells whether the copy had a log.
func likeKernelReplay(t *testing.T, what, img string) bool {
	t.Helper()
	ours := img + ".ours"
	need.Run(t, "cp", "--sparse=auto", img, ours)
	f := open(t, ours)
	d := f.Describe()
	if len(d.Problems) > 0 {
		t.Fatalf("%s: %v", what, d.Problems)
	}
	dir, done := mount(t, img, "subvolid=5")
	cmp := newComparison(t, f, ours)
	cmp.loose = true
	cmp.dir(f.Root(), dir)
	checkScan(t, f, cmp)
	done()
	if _, err := f.Free(); err != nil {
		t.Errorf("%s: Free: %v", what, err)
	}
	os.Remove(img)
	os.Remove(ours)
	if t.Failed() {
		t.Fatal(what)
	}
	return d.Replayed
}

// A logCase is committed after before, and logged by fsync of some names after
// after.
type logCase struct {
	name          string
	before, after func(x *filler)
	fsync         []string
}

func (x *filler) writeAt(name string, b []byte, off int64) {
	x.t.Helper()
	h, err := os.OpenFile(x.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	x.ok(err)
	_, err = h.WriteAt(b, off)
	x.ok(err)
	x.ok(h.Close())
}

func (x *filler) fallocate(name string, mode uint32, off, n int64) {
	x.t.Helper()
	h, err := os.OpenFile(x.path(name), os.O_RDWR, 0)
	x.ok(err)
	x.ok(unix.Fallocate(int(h.Fd()), mode, off, n))
	x.ok(h.Close())
}

func (x *filler) rename(a, b string) { x.t.Helper(); x.ok(os.Rename(x.path(a), x.path(b))) }
func (x *filler) link(a, b string)   { x.t.Helper(); x.ok(os.Link(x.path(a), x.path(b))) }
func (x *filler) remove(a string)    { x.t.Helper(); x.ok(os.Remove(x.path(a))) }

// fsync makes the names durable, in order.
func (x *filler) fsync(names ...string) {
	x.t.Helper()
	for _, name := range names {
		h, err := os.Open(x.path(name))
		x.ok(err)
		x.ok(h.Sync())
		x.ok(h.Close())
	}
}

var logCases = []logCase{
	{"links in a logged directory", func(x *filler) {
		x.write("foo", nil)
		x.write("bar", nil)
	}, func(x *filler) {
		x.link("bar", "bar2")
		x.link("foo", "foo2")
	}, []string{"bar"}},
	{"names removed from a directory", func(x *filler) {
		for i := range 30 {
			x.write(fmt.Sprintf("f%d", i), []byte("x"))
		}
	}, func(x *filler) {
		for i := range 10 {
			x.remove(fmt.Sprintf("f%d", i*3))
		}
		x.write("new", []byte("new"))
		x.write("unsynced", []byte("new"))
	}, []string{"new", "."}},
	{"attribute removed", func(x *filler) {
		x.write("f", []byte("x"))
		for i := range 9 {
			x.ok(unix.Setxattr(x.path("f"), fmt.Sprintf("user.%d", i), x.bytes(50), 0))
		}
		x.fsync("f")
	}, func(x *filler) {
		x.ok(unix.Removexattr(x.path("f"), "user.3"))
		x.ok(unix.Setxattr(x.path("f"), "user.4", []byte("other"), 0))
	}, []string{"f"}},
	{"extent overwritten in the middle", func(x *filler) {
		x.write("f", x.bytes(1<<20))
		x.fsync("f")
	}, func(x *filler) {
		x.fsync("f")
		x.writeAt("f", x.bytes(65536), 300<<10)
		x.writeAt("f", x.bytes(5000), 700001)
	}, []string{"f"}},
	{"hole in the middle", func(x *filler) {
		x.write("f", x.bytes(1<<20))
		x.fsync("f")
	}, func(x *filler) {
		x.fallocate("f", unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 100000, 500000)
	}, []string{"f"}},
	{"unwritten space half written", func(x *filler) {
		x.write("f", nil)
		x.fallocate("f", unix.FALLOC_FL_KEEP_SIZE, 0, 1<<20)
	}, func(x *filler) {
		x.writeAt("f", x.bytes(40000), 200000)
	}, []string{"f"}},
	{"file in a new directory", func(*filler) {}, func(x *filler) {
		x.mkdir("a/b/c")
		x.write("a/b/c/f", x.bytes(9000))
		x.write("a/unsynced", nil)
	}, []string{"a/b/c/f"}},
	{"file replaced by rename", func(x *filler) { x.write("f", []byte("old")) }, func(x *filler) {
		x.write("tmp", []byte("new content"))
		x.fsync("tmp")
		x.rename("tmp", "f")
	}, []string{"f"}},
	{"file made anew under its name", func(x *filler) { x.write("f", []byte("old")) }, func(x *filler) {
		x.rename("f", "g")
		x.write("f", []byte("other"))
	}, []string{"f"}},
	{"names swapped", func(x *filler) {
		x.write("a", []byte("a"))
		x.write("b", []byte("b"))
	}, func(x *filler) {
		x.rename("a", "c")
		x.rename("b", "a")
		x.rename("c", "b")
	}, []string{"a"}},
	{"cut and grown", func(x *filler) { x.write("f", x.bytes(300000)) }, func(x *filler) {
		x.ok(os.Truncate(x.path("f"), 100001))
		x.ok(os.Truncate(x.path("f"), 200000))
	}, []string{"f"}},
	{"cloned", func(x *filler) {
		x.write("a", x.bytes(500000))
		x.write("b", x.bytes(500000))
	}, func(x *filler) {
		a, err := os.Open(x.path("a"))
		x.ok(err)
		b, err := os.OpenFile(x.path("b"), os.O_RDWR, 0)
		x.ok(err)
		x.ok(unix.IoctlFileCloneRange(int(b.Fd()), &unix.FileCloneRange{
			Src_fd: int64(a.Fd()), Src_offset: 64 << 10, Src_length: 128 << 10, Dest_offset: 200 << 10}))
		x.ok(a.Close())
		x.ok(b.Close())
	}, []string{"b"}},
	{"one of two names removed", func(x *filler) {
		x.write("f", []byte("x"))
		x.link("f", "g")
		x.mkdir("d")
		x.link("f", "d/h")
	}, func(x *filler) {
		x.remove("g")
		x.ok(os.Chmod(x.path("f"), 0o400))
	}, []string{"f", "."}},
	{"symbolic link and odd files", func(x *filler) { x.write("f", nil) }, func(x *filler) {
		x.ok(os.Symlink("target", x.path("link")))
		x.ok(unix.Mkfifo(x.path("fifo"), 0o600))
		x.ok(os.Chtimes(x.path("f"), unixTime(5, 6), unixTime(7, 8)))
	}, []string{"f", "."}},
	{"directory moved", func(x *filler) {
		x.mkdir("from/d")
		x.mkdir("to")
		x.write("from/d/f", []byte("x"))
	}, func(x *filler) {
		x.rename("from/d", "to/e")
		x.writeAt("to/e/f", []byte("yy"), 0)
	}, []string{"to/e/f"}},
}

// TestLogCases compares the replay of logs that were made for one step each.
func TestLogCases(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mkfs.btrfs", "btrfs", "mount")
	img := newImage(t, variant{size: 128 << 20, mkfs: []string{"-m", "single"}})
	dir, done := mount(t, img, "commit=900")
	var copies []string
	for i, c := range logCases {
		copies = append(copies, fmt.Sprintf("%s.%d", img, i))
		copyLogged(t, img, copies[i], 3, func(try int) {
			x := &filler{t, filepath.Join(dir, fmt.Sprintf("%d-%d", i, try)), rand.New(rand.NewPCG(uint64(i), 1))}
			x.mkdir(".")
			c.before(x)
			need.Run(t, "sync", "-f", dir)
			c.after(x)
			x.fsync(c.fsync...)
		})
	}
	done()
	replayed := 0
	for i, c := range logCases {
		t.Run(c.name, func(t *testing.T) {
			if likeKernelReplay(t, c.name, copies[i]) {
				replayed++
			} else {
				t.Log("Linux committed instead of logging")
			}
		})
	}
	if replayed < len(logCases)*2/3 {
		t.Errorf("only %d of %d cases had a log", replayed, len(logCases))
	}
}

// TestLogNameOnly replays a name in a logged directory whose inode is not in
// the log. Linux' older releases wrote such logs; here the inode is taken out.
func TestLogNameOnly(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mkfs.btrfs", "btrfs", "mount")
	img := newImage(t, variant{size: 128 << 20, mkfs: []string{"-m", "single"}})
	dir, done := mount(t, img, "commit=900")
	x := &filler{t: t, dir: dir}
	c := logCases[0]
	cut := img + ".cut"
	copyLogged(t, img, cut, 20, func(int) {
		for _, name := range []string{"foo", "foo2", "bar", "bar2"} { // of the last try
			x.ok(os.RemoveAll(x.path(name)))
		}
		c.before(x)
		need.Run(t, "sync", "-f", dir)
		c.after(x)
		x.fsync(c.fsync...)
	})
	done()
	f := open(t, cut)
	foo := uint64(find(t, f, "foo"))
	top := root{id: logTreeID, bytenr: f.sb.logRoot, gen: f.sb.generation + 1, level: f.sb.logLevel}
	it, ok, err := f.get(top, key{logTreeID, rootItemKey, fsTreeID})
	if err != nil || !ok {
		t.Fatalf("no log: %v", err)
	}
	log, _, err := f.parseRoot(it)
	if err != nil || log.root.level != 0 {
		t.Fatalf("the log tree has more than a leaf: %v", err)
	}
	n, err := f.node(log.root.want())
	if err != nil {
		t.Fatal(err)
	}
	leaf := takeApart(n.b)
	before := len(leaf.items)
	leaf.items = slices.DeleteFunc(leaf.items, func(it item) bool { return it.key.objectid == foo })
	at, _ := f.chunks.physical(n.bytenr)
	h, err := os.OpenFile(cut, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.WriteAt(leaf.block(uint64(f.sb.nodesize)), at); err != nil || before == len(leaf.items) {
		t.Fatalf("nothing was taken out: %v", err)
	}
	if m, err := open(t, cut).Stat(find(t, open(t, cut), "foo2")); err != nil || m.Nlink != 2 {
		t.Errorf("foo2: %+v, %v", m, err)
	}
	if !likeKernelReplay(t, "a name only", cut) {
		t.Error("no log was replayed")
	}
}

// TestLogMutations is TestMutations on a volume whose log is not empty.
func TestLogMutations(t *testing.T) {
	need.Root(t)
	img := newImage(t, variant{size: 128 << 20, mkfs: []string{"-n", "4096", "-m", "single"}})
	dir, done := mount(t, img, "commit=900")
	s := &stress{filler: filler{t, dir, rand.New(rand.NewPCG(5, 5))}, dirs: []string{"d1", "d2"}}
	s.mkdir("d1")
	s.mkdir("d2")
	for range 40 {
		s.step()
	}
	need.Run(t, "sync", "-f", dir)
	logged := img + ".logged"
	copyLogged(t, img, logged, 20, func(int) {
		for range 20 {
			s.step()
			s.fsync()
		}
	})
	b, err := os.ReadFile(logged)
	if err != nil {
		t.Fatal(err)
	}
	done()
	p := load(t, bytes.NewReader(b))
	if f, err := Open(p, p.size); err != nil || !f.Describe().Replayed {
		t.Fatalf("no log was replayed: %v", err)
	}
	mutate(t, p, 1500)
}

// TestDeletedSubvolume takes a volume whose deleted subvolume Linux has not
// cleaned up: that is said, and the name is gone.
func TestDeletedSubvolume(t *testing.T) {
	need.Root(t)
	img := newImage(t, variant{size: 128 << 20, mkfs: []string{"-n", "4096", "-m", "single"}})
	dir, done := mount(t, img, "")
	need.Run(t, "btrfs", "-q", "subvolume", "create", filepath.Join(dir, "sub"))
	if err := os.WriteFile(filepath.Join(dir, "sub/file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	done()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, bytes.NewReader(b))
	f := openPatched(t, p)
	it, ok, err := f.floor(f.trees[rootTreeID], key{f.subvols[1].root.id, rootItemKey, ^uint64(0)})
	if err != nil || !ok {
		t.Fatal(err)
	}
	at := f.where(it) + 216 // btrfs_root_item.refs
	p.set(at, 0)
	mend(p.pages[at&^(pageSize-1)])
	f = openPatched(t, p)
	if d := f.Describe(); len(d.Problems) != 1 || !strings.Contains(d.Problems[0].Detail, "deleted") || len(f.Subvolumes()) != 1 {
		t.Errorf("%+v, subvolumes %v", d, f.Subvolumes())
	}
	names := 0
	if err := f.ReadDir(find(t, f, "sub"), func(fsys.Entry) error { names++; return nil }); err != nil || names > 0 {
		t.Errorf("%d names, %v", names, err)
	}
}

// A stress changes files at random. Errors of single steps do not matter.
type stress struct {
	filler
	dirs []string
}

func (s *stress) name() string {
	return s.path(fmt.Sprintf("%s/f%d", s.dirs[s.r.IntN(len(s.dirs))], s.r.IntN(8)))
}

// two names two files in the same subvolume, now and then in one directory.
func (s *stress) two() (a, b string) {
	i := s.r.IntN(len(s.dirs))
	j := (i + 2*s.r.IntN(len(s.dirs)/2)) % len(s.dirs)
	return s.path(fmt.Sprintf("%s/f%d", s.dirs[i], s.r.IntN(8))), s.path(fmt.Sprintf("%s/f%d", s.dirs[j], s.r.IntN(8)))
}

func (s *stress) step() {
	name := s.name()
	a, b := s.two()
	switch s.r.IntN(17) {
	case 16:
		s.relink()
	case 0, 1, 2:
		os.WriteFile(name, s.bytes(s.r.IntN(1<<s.r.IntN(18)+1)), 0o644)
	case 3, 4:
		if h, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
			h.WriteAt(s.bytes(s.r.IntN(50000)), int64(s.r.IntN(1<<20)))
			if s.r.IntN(3) == 0 {
				h.Sync()
			}
			h.Close()
		}
	case 5:
		os.Truncate(name, int64(s.r.IntN(1<<18)))
	case 6, 7:
		os.Rename(a, b)
	case 8:
		os.Remove(name)
	case 9, 10:
		os.Link(a, b)
	case 11:
		os.Symlink(a, b)
	case 12:
		if s.r.IntN(2) == 0 {
			unix.Setxattr(name, fmt.Sprintf("user.k%d", s.r.IntN(4)), s.bytes(s.r.IntN(900)), 0)
		} else {
			unix.Removexattr(name, fmt.Sprintf("user.k%d", s.r.IntN(4)))
		}
	case 13:
		if h, err := os.OpenFile(name, os.O_RDWR, 0); err == nil {
			mode := []uint32{0, unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE, unix.FALLOC_FL_ZERO_RANGE}[s.r.IntN(4)]
			unix.Fallocate(int(h.Fd()), mode, int64(s.r.IntN(1<<19)), int64(1+s.r.IntN(1<<17)))
			h.Close()
		}
	case 14:
		s.clone(a, b)
	case 15:
		if os.Mkdir(name, 0o700) == nil {
			os.WriteFile(name+"/inside", s.bytes(100), 0o600)
		}
	}
}

// relink makes or removes one of many names of one file.
func (s *stress) relink() {
	hub := s.path("dir0/hub")
	name := fmt.Sprintf("%s-%s-%d", hub, strings.Repeat("x", 40), s.r.IntN(200))
	if os.Link(hub, name) != nil {
		os.Remove(name)
	}
	if s.r.IntN(4) == 0 {
		if h, err := os.Open(hub); err == nil {
			h.Sync()
			h.Close()
		}
	}
}

func (s *stress) clone(a, b string) {
	x, err := os.Open(a)
	if err != nil {
		return
	}
	defer x.Close()
	y, err := os.OpenFile(b, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	defer y.Close()
	unix.IoctlFileClone(int(y.Fd()), int(x.Fd()))
}

// fsync of a file or directory that exists.
func (s *stress) fsync() {
	for range 20 {
		name := s.name()
		if s.r.IntN(4) == 0 {
			name = filepath.Dir(name)
		}
		st, err := os.Lstat(name)
		if err != nil || !st.Mode().IsRegular() && !st.IsDir() {
			continue
		}
		if h, err := os.Open(name); err == nil {
			h.Sync()
			h.Close()
			return
		}
	}
}
