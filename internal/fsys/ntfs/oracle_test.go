package ntfs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/need"
	"assay/internal/span"
)

// variants are the geometries that Windows and mkntfs make.
var variants = []struct {
	name    string
	cluster int64
	args    []string
}{
	{"4K-clusters", 4096, nil},
	{"512-clusters", 512, []string{"-c", "512"}},
	{"64K-clusters", 65536, []string{"-c", "65536"}},
	{"4K-sectors", 4096, []string{"-s", "4096"}},
	{"2K-clusters", 2048, []string{"-c", "2048"}},
}

// TestAgainstNTFS3G compares every name, time, size and byte with ntfs-3g's own
// view of the same volume.
func TestAgainstNTFS3G(t *testing.T) {
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			img := mkntfs(t, 80<<20, v.args...)
			dir, umount := mount(t, img, "rw,compression")
			populate(t, dir, 400, v.cluster)
			fragment(t, dir+"/fragmented.bin", min(3000, 40<<20/v.cluster), v.cluster)
			umount()
			x := openImage(t, img)
			if p := x.Describe().Problems; len(p) > 0 {
				t.Errorf("problems: %v", p)
			}
			dir, _ = mount(t, img, "ro")
			c := compare(t, x, dir)
			checkStreams(t, c, x)
			checkExtents(t, x, img)
			checkAccounts(t, x, img)
		})
	}
}

func checkStreams(t *testing.T, c *comparer, x *FS) {
	t.Helper()
	for path, want := range map[string][]string{"streams.txt": {"Zone.Identifier", "big"}, "Names": {"on a directory"}, "plain-100.bin": nil} {
		n := find(t, x, path)
		got, err := x.Streams(n)
		if err != nil || len(got) != len(want) {
			t.Fatalf("Streams(%s) = %v, %v", path, got, err)
		}
		for i, s := range got {
			if s.Name != want[i] {
				t.Errorf("stream %q, want %q", s.Name, want[i])
			}
			f, err := x.OpenStream(n, strings.ToUpper(s.Name))
			if err != nil || f.Size() != s.Size {
				t.Fatalf("OpenStream(%q): %v", s.Name, err)
			}
			c.content("/"+path+":"+s.Name, f)
		}
	}
}

// checkExtents reads plain files by their extents alone.
func checkExtents(t *testing.T, x *FS, img string) {
	t.Helper()
	disk, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for _, path := range []string{"plain-300000.bin", "sparse.bin", "fragmented.bin", "packed/noise-300000.bin"} {
		n := find(t, x, path)
		es, err := x.Extents(n)
		if err != nil || len(es) == 0 {
			t.Fatalf("Extents(%s): %v, %v", path, es, err)
		}
		want := content(t, x, path)
		got := make([]byte, len(want))
		packed := int64(0)
		for _, e := range es {
			if e.State == fsys.Unwritten || e.Logical >= int64(len(got)) {
				continue
			}
			if part := got[e.Logical:min(e.Logical+e.Len, int64(len(got)))]; e.State == fsys.Packed {
				packed += int64(copy(part, want[e.Logical:]))
			} else if _, err := disk.ReadAt(part, e.Physical); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, want) || packed > 128<<10 {
			t.Errorf("%s: its extents (%d) do not give its bytes; %d packed", path, len(es), packed)
		}
	}
	frag, _ := x.Extents(find(t, x, "fragmented.bin"))
	in, err := x.inode(find(t, x, "fragmented.bin"))
	if err != nil {
		t.Fatal(err)
	}
	if pieces := in.attrs[len(in.attrs)-1].rec != in.base; len(frag) < 250 || !pieces {
		t.Errorf("fragmented.bin has %d extents, extension records: %v; this tests nothing", len(frag), pieces)
	}
}

// checkAccounts compares the free clusters with ntfsinfo's count.
func checkAccounts(t *testing.T, x *FS, img string) {
	t.Helper()
	free, err := x.Free()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(need.Tool(t, "ntfsinfo"), "-m", "-f", img).CombinedOutput()
	if err != nil {
		t.Fatalf("ntfsinfo: %v\n%s", err, out)
	}
	want := int64(-1)
	for _, line := range strings.Split(string(out), "\n") {
		if s, ok := strings.CutPrefix(strings.TrimSpace(line), "Free Clusters:"); ok {
			_, _ = fmt.Sscan(s, &want)
		}
	}
	if got := free.Total() / x.cluster; got != want {
		t.Errorf("%d free clusters, ntfsinfo has %d", got, want)
	}
	err = x.pass(func(r *record, listed bool, err error) error {
		if err == nil && r.no >= firstUser && r.inUse() != listed {
			t.Errorf("MFT record %d: in use %v, in the bitmap %v", r.no, r.inUse(), listed)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	c, err := x.count()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.ranges(c.leaked, func(s span.Span) error {
		t.Errorf("leaked: %v", s)
		return nil
	})
}

// TestLargeDirectory reads a directory of 10,000 entries.
func TestLargeDirectory(t *testing.T) {
	img := mkntfs(t, 64<<20)
	dir, umount := mount(t, img, "rw")
	for i := range 10000 {
		write(t, fmt.Sprintf("%s/%05d-%d", mkdir(t, dir+"/d"), i, i*i), nil)
	}
	umount()
	dir, _ = mount(t, img, "ro")
	if c := compare(t, openImage(t, img), dir); c.files != 10001 {
		t.Errorf("%d files", c.files)
	}
}
