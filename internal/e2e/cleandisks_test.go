package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
)

// lvmRootOf reads the root file system of lvmRoot's disks, by LVM's own word.
func lvmRootOf(t *testing.T, a, b string) string {
	t.Helper()
	l := &lvm{t: t, dir: t.TempDir()}
	l.attach(a, 18*mib)
	l.attach(b, 0)
	defer l.done()
	l.run("vgck vg0")
	return l.unstripe("vg0/root", size())
}

// TestCleanDisks cleans a machine whose root lies in stripes on two disks: both
// copies are made, LVM and e2fsck accept them, and no secret is in either.
func TestCleanDisks(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "sfdisk", "mount", "dd", "qemu-img", "lvm", "losetup")
	imgs := lvmRoot(t, system(t))
	check := untouched(t, imgs...)
	dir := t.TempDir()
	outs := []string{filepath.Join(dir, "boot.qcow2"), filepath.Join(dir, "second.raw")}
	args := append([]string{"clean", imgs[0], "--disk", imgs[1], "-o", outs[0], "-o", outs[1], "--format", "json"}, decided...)
	got := parse(t, assay(t, args...))
	check()
	if got.code != 0 || got.verdicts != 2 || !got.verdict.Clean {
		t.Fatalf("exit %d, %d verdicts, clean %v, error %q\n%s\n%s", got.code, got.verdicts, got.verdict.Clean, got.verdict.Error, got.gapText(), got.stderr)
	}
	flats := []string{flat(t, outs[0]), flat(t, outs[1])}
	was, is := lvmRootOf(t, imgs[0], imgs[1]), lvmRootOf(t, flats[0], flats[1])
	for _, f := range append(flats, is) {
		gone(t, f, secretsOf(t))
	}
	sameFiles(t, was, is, touched(t, got.stdout))
	if again := inspect(t, outs[0], "--disk", outs[1]); again.code != 0 {
		t.Errorf("the copies are not clean: exit %d", again.code)
	}
}

// TestCleanDisksOrNone has a second copy that cannot be made: the first is not
// made either.
func TestCleanDisksOrNone(t *testing.T) {
	need.Tool(t, "mke2fs")
	dir := t.TempDir()
	var disks []string
	for _, n := range []string{"a", "b"} {
		img := filepath.Join(dir, n+".raw")
		must(t, os.WriteFile(img, nil, 0o600))
		must(t, os.Truncate(img, 8*mib))
		need.Run(t, "mke2fs", "-q", "-t", "ext4", img)
		disks = append(disks, img)
	}
	a := filepath.Join(dir, "clean-a.raw")
	for _, b := range []string{filepath.Join(dir, "none", "b.raw"), disks[1], a} {
		got := assay(t, "clean", disks[0], "--disk", disks[1], "-o", a, "-o", b)
		if got.code == 0 || got.code == 3 || got.code == 4 {
			t.Errorf("copies to %s and %s: exit %d\n%s", a, b, got.code, got.stderr)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*clean*")); len(left) > 0 {
			t.Errorf("copies to %s and %s: left %s", a, b, strings.Join(left, " "))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
