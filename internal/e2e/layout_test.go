//go:build linux

package e2e

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"assay/internal/need"
)

// Identities of volumes, for fstab. They differ from run to run: mkfs.btrfs
// refuses one that the machine has seen on another device.
var rootUUID, homeUUID, varUUID, bootUUID, swapUUID = uuid(), uuid(), uuid(), uuid(), uuid()

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// size is that of a root file system.
func size() int64 {
	if os.Getenv("ASSAY_E2E_TREE") != "" {
		return 640 * mib
	}
	return 320 * mib // the least that mkfs.xfs makes is 300 MiB
}

// A layout is a way to store one system on disks. make gets the tree and
// returns the disks' files.
type layout struct {
	name string
	make func(t *testing.T, g tree) []string
	gap  string // a gap that is due; none otherwise
}

var layouts = []layout{
	{"ext4 on GPT", func(t *testing.T, g tree) []string {
		g.put("etc/fstab", "UUID="+rootUUID+" / ext4 errors=remount-ro 0 1\n", 0o644, 0)
		return []string{disk(t, "gpt", part{"type=linux", ext4(t, size(), rootUUID, g.dir)})}
	}, ""},
	{"file system without a table", func(t *testing.T, g tree) []string {
		g.put("etc/fstab", "/dev/vda / ext4 defaults 0 1\n", 0o644, 0)
		return []string{ext4(t, size(), rootUUID, g.dir)}
	}, ""},
	{"XFS root, ext4 home, btrfs var, swap", xfsRoot, ""},
	{"LVM striped over two disks, boot outside", lvmRoot, ""},
	{"btrfs subvolumes", func(t *testing.T, g tree) []string { return []string{btrfsRoot(t, g, "")} }, ""},
	{"MBR with logical partitions and ESP", mbr, ""},
	{"missing data disk", func(t *testing.T, g tree) []string {
		g.put("etc/fstab", "UUID="+rootUUID+" / ext4 defaults 0 1\nUUID="+homeUUID+" /data xfs defaults 0 2\n", 0o644, 0)
		return []string{disk(t, "gpt", part{"type=linux", ext4(t, size(), rootUUID, g.dir)})}
	}, "missing-device UUID=" + homeUUID + ":/data"},
	{"LUKS beside it", func(t *testing.T, g tree) []string {
		need.Tool(t, "cryptsetup")
		g.put("etc/fstab", "UUID="+rootUUID+" / ext4 defaults 0 1\n", 0o644, 0)
		luks := sparse(t, 32*mib)
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		need.Run(t, "cryptsetup", "luksFormat", "-q", "--type", "luks2", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", secret, luks)
		return []string{disk(t, "gpt", part{"type=linux", ext4(t, size(), rootUUID, g.dir)}, part{"type=linux", luks})}
	}, "encrypted p2:"},
}

func xfsRoot(t *testing.T, g tree) []string {
	need.Tool(t, "mkfs.xfs", "mkfs.btrfs", "mkswap")
	g.put("etc/fstab", "UUID="+rootUUID+" / xfs defaults 0 0\nUUID="+homeUUID+" /home ext4 defaults 0 2\nUUID="+varUUID+
		" /var btrfs subvol=@var,compress=zstd 0 0\nUUID="+swapUUID+" none swap sw 0 0\n", 0o644, 0)
	home := ext4(t, 32*mib, homeUUID, move(t, filepath.Join(g.dir, "home")))
	content := move(t, filepath.Join(g.dir, "var"))
	vars := formatted(t, 128*mib, func(dir string) {
		need.Run(t, "btrfs", "subvolume", "create", dir+"/@var")
		copyTree(t, content, dir+"/@var")
	}, "mkfs.btrfs", "-q", "-U", varUUID)
	root := formatted(t, size(), func(dir string) { copyTree(t, g.dir, dir) }, "mkfs.xfs", "-q", "-m", "uuid="+rootUUID)
	swap := sparse(t, 16*mib)
	need.Run(t, "mkswap", "-q", "-U", swapUUID, swap)
	return []string{disk(t, "gpt", part{"type=linux", root}, part{"type=linux", home}, part{"type=linux", vars}, part{"type=swap", swap})}
}

func lvmRoot(t *testing.T, g tree) []string {
	need.Tool(t, "lvm", "losetup")
	g.put("etc/fstab", "/dev/mapper/vg0-root / ext4 defaults 0 1\nUUID="+bootUUID+" /boot ext4 defaults 0 2\n", 0o644, 0)
	os.RemoveAll(filepath.Join(g.dir, "boot/efi"))
	boot := ext4(t, 16*mib, bootUUID, move(t, filepath.Join(g.dir, "boot")))
	root := ext4(t, size(), rootUUID, g.dir)
	a := disk(t, "gpt", part{"type=linux", boot}, part{"type=lvm", sparse(t, size()/2+8*mib)})
	b := sparse(t, size()/2+8*mib)
	l := &lvm{t: t, dir: t.TempDir()}
	l.attach(a, 18*mib)
	l.attach(b, 0)
	// The loop device of the first is longer than its partition by the backup
	// table, so the physical volume is told its size.
	l.run("pvcreate -y --metadatasize 64k --setphysicalvolumesize "+sizeArg(size()/2+8*mib), l.devs[0])
	l.run("pvcreate --metadatasize 64k", l.devs[1])
	l.run("vgcreate -s 1m vg0", l.devs...)
	l.run("lvcreate -an -Zn -Wn -n root -i 2 -I 64k -L " + sizeArg(size()) + " vg0")
	l.stripe("vg0/root", root)
	l.done()
	return []string{a, b}
}

func sizeArg(n int64) string { return strconv.FormatInt(n>>20, 10) + "m" }

// btrfsRoot makes a disk with @ and @home; with extra set, a read-only snapshot
// of @ keeps an authorized_keys line that @ has no more.
func btrfsRoot(t *testing.T, g tree, extra string) string {
	need.Tool(t, "mkfs.btrfs")
	g.put("etc/fstab", "UUID="+rootUUID+" / btrfs subvol=/@ 0 0\nUUID="+rootUUID+" /home btrfs subvol=@home 0 0\n", 0o644, 0)
	home := move(t, filepath.Join(g.dir, "home"))
	img := formatted(t, size(), func(dir string) {
		for _, s := range []string{"@", "@home"} {
			need.Run(t, "btrfs", "subvolume", "create", dir+"/"+s)
		}
		copyTree(t, g.dir, dir+"/@")
		copyTree(t, home, dir+"/@home")
		if extra == "" {
			return
		}
		keys := filepath.Join(dir, "@/root/.ssh/authorized_keys")
		now, err := os.ReadFile(keys)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(keys, append([]byte(extra), now...), 0o600); err != nil {
			t.Fatal(err)
		}
		need.Run(t, "btrfs", "subvolume", "snapshot", "-r", dir+"/@", dir+"/@before")
		if err := os.WriteFile(keys, now, 0o600); err != nil {
			t.Fatal(err)
		}
	}, "mkfs.btrfs", "-q", "-U", rootUUID)
	return disk(t, "gpt", part{"type=linux", img})
}

func mbr(t *testing.T, g tree) []string {
	need.Tool(t, "mkfs.vfat", "mcopy", "mmd")
	g.put("etc/fstab", "UUID="+rootUUID+" / ext4 defaults 0 1\nUUID=ABCD-1234 /boot/efi vfat umask=0077 0 1\nUUID="+swapUUID+" none swap sw 0 0\n", 0o644, 0)
	esp := sparse(t, 40*mib)
	need.Run(t, "mkfs.vfat", "-F", "32", "-i", "ABCD1234", esp)
	need.Run(t, "mmd", "-i", esp, "::/EFI", "::/EFI/debian")
	need.Run(t, "mcopy", "-i", esp, filepath.Join(g.dir, "boot/vmlinuz"), "::/EFI/debian/grubx64.efi")
	swap := sparse(t, 16*mib)
	need.Run(t, "mkswap", "-q", "-U", swapUUID, swap)
	return []string{disk(t, "dos", part{"type=ef", esp}, part{"type=5", ""}, part{"type=82", swap}, part{"type=83", ext4(t, size(), rootUUID, g.dir)})}
}

// TestLayouts stores one system in many ways: what is found is the same as in
// the directory, no gap is invented, none that is due is forgotten, and the
// image stays as it is.
func TestLayouts(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "sfdisk", "mount", "dd")
	want := reference(t)
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			files := l.make(t, system(t))
			same(t, want, l.gap, files...)
		})
	}
}

