package remote

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

func sample(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(magic + "f /usr/bin/x\nc /root\nnonsense\nf relative\n" + divider)
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range []tar.Header{{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "../etc/passwd", Typeflag: tar.TypeReg, Size: 4, Mode: 0o644},
		{Name: "etc/p2", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}, {Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin"}, {Name: "dev/x", Typeflag: tar.TypeChar}} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			w.Write([]byte("root"))
		}
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func TestFiles(t *testing.T) {
	got := ""
	whole := sample(t)
	if err := Files(bytes.NewReader(whole), func(f File) { got += f.Path + "=" + f.Data + f.Link + " " }); err != nil {
		t.Fatal(err)
	}
	if want := "/usr/bin/x= /root= /etc= /etc/passwd=root /etc/p2=root /bin=usr/bin "; got != want {
		t.Errorf("%q", got)
	}
	for _, bad := range []string{"", "hello", magic, magic + divider, string(whole[:len(whole)-30])} {
		if err := Files(strings.NewReader(bad), func(File) {}); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzFiles(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = Files(bytes.NewReader(b), func(x File) {
			if !strings.HasPrefix(x.Path, "/") {
				t.Errorf("%q", x.Path)
			}
		})
	})
}
