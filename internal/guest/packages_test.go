package guest

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/hostfs"
	"assay/internal/fsys/memfs"
	"assay/internal/need"
)

func TestDpkgPackages(t *testing.T) {
	g := plant(
		memfs.File{Path: "/bin", Link: "usr/bin"}, memfs.File{Path: "/usr/bin/"}, memfs.File{Path: "/sbin", Link: "usr/sbin"},
		memfs.File{Path: "/usr/sbin", Link: "bin"},
		text("/var/lib/dpkg/status", `Package: dash
Status: install ok installed
Conffiles:
 /etc/dash.conf d41d8cd98f00b204e9800998ecf8427e

Package: bash
Status: install ok installed

Package: libc6
Architecture: amd64
Status: install ok installed

Package: gone
Status: deinstall ok not-installed
`),
		text("/var/lib/dpkg/info/dash.list", "/.\n/bin\n/bin/sh\n/etc/dash.conf\n/usr/share\n/both\n"),
		text("/var/lib/dpkg/info/dash.md5sums", "00000000000000000000000000000001  bin/sh\n"),
		text("/var/lib/dpkg/info/bash.list", "/.\n/bin\n/bin/sh\n/usr/share\n/sbin/x\n/both\n"),
		text("/var/lib/dpkg/info/bash.md5sums", "00000000000000000000000000000002  bin/sh\n00000000000000000000000000000003  both\n"),
		text("/var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib/x.so\n"),
		text("/var/lib/dpkg/info/gone.list", "/gone\n"),
		text("/var/lib/dpkg/info/bash.postinst", "adduser --system bashd\n"),
		text("/var/lib/dpkg/diversions", "/bin/sh\n/bin/sh.distrib\ndash\n"),
		text("/etc/passwd", "bashd:x:103:103::/:/usr/sbin/nologin\n"),
	)
	p := g.Packages()
	if p.System != "dpkg" || p.Count != 3 || p.Problem != "" {
		t.Errorf("%+v", p)
	}
	for name, want := range map[string]PackageFile{
		"/bin/sh":             {"dash", "md5", "00000000000000000000000000000001", false},
		"/usr/bin/sh":         {"dash", "md5", "00000000000000000000000000000001", false},
		"/usr/bin/sh.distrib": {"bash", "md5", "00000000000000000000000000000002", false},
		"/etc/dash.conf":      {"dash", "md5", "d41d8cd98f00b204e9800998ecf8427e", true},
		"/both":               {"bash", "md5", "00000000000000000000000000000003", false}, // the one that knows a digest
		"/usr/share":          {"dash", "", "", false},
		"/lib/x.so":           {"libc6", "", "", false},
		"/usr/bin/x":          {"bash", "", "", false},
		"/gone":               {}, "/none": {}, "/": {},
	} {
		if got, ok := p.Owner(name); got != want || ok != (want.Package != "") {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if a, _ := g.Accounts(); a.Users[0].Origin != Package || a.Users[0].Maker != "bash" {
		t.Errorf("%+v", a.Users)
	}
}

func TestAPKPackages(t *testing.T) {
	g := plant(text("/lib/apk/db/installed", "P:musl\nF:lib\nR:x\nZ:Q11Q7hNe8QpDS531guqCdrXBzoA/o=\nR:y\n\nP:b\nF:etc\nR:c\nF:etc/init.d\nR:d\n"))
	p := g.Packages()
	if x, _ := p.Owner("/lib/x"); x != (PackageFile{"musl", "sha1", "d50ee135ef10a434b9df582ea8276b5c1ce803fa", false}) {
		t.Errorf("%+v", x)
	}
	c, _ := p.Owner("/etc/c")
	d, ok := p.Owner("/etc/init.d/d")
	if y, _ := p.Owner("/lib/y"); p.System != "apk" || p.Count != 2 || y.Package != "musl" || !c.Config || !ok || d.Config {
		t.Errorf("%+v %+v %+v %+v", p, y, c, d)
	}
	if apkName("nginx-1.26.1-r0.Q1abc=") != "nginx" || apkName("x") != "x" {
		t.Error("apkName")
	}
}

// debianRoot is a small Debian made for tests by debootstrap.
func debianRoot(t *testing.T) (*Guest, string) {
	t.Helper()
	dir := need.StockRoot(t)
	f, err := hostfs.Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tree, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "dir", FS: f, Root: f.Root()})
	if err != nil {
		t.Fatal(err)
	}
	return New(tree), dir
}

