package xfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/fsys"
	"assay/internal/need"
	"assay/internal/span"
)

var variants = []struct {
	name string
	size int64
	big  bool
	args []string
}{
	{"default", 512 << 20, true, nil},
	{"block1k-rmap", 512 << 20, false, []string{"-b", "size=1k", "-m", "rmapbt=1"}},
	{"block2k-dir8k", 512 << 20, false, []string{"-b", "size=2k", "-n", "size=8192"}},
	{"dir64k", 512 << 20, false, []string{"-n", "size=65536"}},
	{"inode1k", 512 << 20, false, []string{"-i", "size=1024,nrext64=1"}},
	{"inode2k-nosparse", 512 << 20, false, []string{"-i", "size=2048,sparse=0"}},
	{"manygroups", 2 << 30, false, []string{"-d", "agcount=25", "-l", "size=64m"}},
	{"sector4k", 512 << 20, false, []string{"-s", "size=4096", "-m", "bigtime=0,reflink=0"}},
	{"minimal-v5", 512 << 20, false, []string{"-m", "bigtime=0,reflink=0,finobt=0,inobtcount=0", "-i", "sparse=0"}},
}

func TestKernelSeesTheSame(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			img := mkfs(t, v.size, v.args...)
			dir, umount := mount(t, img, "rw")
			populate(t, dir, v.big)
			umount()
			scribble(t, img)
			dir, umount = mount(t, img, "ro")
			fs := openImage(t, img)
			if !fs.LogState().Clean || len(fs.Describe().Problems) > 0 {
				t.Errorf("%+v, %+v", fs.LogState(), fs.Describe())
			}
			n := compare(t, fs, dir)
			t.Logf("%d files compared", n)
			sameExtents(t, fs, dir)
			sameFreeSpace(t, fs, img, dir)
			umount()
		})
	}
}

// scribble puts old bytes into the unwritten extents, which nobody may see.
func scribble(t *testing.T, img string) {
	t.Helper()
	fs := openImage(t, img)
	top, err := listing(fs, fs.Root())
	must(t, err)
	exts, err := fs.Extents(top["unwritten"].Node)
	must(t, err)
	f, err := os.OpenFile(img, os.O_WRONLY, 0)
	must(t, err)
	done := 0
	for _, e := range exts {
		if e.State == fsys.Unwritten {
			_, err := f.WriteAt(noise(int(e.Len), 3), e.Physical)
			must(t, err)
			done++
		}
	}
	must(t, f.Close())
	if done < 2 {
		t.Errorf("%d unwritten extents", done)
	}
}

// TestSparseInodes leaves no room for whole inode chunks, so that the kernel
// makes half ones.
func TestSparseInodes(t *testing.T) {
	img := mkfs(t, 310<<20, "-m", "reflink=0,finobt=0,inobtcount=0")
	dir, umount := mount(t, img, "rw")
	need.Run(t, "xfs_io", "-x", "-c", "resblks 16", dir) // blocks that fallocate may not have
	f, err := os.Create(filepath.Join(dir, "fill"))
	must(t, err)
	at := int64(0)
	for step := int64(32 << 20); step >= 4096; {
		if unix.Fallocate(int(f.Fd()), 0, at, step) != nil {
			step /= 2
			continue
		}
		at += step
	}
	for o := int64(0); o < at; o += 32 << 10 {
		must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, o, 28<<10))
	}
	must(t, f.Close())
	must(t, os.Mkdir(dir+"/d", 0o755))
	for i := range 3000 {
		must(t, os.WriteFile(fmt.Sprintf("%s/d/%d", dir, i), nil, 0o600))
	}
	must(t, os.Remove(filepath.Join(dir, "fill")))
	umount()
	dir, _ = mount(t, img, "ro")
	fs := openImage(t, img)
	compare(t, fs, dir)
	holes := 0
	for ag := range fs.agCount {
		for _, rec := range fs.inodesOf(ag).chunks {
			if rec.holes != 0 {
				holes++
			}
		}
	}
	t.Logf("%d sparse chunks", holes)
	if holes == 0 {
		t.Error("no sparse chunk was made")
	}
}

