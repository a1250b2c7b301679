package guest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/btrfs"
	"assay/internal/fsys/memfs"
	"assay/internal/span"
)

// rootFiles make a file system that is a machine's root.
func rootFiles(fstab string, more ...memfs.File) []memfs.File {
	return append([]memfs.File{text("/etc/passwd", "root:x:0:0::/root:/bin/sh\n"), text("/etc/os-release", "ID=debian\n"), text("/usr/bin/x", "x"),
		text("/etc/fstab", fstab)}, more...)
}

func describe(g *Guest) string {
	var b strings.Builder
	mounts := slices.Clone(g.Tree.Mounts())
	slices.SortFunc(mounts, func(a, b fsys.Mount) int { return strings.Compare(a.Path, b.Path) })
	for _, m := range mounts {
		fmt.Fprintf(&b, "%s=%s ", m.Path, m.Name)
	}
	for _, v := range g.Spare {
		fmt.Fprintf(&b, "spare:%s,%s,%v ", v.Name, v.Content, v.HasData)
	}
	for _, p := range g.Problem {
		fmt.Fprintf(&b, "%s:%s ", p.Kind, cmp.Or(p.Where.Path, p.Where.Volume))
	}
	return strings.TrimSpace(b.String())
}

func TestAssemble(t *testing.T) {
	data := memfs.New(text("/d", "x"))
	esp := memfs.New(text("/EFI/BOOT/BOOTX64.EFI", "x"))
	for _, c := range []struct {
		name    string
		sources []Source
		want    string
	}{
		{"all ways to name a device", []Source{
			{Name: "p1", UUID: "1111-AAAA", FS: esp},
			{Name: "p2", UUID: "u2", PartUUID: "pu2", FS: memfs.New(rootFiles(`UUID=u2 / ext4 defaults 0 1
UUID=1111-aaaa /boot/efi vfat umask=0077 0 1
LABEL=home /home ext4 defaults
PARTLABEL=srv /srv xfs defaults
PARTUUID=PU5 /opt ext4 defaults
/dev/mapper/vg--0-var--log /var/log ext4 defaults
/dev/vg-0/tmp /tmp ext4 defaults
/dev/vda8 /mnt/eight ext4 defaults
/dev/vdb1 /mnt/b ext4 defaults
/dev/disk/by-uuid/u9 /data ext4 defaults
tmpfs /run tmpfs defaults
/home/x /mnt/bind none bind
/swapfile none swap sw
server:/x /nfs nfs defaults
`, memfs.File{Path: "/mnt/"}, memfs.File{Path: "/boot/"}, memfs.File{Path: "/var/"})...)},
			{Name: "p3", Label: "home", FS: data}, {Name: "p4", PartName: "srv", FS: data}, {Name: "p5", PartUUID: "pu5", FS: data},
			{Name: "vg-0/var-log", FS: data}, {Name: "vg-0/tmp", FS: data}, {Name: "p8", FS: data}, {Name: "d2p1", FS: data}, {Name: "p9", UUID: "u9", FS: data},
		}, "/=p2 /boot/efi=p1 /data=p9 /home=p3 /mnt/b=d2p1 /mnt/eight=p8 /opt=p5 /srv=p4 /tmp=vg-0/tmp /var/log=vg-0/var-log"},
		{"missing and spare", []Source{
			{Name: "p1", UUID: "u1", FS: memfs.New(rootFiles("UUID=u1 / ext4\nUUID=gone /data ext4 nofail\nUUID=tape /t ext4 noauto\nUUID=sw none swap sw\n")...)},
			{Name: "p2", UUID: "u2", Content: "ext4", FS: data},
			{Name: "p3", UUID: "sw", Content: "swap", Size: 8192, Bytes: bytes.NewReader(make([]byte, 8192))},
		}, "/=p1 spare:p2,ext4,false spare:p3,swap,false missing-device:/data"},
		{"the root that its own fstab names", []Source{
			{Name: "a", UUID: "ua", Content: "ext4", FS: memfs.New(rootFiles("UUID=other / ext4\n")...)},
			{Name: "b", UUID: "ub", FS: memfs.New(rootFiles("UUID=ub / ext4\n")...)},
		}, "/=b spare:a,ext4,false"},
		{"no fstab", []Source{{Name: "p1", FS: memfs.New(text("/etc/passwd", ""), text("/bin/sh", ""))}}, "/=p1"},
		{"data only", []Source{{Name: "p1", FS: data}, {Name: "vg/x", FS: data}}, "/=p1 /vg-x=vg/x missing-device:p1"},
		{"windows", []Source{{Name: "p1", FS: data}, {Name: "p3", FS: memfs.New(text("/Windows/System32/config/SAM", "x"))}}, "/=p3 /p1=p1"},
		{"mount point below nothing", []Source{{Name: "p1", UUID: "u1", FS: memfs.New(rootFiles("UUID=u1 / ext4\nUUID=u2 /a/b ext4\n")...)}, {Name: "p2", UUID: "u2", FS: data}},
			"/=p1 /a/b=p2 unsupported:/a/b"},
	} {
		g, err := Assemble(c.sources)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := describe(g); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if _, err := Assemble([]Source{{Name: "p1", Content: "swap"}}); !errors.Is(err, ErrNoFileSystem) {
		t.Error(err)
	}
}

// TestWalkReachesMounts: what is mounted where no directory is must be listed.
func TestWalkReachesMounts(t *testing.T) {
	g, err := Assemble([]Source{
		{Name: "p1", UUID: "u1", FS: memfs.New(rootFiles("UUID=u1 / ext4\nUUID=u2 /data ext4\n")...)},
		{Name: "p2", UUID: "u2", FS: memfs.New(text("/secret", "x"))},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := g.Index().Named("secret")
	if m, _ := g.Match("/d*/secret"); len(n) != 1 || g.Index().Path(n[0]) != "/data/secret" || len(m) != 1 {
		t.Errorf("%+v %+v", n, m)
	}
}

func TestShadowed(t *testing.T) {
	g, err := Assemble([]Source{
		{Name: "p1", UUID: "u1", FS: memfs.New(rootFiles("UUID=u1 / ext4\nUUID=u2 /home ext4\nUUID=u3 /home/x ext4\nUUID=u4 /empty ext4\nUUID=u5 /none ext4\n",
			text("/home/old/.bash_history", "x"), memfs.File{Path: "/empty/"}, text("/home/x/of-root", "x"))...)},
		{Name: "p2", UUID: "u2", FS: memfs.New(text("/x/hidden", "x"), text("/new", "x"))},
		{Name: "p3", UUID: "u3", FS: memfs.New(text("/y", "x"))}, {Name: "p4", UUID: "u4", FS: memfs.New()}, {Name: "p5", UUID: "u5", FS: memfs.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, s := range g.Shadowed() {
		es, _ := s.Tree.ReadDir("/")
		got += fmt.Sprint(s.Path, " on ", s.Volume, ":")
		for _, e := range es {
			got += " " + e.Name
		}
		got += "; "
	}
	if got != "/home/x on p2: hidden; /home on p1: old x; " {
		t.Error(got)
	}
}

// A subvolFS is a file system with subvolumes, on plain values.
type subvolFS struct {
	*memfs.FS
	subs []btrfs.Subvolume
}

func (s subvolFS) Subvolumes() []btrfs.Subvolume { return s.subs }
func (s subvolFS) Default() fsys.Node            { return s.Root() }

func TestSubvolumes(t *testing.T) {
	var files []memfs.File
	for _, dir := range []string{"/@", "/snap"} {
		for _, f := range rootFiles("UUID=u / btrfs subvol=@\nUUID=u /home btrfs subvol=/@home\nUUID=u /opt btrfs subvolid=300\nUUID=u /bad btrfs subvol=none\n") {
			f.Path = dir + f.Path
			files = append(files, f)
		}
	}
	m := memfs.New(append(files, text("/@home/bob/x", "x"), text("/@opt/y", "x"))...)
	whole, err := fsys.NewTree(fsys.Mount{Path: "/", FS: m, Root: m.Root()})
	if err != nil {
		t.Fatal(err)
	}
	node := func(p string) fsys.Node {
		at, _, err := whole.Lookup(p, false)
		if err != nil {
			t.Fatal(err)
		}
		return at.Node
	}
	f := subvolFS{m, []btrfs.Subvolume{
		{ID: 5, Path: "", Root: m.Root()}, {ID: 256, Path: "@", Root: node("/@")}, {ID: 257, Path: "@home", Root: node("/@home")},
		{ID: 300, Path: "@opt", Root: node("/@opt")}, {ID: 301, Path: "snap", Root: node("/snap"), ReadOnly: true},
	}}
	g, err := Assemble([]Source{{Name: "p1", UUID: "u", Content: "btrfs", FS: f}})
	if err != nil {
		t.Fatal(err)
	}
	if got := describe(g); got != "/=p1 /home=p1 /opt=p1 spare:p1@snap,btrfs,false missing-device:/bad" {
		t.Error(got)
	}
	if !g.Exists("/home/bob/x") || !g.Exists("/opt/y") || g.Exists("/@home") {
		t.Error("wrong subvolumes are mounted")
	}
}

func TestSwapHasData(t *testing.T) {
	for _, c := range []struct {
		at   int
		want bool
	}{{-1, false}, {10, false}, {4095, false}, {4096, true}, {99_999, true}} {
		b := make([]byte, 100_000)
		if c.at >= 0 {
			b[c.at] = 1
		}
		s := Source{Size: int64(len(b)), Bytes: bytes.NewReader(b)}
		if got := swapHasData(&s); got != c.want {
			t.Errorf("a byte at %d: %v", c.at, got)
		}
		s.Data = func() (span.Set, error) { return span.Set{{Off: 0, Len: 50_000}}, nil }
		if got := swapHasData(&s); got != (c.want && c.at < 50_000) {
			t.Errorf("a byte at %d, data up to 50000: %v", c.at, got)
		}
	}
}
