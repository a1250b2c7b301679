package ext4

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
)

// A memPatch is a volume in memory that can be changed.
type memPatch struct{ b []byte }

func (m *memPatch) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off)
}

func (m *memPatch) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off+int64(len(p)) > int64(len(m.b)) {
		return 0, fmt.Errorf("write of %d bytes at %d", len(p), off)
	}
	return copy(m.b[off:], p), nil
}

func (m *memPatch) Zero(off, n int64) error {
	if off < 0 || n < 0 || off > int64(len(m.b)) || n > int64(len(m.b))-off {
		return fmt.Errorf("zero of %d bytes at %d", n, off)
	}
	clear(m.b[off : off+n])
	return nil
}

// editor opens the image at path in memory.
func editor(t testing.TB, img string) (*Editor, *memPatch) {
	t.Helper()
	b, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	p := &memPatch{b}
	e, err := NewEditor(p, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return e, p
}

// writeOut writes the volume to a file, with holes where it is zero.
func (m *memPatch) writeOut(t testing.TB, to string) {
	t.Helper()
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const step = 64 << 10
	for off := 0; off < len(m.b); off += step {
		if b := m.b[off:min(off+step, len(m.b))]; !allZero(b) {
			if _, err := f.WriteAt(b, int64(off)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Truncate(int64(len(m.b))); err != nil {
		t.Fatal(err)
	}
}

// fsckClean wants e2fsck to find nothing.
func fsckClean(t testing.TB, img, when string) {
	t.Helper()
	out, err := exec.Command(need.Tool(t, "e2fsck"), "-fn", img).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("? no")) {
		t.Fatalf("e2fsck %s: %v\n%s", when, err, out[:min(len(out), 4000)])
	}
}

// counted wants the counts of the superblock, which e2fsck corrects in silence,
// to be those of the bitmaps.
func counted(t testing.TB, f *FS, img string) {
	t.Helper()
	out := need.Run(t, "dumpe2fs", "-h", img)
	free, err := f.Free()
	if want := field(t, out, "Free blocks") * f.bs; err != nil || free.Total() != want {
		t.Errorf("%d bytes are free, the superblock says %d; %v", free.Total(), want, err)
	}
	unused, err := f.UnusedInodes()
	if want := field(t, out, "Free inodes") * int64(f.inodeSize); err != nil || unused.Total() != want {
		t.Errorf("%d bytes of inodes are free, the superblock says %d; %v", unused.Total(), want, err)
	}
}

// Marks are planted as MRK, a letter and six digits: C in contents, N in names,
// X in attributes, L in the targets of links.
func mark(class byte, id int) string { return fmt.Sprintf("MRK%c%06d", class, id) }

var markShape = regexp.MustCompile(`^MRK[CNXL][0-9]{6}$`)

// marksIn lists the marks in b, and one place of each.
func marksIn(b []byte) map[string]int {
	out := map[string]int{}
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("MRK"))
		if i < 0 || at+i+10 > len(b) {
			return out
		}
		at += i
		if markShape.Match(b[at : at+10]) {
			out[string(b[at:at+10])] = at
		}
		at += 3
	}
}

// A garden is a tree with marks, as the kernel shows it, and what is to become
// of it.
type garden struct {
	t       testing.TB
	rng     *rand.Rand
	dir     string
	bs      int64
	next    int
	maxSize int
}

func (g *garden) id() int { g.next++; return g.next }

func (g *garden) must(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *garden) content(n int) []byte {
	line := mark('C', g.id()) + "\n"
	return bytes.Repeat([]byte(line), n/len(line)+1)[:n]
}

func (g *garden) name(dir string) string {
	return filepath.Join(dir, mark('N', g.id())+strings.Repeat("n", g.rng.IntN(40)))
}

func (g *garden) size() int {
	switch g.rng.IntN(8) {
	case 0:
		return g.rng.IntN(61)
	case 1, 2:
		return g.rng.IntN(300)
	case 3, 4:
		return g.rng.IntN(9000)
	case 5:
		return int(g.bs) * g.rng.IntN(20)
	case 6:
		return g.rng.IntN(g.maxSize)
	}
	return g.rng.IntN(3 * int(g.bs))
}

// plant fills dir through the kernel.
func plant(t testing.TB, dir string, rng *rand.Rand, files int) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	g := &garden{t: t, rng: rng, dir: dir, bs: st.Bsize, maxSize: 400 << 10}
	dirs := []string{dir}
	for range 4 + rng.IntN(10) {
		d := g.name(dirs[rng.IntN(len(dirs))])
		g.must(os.Mkdir(d, 0o755))
		dirs = append(dirs, d)
	}
	big := filepath.Join(dir, "big")
	g.must(os.Mkdir(big, 0o755))
	for range rng.IntN(files * 4) {
		g.must(os.WriteFile(g.name(big), nil, 0o644))
	}
	shared := bytes.Repeat([]byte(mark('X', g.id())), 40)
	var all []string
	for range files {
		d := dirs[rng.IntN(len(dirs))]
		if rng.IntN(6) == 0 {
			d = big
		}
		p := g.name(d)
		g.file(p)
		switch rng.IntN(8) {
		case 0:
			_ = unix.Setxattr(p, "user.s", []byte(mark('X', g.id())), 0)
		case 1:
			_ = unix.Setxattr(p, "user.block", bytes.Repeat([]byte(mark('X', g.id())), 10+rng.IntN(70)), 0)
		case 2:
			_ = unix.Setxattr(p, "user.shared", shared, 0)
		case 3:
			huge := bytes.Repeat([]byte(mark('X', g.id())), 1000)
			if rng.IntN(2) == 0 {
				huge = bytes.Repeat(shared, 25)
			}
			_ = unix.Setxattr(p, "user.huge", huge, 0)
		case 4:
			_ = unix.Setxattr(p, "user.gone", []byte(mark('X', g.id())), 0)
			_ = unix.Removexattr(p, "user.gone")
		}
		all = append(all, p)
	}
	for range files / 5 {
		d, p := dirs[rng.IntN(len(dirs))], all[rng.IntN(len(all))]
		switch rng.IntN(6) {
		case 0:
			g.must(os.Link(p, g.name(d)))
		case 1:
			g.must(os.Symlink(mark('L', g.id())+strings.Repeat("l", rng.IntN(49)), g.name(d)))
		case 2:
			g.must(os.Symlink(mark('L', g.id())+strings.Repeat("l", 60+rng.IntN(800)), g.name(d)))
		case 3:
			g.must(unix.Mknod(g.name(d), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))
		case 4:
			g.must(unix.Mknod(g.name(d), unix.S_IFIFO|0o600, 0))
		case 5:
			g.must(os.Mkdir(g.name(d), 0o700))
		}
	}
	if f, err := os.Open(dir); err == nil { // so that it is on the disk before it goes
		_ = unix.Syncfs(int(f.Fd()))
		f.Close()
	}
	for i, p := range all { // residue
		switch i % 9 {
		case 0:
			g.must(os.Remove(p))
		case 1:
			q := g.name(path.Dir(p))
			g.must(os.Rename(p, q))
		case 2:
			if st, err := os.Stat(p); err == nil {
				g.must(os.Truncate(p, st.Size()/3))
			}
		}
	}
}

