package content

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
	"assay/internal/guest"
	"assay/internal/secret"
	"assay/internal/span"
)

func engine(t *testing.T) *secret.Engine {
	t.Helper()
	e, err := secret.NewEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// plant is a credential that no list of examples holds.
func plant(n int) string { return fmt.Sprintf("db.password=Kx9v%dTq%dLmZ\n", n, n*7) }

func zipped(t *testing.T, name, data string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(data))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestScanFindsOnceAndInOrder(t *testing.T) {
	vendor := plant(5)
	g := guest.New(memfs.Tree(
		memfs.File{Path: "/opt/b.properties", Data: "# x\n" + plant(1)},
		memfs.File{Path: "/opt/a.properties", Data: plant(2)},
		memfs.File{Path: "/opt/app.war", Data: zipped(t, "WEB-INF/app.properties", plant(3))},
		memfs.File{Path: "/etc/skip.properties", Data: plant(4)},
		memfs.File{Path: "/usr/share/pkg/v.properties", Data: vendor},
		memfs.File{Path: "/etc/pkg.properties", Data: plant(6)}, // owned, but changed
		memfs.File{Path: "/var/lib/dpkg/status", Data: "Package: pkg\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"},
		memfs.File{Path: "/var/lib/dpkg/info/pkg.list", Data: "/.\n/usr/share/pkg/v.properties\n/etc/pkg.properties\n"},
		memfs.File{Path: "/var/lib/dpkg/info/pkg.md5sums", Data: fmt.Sprintf("%x  usr/share/pkg/v.properties\n%x  etc/pkg.properties\n", md5.Sum([]byte(vendor)), md5.Sum([]byte("old")))},
		memfs.File{Path: "/opt/holes", Size: 1 << 60},
	))
	o := Options{Workers: 3, Key: []byte("k"), MinConfidence: secret.Worth, MaxFileSize: 1 << 20,
		Leave: func(p string) bool { return p == "/etc/skip.properties" }}
	r, err := Scan(context.Background(), g, engine(t), o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range r.Hits {
		got = append(got, fmt.Sprintf("%s!%s:%d", h.Path, h.Inner, h.Line))
		if strings.Contains(fmt.Sprintf("%+v", h), "Kx9v") {
			t.Errorf("a secret left the room: %+v", h)
		}
	}
	want := "/etc/pkg.properties!:1 /opt/a.properties!:1 /opt/app.war!WEB-INF/app.properties:1 /opt/b.properties!:2"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if r.Vendor != 1 {
		t.Errorf("%d vendor candidates, want 1", r.Vendor)
	}
	if len(r.Gaps) != 1 || r.Gaps[0].Where.Path != "/opt/holes" {
		t.Errorf("a cut file must be a gap: %+v", r.Gaps)
	}
}

func TestScanStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g := guest.New(memfs.Tree(memfs.File{Path: "/a", Data: plant(1)}))
	if _, err := Scan(ctx, g, engine(t), Options{}); err == nil {
		t.Error("a cancelled scan must say so")
	}
}

// sparse is a memory file system whose one file has extents.
type sparse struct {
	*memfs.FS
	extents []fsys.Extent
}

func (s sparse) Extents(fsys.Node) ([]fsys.Extent, error) { return s.extents, nil }

func TestHolesAreJumpedOver(t *testing.T) {
	m := memfs.New(memfs.File{Path: "/big", Size: 1 << 60})
	s := sparse{m, []fsys.Extent{
		{Logical: 0, Len: 4096}, {Logical: 4096 + hole/2, Len: 100}, {Logical: 1 << 40, Len: 4096, State: fsys.Unwritten}, {Logical: 1 << 50, Len: 4096}, {Logical: 1 << 61, Len: 4096},
	}}
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", FS: s, Root: s.Root()})
	if err != nil {
		t.Fatal(err)
	}
	w := worker{g: guest.New(tree)}
	p, _, err := tree.Lookup("/big", false)
	if err != nil {
		t.Fatal(err)
	}
	got := w.runs(job{path: "/big", place: p}, 1<<60)
	want := []span.Span{{Off: 0, Len: 4096 + hole/2 + 100}, {Off: 1 << 50, Len: 4096}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestResidueSeesBordersOnce(t *testing.T) {
	disk := make([]byte, 3*piece)
	key := "AKIA" + "Z7QK3MPL2XW6RT5B" + "\naws_secret_access_key = " + "q7Lw/Zk2Nf9xB4+vTj8RmYc3HsPd6GaUe1XoQi5W" + "\n"
	copy(disk[piece-30:], key) // across the border of two pieces
	g := guest.New(memfs.Tree())
	g.Residue = []guest.Residue{{Volume: "p1", What: "free", Bytes: bytes.NewReader(disk),
		Ranges: func() (guest.Ranges, error) { return span.Set{{Off: 100, Len: int64(len(disk)) - 100}}, nil }},
		{Volume: "p2", Ranges: func() (guest.Ranges, error) { return nil, fmt.Errorf("no trust") }}}
	r, err := Residue(context.Background(), g, engine(t), Options{Workers: 2, MinConfidence: 1})
	if err != nil {
		t.Fatal(err)
	}
	offsets := map[int64]int{}
	for _, h := range r.Hits {
		offsets[h.Offset]++
		if !h.Deleted || h.Volume != "p1" {
			t.Errorf("%+v", h)
		}
	}
	for off, n := range offsets {
		if n > 1 {
			t.Errorf("%d hits at byte %d", n, off)
		}
	}
	if len(r.Hits) == 0 {
		t.Error("the key across the border is lost")
	}
	if len(r.Gaps) != 1 || r.Gaps[0].Where.Volume != "p2" {
		t.Errorf("gaps %+v", r.Gaps)
	}
}
