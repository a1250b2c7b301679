//go:build linux

package ext4

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/fsys"
	"assay/internal/need"
)

// snapshot makes a file system that was copied while it was mounted, with a
// journal to replay and with files deleted while open.
func snapshot(t *testing.T, v variant, opts string, rng *rand.Rand) string {
	t.Helper()
	img := mkfs(t, v)
	dir, unmount := mount(t, img, opts)
	plant(t, dir, rng, 60)
	held := disturb(t, dir)
	for i := range 5 {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("orphan%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		f.Write(bytes.Repeat([]byte(mark('C', 999000+i)), 20<<(2*i)))
		f.Sync()
		os.Remove(f.Name())
		held = append(held, f)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.Sync()
	f.Close()
	copied := img + ".copy"
	cp(t, img, copied)
	for _, h := range held {
		h.Close()
	}
	unmount()
	return copied
}

// TestEditDirty edits snapshots of mounted file systems: e2fsck must find
// nothing as soon as the editor is open, and the kernel, which recovers a copy
// by itself, must have the same files.
func TestEditDirty(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "e2fsck")
	for i, c := range dirtyCases {
		if c.name == "bigalloc" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			editDirty(t, c.variant, c.opts, uint64(i))
		})
	}
}

func editDirty(t *testing.T, v variant, opts string, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 5))
	img := snapshot(t, v, opts, rng)
	theirs := img + ".theirs"
	cp(t, img, theirs)
	if f := open(t, img); !f.Describe().Replayed || len(f.orphans.dead) < 5 {
		t.Fatalf("%d orphans, %+v", len(f.orphans.dead), f.Describe())
	}
	e, patch := editor(t, img)
	patch.writeOut(t, img)
	fsckClean(t, img, "after NewEditor")
	counted(t, e.FS, img)
	_, unmount := mount(t, theirs, "rw,noatime")
	unmount()
	dir, unmount := mount(t, theirs, "ro")
	p := &plan{t: t, rng: rng, e: e, p: patch, want: oursOf(t, e.FS), did: map[string]int{}}
	compare(t, p.want, theirsOf(t, dir))
	unmount()
	p.run()
	out := img + ".out"
	p.finish(out)
	dir, unmount = mount(t, out, "ro")
	compare(t, p.want, theirsOf(t, dir))
	unmount()
	t.Log(p.did)
	heavyUse(t, out)
}

// TestEditOrphans deals with a deleted and a half truncated file in the list of
// orphans as e2fsck does.
func TestEditOrphans(t *testing.T) {
	need.Tool(t, "mke2fs", "debugfs", "e2fsck")
	tree := filepath.Join(t.TempDir(), "tree")
	os.MkdirAll(tree, 0o755)
	for i, n := range []string{"dead", "cut", "other"} {
		os.WriteFile(filepath.Join(tree, n), bytes.Repeat([]byte(mark('C', i)), 36000), 0o600)
	}
	for _, v := range []variant{
		{"extents", []string{"-t", "ext4", "-b", "1024"}, 16},
		{"indirect", []string{"-t", "ext3", "-b", "1024"}, 16},
	} {
		t.Run(v.name, func(t *testing.T) {
			img := mkfs(t, v, "-d", tree)
			ino := map[string]fsys.Node{}
			before := open(t, img)
			before.ReadDir(before.Root(), func(e fsys.Entry) error { ino[e.Name] = e.Node; return nil })
			cmds := filepath.Join(t.TempDir(), "cmds")
			os.WriteFile(cmds, fmt.Appendf(nil, "unlink dead\nsif <%d> links_count 0\nsif <%d> dtime %d\nsif <%d> size 50000\nsif <%d> dtime 0\nssv last_orphan %d\n",
				ino["dead"], ino["dead"], ino["cut"], ino["cut"], ino["cut"], ino["dead"]), 0o600)
			need.Run(t, "debugfs", "-w", "-f", cmds, img)
			e, p := editor(t, img)
			if _, err := e.Stat(ino["dead"]); err == nil {
				t.Error("a deleted orphan is still there")
			}
			if _, err := e.Scrub(); err != nil {
				t.Fatal(err)
			}
			p.writeOut(t, img+".out")
			fsckClean(t, img+".out", "after Scrub")
			command(t, "e2fsck", "-fy", img)
			theirs, ours := open(t, img), open(t, img+".out")
			for _, n := range []string{"cut", "other"} {
				got, _ := ours.Extents(ino[n])
				want, _ := theirs.Extents(ino[n])
				if !slices.Equal(got, want) {
					t.Errorf("%s: extents %v, repaired %v", n, got, want)
				}
			}
			if strings.Count(string(p.b), mark('C', 1)) > 5000 || bytes.Contains(p.b, []byte(mark('C', 0))) {
				t.Error("content of orphans is left")
			}
			if strings.Count(string(p.b), mark('C', 2)) < 35000 {
				t.Error("content of another file is gone")
			}
		})
	}
}