// file makes one regular file: plain, with holes, in pieces, or preallocated.
func (g *garden) file(p string) {
	f, err := os.Create(p)
	g.must(err)
	defer f.Close()
	b := g.content(g.size())
	switch g.rng.IntN(10) {
	case 0: // holes
		for i := 0; i+2000 < len(b); i += 3 * int(g.bs) {
			_, err = f.WriteAt(b[i:i+2000], int64(i))
			g.must(err)
		}
		g.must(f.Truncate(int64(len(b))))
	case 1: // many extents
		for i := range g.rng.IntN(200) {
			_, err = f.WriteAt(b[:min(len(b), 500)], int64(i)*2*g.bs)
			g.must(err)
		}
	case 2:
		_, err = f.Write(b)
		g.must(err)
		_ = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, int64(len(b)), 5*g.bs)
	case 3:
		_ = unix.Fallocate(int(f.Fd()), 0, 0, int64(len(b))+g.bs)
		_, err = f.WriteAt(b[:len(b)/2], 0)
		g.must(err)
	default:
		_, err = f.Write(b)
		g.must(err)
	}
}

// editVariants are the file systems that can be edited, and small.
var editVariants = func() (out []variant) {
	for _, v := range slices.Concat(variants, []variant{
		{"large-dir-1k", []string{"-t", "ext4", "-b", "1024", "-O", "large_dir,^has_journal"}, 0},
		{"64bit-nosum-i128", []string{"-t", "ext4", "-O", "64bit,^metadata_csum,^uninit_bg", "-I", "128"}, 0},
	}) {
		if v.size = 48; !strings.HasPrefix(v.name, "bigalloc") {
			out = append(out, v)
		}
	}
	return out
}()

