package content

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"assay/internal/fsys/memfs"
	"assay/internal/guest"
	"assay/internal/secret"
)

func gzipped(t *testing.T, data string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(data)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// before and after are an image and its copy: of the files that changed each
// keeps its size.
func beforeAfter(t *testing.T) (before, after []memfs.File) {
	long := strings.Repeat("nothing to see here\n", 20_000) // several chunks
	late := long[:300_000] + plant(7) + long[300_000+len(plant(7)):]
	after = []memfs.File{
		{Path: "/same.ini", Data: plant(1)},
		{Path: "/same.zip", Data: zipped(t, "a.ini", plant(2))},
		{Path: "/same.txt", Data: long},
		{Path: "/small.ini", Data: plant(3)},
		{Path: "/late.ini", Data: late},
		{Path: "/moved.ini", Data: plant(4)},
		{Path: "/swapped.gz", Data: gzipped(t, plant(5))},
		{Path: "/cut.ini", Data: late},
	}
	before = append(before, after...)
	before[3].Data = strings.Repeat("-", len(plant(3)))
	before[4].Data = long
	before[5].Path = "/there.ini"
	before[6].Data = strings.Repeat("-", len(before[6].Data))
	before[7].Data = late + "more\n"
	return before, after
}

func TestMemoNeverHidesWhatChanged(t *testing.T) {
	before, after := beforeAfter(t)
	m := NewMemo()
	o := Options{Workers: 2, Key: []byte("k"), MinConfidence: secret.Worth, Memo: m}
	scan := func(files []memfs.File, o Options) Result {
		t.Helper()
		r, err := Scan(context.Background(), guest.New(memfs.Tree(files...)), engine(t), o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	plainly := o
	plainly.Memo = nil
	if got, want := scan(before, o), scan(before, plainly); !reflect.DeepEqual(got, want) {
		t.Errorf("with a memo the first inspection gives\n%+v, without\n%+v", got, want)
	}
	m.Again()
	want := scan(after, plainly)
	got := scan(after, o)
	got.Bytes = want.Bytes // of what is not judged again, the bytes of the files count
	if !reflect.DeepEqual(got, want) || len(got.Hits) != 7 {
		t.Errorf("the copy gives\n%+v, without a memo\n%+v", got, want)
	}
	// Judged again it would give nothing, so what it gives was remembered.
	o.MinConfidence = 101
	var kept []string
	for _, h := range scan(after, o).Hits {
		kept = append(kept, h.Path)
	}
	if s := strings.Join(kept, " "); s != "/same.ini /same.zip" {
		t.Errorf("remembered: %s", s)
	}
}

func TestMemoAsksForPackagesAnew(t *testing.T) {
	vendor := plant(1)
	files := func(sum [16]byte) []memfs.File {
		return []memfs.File{
			{Path: "/usr/share/pkg/v.properties", Data: vendor},
			{Path: "/var/lib/dpkg/status", Data: "Package: pkg\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"},
			{Path: "/var/lib/dpkg/info/pkg.list", Data: "/.\n/usr/share/pkg/v.properties\n"},
			{Path: "/var/lib/dpkg/info/pkg.md5sums", Data: fmt.Sprintf("%x  usr/share/pkg/v.properties\n", sum)},
		}
	}
	m := NewMemo()
	for i, sum := range [][16]byte{md5.Sum([]byte(vendor)), {}} {
		r, err := Scan(context.Background(), guest.New(memfs.Tree(files(sum)...)), engine(t), Options{Memo: m, MinConfidence: secret.Worth})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Hits) != i || r.Vendor != 1-i {
			t.Errorf("inspection %d: %+v", i+1, r)
		}
		m.Again()
	}
}

func TestContainersOfPackagesStaySealed(t *testing.T) {
	doc, edited := gzipped(t, plant(1)), gzipped(t, plant(2))
	deb, other := zipped(t, "x.ini", plant(3)), zipped(t, "x.ini", plant(4))
	g := guest.New(memfs.Tree(
		memfs.File{Path: "/usr/share/pkg/a.gz", Data: doc},
		memfs.File{Path: "/usr/share/pkg/b.gz", Data: edited},
		memfs.File{Path: "/var/lib/dpkg/status", Data: "Package: pkg\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n"},
		memfs.File{Path: "/var/lib/dpkg/info/pkg.list", Data: "/.\n/usr/share/pkg/a.gz\n/usr/share/pkg/b.gz\n"},
		memfs.File{Path: "/var/lib/dpkg/info/pkg.md5sums", Data: fmt.Sprintf("%x  usr/share/pkg/a.gz\n%x  usr/share/pkg/b.gz\n", md5.Sum([]byte(doc)), md5.Sum([]byte("as shipped")))},
		memfs.File{Path: "/var/cache/apt/archives/pkg_1_all.deb", Data: deb},
		memfs.File{Path: "/var/cache/apt/archives/pkg_2_all.deb", Data: other},
		memfs.File{Path: "/var/lib/apt/lists/deb_Packages", Data: fmt.Sprintf("Package: pkg\nSHA256: %x\n\nPackage: pkg\nSHA256: %x\n", sha256.Sum256([]byte(deb)), sha256.Sum256([]byte(other)))},
	))
	r, err := Scan(context.Background(), g, engine(t), Options{Workers: 2, MinConfidence: secret.Worth})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range r.Hits {
		got = append(got, h.Path)
	}
	if s := strings.Join(got, " "); s != "/usr/share/pkg/b.gz /var/cache/apt/archives/pkg_2_all.deb" || r.Sealed != 2 || len(r.Gaps) > 0 {
		t.Errorf("%s; %d sealed, gaps %v", s, r.Sealed, r.Gaps)
	}
}
