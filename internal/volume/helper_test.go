package volume

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
	"assay/internal/span"
)

const mib = 1 << 20

// sparse makes an empty file of the given size.
func sparse(t *testing.T, size int64) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "disk")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// patch writes bytes into a file.
func patch(t *testing.T, p string, at int64, b []byte) {
	t.Helper()
	f, err := os.OpenFile(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// partition runs sfdisk with a script.
func sfdisk(t *testing.T, p, script string) {
	t.Helper()
	cmd := exec.Command(need.Tool(t, "sfdisk"), "-q", p)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
}

// mkfs returns the bytes of a file system; "IMG" in argv is the file.
func mkfs(t *testing.T, size int64, argv string) []byte {
	t.Helper()
	p := sparse(t, size)
	a := strings.Fields(strings.ReplaceAll(argv, "IMG", p))
	need.Run(t, a[0], a[1:]...)
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// scan opens image files and scans them.
func scan(t *testing.T, paths ...string) *Layout {
	t.Helper()
	var disks []Disk
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		disks = append(disks, Disk{filepath.Base(p), f, st.Size()})
	}
	l, err := Scan(disks)
	if err != nil {
		t.Fatal(err)
	}
	consistent(t, l)
	return l
}

// consistent checks what holds for every layout: unique names, maps that tile
// their volume and show the same bytes as ReadAt, and no unused byte in one.
func consistent(t *testing.T, l *Layout) {
	t.Helper()
	names := map[string]bool{}
	for _, v := range l.Volumes {
		if names[v.Name] || v.Name == "" || v.ReaderAt == nil {
			t.Errorf("volume %q is there twice, or has no bytes", v.Name)
		}
		names[v.Name] = true
		if v.Problem != nil && (v.Problem.Volume != v.Name || v.Problem.Detail == "") {
			t.Errorf("volume %q has problem %+v", v.Name, v.Problem)
		}
		at := int64(0)
		for k, g := range v.Map {
			d := l.Disks[g.Disk]
			if g.Offset != at || g.Len <= 0 || g.DiskOffset < 0 || g.DiskOffset+g.Len > d.Size {
				t.Fatalf("volume %q: bad segment %+v after byte %d", v.Name, g, at)
			}
			at += g.Len
			if both := l.Unused[g.Disk].Intersect(span.Set{{Off: g.DiskOffset, Len: g.Len}}); len(both) > 0 && v.Content != "lvm2" {
				t.Errorf("volume %q has unused bytes %v", v.Name, both)
			}
			if k > 300 {
				continue
			}
			n := min(g.Len, 4096)
			a, b := make([]byte, n), make([]byte, n)
			_, err1 := v.ReadAt(a, g.Offset)
			_, err2 := d.ReadAt(b, g.DiskOffset)
			if err1 != nil && k < len(v.Map)-1 || err2 != nil && g.DiskOffset+n < d.Size || !bytes.Equal(a, b) {
				t.Fatalf("volume %q: segment %+v reads other bytes: %v, %v", v.Name, g, err1, err2)
			}
		}
		if at != v.Size && v.Map != nil {
			t.Errorf("volume %q has %d bytes and a map of %d", v.Name, v.Size, at)
		}
	}
}

// volume finds a volume by name.
func (l *Layout) volume(t *testing.T, name string) *Volume {
	t.Helper()
	for _, v := range l.Volumes {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no volume %q in %s", name, l.names())
	return nil
}

func (l *Layout) names() string {
	var out []string
	for _, v := range l.Volumes {
		s := v.Name + "=" + v.Content
		if v.Problem != nil {
			s += "!" + string(v.Problem.Kind)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func (l *Layout) problems() string {
	var out []string
	for _, p := range l.Problems {
		out = append(out, string(p.Kind)+" "+p.Volume+": "+p.Detail)
	}
	return strings.Join(out, "\n")
}

func wantVolumes(t *testing.T, l *Layout, want, problem string) {
	t.Helper()
	if got := l.names(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got := l.problems()
	if problem == "" && got != "" || !strings.Contains(got, problem) {
		t.Errorf("problems are %q, want %q", got, problem)
	}
}