// envInt is a number from the environment.
func envInt(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// editRandomly makes a file system, fills it, edits it, and has it judged.
func editRandomly(t testing.TB, v variant, seed uint64, files int) (img string, p *plan) {
	rng := rand.New(rand.NewPCG(seed, 77))
	img = mkfs(t, v)
	dir, unmount := mount(t, img, "rw")
	plant(t, dir, rng, files)
	unmount()
	e, patch := editor(t, img)
	p = &plan{t: t, rng: rng, e: e, p: patch, want: oursOf(t, e.FS), did: map[string]int{}}
	dir, unmount = mount(t, img, "ro")
	compare(t, p.want, theirsOf(t, dir))
	unmount()
	p.run()
	out := img + ".out"
	p.finish(out)
	dir, unmount = mount(t, out, "ro")
	compare(t, p.want, theirsOf(t, dir))
	unmount()
	return out, p
}

// TestEdit edits each variant at random.
func TestEdit(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "e2fsck")
	for i, v := range editVariants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			out, p := editRandomly(t, v, uint64(i), 100)
			t.Log(p.did)
			if i%4 == 0 {
				heavyUse(t, out)
			}
		})
	}
}

// TestEditSoak edits many file systems, if ASSAY_SOAK is set: ASSAY_SEEDS of
// them, from ASSAY_SEED on, every fourth a snapshot of a mounted one.
func TestEditSoak(t *testing.T) {
	if os.Getenv("ASSAY_SOAK") == "" {
		t.Skip("runs with ASSAY_SOAK=1")
	}
	need.Root(t)
	first, seeds := envInt("ASSAY_SEED", 1000), envInt("ASSAY_SEEDS", 100)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 3))
			if seed%4 == 3 {
				if c := dirtyCases[rng.IntN(len(dirtyCases))]; c.name != "bigalloc" {
					editDirty(t, c.variant, c.opts, uint64(seed))
				}
				return
			}
			out, _ := editRandomly(t, editVariants[rng.IntN(len(editVariants))], uint64(seed), 10+rng.IntN(200))
			if seed%8 == 0 {
				heavyUse(t, out)
			}
		})
	}
}

// heavyUse lets the kernel work on an edited file system.
func heavyUse(t *testing.T, img string) {
	t.Helper()
	dir, unmount := mount(t, img, "rw")
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for i, n := range names {
		if st, err := os.Stat(n); err != nil || !st.Mode().IsRegular() {
			continue
		}
		f, err := os.OpenFile(n, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{byte(i)}), int64(i*777)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		_ = unix.Setxattr(n, "user.later", bytes.Repeat([]byte("later"), 20), 0)
	}
	for i := range 300 {
		d := filepath.Join(dir, fmt.Sprintf("new%d", i%7))
		os.MkdirAll(d, 0o755)
		if err := os.WriteFile(filepath.Join(d, strings.Repeat("w", i%100)+fmt.Sprint(i)), make([]byte, i*97), 0o600); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, "big", fmt.Sprintf("later%d", i)), nil, 0o600)
	}
	os.RemoveAll(filepath.Join(dir, "new3"))
	os.RemoveAll(filepath.Join(dir, "big"))
	unmount()
	fsckClean(t, img, "after use by the kernel")
}

