package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/internal/need"
)

// TestNoImage are targets that are no image at all.
func TestNoImage(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	boot := make([]byte, mib) // an MBR with a signature and no partition
	boot[510], boot[511] = 0x55, 0xaa
	for _, c := range []struct {
		name, target string
		code         string // codes that are right
		says         string
	}{
		{"empty", file("empty", nil), "1", "empty"},
		{"zeros", file("zeros", make([]byte, mib)), "1", ""},
		{"no partition", file("mbr", boot), "1", ""},
		{"text", file("text", []byte(strings.Repeat("hello\n", 999))), "1", ""},
		{"FIFO", fifo, "1", "is a FIFO"},
		{"/dev/zero", "/dev/zero", "1", "character device"},
		{"/dev/null", "/dev/null", "1", "character device"},
		{"missing", filepath.Join(dir, "nowhere"), "2", "no such file"},
		{"directory as disk", dir, "4", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := assay(t, "inspect", c.target)
			if !strings.Contains(c.code, fmt.Sprint(r.code)) || !strings.Contains(r.stdout+r.stderr, c.says) {
				t.Errorf("exit code %d, want %s\n%s%s", r.code, c.code, r.stdout, r.stderr)
			}
		})
	}
}

// TestHuge inspects sparse files larger than any disk.
func TestHuge(t *testing.T) {
	for _, size := range []int64{64 << 40, 7 << 60} {
		p := filepath.Join(t.TempDir(), "huge")
		f, err := os.Create(p)
		if err != nil {
			t.Fatal(err)
		}
		for f.Truncate(size) != nil { // ext4 stops at 16 TiB
			size /= 2
		}
		f.Close()
		t.Logf("%d GiB", size>>30)
		if r := assay(t, "inspect", p); r.code != 1 && r.code != 4 {
			t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
		}
		// The same with a file system in its first part.
		if need.Tool(t, "mke2fs") != "" {
			store(t, p, 0, ext4(t, 16*mib, rootUUID, ""))
			assay(t, "inspect", p)
		}
	}
}

// TestPermission inspects as a user who may not read the image.
func TestPermission(t *testing.T) {
	need.Root(t)
	need.Tool(t, "setpriv")
	img := sparse(t, mib)
	if err := os.Chmod(img, 0); err != nil {
		t.Fatal(err)
	}
	r := finish(t, asNobody("inspect", img))
	if r.code != 1 || !strings.Contains(r.stderr, "permission denied") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// asNobody is a run without rights.
func asNobody(args ...string) *exec.Cmd {
	return exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", program}, args...)...)
}

// TestNames has names that a terminal would obey, names that are no text,
// links in circles and a deep tree.
func TestNames(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs")
	g := system(t)
	g.put("etc/fstab", "UUID="+rootUUID+" / ext4 defaults 0 1\n", 0o644, 0)
	private, _ := key(t, "names")
	evil := "\x1b]0;owned\x07\x1b[2J\r\b\u202e\x9b31m"
	for i, name := range []string{evil, strings.Repeat("\xff\xfe", 127) + "\x80", strings.Repeat("n", 255), "a\nb", "\u202eexe.yek"} {
		g.put("root/keys/"+name, private+strings.Repeat("\n", i), 0o600, 0)
		if len(name) < 250 {
			g.put("root/"+name+".sql", "-- MySQL dump 10.19\nINSERT INTO `u` VALUES (1);\n", 0o600, 0)
		}
	}
	g.append("etc/passwd", "ev\x1b[31mil:x:0:0:"+evil+":/root:/bin/bash\n")
	g.append("etc/shadow", "ev\x1b[31mil::19960:0:99999:7:::\n")
	g.put("root/.ssh/authorized_keys", strings.Replace(public(t), "names", evil, 1), 0o600, 0)
	for _, l := range [][2]string{{"loop", "loop"}, {"a", "b"}, {"b", "a"}, {"root/.aws", "/root/.aws"}, {"home/deploy/.kube", "../deploy/.kube/x"}, {"etc/sudoers", "/etc/sudoers.d/../sudoers"}, {"up", "../../../../../../etc"}} {
		if err := os.Symlink(l[1], filepath.Join(g.dir, l[0])); err != nil {
			t.Fatal(err)
		}
	}
	img := disk(t, "gpt", part{"type=linux", ext4(t, 64*mib, rootUUID, g.dir)})
	for _, target := range []string{img, g.dir} {
		for _, format := range []string{"text", "json", "sarif", "html", "junit"} {
			r := assay(t, "inspect", "--all", "--format", format, target)
			if r.code != 3 {
				t.Errorf("%s: exit code %d\n%s", format, r.code, r.stderr)
			}
			plain(t, format, r.stdout+r.stderr)
		}
		text := assay(t, "inspect", "--all", target).stdout
		if !strings.Contains(text, "root/keys") {
			t.Error("the keys with odd names were not found")
		}
	}
}

func public(t testing.TB) string {
	_, p := key(t, "names")
	return p
}

// plain checks that no byte of an output is one that a terminal obeys.
func plain(t *testing.T, format, out string) {
	t.Helper()
	for i, r := range out {
		if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0xfffd && strings.HasPrefix(out[i:], "\xff") {
			t.Errorf("%s prints %U at %d: %q", format, r, i, out[max(0, i-40):min(len(out), i+40)])
			return
		}
	}
}

// TestDeep has a tree of 5,000 directories below each other: what is below the
// bound is a gap.
func TestDeep(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs")
	g := tree{t, t.TempDir()}
	g.debian()
	img := ext4(t, 64*mib, rootUUID, g.dir)
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte(strings.Repeat("mkdir d\ncd d\n", 5000)), 0o644); err != nil {
		t.Fatal(err)
	}
	need.Run(t, "debugfs", "-w", "-f", script, img)
	r := inspect(t, img)
	if len(r.gaps) == 0 || r.code != 3 && r.code != 4 {
		t.Errorf("exit code %d and %d gaps for a tree that is deeper than the bound", r.code, len(r.gaps))
	}
}

