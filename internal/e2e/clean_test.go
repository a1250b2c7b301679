//go:build linux

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/need"
)

// secretsOf the careless administrator: none may survive in a clean copy, in
// any byte of it.
func secretsOf(t testing.TB) []string {
	private, public := key(t, "zhangwei@builder")
	_, other := key(t, "ops@bastion")
	lines := strings.Split(private, "\n")
	return []string{"kZ83hPq0LmWx7Yt5Rv2Jb9Nc4Sd6Fg", "LTAI5tQmBzVk3nXw8JdPsGhR", "Tr0ub4dor3x", "Accepted publickey for root from 10.0.3.17",
		lines[len(lines)/2], strings.Fields(public)[1], strings.Fields(other)[1]}
}

// decided is what a person decides about the careless system.
var decided = []string{"--remove-user", "zhangwei", "--remove-user", "deploy"}

// cleanLayouts store the system on one disk whose file systems can be changed.
var cleanLayouts = []layout{
	{"ext4 on GPT", layouts[0].make, ""},
	{"file system without a table", layouts[1].make, ""},
	{"XFS root, swap", func(t *testing.T, g tree) []string {
		need.Tool(t, "mkfs.xfs", "mkswap")
		g.put("etc/fstab", "UUID="+rootUUID+" / xfs defaults 0 0\nUUID="+swapUUID+" none swap sw 0 0\n", 0o644, 0)
		root := formatted(t, size(), func(dir string) { copyTree(t, g.dir, dir) }, "mkfs.xfs", "-q", "-m", "uuid="+rootUUID)
		swap := sparse(t, 16*mib)
		need.Run(t, "mkswap", "-q", "-U", swapUUID, swap)
		return []string{disk(t, "gpt", part{"type=linux", root}, part{"type=swap", swap})}
	}, ""},
	{"MBR with logical partitions and ESP", mbr, ""},
	{"btrfs subvolumes", func(t *testing.T, g tree) []string { return []string{btrfsRoot(t, g, "")} }, ""},
}

// TestClean cleans real images into every format: the input stays as it is,
// qemu-img, fsck and the kernel accept the copy, every file that the plan did
// not name is the same, and no planted secret is in any byte.
func TestClean(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "sfdisk", "mount", "dd", "qemu-img")
	formats := []string{"raw", "qcow2", "vhd", "vhd-fixed"}
	for i, l := range cleanLayouts {
		t.Run(l.name, func(t *testing.T) {
			img := l.make(t, system(t))[0]
			check := untouched(t, img)
			format := formats[i%len(formats)]
			out := filepath.Join(t.TempDir(), "out."+format)
			got := parse(t, assay(t, append([]string{"clean", img, "-o", out, "--out-format", format, "--format", "json"}, decided...)...))
			check()
			if got.code != 0 || got.verdicts != 2 || !got.verdict.Clean {
				t.Fatalf("exit %d, %d verdicts, clean %v, error %q\n%s\n%s", got.code, got.verdicts, got.verdict.Clean, got.verdict.Error, got.gapText(), got.stderr)
			}
			copied := flat(t, out)
			gone(t, copied, secretsOf(t))
			sameFiles(t, img, copied, touched(t, got.stdout))
			if again := inspect(t, out); again.code != 0 {
				t.Errorf("the copy is not clean: exit %d", again.code)
			}
		})
	}
}

// flat is an image's disk as a raw file, read by qemu-img, which checks it too.
func flat(t *testing.T, img string) string {
	t.Helper()
	raw := filepath.Join(t.TempDir(), "flat.raw")
	in := []string{"-f", "raw"}
	switch {
	case strings.HasSuffix(img, ".qcow2"):
		in = []string{"-f", "qcow2"}
		need.Run(t, "qemu-img", "check", img)
	case strings.Contains(img, ".vhd"):
		in = []string{"-f", "vpc"}
	}
	need.Run(t, "qemu-img", append(append([]string{"convert"}, in...), "-O", "raw", img, raw)...)
	return raw
}

// gone searches every byte of a file.
func gone(t *testing.T, name string, secrets []string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range secrets {
		if at := bytes.Index(b, []byte(s)); at >= 0 {
			t.Errorf("%.12q… is still there, at byte %d", s, at)
		}
	}
}