// reference are the findings of the tree as a directory.
func reference(t *testing.T) []string {
	t.Helper()
	ref := inspect(t, system(t).dir)
	if len(ref.gaps) > 0 || ref.code != 3 {
		t.Fatalf("the directory gives exit %d and gaps\n%s", ref.code, ref.gapText())
	}
	for _, c := range planted {
		if !slices.ContainsFunc(ref.findings, func(f found) bool { return f.Check == c }) {
			t.Errorf("no finding of %s in the directory", c)
		}
	}
	return ref.ids()
}

// same inspects the disks of one machine and compares.
func same(t *testing.T, want []string, gap string, disks ...string) stream {
	t.Helper()
	check := untouched(t, disks...)
	args := []string{disks[0]}
	for _, d := range disks[1:] {
		args = append(args, "--disk", d)
	}
	got := inspect(t, args...)
	check()
	if d := differ(got.ids(), want); d != "" {
		t.Errorf("other findings than in the directory:\n%s", d)
	}
	if text := got.gapText(); gap == "" && text != "" || !strings.Contains(text, gap) || len(got.gaps) > 1 {
		t.Errorf("gaps, want %q:\n%s", gap, text)
	}
	if got.code != 3 || got.verdicts != 1 || got.verdict.Error != "" {
		t.Errorf("exit code %d, %d verdicts, error %q", got.code, got.verdicts, got.verdict.Error)
	}
	return got
}