// million makes an ext4 image with a directory of 10^6 files.
func million(t testing.TB) string {
	t.Helper()
	need.Root(t)
	return formatted(t, 1024*mib, func(dir string) {
		g := tree{t, dir}
		g.debian()
		big := filepath.Join(dir, "srv/big")
		if err := os.MkdirAll(big, 0o755); err != nil {
			t.Fatal(err)
		}
		first := filepath.Join(big, "first")
		for i := range 1_000_000 {
			name := filepath.Join(big, fmt.Sprintf("%07d.session", i))
			var err error
			if i%50_000 == 0 { // hard links cost no inode, but only 65,000 go to one
				first = name
				err = os.WriteFile(first, nil, 0o644)
			} else {
				err = os.Link(first, name)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}, "mke2fs", "-q", "-F", "-t", "ext4", "-O", "large_dir", "-N", "20000")
}

// TestMillion holds the bounds on a directory of a million entries, and says so
// in words where the memory given is too little.
func TestMillion(t *testing.T) {
	if os.Getenv("ASSAY_SOAK") != "1" {
		t.Skip("runs with ASSAY_SOAK=1: making a million names takes minutes")
	}
	img := million(t)
	r := assay(t, "inspect", img)
	t.Logf("exit code %d, %v, %d MiB", r.code, r.time, r.rss>>20)
	if r.code != 3 && r.code != 4 && r.code != 0 {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	small := assay(t, "inspect", "--memory", "64MiB", img)
	t.Logf("with 32 MiB: exit code %d, %v, %d MiB\n%s%s", small.code, small.time, small.rss>>20, small.stdout, small.stderr)
	if small.code == 1 && !strings.Contains(small.stdout+small.stderr, "--memory") {
		t.Errorf("nothing tells what to do:\n%s%s", small.stdout, small.stderr)
	}
}

// TestFlips turns bits of file systems' metadata around.
func TestFlips(t *testing.T) {
	need.Root(t)
	g := system(t)
	g.put("etc/fstab", "# none\n", 0o644, 0)
	for _, c := range []struct {
		name string
		make func() string
	}{
		{"ext4", func() string { return ext4(t, 24*mib, rootUUID, g.dir) }},
		{"xfs", func() string {
			return formatted(t, size(), func(dir string) { copyTree(t, g.dir, dir) }, "mkfs.xfs", "-q")
		}},
	} {
		t.Run(c.name, func(t *testing.T) { flips(t, c.make()) })
	}
}

// flips inspects an image fifty times with bytes of its metadata changed. What
// is metadata is guessed: blocks that hold neither zeros only nor text.
func flips(t *testing.T, img string) {
	t.Helper()
	f, err := os.OpenFile(img, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var blocks []int64
	b := make([]byte, 4096)
	for off := int64(0); ; off += 4096 {
		n, err := f.ReadAt(b, off)
		if n < 4096 || err != nil {
			break
		}
		if len(bytes.Trim(b, "\x00")) > 0 && bytes.Count(b, []byte("License")) < 3 {
			blocks = append(blocks, off)
		}
	}
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		undo := map[int64]byte{}
		for range 1 + rnd.IntN(60) {
			at := blocks[rnd.IntN(len(blocks))]
			if rnd.IntN(3) == 0 {
				at = blocks[rnd.IntN(min(8, len(blocks)))] // superblock, group descriptors, roots
			}
			at += int64(rnd.IntN(4096))
			var c [1]byte
			if _, err := f.ReadAt(c[:], at); err != nil {
				t.Fatal(err)
			}
			if _, ok := undo[at]; !ok {
				undo[at] = c[0]
			}
			c[0] ^= 1 << rnd.IntN(8)
			if _, err := f.WriteAt(c[:], at); err != nil {
				t.Fatal(err)
			}
		}
		if r := inspect(t, img); r.verdicts != 1 {
			t.Errorf("seed %d: exit code %d, %d verdicts\n%s", seed, r.code, r.verdicts, r.stderr)
		}
		for at, c := range undo {
			if _, err := f.WriteAt([]byte{c}, at); err != nil {
				t.Fatal(err)
			}
		}
	}
}