// touched are the paths that the actions of a stream name.
func touched(t *testing.T, stream string) (paths []string) {
	t.Helper()
	for line := range strings.Lines(stream) {
		var m struct {
			Action *struct {
				Edit   struct{ Op, Path, User string }
				Result string
			}
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.Action == nil {
			continue
		}
		if r := m.Action.Result; r == "refused" || r == "planned" {
			t.Errorf("%s %s: %s", m.Action.Edit.Op, m.Action.Edit.Path, line)
		}
		if m.Action.Edit.Path != "" {
			paths = append(paths, m.Action.Edit.Path)
		}
		if m.Action.Edit.User != "" {
			paths = append(paths, "/etc/passwd", "/etc/shadow", "/etc/group", "/home/"+m.Action.Edit.User, "/srv/people/"+m.Action.Edit.User)
		}
	}
	return paths
}

// fsck judges a file system by its own tools.
var fsck = map[string][]string{"ext4": {"e2fsck", "-fn"}, "xfs": {"xfs_repair", "-n"}, "vfat": {"fsck.vfat", "-n"},
	"btrfs": {"btrfs", "check", "--readonly", "--check-data-csum"}}

// sameFiles compares the volumes of two raw disks, file by file as the kernel
// sees them, but for paths that were touched.
func sameFiles(t *testing.T, before, after string, paths []string) {
	t.Helper()
	n := 0
	for _, p := range partitions(t, before) {
		a, b := cutOut(t, before, p), cutOut(t, after, p)
		kind := strings.TrimSpace(output(t, "blkid", "-p", "-o", "value", "-s", "TYPE", b))
		if tool := fsck[kind]; tool != nil {
			need.Tool(t, tool[0])
			need.Run(t, tool[0], append(tool[1:], b)...)
		}
		if kind != "ext4" && kind != "xfs" && kind != "btrfs" {
			continue
		}
		n++
		was, undoA := mount(t, a, "ro,loop"+map[string]string{"xfs": ",nouuid"}[kind])
		want := listing(t, was)
		undoA()
		is, undoB := mount(t, b, "ro,loop"+map[string]string{"xfs": ",nouuid"}[kind])
		got := listing(t, is)
		undoB()
		for name, w := range want {
			if !under(subvolume.Replace(name), paths) && got[name] != w {
				t.Errorf("%s was\n%s\nand is\n%s", name, w, got[name])
			}
		}
		for name := range got {
			if want[name] == "" {
				t.Errorf("%s is new", name)
			}
		}
	}
	if n == 0 {
		t.Error("no file system was compared")
	}
}

// subvolume makes a path on btrfsRoot's volume that of the guest.
var subvolume = strings.NewReplacer("/@home/", "/home/", "/@/", "/")

func under(name string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}

// A slice is where a partition lies, in bytes; size 0 is the whole disk.
type slice struct{ off, size int64 }

func partitions(t *testing.T, raw string) (out []slice) {
	t.Helper()
	b, err := exec.Command("sfdisk", "-J", raw).Output()
	if err != nil {
		return []slice{{}}
	}
	var table struct {
		Partitiontable struct {
			Partitions []struct {
				Start, Size int64
				Type        string
			}
		}
	}
	if err := json.Unmarshal(b, &table); err != nil {
		t.Fatal(err)
	}
	for _, p := range table.Partitiontable.Partitions {
		if p.Type != "5" { // an extended partition holds others
			out = append(out, slice{p.Start * 512, p.Size * 512})
		}
	}
	return out
}

func cutOut(t *testing.T, raw string, p slice) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "part")
	if p.size == 0 {
		need.Run(t, "cp", "--sparse=always", raw, name)
		return name
	}
	need.Run(t, "dd", "if="+raw, "of="+name, "bs=1M", "conv=sparse", "status=none", "iflag=skip_bytes,count_bytes",
		fmt.Sprint("skip=", p.off), fmt.Sprint("count=", p.size))
	if err := os.Truncate(name, p.size); err != nil {
		t.Fatal(err)
	}
	return name
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	b, err := exec.Command(name, args...).Output()
	if err != nil {
		return "" // blkid knows nothing of it
	}
	return string(b)
}

