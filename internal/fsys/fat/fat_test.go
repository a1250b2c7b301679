package fat

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/need"
)

const mib = 1 << 20

// mtool runs one of the mtools on an image, in UTF-8 and UTC.
func mtool(t testing.TB, image string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(need.Tool(t, argv[0]), append([]string{"-i", image}, argv[1:]...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC", "MTOOLS_SKIP_CHECK=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%q: %v\n%s%s", argv, err, out.String(), errs.String())
	}
	return out.String()
}

// mkfs makes an image; args go to mkfs.fat.
func mkfs(t testing.TB, size int64, args ...string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "img")
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(p, size); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mkfs.fat", append(args, p)...)
	return p
}

func open(t testing.TB, p string) *FS {
	t.Helper()
	h, err := os.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	st, err := h.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(h, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A fact is what a test compares of one file.
type fact struct {
	dir   bool
	size  int64
	mtime int64
	sum   [32]byte
}

// ours walks a file system and reads everything.
func ours(t testing.TB, f *FS) map[string]fact {
	t.Helper()
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", FS: f, Root: f.Root()})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]fact{}
	err = tree.Walk("/", func(name string, p fsys.Place, e fsys.Entry, err error) error {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		m, err := f.Stat(p.Node)
		if err != nil || m.Kind != e.Kind || m.Inode != uint64(p.Node) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		x := fact{dir: e.Kind == fsys.Directory, mtime: m.Mtime.Sec}
		if _, dup := out[name]; dup {
			t.Errorf("%s comes twice", name)
		}
		if !x.dir {
			h, err := f.Open(p.Node)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return nil
			}
			x.size = m.Size
			x.sum = sum(t, io.NewSectionReader(h, 0, h.Size()))
			byExtents(t, f, p.Node, x)
		}
		out[name] = x
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

// byExtents reads a file where Extents says that it is.
func byExtents(t testing.TB, f *FS, n fsys.Node, want fact) {
	t.Helper()
	es, err := f.Extents(n)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	left := want.size
	for _, e := range es {
		k := min(left, e.Len)
		if _, err := io.Copy(h, io.NewSectionReader(f.r, e.Physical, k)); err != nil {
			t.Fatal(err)
		}
		left -= k
	}
	if left != 0 || [32]byte(h.Sum(nil)) != want.sum {
		t.Errorf("node %d: extents %v show other bytes", n, es)
	}
}

func sum(t testing.TB, r io.Reader) [32]byte {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Error(err)
	}
	return [32]byte(h.Sum(nil))
}

// theirs lets mcopy take everything out, and reads that.
func theirs(t testing.TB, image string) map[string]fact {
	t.Helper()
	dir := t.TempDir()
	mtool(t, image, "mcopy", "-s", "-m", "-n", "-Q", "::", dir)
	out := map[string]fact{}
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		x := fact{dir: e.IsDir(), mtime: st.ModTime().Unix()}
		if !x.dir {
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			x.size, x.sum = st.Size(), sha256.Sum256(b)
		}
		out[strings.TrimPrefix(p, dir)] = x
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compare(t testing.TB, image string) map[string]fact {
	t.Helper()
	got, want := ours(t, open(t, image)), theirs(t, image)
	for name, w := range want {
		g, ok := got[name]
		if w.dir {
			w.mtime = g.mtime // mcopy does not keep those of directories
		}
		if !ok || g != w {
			t.Errorf("%q: %+v, mtools has %+v (found: %v)", name, g, w, ok)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("mtools has no %q", name)
		}
	}
	return got
}

// tree makes files of every kind below a folder of the host.
func tree(t testing.TB, r *rand.Rand, budget int, many int) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, n int) {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Date(1985+r.IntN(100), 1+time.Month(r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), 2*r.IntN(30), 0, time.UTC)
		if err := os.Chtimes(p, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"UPPER.TXT", "lower.txt", "Mixed.Txt", "noext", "x.Y", ".hidden", "two.dots.gz", "trailing space .x",
		"plus+[equal]=.a", "thirteen_char", "thirteen_chars", "twentysix_characters_exact", strings.Repeat("L", 255), strings.Repeat("é", 127), "中文文件名", "日本語/ファイル.txt",
		"EFI/BOOT/BOOTX64.EFI", "d1/d2/d3/d4/d5/d6/d7/d8/d9/d10/d11/d12/deep"} {
		write(name, r.IntN(1000))
	}
	write("empty", 0)
	write("one", 1)
	write("large", budget/3)
	for i := range many {
		write(fmt.Sprintf("many/a long name with number %d and ünïcödé 文 %d", i, r.IntN(1000)), r.IntN(600))
	}
	return dir
}

func fill(t testing.TB, image, dir string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{"mcopy", "-s", "-m", "-Q"}
	for _, e := range es {
		argv = append(argv, filepath.Join(dir, e.Name()))
	}
	mtool(t, image, append(argv, "::")...)
}

// TestAgainstMtools compares names, kinds, sizes, times and contents of all
// files with what mcopy gets, on every kind and size of file system.
func TestAgainstMtools(t *testing.T) {
	need.Tool(t, "mcopy", "mkfs.fat", "fsck.fat")
	for _, c := range []struct {
		size int64
		many int
		bits int
		args string
	}{
		{1440 << 10, 30, 12, "-F 12"},
		{4 * mib, 100, 12, "-F 12 -s 8"},
		{2 * mib, 100, 12, "-F 12 -s 1 -f 1"}, // about 4084 clusters
		{16 * mib, 500, 16, "-F 16"},
		{31 * mib, 100, 16, "-F 16 -s 1"},
		{64 * mib, 50, 16, "-F 16 -S 4096"},
		{64 * mib, 500, 32, "-F 32 -s 1"},
		{40 * mib, 50, 32, "-F 32"}, // fewer clusters than Microsoft allows
		{300 * mib, 50, 32, "-F 32 -S 4096 -s 1 -n LABEL"},
		{300 * mib, 20, 32, "-F 32 -S 2048 -s 2 -R 64"},
	} {
		t.Run(fmt.Sprint(c.size>>10, "K ", c.args), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(c.size), uint64(c.many)))
			image := mkfs(t, c.size, strings.Fields(c.args)...)
			fill(t, image, tree(t, r, int(min(c.size/4, 2*mib)), c.many))
			got := compare(t, image)
			if len(got) < c.many+30 {
				t.Errorf("only %d files", len(got))
			}
			f := open(t, image)
			if f.g.bits != c.bits {
				t.Errorf("it is a FAT%d", f.g.bits)
			}
			free(t, f, image)
		})
	}
}

