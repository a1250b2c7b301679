package guest

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"assay/internal/fsys/memfs"
)

func TestCached(t *testing.T) {
	sum := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	const dir = "/var/cache/apt/archives/"
	tree := memfs.Tree(
		memfs.File{Path: "/var/lib/dpkg/status", Data: "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\n\n" +
			"Package: b\nStatus: hold ok installed\nArchitecture: all\nVersion: 1\n\n" +
			"Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"},
		memfs.File{Path: "/var/lib/apt/lists/x_main_binary-amd64_Packages", Data: "Package: a\nSHA256: " + sum("deb a") + "\nSize: 5\n\nPackage: gone\nSHA256: " + sum("deb gone") + "\n"},
		memfs.File{Path: "/var/lib/apt/lists/y_main_binary-amd64_Packages", Data: "Package: b\nSHA256: " + sum("deb b") + "\nSHA256: cut"},
		memfs.File{Path: "/var/lib/apt/lists/z_Release", Data: "\nSHA256: " + sum("deb c") + "\n"},
		memfs.File{Path: dir + "a_1%3a2-3_amd64.deb", Data: "deb a"},
		memfs.File{Path: dir + "b_1_all.deb", Data: "deb b"},
		memfs.File{Path: dir + "gone_1_all.deb", Data: "deb gone"},
		memfs.File{Path: dir + "a_1%3a2-4_amd64.deb", Data: "deb a"},
		memfs.File{Path: "/root/a_1%3a2-3_amd64.deb", Data: "deb a"},
	)
	g := New(tree)
	for name, want := range map[string]bool{dir + "a_1%3a2-3_amd64.deb": true, dir + "b_1_all.deb": true, dir + "gone_1_all.deb": false,
		dir + "a_1%3a2-4_amd64.deb": false, "/root/a_1%3a2-3_amd64.deb": false} {
		f, err := tree.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Cached(name, f); got != want {
			t.Errorf("Cached(%s) = %v", name, got)
		}
	}
	changed := New(memfs.Tree(
		memfs.File{Path: "/var/lib/dpkg/status", Data: "Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"},
		memfs.File{Path: "/var/lib/apt/lists/x_Packages", Data: "Package: a\nSHA256: " + sum("deb a") + "\n"},
		memfs.File{Path: dir + "a_1_amd64.deb", Data: "deb A"},
	))
	f, err := changed.Tree.Open(dir + "a_1_amd64.deb")
	if err != nil {
		t.Fatal(err)
	}
	if changed.Cached(dir+"a_1_amd64.deb", f) {
		t.Error("a package that was changed is not the repository's")
	}
}
