package rpmdb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/binread"
	"assay/internal/need"
)

const spec = `Name: assay-probe
Version: 1.0
Release: 3
Summary: x
License: x
BuildArch: noarch
%description
x
%pre
getent passwd 'probed' >/dev/null || useradd -r -g probed -s /sbin/nologin probed 2>/dev/null || :
%install
mkdir -p %{buildroot}/etc %{buildroot}/usr/bin %{buildroot}/opt/probe
echo conf > %{buildroot}/etc/probe.conf
for i in $(seq 300); do echo $i > %{buildroot}/opt/probe/$i; done
ln -s probe %{buildroot}/usr/bin/probe2
%files
%config(noreplace) /etc/probe.conf
/usr/bin/probe2
/opt/probe
`

// build makes a package and installs it into a database of its own. It returns
// the folder and rpm's own list of the files.
func build(t *testing.T) (dir, dump string) {
	t.Helper()
	need.Tool(t, "rpmbuild")
	dir = t.TempDir()
	if err := os.WriteFile(dir+"/p.spec", []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "rpmbuild", "--define", "_topdir "+dir+"/b", "-bb", dir+"/p.spec")
	rpms, _ := filepath.Glob(dir + "/b/RPMS/noarch/*.rpm")
	if len(rpms) != 1 {
		t.Fatal(rpms)
	}
	need.Run(t, "rpm", "--dbpath", dir+"/db", "--justdb", "--nodeps", "--noscripts", "-i", rpms[0])
	out, err := exec.Command("rpm", "--dbpath", dir+"/db", "-q", "--dump", "assay-probe").Output()
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(out)
}