// free compares the free space with fsck.fat's and mdir's figures, and checks
// that no file is in it.
func free(t testing.TB, f *FS, image string) {
	t.Helper()
	set, err := f.Free()
	if err != nil {
		t.Fatal(err)
	}
	out := need.Run(t, "fsck.fat", "-n", "-v", image)
	i := strings.LastIndex(out, "files, ")
	var used, total int64
	if _, err := fmt.Sscanf(out[i:], "files, %d/%d clusters", &used, &total); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := set.Total() / f.g.cluster; got != total-used || int64(f.g.clusters) != total {
		t.Errorf("%d of %d clusters are free, fsck.fat says %d of %d", got, f.g.clusters, total-used, total)
	}
}

// TestFragments interleaves files, so that hardly two clusters of one are
// neighbours, and deletes some.
func TestFragments(t *testing.T) {
	image := mkfs(t, 16*mib, "-F", "16", "-s", "1")
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 400 {
		b := make([]byte, 512*(1+r.IntN(8)))
		b[0], b[len(b)-1] = byte(i), 1
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d", i)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	big := make([]byte, 3*mib)
	for i := range big {
		big[i] = byte(r.Uint32())
	}
	fill(t, image, dir)
	var odd []string
	for i := 1; i < 400; i += 2 {
		odd = append(odd, fmt.Sprintf("::f%03d", i))
	}
	mtool(t, image, append([]string{"mdel"}, odd...)...)
	p := filepath.Join(t.TempDir(), "fragmented")
	if err := os.WriteFile(p, big, 0o600); err != nil {
		t.Fatal(err)
	}
	// mtools looks for free space from the hint on: let it begin anew
	mtool(t, image, "mcopy", p, "::")
	got := compare(t, image)
	if len(got) != 201 {
		t.Errorf("%d files", len(got))
	}
	f := open(t, image)
	free(t, f, image)
	var most int
	_ = f.ReadDir(f.Root(), func(e fsys.Entry) error {
		es, err := f.Extents(e.Node)
		if err != nil {
			t.Error(err)
		}
		most = max(most, len(es))
		return nil
	})
	if most < 50 {
		t.Errorf("the most fragmented file has %d extents", most)
	}
}

func TestDescribe(t *testing.T) {
	f := open(t, mkfs(t, 64*mib, "-F", "32", "-n", "MY DISK", "-i", "0012abcd"))
	d := f.Describe()
	if d.Type != "vfat" || d.UUID != "0012-ABCD" || d.Label != "MY DISK" || d.Size != 64*mib || len(d.Problems) > 0 {
		t.Errorf("%+v", d)
	}
	if es, err := os.ReadFile(mkfs(t, 2*mib)); err != nil {
		t.Error(err)
	} else if f, err := Open(bytes.NewReader(es[:mib]), mib); err != nil || len(f.Describe().Problems) != 1 {
		t.Errorf("a truncated volume: %+v, %v", f, err)
	} else if _, err := f.Free(); err == nil {
		t.Error("the free space of a truncated volume is trusted")
	}
}

// small makes a FAT16 with two files of four clusters each and a folder, and
// returns its bytes.
func small(t testing.TB) (b []byte, f *FS, nodes map[string]fsys.Node) {
	t.Helper()
	image := mkfs(t, 8*mib, "-F", "16", "-s", "1")
	dir := t.TempDir()
	for _, n := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, n), bytes.Repeat([]byte(n), 2048), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	fill(t, image, dir)
	b, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	f, nodes = reopen(t, b)
	return b, f, nodes
}