// sameExtents compares the mapping of a few files with xfs_io's, which prints
// 512-byte units: "0: [0..7]: 96..103 0 (96..103) 8 10000".
func sameExtents(t *testing.T, fs *FS, dir string) {
	t.Helper()
	top, err := listing(fs, fs.Root())
	must(t, err)
	for _, name := range []string{"sparse", "punched", "unwritten", "size3145745", "dir3000", "long"} {
		var want []fsys.Extent
		for _, line := range strings.Split(need.Run(t, "xfs_io", "-r", "-c", "bmap -epv", filepath.Join(dir, name)), "\n") {
			f := strings.Fields(strings.NewReplacer("..", " ", "[", " ", "]:", " ").Replace(line))
			if len(f) < 6 || !strings.HasSuffix(f[0], ":") || f[3] == "hole" || f[0] == "EXT:" {
				continue
			}
			n := func(i int) int64 {
				v, err := strconv.ParseInt(f[i], 10, 64)
				must(t, err)
				return v * 512
			}
			e := fsys.Extent{Logical: n(1), Physical: n(3), Len: n(4) + 512 - n(3)}
			if flags, _ := strconv.ParseInt(f[len(f)-1], 8, 64); flags&0o10000 != 0 && len(f) > 9 {
				e.State = fsys.Unwritten
			}
			if k := len(want) - 1; k >= 0 && want[k].Logical+want[k].Len == e.Logical &&
				want[k].Physical+want[k].Len == e.Physical && want[k].State == e.State {
				want[k].Len += e.Len
				continue
			}
			want = append(want, e)
		}
		got, err := fs.Extents(top[name].Node)
		got = slices.DeleteFunc(got, func(e fsys.Extent) bool { // xfs_io does not show the hashes of a directory
			return top[name].Kind == fsys.Directory && e.Logical >= dirLeafOffset
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %d extents %v, want %d %v (%v)", name, len(got), got[:min(5, len(got))], len(want), want[:min(5, len(want))], err)
		}
	}
}

// freeByDB is the free space of a clean image, free lists included, as xfs_db
// prints it.
func freeByDB(t testing.TB, fs *FS, img string) span.Set {
	t.Helper()
	var want []span.Span
	for _, line := range strings.Split(need.Run(t, "xfs_db", "-r", "-c", "freesp -d", img), "\n") {
		if strings.Contains(line, "from") { // the summary
			break
		}
		var ag, block, n int64
		if k, _ := fmt.Sscan(line, &ag, &block, &n); k == 3 {
			want = append(want, span.Span{Off: fs.agByte(uint32(ag), uint32(block)), Len: n << fs.blockLog})
		}
	}
	return span.Make(want)
}

func head(s span.Set) span.Set { return s[:min(len(s), 10)] }

// sameFreeSpace compares Free with xfs_db's list of free extents, and its sum
// with statfs. The kernel counts as free what Free lists and the blocks of the
// free space and reverse map trees below their roots (agf_btreeblks), but not
// eight blocks a group that it keeps for their growth (xfs_alloc_set_aside)
// nor, once it has read the groups' headers, those of the free space trees.
func sameFreeSpace(t *testing.T, fs *FS, img, dir string) {
	t.Helper()
	free, err := fs.Free()
	must(t, err)
	lists, err := fs.FreeLists()
	must(t, err)
	if w := freeByDB(t, fs, img); !slices.Equal(free, w) {
		t.Errorf("Free differs from xfs_db: %v missing, %v too many", head(w.Subtract(free)), head(free.Subtract(w)))
	}
	var st unix.Statfs_t
	must(t, unix.Statfs(dir, &st))
	trees, ofFree := int64(0), int64(0)
	for ag := range fs.agCount {
		agf, _, err := fs.groupHeader(ag, 1, agfMagic)
		must(t, err)
		trees += int64(be.Uint32(agf[60:]))
		ofFree += int64(be.Uint32(agf[60:])) - max(0, int64(be.Uint32(agf[80:]))-1)
	}
	ours := free.Total()>>fs.blockLog + trees - 8*int64(fs.agCount)
	t.Logf("free: %d bytes, %d of them on free lists", free.Total(), lists.Total())
	if ours != int64(st.Bfree) && ours-ofFree != int64(st.Bfree) {
		t.Errorf("statfs: %d blocks free, ours %d (%d and %d in trees, %d groups)", st.Bfree, ours, trees, ofFree, fs.agCount)
	}
}

// TestVersion4 reads file systems that this kernel may refuse: mkfs.xfs fills
// them from a prototype, xfs_db adds attributes.
func TestVersion4(t *testing.T) {
	for _, args := range [][]string{
		{"-m", "crc=0"},
		{"-m", "crc=0", "-n", "ftype=0", "-b", "size=512", "-i", "size=256,attr=1"},
		{"-m", "crc=0", "-n", "size=16384", "-b", "size=1k"},
		{"-m", "crc=0", "-l", "version=1"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) { version4(t, args) })
	}
}