// listing describes every file of a mounted tree: kind, mode, owner, size,
// time, content or target, extended attributes. A directory's size and time
// tell of what is in it, and are left out.
func listing(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil {
			return err
		}
		s := fmt.Sprintf("%o %d:%d", st.Mode, st.Uid, st.Gid)
		if !d.IsDir() {
			s += fmt.Sprintf(" %d %d.%d links %d", st.Size, st.Mtim.Sec, st.Mtim.Nsec, st.Nlink)
		}
		switch d.Type() {
		case 0:
			s += " " + sum(t, p)
		case fs.ModeSymlink:
			to, _ := os.Readlink(p)
			s += " " + to
		}
		names := make([]byte, 4096)
		if n, err := unix.Llistxattr(p, names); err == nil {
			for _, x := range strings.Split(string(names[:n]), "\x00") {
				v := make([]byte, 4096)
				if k, err := unix.Lgetxattr(p, x, v); err == nil && x != "" {
					s += fmt.Sprintf(" %s=%x", x, v[:k])
				}
			}
		}
		out["/"+strings.TrimPrefix(strings.TrimPrefix(p, root), "/")] = s
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCleanKilled kills a cleaning at random moments: the input never changes,
// the copy is whole or not there, nothing else is left, and the next run
// succeeds.
func TestCleanKilled(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "sfdisk", "dd")
	img := layouts[0].make(t, system(t))[0]
	was := sum(t, img)
	check := func() {
		t.Helper()
		if sum(t, img) != was {
			t.Fatal("the image was changed")
		}
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "out.qcow2")
	args := append([]string{"clean", img, "-o", out, "--no-progress"}, decided...)
	start := time.Now()
	if r := assay(t, args...); r.code != 0 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	whole := time.Since(start)
	os.Remove(out)
	times := 8
	if os.Getenv("ASSAY_SOAK") != "" {
		times = 50
	}
	for range times {
		c := command(args...)
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole))
		_ = c.Process.Kill()
		_ = c.Wait()
		time.Sleep(50 * time.Millisecond) // the kernel ends the child
		check()
		es, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			if e.Name() != "out.qcow2" {
				t.Fatalf("a killed run left %s", e.Name())
			}
			if r := inspect(t, out); r.code != 0 {
				t.Fatalf("a killed run left a copy that is not whole: exit %d", r.code)
			}
			os.Remove(out)
		}
	}
	if r := assay(t, args...); r.code != 0 {
		t.Errorf("the run after them: exit %d\n%s", r.code, r.stderr)
	}
}

// TestCleanRefuses: what must not happen to the copy or the image.
func TestCleanRefuses(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "sfdisk", "mount")
	img := layouts[1].make(t, system(t))[0]
	was := sum(t, img)
	check := func() {
		t.Helper()
		if sum(t, img) != was {
			t.Fatal("the image was changed")
		}
	}
	dir := t.TempDir()
	exists := filepath.Join(dir, "exists.raw")
	if err := os.WriteFile(exists, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	small := filepath.Join(dir, "small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small)
	t.Cleanup(func() { need.Run(t, "umount", small) })
	for _, c := range []struct {
		name string
		code int
		says string
		args []string
	}{
		{"in place", 2, "IMAGE itself", []string{"-o", img}},
		{"another's file", 2, "exists", []string{"-o", exists}},
		{"no place", 2, "where should", nil},
		{"essential", 2, "must not be removed", []string{"-o", filepath.Join(dir, "a.raw"), "--remove", "/etc/shadow"}},
		{"root", 2, "must not be removed", []string{"-o", filepath.Join(dir, "a.raw"), "--remove-user", "root"}},
		{"nothing there", 1, "was not made", []string{"-o", filepath.Join(dir, "a.raw"), "--remove", "/opt/nothing/*"}},
		{"a full disk", 1, "was not made", []string{"-o", filepath.Join(small, "a.raw")}},
		{"no folder", 2, "cannot open", []string{"-o", filepath.Join(dir, "none", "a.raw")}},
	} {
		r := assay(t, append([]string{"clean", img}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr+r.stdout, c.says) {
			t.Errorf("%s: exit %d, want %d and %q:\n%s\n%s", c.name, r.code, c.code, c.says, r.stdout, r.stderr)
		}
		check()
	}
	if b, _ := os.ReadFile(exists); string(b) != "mine" {
		t.Error("a file that was there was changed")
	}
	for _, d := range []string{dir, small} {
		es, _ := os.ReadDir(d)
		for _, e := range es {
			if e.Name() != "exists.raw" && e.Name() != "small" {
				t.Errorf("%s is left in %s", e.Name(), d)
			}
		}
	}
}
