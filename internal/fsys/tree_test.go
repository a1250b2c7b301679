package fsys_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"assay/finding"
	"assay/internal/binread"
	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
)

func machine(t *testing.T) *fsys.Tree {
	t.Helper()
	root := memfs.New(
		memfs.File{Path: "/etc/passwd", Data: "root"},
		memfs.File{Path: "/abs", Link: "/etc/passwd"},
		memfs.File{Path: "/a/b/up", Link: "../../../../../../etc/passwd"},
		memfs.File{Path: "/loop1", Link: "loop2"},
		memfs.File{Path: "/loop2", Link: "loop1"},
		memfs.File{Path: "/self", Link: "self/self"},
		memfs.File{Path: "/home/shadowed", Data: "x"},
		memfs.File{Path: "/d", Link: "a/b"},
		memfs.File{Path: "/bad\xff\n", Data: "y"},
	)
	home := memfs.New(memfs.File{Path: "/u/.bash_history", Data: "ls"}, memfs.File{Path: "/u/etc", Link: "/etc"})
	tr, err := fsys.NewTree(fsys.Mount{Path: "/", Name: "p1", FS: root, Root: root.Root()},
		fsys.Mount{Path: "/home/", Name: "p2", FS: home, Root: home.Root()})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestLookupStaysInside(t *testing.T) {
	tr := machine(t)
	for name, want := range map[string]string{
		"/etc/passwd":                  "/etc/passwd",
		"etc//./passwd":                "/etc/passwd",
		"/abs":                         "/etc/passwd",
		"/a/b/up":                      "/etc/passwd",
		"/d/up":                        "/etc/passwd",
		"/../../etc/passwd":            "/etc/passwd",
		"/home/u/etc/passwd":           "/etc/passwd",
		"/home/u/../../etc/../abs":     "/etc/passwd",
		"/home/u/.bash_history":        "/home/u/.bash_history",
		"/bad\xff\n":                   "/bad\xff\n",
		"/home/../home/u/etc/../a/b/.": "/a/b",
	} {
		if _, got, err := tr.Lookup(name, true); err != nil || got != want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]error{
		"/loop1": fsys.ErrLoop, "/self": fsys.ErrLoop, "/nope": fsys.ErrNotExist,
		"/etc/passwd/x": fsys.ErrNotDir, "/home/shadowed": fsys.ErrNotExist,
	} {
		if _, _, err := tr.Lookup(name, true); !errors.Is(err, want) {
			t.Errorf("Lookup(%q) = %v, want %v", name, err, want)
		}
	}
	if m, err := tr.Lstat("/abs"); err != nil || m.Kind != fsys.Symlink {
		t.Errorf("Lstat follows: %v, %v", m.Kind, err)
	}
}

func TestWalkCrossesMountsOnce(t *testing.T) {
	tr := machine(t)
	var got []string
	err := tr.Walk("/", func(name string, p fsys.Place, e fsys.Entry, err error) error {
		if err != nil {
			t.Error(name, err)
		}
		got = append(got, tr.VolumeOf(p)+":"+name)
		if name == "/a" {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(got, " ")
	for _, want := range []string{"p2:/home", "p2:/home/u/.bash_history", "p1:/a", "p1:/etc/passwd"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %q", want, all)
		}
	}
	if strings.Contains(all, "shadowed") || strings.Contains(all, "/a/b") {
		t.Errorf("too much in %q", all)
	}
}

// looped is a directory that contains itself.
type looped struct{ *memfs.FS }

func (l looped) ReadDir(n fsys.Node, yield func(fsys.Entry) error) error {
	return yield(fsys.Entry{Name: "again", Node: 0, Kind: fsys.Directory})
}

func TestWalkEndsInALoop(t *testing.T) {
	l := looped{memfs.New()}
	tr, err := fsys.NewTree(fsys.Mount{Path: "/", FS: l, Root: 0})
	if err != nil {
		t.Fatal(err)
	}
	var faults int
	if err := tr.Walk("/", func(_ string, _ fsys.Place, _ fsys.Entry, err error) error {
		if err != nil {
			faults++
		}
		return nil
	}); err != nil || faults != 1 {
		t.Fatalf("%v, %d faults", err, faults)
	}
}

func TestReadFileLimit(t *testing.T) {
	tr := memfs.Tree(memfs.File{Path: "/big", Size: 1 << 40}, memfs.File{Path: "/four", Data: "abcd"})
	b, err := tr.ReadFile("/big", 10)
	if !errors.Is(err, fsys.ErrTooLarge) || len(b) != 10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if b, err := tr.ReadFile("/four", 4); err != nil || string(b) != "abcd" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestFaultsAreRemembered(t *testing.T) {
	broken := binread.Errorf("ext4", 4096, "bad checksum")
	tr := memfs.Tree(
		memfs.File{Path: "/etc/shadow", Data: "x", Err: broken},
		memfs.File{Path: "/etc/link", Link: "y", Err: binread.Encrypted("ext4", "fscrypt")},
		memfs.File{Path: "/etc/fine", Data: "x"},
	)
	for range 2 {
		_, _ = tr.ReadFile("/etc/shadow", 10)
		_, _ = tr.ReadFile("/etc/link", 10)
		_, _ = tr.ReadFile("/etc/fine", 0)
		_, _ = tr.ReadFile("/etc/absent", 10)
		_, _ = tr.ReadFile("/etc", 10)
	}
	fs := tr.Faults()
	if len(fs) != 2 || fs[0].Path != "/etc/shadow" || fs[1].Path != "/etc/link" {
		t.Fatalf("%+v", fs)
	}
	if g := fsys.Gap(finding.Where{}, fs[0].Err); g.Kind != finding.GapCorrupt {
		t.Error(g)
	}
	if g := fsys.Gap(finding.Where{}, fs[1].Err); g.Kind != finding.GapEncrypted {
		t.Error(g)
	}
	if g := fsys.Gap(finding.Where{}, denied); g.Kind != finding.GapUnreadable {
		t.Error(g)
	}
}

var denied = &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrPermission}
