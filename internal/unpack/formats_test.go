package unpack

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompressed reads one file packed by each tool, and twice in a row.
func TestCompressed(t *testing.T) {
	in := noise(300_000, 3)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), in, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tool, args string }{
		{"gzip", "-c -n"}, {"gzip", "-c -9"}, {"bzip2", "-c"}, {"xz", "-c -T1"}, {"lzma", "-c"},
		{"zstd", "-q -c"}, {"zstd", "-q -c -19"}, {"zstd", "-q -c --format=gzip"}, {"lz4", "-q -c"}, {"lz4", "-q -c -l"},
	} {
		name := c.tool + " " + c.args
		sh(t, dir, c.tool+" "+c.args+" <f >out", c.tool)
		p := read(t, filepath.Join(dir, "out"))
		g := walk(t, "f", p, Limits{})
		g.same(t, "f", map[string][]byte{"": in}, 0)
		if c.tool == "lzma" {
			continue
		}
		g = walk(t, "f", append(p[:len(p):len(p)], p...), Limits{})
		g.same(t, "f", map[string][]byte{"": append(in[:len(in):len(in)], in...)}, 0)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestCpio(t *testing.T) {
	dir, files := sample(t)
	for _, format := range []string{"newc", "crc", "odc", "bin"} {
		out := filepath.Join(t.TempDir(), "a.cpio")
		sh(t, dir, "find . | LC_ALL=C sort | cut -c3- | grep . | cpio --quiet -o -H "+format+" >"+out, "cpio")
		walk(t, "a", read(t, out), Limits{}).same(t, "a!/", files, 0)
	}
}

// TestInitramfs reads what dracut and update-initramfs write: an archive as it
// is, zeros, and a compressed one.
func TestInitramfs(t *testing.T) {
	dir, files := sample(t)
	for _, z := range []string{"gzip", "xz --check=crc32", "zstd -q", "lz4 -l -q", "lzma", "bzip2"} {
		out := filepath.Join(t.TempDir(), "initrd.img")
		sh(t, dir, "for d in d0 d1; do find $d | cpio --quiet -o -H newc >>"+out+"; done; find d2 | cpio --quiet -o -H newc | "+z+" -c >>"+out, "cpio")
		walk(t, "i", read(t, out), Limits{}).same(t, "i!/", files, 0)
	}
}

func TestDeb(t *testing.T) {
	dir, files := sample(t)
	control := []byte("Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.com>\nDescription: a\n")
	if err := os.MkdirAll(filepath.Join(dir, "DEBIAN"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "DEBIAN/control"), control, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, z := range []string{"none", "gzip", "xz", "zstd"} {
		out := filepath.Join(t.TempDir(), "a.deb")
		sh(t, dir, "dpkg-deb --root-owner-group -Z"+z+" -b . "+out, "dpkg-deb")
		suffix := map[string]string{"none": "", "gzip": ".gz", "xz": ".xz", "zstd": ".zst"}[z]
		want := map[string][]byte{"debian-binary": []byte("2.0\n"), "control.tar" + suffix + "!/./control": control}
		for name, b := range files {
			want["data.tar"+suffix+"!/./"+name] = b
		}
		walk(t, "a.deb", read(t, out), Limits{}).same(t, "a.deb!/", want, 0)
	}
}

func TestRPM(t *testing.T) {
	dir, files := sample(t)
	for _, z := range []string{"w9.gzdio", "w6.xzdio", "w3.zstdio", "w9.bzdio", "w.ufdio", "w6.lzdio"} {
		top := t.TempDir()
		spec := "Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: a\nBuildArch: noarch\n%define _binary_payload " + z +
			"\n%description\na\n%post\necho script-secret\n%install\nmkdir -p %{buildroot}/opt\ncp -r " + dir + "/d0 " + dir + "/d1 " + dir + "/d2 %{buildroot}/opt\n%files\n/opt\n"
		if err := os.WriteFile(filepath.Join(top, "a.spec"), []byte(spec), 0o644); err != nil {
			t.Fatal(err)
		}
		sh(t, top, "rpmbuild --quiet --define '_topdir "+top+"' -bb a.spec", "rpmbuild")
		b := read(t, filepath.Join(top, "RPMS/noarch/a-1-1.noarch.rpm"))
		g := walk(t, "a.rpm", b, Limits{})
		if !bytes.Contains(g.data["raw a.rpm"], []byte("echo script-secret")) {
			t.Errorf("%s: no script in the header", z)
		}
		delete(g.parts, "raw a.rpm")
		g.same(t, "a.rpm!/./opt/", files, 0)
	}
}

func TestNested(t *testing.T) {
	dir, files := sample(t)
	sh(t, dir, `mkdir ../w; jar -c -f ../w/in.jar d0 d1 d2; cd ../w; zip -q -0 a.war in.jar; tar -cf a.tar a.war; xz -T1 a.tar
zip -q b.zip a.tar.xz; bzip2 b.zip; find b.zip.bz2 | cpio --quiet -o -H newc | zstd -q -c > all`, "jar", "zip", "tar", "xz", "bzip2", "cpio", "zstd")
	b := read(t, filepath.Join(dir, "../w/all"))
	g := walk(t, "all", b, Limits{})
	for k := range g.parts {
		if strings.Contains(k, "!/META-INF/") {
			delete(g.parts, k)
		}
	}
	g.same(t, "all!/b.zip.bz2!/a.tar.xz!/a.war!/in.jar!/", files, 0)
	for _, gap := range g.gaps {
		t.Error(gap)
	}
	if g := walk(t, "all", b, Limits{Depth: 4}); len(g.gaps) != 1 || g.gaps[0].Kind != Limit {
		t.Errorf("depth 4: %v", g.gaps)
	}
}