func version4(t *testing.T, args []string) {
	src := t.TempDir()
	proto := "dummy\n0 0\nd--755 0 0\n"
	want := map[string][]byte{}
	for i := range 1200 {
		name, data := fmt.Sprintf("file-%d-%s", i, strings.Repeat("z", i%200)), noise(i*7%9000, uint64(i))
		from := filepath.Join(src, strconv.Itoa(i))
		must(t, os.WriteFile(from, data, 0o600))
		proto += fmt.Sprintf("%s ---640 %d 7 %s\n", name, i, from)
		want[name] = data
	}
	long := strings.Repeat("long/", 120)
	proto += "short l--777 0 0 target\nlong l--777 0 0 " + long + "\nnull c--666 0 0 1 3\nsub d--700 1 2\ninner ---600 0 0 " +
		filepath.Join(src, "1") + "\n$\n$\n"
	file := filepath.Join(src, "proto")
	must(t, os.WriteFile(file, []byte(proto), 0o600))
	img := mkfs(t, 512<<20, append(slices.Clone(args), "-p", file)...)
	fs := openImage(t, img)
	top, err := listing(fs, fs.Root())
	if err != nil || len(top) != len(want)+4 {
		t.Fatalf("%d names, want %d: %v", len(top), len(want)+4, err)
	}
	for name, data := range want {
		f, err := fs.Open(top[name].Node)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fsys.Content(f, 1<<20); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%s: %d bytes, want %d: %v", name, len(got), len(data), err)
		}
	}
	for name, to := range map[string]string{"short": "target", "long": long} {
		if got, err := fs.Readlink(top[name].Node); err != nil || got != to {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if m, err := fs.Stat(top["null"].Node); err != nil || m.Kind != fsys.CharDevice || m.Rdev != 1<<20|3 {
		t.Errorf("null: %+v, %v", m, err)
	}
	if sub, err := listing(fs, top["sub"].Node); err != nil || len(sub) != 1 {
		t.Errorf("sub: %v, %v", sub, err)
	}
	if _, err := fs.Free(); err != nil {
		t.Error(err)
	}
	if fs.blockSize > 512 { // there xfs_db crashes
		attributes4(t, img, top)
	}
}

// attributes4 adds attributes with xfs_db: in the inode, in a leaf, in a tree.
func attributes4(t *testing.T, img string, top map[string]fsys.Entry) {
	t.Helper()
	want := map[fsys.Node]map[string]int{}
	var cmds []string
	for name, n := range map[string]int{"file-0-": 2, "file-200-": 40, "file-400-": 300} {
		node := top[name].Node
		want[node] = map[string]int{}
		cmds = append(cmds, "-c", fmt.Sprintf("inode %d", node))
		for i := range n {
			size := 1 + i*3%250
			if i == 30 {
				size = 6000 // has blocks of its own
			}
			cmds = append(cmds, "-c", fmt.Sprintf("attr_set -u -v %d attr%d", size, i))
			want[node][fmt.Sprintf("user.attr%d", i)] = size
		}
	}
	need.Run(t, "xfs_db", append(append([]string{"-x"}, cmds...), img)...)
	fs := openImage(t, img)
	for node, attrs := range want {
		got, err := fs.Xattrs(node)
		if err != nil || len(got) != len(attrs) {
			t.Errorf("inode %d: %d attributes, want %d: %v", node, len(got), len(attrs), err)
		}
		for _, x := range got {
			if n, ok := attrs[x.Name]; !ok || n != len(x.Value) || len(bytes.Trim(x.Value, "v")) > 0 {
				t.Errorf("inode %d: %q has %d bytes %.20q, want %d", node, x.Name, len(x.Value), x.Value, n)
			}
		}
	}
}
