package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
)

// TestSnapshot keeps a key in a read-only snapshot that the system itself has
// no more.
func TestSnapshot(t *testing.T) {
	need.Root(t)
	want := reference(t)
	_, gone := key(t, "gone@contractor")
	img := btrfsRoot(t, system(t), gone)
	check := untouched(t, img)
	got := inspect(t, img)
	check()
	var extra []found
	for i := range got.findings {
		if f := got.findings[i]; strings.Contains(f.Where.Volume, "before") {
			extra = append(extra, f)
		}
	}
	if len(extra) != 1 || extra[0].Check != "any/ssh/authorized-keys" || extra[0].Where.Path != "/root/.ssh/authorized_keys" || extra[0].Fix != nil && len(extra[0].Fix.Edits) > 0 {
		t.Errorf("the snapshot gives %+v", extra)
	}
	if d := differ(got.ids(), want); strings.Count(d, "\n") != 1 {
		t.Errorf("findings differ by more than one:\n%s", d)
	}
	if len(got.gaps) > 0 {
		t.Error(got.gapText())
	}
}

// TestUnnamedVolume has a file system that no fstab names, and a second system
// on another partition: both give things away.
func TestUnnamedVolume(t *testing.T) {
	need.Root(t)
	want := reference(t)
	g := system(t)
	g.put("etc/fstab", "UUID="+rootUUID+" / ext4 defaults 0 1\n", 0o644, 0)
	data := tree{t, t.TempDir()}
	private, _ := key(t, "unnamed@data")
	data.put("backup/old-laptop/id_ed25519", private, 0o600, 1002)
	rescue := system(t)
	_, public := key(t, "rescue@ops")
	rescue.put("root/.ssh/authorized_keys", public, 0o600, 0)
	rescue.put("etc/fstab", "UUID="+homeUUID+" / ext4 defaults 0 1\n", 0o644, 0)
	img := disk(t, "gpt", part{"type=linux", ext4(t, size()/4, rootUUID, g.dir)}, part{"type=linux", ext4(t, 16*mib, varUUID, data.dir)},
		part{"type=linux", ext4(t, size()/4, homeUUID, rescue.dir)})
	got := inspect(t, img)
	d := differ(got.ids(), want)
	if strings.Contains(d, "missing ") || !strings.Contains(d, "/backup/old-laptop/id_ed25519") || !strings.Contains(d, "authorized_keys") {
		t.Errorf("findings beside those of the system:\n%s\ngaps:\n%s", d, got.gapText())
	}
}

// TestDataDisk has no system at all: files are checked, and a gap says what is
// not.
func TestDataDisk(t *testing.T) {
	need.Root(t)
	g := tree{t, t.TempDir()}
	private, public := key(t, "zhangwei@data")
	g.put("zhangwei/.ssh/id_ed25519", private, 0o600, 1002)
	g.put("zhangwei/.ssh/authorized_keys", public, 0o600, 1002)
	g.put("dumps/shop.sql", "-- MySQL dump 10.19\nINSERT INTO `users` VALUES (1,'li.na@example.com');\n", 0o644, 0)
	img := disk(t, "gpt", part{"type=linux", ext4(t, 32*mib, homeUUID, g.dir)})
	got := inspect(t, img)
	for _, c := range []string{"any/ssh/private-keys", "any/data/dumps"} {
		if !strings.Contains(strings.Join(got.ids(), "\n"), c) {
			t.Errorf("no finding of %s in %q", c, got.ids())
		}
	}
	if len(got.gaps) != 1 || got.code != 3 || !strings.Contains(got.gapText(), "no operating system") {
		t.Errorf("exit code %d, gaps %s", got.code, got.gapText())
	}
}

// copiedUnder mounts an image, writes a key and copies the image under the
// mount, while the key is only in the log. Anybody who calls sync(2) on the
// machine makes the kernel write the log home: it is tried again then.
func copiedUnder(t *testing.T, img, key, options, norecovery string) string {
	t.Helper()
	const name = "root/.ssh/authorized_keys"
	copied := sparse(t, 0)
	for range 20 {
		dir, done := mount(t, img, options)
		tree{t, dir}.put(name, key, 0o600, 0)
		need.Run(t, "sync", filepath.Join(dir, name)) // fsync: into the log, not home
		need.Run(t, "cp", "--sparse=always", img, copied)
		if err := os.RemoveAll(filepath.Join(dir, "root/.ssh")); err != nil {
			t.Fatal(err)
		}
		done()
		seen, let := mount(t, copied, norecovery)
		_, err := os.Stat(filepath.Join(seen, name))
		let()
		if err != nil {
			return copied
		}
	}
	t.Fatal("each time the kernel wrote the log home before the copy was made")
	return ""
}

// TestCopiedWhileMounted copies an image under a running system: the key is
// only in the log of the file system, where a mount without recovery does not
// see it.
func TestCopiedWhileMounted(t *testing.T) {
	need.Root(t)
	want := reference(t)
	for _, c := range []struct {
		name, options, norecovery string
		mkfs                      []string
	}{
		{"ext4", "", "ro,noload", []string{"mke2fs", "-q", "-F", "-t", "ext4", "-U", rootUUID}},
		{"xfs", "nouuid", "ro,norecovery,nouuid", []string{"mkfs.xfs", "-q", "-m", "uuid=" + rootUUID}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := system(t)
			g.put("etc/fstab", "UUID="+rootUUID+" / "+c.name+" defaults 0 1\n", 0o644, 0)
			late, err := os.ReadFile(filepath.Join(g.dir, "root/.ssh/authorized_keys"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(g.dir, "root/.ssh")); err != nil {
				t.Fatal(err)
			}
			img := formatted(t, size(), func(dir string) { copyTree(t, g.dir, dir) }, c.mkfs[0], c.mkfs[1:]...)
			copied := copiedUnder(t, img, string(late), c.options, c.norecovery)
			same(t, want, "", copied)
		})
	}
}