// TestRemoveAll removes everything from file systems in which nothing was ever
// deleted, or blanks all files first: what was theirs is zero without Scrub.
func TestRemoveAll(t *testing.T) {
	need.Tool(t, "mke2fs", "e2fsck")
	tree := filepath.Join(t.TempDir(), "tree")
	for i := range 120 {
		d := filepath.Join(tree, mark('N', 1000+i/20))
		os.MkdirAll(d, 0o755)
		p := filepath.Join(d, mark('N', i))
		if i%5 == 4 {
			os.Symlink(strings.Repeat(mark('L', i), i%13+1), p)
		} else if err := os.WriteFile(p, bytes.Repeat([]byte(mark('C', i)), i*i/8), 0o600); err != nil {
			t.Fatal(err)
		}
		err := unix.Lsetxattr(p, "user.x", bytes.Repeat([]byte(mark('X', i)), i%50), 0)
		need.That(t, err == nil || i%5 == 4, "the file system of %s takes no attributes: %v", tree, err)
	}
	for _, v := range []variant{
		{"ext4", []string{"-t", "ext4"}, 24},
		{"ext3", []string{"-t", "ext3"}, 24},
		{"inline", []string{"-t", "ext4", "-O", "inline_data", "-I", "1024"}, 24},
	} {
		for _, how := range []string{"remove", "blank"} {
			t.Run(v.name+"-"+how, func(t *testing.T) {
				img := mkfs(t, v, "-d", tree)
				e, patch := editor(t, img)
				p := &plan{t: t, rng: rand.New(rand.NewPCG(1, 1)), e: e, p: patch, want: oursOf(t, e.FS), did: map[string]int{}}
				for _, name := range slices.Sorted(maps.Keys(p.want)) {
					switch x, ok := p.want[name]; {
					case !ok || name == "" || name == "/lost+found":
					case how == "remove":
						p.remove(name)
					case x.meta.Kind == fsys.Regular:
						p.must("Blank", name, e.Blank(p.node(name)))
					}
				}
				for m, at := range marksIn(patch.b) {
					if how == "remove" || m[3] == 'C' {
						t.Errorf("%s is left at byte %d", m, at)
					}
				}
				patch.writeOut(t, img)
				fsckClean(t, img, "after all")
				counted(t, e.FS, img)
			})
		}
	}
}

// TestEditUsedDisk makes file systems on disks full of marks, and looks where
// marks are left after Scrub.
func TestEditUsedDisk(t *testing.T) {
	need.Tool(t, "mke2fs", "e2fsck", "resize2fs")
	for _, v := range []variant{
		{"ext4", []string{"-t", "ext4"}, 64},
		{"4k", []string{"-t", "ext4", "-b", "4096"}, 150},
		{"ext2", []string{"-t", "ext2"}, 32},
		{"inline", []string{"-t", "ext4", "-O", "inline_data"}, 32},
	} {
		t.Run(v.name, func(t *testing.T) {
			tree := sourceTree(t)
			img := filepath.Join(t.TempDir(), "fs.img")
			dirt := bytes.Repeat([]byte(mark('C', 1)+"\n"), int(v.size)<<20/11+1)[:v.size<<20]
			if err := os.WriteFile(img, dirt, 0o600); err != nil {
				t.Fatal(err)
			}
			need.Run(t, "mke2fs", append(append([]string{"-q", "-F", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1", "-d", tree}, v.args...), img)...)
			e, p := editor(t, img)
			if _, err := e.Scrub(); err != nil {
				t.Fatal(err)
			}
			p.writeOut(t, img)
			fsckClean(t, img, "after Scrub")
			left := map[int64]bool{}
			for at := 0; ; at++ {
				i := bytes.Index(p.b[at:], []byte(mark('C', 1)))
				if i < 0 {
					break
				}
				at += i
				left[int64(at)/e.bs] = true
			}
			if err := os.Truncate(img, int64(len(p.b))+v.size<<18); err != nil { // room in which the reserved blocks are used
				t.Fatal(err)
			}
			need.Run(t, "resize2fs", img)
			fsckClean(t, img, "after resize2fs")
			if len(left) > 0 {
				t.Errorf("marks are left in %d blocks: %v", len(left), slices.Sorted(maps.Keys(left))[:min(len(left), 20)])
			}
		})
	}
}