func reopen(t testing.TB, b []byte) (*FS, map[string]fsys.Node) {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]fsys.Node{}
	if err := f.ReadDir(f.Root(), func(e fsys.Entry) error { nodes[e.Name] = e.Node; return nil }); err != nil {
		t.Fatal(err)
	}
	return f, nodes
}

// TestBrokenChains: every damage gives an error that names a byte, and what
// comes before it can still be read.
func TestBrokenChains(t *testing.T) {
	good, f, nodes := small(t)
	a, b := nodes["a"], nodes["b"]
	start := func(n fsys.Node) uint32 { return uint32(binary.LittleEndian.Uint16(good[n+26:])) }
	set := func(img []byte, cluster, value uint32) {
		for _, fat := range f.g.fats {
			binary.LittleEndian.PutUint16(img[fat+int64(cluster)*2:], uint16(value))
		}
	}
	for name, c := range map[string]struct {
		damage   func(img []byte)
		readable int64 // bytes of file a
		offset   int64 // in the error of reading a; 0 when it can be read
		free     string
	}{
		"loop":       {func(img []byte) { set(img, start(a)+2, start(a)+1) }, 0, f.g.entryAt(start(a) + 2), "loop"},
		"self":       {func(img []byte) { set(img, start(a), start(a)) }, 0, f.g.entryAt(start(a)), "loop"},
		"free":       {func(img []byte) { set(img, start(a)+1, 0) }, 1024, f.g.entryAt(start(a) + 1), "followed by 0"},
		"range":      {func(img []byte) { set(img, start(a)+1, 0xfff0) }, 1024, f.g.entryAt(start(a) + 1), "followed by"},
		"short":      {func(img []byte) { set(img, start(a)+1, 0xffff) }, 1024, int64(a) + 28, "has a chain of 1024"},
		"no start":   {func(img []byte) { binary.LittleEndian.PutUint16(img[a+26:], 0) }, 0, int64(a) + 26, "first cluster is 0"},
		"cross link": {func(img []byte) { set(img, start(a)+1, start(b)+2) }, 2048, 0, "in two chains"},
		"same start": {func(img []byte) { copy(img[a+26:a+28], img[b+26:b+28]) }, 2048, 0, "in two chains"},
		"copies":     {func(img []byte) { img[f.g.fats[1]+7000] ^= 1 }, 2048, 0, "copy of the FAT differs"},
		"directory":  {func(img []byte) { copy(img[nodes["d"]+26:nodes["d"]+28], "\xff\xff") }, 2048, 0, "first cluster is 65535"},
	} {
		t.Run(name, func(t *testing.T) {
			img := bytes.Clone(good)
			c.damage(img)
			f, _ := reopen(t, img)
			if _, err := f.Free(); err == nil || !strings.Contains(err.Error(), c.free) {
				t.Errorf("Free says %v, want %q", err, c.free)
			}
			buf := make([]byte, 4096)
			n, err := 0, error(nil)
			h, err := f.Open(a)
			if err == nil {
				n, err = h.ReadAt(buf[:2048], 0)
			}
			var fe *binread.FormatError
			if c.offset == 0 {
				if err != nil || n != 2048 {
					t.Errorf("reads %d bytes, %v", n, err)
				}
				return
			}
			if !errors.As(err, &fe) || fe.Offset != c.offset {
				t.Errorf("reading gives %v, want an error at byte %d", err, c.offset)
			}
			if int64(n) < c.readable || n > 0 && !bytes.Equal(buf[:min(n, 512)], bytes.Repeat([]byte("a"), min(n, 512))) {
				t.Errorf("%d bytes can be read, want %d", n, c.readable)
			}
		})
	}
}

