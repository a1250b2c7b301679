package btrfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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
		s.fsync()
		c := fmt.Sprintf("%s.%d", img, i)
		need.Run(t, "cp", "--sparse=auto", img, c)
		copies = append(copies, c)
	}
	done()
	replayed := 0
	for i, c := range copies {
		ours := c + ".ours"
		need.Run(t, "cp", "--sparse=auto", c, ours)
		f := open(t, ours)
		d := f.Describe()
		if len(d.Problems) > 0 {
			t.Errorf("seed %d round %d: %v", seed, i, d.Problems)
			continue
		}
		if d.Replayed {
			replayed++
		}
		dir, done := mount(t, c, "subvolid=5")
		cmp := newComparison(t, f, ours)
		cmp.loose = true
		cmp.dir(f.Root(), dir)
		checkScan(t, f, cmp)
		done()
		if _, err := f.Free(); err != nil {
			t.Errorf("seed %d round %d: Free: %v", seed, i, err)
		}
		os.Remove(c)
		os.Remove(ours)
		if t.Failed() {
			t.Fatalf("seed %d round %d", seed, i)
		}
	}
	t.Logf("%d of %d copies had a log", replayed, len(copies))
	if replayed < rounds/2 {
		t.Errorf("only %d of %d copies had a log", replayed, len(copies))
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
	for range 20 {
		s.step()
		s.fsync()
	}
	b, err := os.ReadFile(img)
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
	switch s.r.IntN(16) {
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