// TestAgainstDpkg compares the owner of every path that dpkg lists with dpkg's
// own answer, and the digests with the files.
func TestAgainstDpkg(t *testing.T) {
	need.Tool(t, "dpkg")
	g, dir := debianRoot(t)
	p := g.Packages()
	if p.Problem != "" || p.Count < 50 {
		t.Fatalf("%d packages, %s", p.Count, p.Problem)
	}
	out, err := exec.Command("dpkg", "--admindir="+dir+"/var/lib/dpkg", "-S", "/*").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths, digests := 0, 0
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		who, name, ok := strings.Cut(s.Text(), ": ")
		if !ok || strings.HasPrefix(who, "diversion by") || name == "/." {
			continue
		}
		paths++
		f, found := p.Owner(name)
		if name == "/usr/share/man/man1/sh.1.gz" || name == "/bin/sh" { // diverted; checked in TestDpkgPackages
			continue
		}
		if m, err := os.Stat(filepath.Join(dir, name)); err == nil && m.IsDir() {
			continue // belongs to many, under two names where /usr is merged
		}
		owners := strings.Split(strings.ReplaceAll(who, ":amd64", ""), ", ")
		if !found || !strings.Contains(" "+strings.Join(owners, " ")+" ", " "+f.Package+" ") {
			t.Errorf("%s belongs to %q, dpkg says %q", name, f.Package, owners)
		}
		if f.Algo == "md5" && !f.Config {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				digests++
				if sum := md5.Sum(b); hex.EncodeToString(sum[:]) != f.Digest {
					t.Errorf("%s: digest %s does not fit the file", name, f.Digest)
				}
			}
		}
	}
	t.Logf("%d packages, %d paths, %d digests", p.Count, paths, digests)
	if paths < 3000 || digests < 1000 {
		t.Error("too few to mean anything")
	}
}

// TestDebian asks the whole room about a stock system.
func TestDebian(t *testing.T) {
	g, dir := debianRoot(t)
	if os := g.OS(); os.ID != "debian" || os.Version != "12" || os.Family != Linux {
		t.Errorf("%+v", os)
	}
	a, err := g.Accounts()
	if err != nil || len(a.Users) < 15 {
		t.Fatalf("%+v, %v", a, err)
	}
	for _, u := range a.Users {
		if u.Origin == UnknownUser || u.Password == SetPassword || u.Password == EmptyPassword || u.Password == Shadowed {
			t.Errorf("%+v", u)
		}
		if len(u.Sudo) > 0 && u.Name != "root" {
			t.Errorf("%+v", u)
		}
	}
	for _, gr := range a.Groups {
		if gr.Origin == UnknownUser {
			t.Errorf("%+v", gr)
		}
	}
	_, err = os.Stat(dir + "/usr/sbin/sshd") // a smallest system has none
	if u := g.SSHD().For("root"); g.SSHD().Installed != (err == nil) ||
		err == nil && (u.Get("usepam").Value != "yes" || u.Get("kbdinteractiveauthentication").Value != "no") {
		t.Errorf("%+v", u)
	}
	if f := g.FirstBoot(); f.CloudInit || f.HostKeys != "" {
		t.Errorf("%+v", f)
	}
	for _, h := range g.Homes() {
		if strings.HasPrefix(h.Path, "/usr") || strings.HasPrefix(h.Path, "/dev") {
			t.Errorf("%+v", h)
		}
	}
	if x := g.Index(); len(x.Faults) > 0 || len(x.Files) < 5000 {
		t.Errorf("%d files, %+v", len(x.Files), x.Faults)
	}
}
