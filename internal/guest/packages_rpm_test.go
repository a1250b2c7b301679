package guest

import (
	"os"
	"path/filepath"
	"testing"

	"assay/internal/fsys/memfs"
	"assay/internal/need"
)

const probeSpec = `Name: probe
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
x
%pre
useradd -r -s /sbin/nologin probed
%install
mkdir -p %{buildroot}/etc %{buildroot}/bin
echo conf > %{buildroot}/etc/probe.conf
echo bin > %{buildroot}/bin/probe
%files
%config /etc/probe.conf
/bin/probe
`

func TestRPMPackages(t *testing.T) {
	need.Tool(t, "rpmbuild")
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/p.spec", []byte(probeSpec), 0o600); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "rpmbuild", "--define", "_topdir "+dir+"/b", "-bb", dir+"/p.spec")
	rpms, _ := filepath.Glob(dir + "/b/RPMS/noarch/*.rpm")
	need.Run(t, "rpm", append([]string{"--dbpath", dir + "/db", "--justdb", "--nodeps", "--noscripts", "-i"}, rpms...)...)
	db, err := os.ReadFile(dir + "/db/rpmdb.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	wal, _ := os.ReadFile(dir + "/db/rpmdb.sqlite-wal")
	files := []memfs.File{text("/usr/lib/sysimage/rpm/rpmdb.sqlite", string(db)), text("/etc/passwd", "probed:x:990:990::/:/sbin/nologin\neve:x:991:991::/:/bin/sh\n"),
		{Path: "/bin", Link: "usr/bin"}, {Path: "/usr/bin/"}}
	if len(wal) > 0 {
		files = append(files, text("/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", string(wal)))
	}
	g := plant(files...)
	p := g.Packages()
	bin, _ := p.Owner("/usr/bin/probe")
	conf, _ := p.Owner("/etc/probe.conf")
	// sha256sum of "bin\n"
	if p.System != "rpm" || p.Count != 1 || p.Problem != "" || bin != (PackageFile{"probe", "sha256", "47de97e16916cd2d895d58e6406cf39c7aec6f4b29a114d53f1d1d8a652c625b", false}) || !conf.Config {
		t.Errorf("%+v %+v %+v", p, bin, conf)
	}
	if a, _ := g.Accounts(); a.Users[0].Origin != Package || a.Users[0].Maker != "probe" || a.Users[1].Origin != UnknownUser {
		t.Errorf("%+v", a.Users)
	}
	for _, name := range []string{"/var/lib/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages", "/var/lib/rpm/Packages.db"} {
		if p := plant(text(name, "rubbish")).Packages(); p.System != "rpm" || p.Problem == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