func TestDirectoryLoop(t *testing.T) {
	img, f, nodes := small(t)
	d := nodes["d"]
	own := f.g.offset(uint32(binary.LittleEndian.Uint16(img[d+26:])))
	copy(img[own+64:], img[d:d+32]) // an entry inside that is its own parent
	f, _ = reopen(t, img)
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", FS: f, Root: f.Root()})
	if err != nil {
		t.Fatal(err)
	}
	seen, loops := 0, 0
	_ = tree.Walk("/", func(_ string, _ fsys.Place, _ fsys.Entry, err error) error {
		if seen++; err != nil {
			loops++
		}
		return nil
	})
	if seen > 100 || loops == 0 {
		t.Errorf("%d files, %d loops", seen, loops)
	}
	if _, err := f.Free(); err == nil || !strings.Contains(err.Error(), "two chains") {
		t.Errorf("Free says %v", err)
	}
}

func TestNotMine(t *testing.T) {
	ntfs := filepath.Join(t.TempDir(), "ntfs")
	if err := os.WriteFile(ntfs, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(ntfs, 16*mib); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mkntfs", "-Q", "-F", "-q", ntfs)
	b, err := os.ReadFile(ntfs)
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range [][]byte{nil, make([]byte, 511), make([]byte, mib), b} {
		if f, err := Open(bytes.NewReader(img), int64(len(img))); !errors.Is(err, binread.ErrNotMine) {
			t.Errorf("%d bytes: %+v, %v", len(img), f, err)
		}
	}
	img, _, _ := small(t)
	img[13] = 3
	var fe *binread.FormatError
	if _, err := Open(bytes.NewReader(img), int64(len(img))); !errors.As(err, &fe) {
		t.Errorf("a broken boot sector gives %v", err)
	}
}

func TestOtherNodes(t *testing.T) {
	_, f, nodes := small(t)
	for _, n := range []fsys.Node{0, 2, 3, nodes["a"] + 1, 1 << 62, 1<<64 - 32} {
		if _, err := f.Stat(n); !errors.Is(err, fsys.ErrNotExist) {
			t.Errorf("node %d: %v", n, err)
		}
	}
	if err := f.ReadDir(nodes["a"], nil); !errors.Is(err, fsys.ErrNotDir) {
		t.Error(err)
	}
	for _, n := range []fsys.Node{f.Root(), nodes["d"]} {
		if _, err := f.Open(n); !errors.Is(err, fsys.ErrNotFile) {
			t.Error(err)
		}
	}
}