// blob takes the header out of rpm's database with sqlite3.
func blob(t *testing.T, dir string) []byte {
	t.Helper()
	out, err := exec.Command(need.Tool(t, "sqlite3"), dir+"/db/rpmdb.sqlite", "SELECT hex(blob) FROM Packages").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAgainstRPM(t *testing.T) {
	dir, dump := build(t)
	p, err := Parse(blob(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, f := range p.Files {
		digest, config := f.Digest, 0
		if digest == "" {
			digest = strings.Repeat("0", 64)
		}
		if f.Config {
			config = 1
		}
		got += fmt.Sprintln(f.Path, digest, config)
	}
	want := ""
	for l := range strings.Lines(dump) { // path size mtime digest mode owner group isconfig isdoc rdev symlink
		f := strings.Fields(l)
		want += fmt.Sprintln(f[0], f[3], f[7])
	}
	if got != want || strings.Count(want, "\n") < 300 {
		t.Errorf("got\n%s\nrpm says\n%s", got, want)
	}
	if p.Name != "assay-probe" || p.Version != "1.0" || p.Release != "3" || p.Algo != "sha256" || len(p.Scripts) != 1 || !strings.Contains(p.Scripts[0], "useradd -r") {
		t.Errorf("%.300v", p)
	}
}

// TestBDB has the real Berkeley DB write a database as rpm does, and rpm read
// it as a check on the test.
func TestBDB(t *testing.T) {
	dir, _ := build(t)
	perl := need.Perl(t, "DB_File")
	b := blob(t, dir)
	if err := os.MkdirAll(dir+"/bdb", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/blob", b, 0o600); err != nil {
		t.Fatal(err)
	}
	script := `use DB_File; local $/; open F, "<", "` + dir + `/blob"; binmode F; my $b = <F>;
my $h = DB_File::HASHINFO->new(); $h->{bsize} = $ENV{PAGE};
tie my %d, "DB_File", "` + dir + `/bdb/Packages", O_RDWR|O_CREAT, 0600, $h or die $!;
$d{pack("V", 0)} = pack("V", 3); $d{pack("V", $_)} = $b for (1..3); $d{pack("V", 9)} = "short but over sixteen bytes"; delete $d{pack("V", 9)};`
	for _, page := range []string{"512", "4096", "32768"} {
		_ = os.Remove(dir + "/bdb/Packages")
		cmd := exec.Command(perl, "-e", script)
		cmd.Env = append(os.Environ(), "PAGE="+page)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("DB_File: %v %s", err, out)
		}
		raw, err := os.ReadFile(dir + "/bdb/Packages")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = BDB(bytes.NewReader(raw), int64(len(raw)), func(x []byte) error {
			if !bytes.Equal(x, b) {
				t.Errorf("page size %s: a blob of %d bytes differs from the one written", page, len(x))
			}
			n++
			return nil
		})
		if err != nil || n != 3 {
			t.Errorf("page size %s: %d blobs, %v", page, n, err)
		}
		out, _ := exec.Command("rpm", "--define", "_db_backend bdb_ro", "--dbpath", dir+"/bdb", "-qa").Output()
		if strings.Count(string(out), "assay-probe") != 3 {
			t.Errorf("rpm itself reads %q", out)
		}
	}
}

// ndb writes a Packages.db as rpmpkg.c does. No rpm at hand here writes one,
// so this is our reading of its source on both sides.
func ndb(blobs ...[]byte) []byte {
	out := make([]byte, ndbPage)
	put := func(at int, v ...uint32) {
		for i, x := range v {
			binary.LittleEndian.PutUint32(out[at+4*i:], x)
		}
	}
	put(0, ndbMagic, 0, 1, 1, uint32(len(blobs)+1))
	for at := 32; at < ndbPage; at += ndbSlot {
		put(at, slotMagic)
	}
	for i, b := range blobs {
		at := len(out)
		put(32+16*i, slotMagic, uint32(i+1), uint32(at/ndbBlock), uint32((len(b)+28+15)/16))
		out = append(out, make([]byte, blobHead)...)
		put(at, blobMagic, uint32(i+1), 1, uint32(len(b)))
		out = append(append(out, b...), make([]byte, 12)...)
		out = append(out, make([]byte, (16-len(out)%16)%16)...)
	}
	return out
}

func TestNDB(t *testing.T) {
	raw := ndb([]byte("first blob"), []byte("second"), bytes.Repeat([]byte("x"), 5000))
	raw[ndbPage+48] ^= 0xff // spoil the second's magic
	var got []int
	err := NDB(bytes.NewReader(raw), int64(len(raw)), func(b []byte) error { got = append(got, len(b)); return nil })
	var broken *binread.FormatError
	if fmt.Sprint(got) != "[10 5000]" || !errors.As(err, &broken) || broken.Offset != ndbPage+48 {
		t.Errorf("%v, %v: the others must be read, and the broken one told", got, err)
	}
	for name, f := range map[string]func(io.ReaderAt, int64, func([]byte) error) error{"ndb": NDB, "bdb": BDB} {
		if err := f(strings.NewReader("nothing of the kind"), 19, nil); !errors.Is(err, binread.ErrNotMine) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRPMDB(f *testing.F) {
	f.Add(ndb([]byte("blob"), []byte("b")))
	h := make([]byte, 8+16*2+20)
	for i, v := range []uint32{2, 20, tagName, typeString, 0, 1, tagBaseNames, typeArray, 2, 2} {
		binary.BigEndian.PutUint32(h[4*i:], v)
	}
	copy(h[40:], "a\x00b\x00c\x00")
	f.Add(h)
	page := make([]byte, 2048)
	binary.LittleEndian.PutUint32(page[12:], bdbMagic)
	binary.LittleEndian.PutUint32(page[20:], 512)
	page[512+25], page[512+20] = pageHash, 2
	binary.LittleEndian.PutUint16(page[512+26:], 500)
	binary.LittleEndian.PutUint16(page[512+28:], 480)
	page[512+480] = itemOffPage
	f.Add(page)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Parse(b)
		n := 0
		count := func(x []byte) error { n += len(x); return nil }
		_ = NDB(bytes.NewReader(b), int64(len(b)), count)
		_ = BDB(bytes.NewReader(b), int64(len(b)), count)
		if n > 4*len(b)+65536 {
			t.Errorf("%d bytes of blobs out of %d", n, len(b))
		}
	})
}
