package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/need"
)

// TestCleanDir cleans the careless system in place: every file that no action
// names is the same, with its owner, mode, times and attributes, and no planted
// secret is in any file or in the blocks of the file system.
func TestCleanDir(t *testing.T) {
	need.Root(t)
	need.Tool(t, "mke2fs", "mount")
	g := system(t)
	img := formatted(t, size(), func(dir string) { copyTree(t, g.dir, dir) }, "mke2fs", "-q", "-t", "ext4")
	dir, undo := mount(t, img, "loop")
	for name, v := range map[string]string{"security.selinux": "system_u:object_r:shadow_t:s0", "user.mine": "kept"} {
		for _, f := range []string{"etc/shadow", "root/.ssh/authorized_keys", "etc/os-release"} {
			if err := unix.Setxattr(filepath.Join(dir, f), name, []byte(v), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	need.Run(t, "sync", "-f", dir)
	was := listing(t, dir)
	r := parse(t, assay(t, append([]string{"clean", dir, "--yes", "--format", "json"}, decided...)...))
	if r.code != 0 || r.verdicts != 2 || !r.verdict.Clean {
		t.Fatalf("exit %d, %d verdicts, error %q\n%s\n%s", r.code, r.verdicts, r.verdict.Error, r.gapText(), r.stderr)
	}
	is := listing(t, dir)
	paths := touched(t, r.stdout)
	for name, w := range was {
		if !under(name, paths) && is[name] != w {
			t.Errorf("%s was\n%s\nand is\n%s", name, w, is[name])
		}
	}
	for name := range is {
		if was[name] == "" {
			t.Errorf("%s is new", name)
		}
	}
	for _, name := range []string{"/etc/shadow", "/root/.ssh/authorized_keys"} {
		if a, b := strings.Fields(was[name]), strings.Fields(is[name]); a[0] != b[0] || a[1] != b[1] || !strings.Contains(is[name], "security.selinux=") || !strings.Contains(is[name], "user.mine=") {
			t.Errorf("%s lost what is its own:\n%s\n%s", name, was[name], is[name])
		}
	}
	undo()
	need.Run(t, "e2fsck", "-fn", img)
	for _, s := range secretsOf(t)[:3] {
		if n := bytes.Count(file(t, img), []byte(s)); n > 0 {
			t.Errorf("%.12q… is still in %d places of the file system", s, n)
		}
	}
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCleanDirPlan: the plan changes nothing, is run as it is, and is refused
// for another state.
func TestCleanDirPlan(t *testing.T) {
	need.Root(t)
	g := system(t)
	plan := filepath.Join(t.TempDir(), "plan.json")
	was := fmt.Sprint(listing(t, g.dir))
	if r := assay(t, append([]string{"clean", g.dir, "--plan", plan}, decided...)...); r.code != 0 && r.code != 3 {
		t.Fatalf("exit %d\n%s", r.code, r.stderr)
	}
	if r := assay(t, "clean", g.dir, "--apply-plan", plan); r.code != 2 || !strings.Contains(r.stderr, "no terminal") {
		t.Errorf("nobody was asked: exit %d\n%s", r.code, r.stderr)
	}
	if fmt.Sprint(listing(t, g.dir)) != was {
		t.Error("a plan changed the tree")
	}
	if r := assay(t, "clean", g.dir, "--apply-plan", plan, "--yes"); r.code != 0 {
		t.Errorf("exit %d\n%s", r.code, r.stderr)
	}
	if r := assay(t, "clean", g.dir, "--apply-plan", plan, "--yes"); r.code != 1 || !strings.Contains(r.stderr, "does not belong") {
		t.Errorf("a plan was run twice: exit %d\n%s", r.code, r.stderr)
	}
}

// TestCleanDirHostile: links to the outside stand where the plan will look, and
// nothing outside is changed.
func TestCleanDirHostile(t *testing.T) {
	need.Root(t)
	g := system(t)
	outside := t.TempDir()
	decoy := tree{t, outside}
	decoy.put("shadow", "root:$6$abc$"+strings.Repeat("a", 86)+":19900:0:99999:7:::\n", 0o640, 0)
	decoy.put("home/.bash_history", "mysql -pTr0ub4dor3x\n", 0o600, 0)
	decoy.put("home/.ssh/authorized_keys", strings.TrimSpace(string(file(t, filepath.Join(g.dir, "root/.ssh/authorized_keys"))))+"\n", 0o600, 0)
	decoy.put("log/auth.log", "Accepted publickey for root from 10.0.3.17\n", 0o640, 0)
	for name, to := range map[string]string{"etc/shadow": outside + "/shadow", "home/deploy": outside + "/home", "var/log": outside + "/log",
		"root/.bash_history": outside + "/home/.bash_history", "root/.ssh": "../../../../../../../../.." + outside + "/home/.ssh"} {
		p := filepath.Join(g.dir, name)
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(g.dir, "root/.zsh_history"), 0o600); err != nil {
		t.Fatal(err)
	}
	was := fmt.Sprint(listing(t, outside))
	for _, args := range [][]string{{"--profile", "documents"}, {"--remove-user", "deploy"}, {"--remove", "/var/log/auth.log", "--remove", "/home/deploy/.ssh", "--remove", "/home/*/.bash_history"}} {
		r := assay(t, append([]string{"clean", g.dir, "--yes"}, args...)...)
		if r.code == 2 {
			t.Errorf("%v: exit %d\n%s", args, r.code, r.stderr)
		}
		if is := fmt.Sprint(listing(t, outside)); is != was {
			t.Fatalf("%v changed the outside:\n%s\n%s", args, was, is)
		}
	}
}

// chroot makes a root of the careless system in which the program runs as on a
// machine: its own mounts, and nothing that it does can be seen outside.
func chroot(t *testing.T) string {
	t.Helper()
	need.Root(t)
	need.Tool(t, "unshare", "chroot", "mount")
	g := system(t)
	build := exec.Command("go", "build", "-o", filepath.Join(g.dir, "tmp/assay"), "assay/cmd/assay")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the root has no libc
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return g.dir
}

// inside runs the program in a root, in name spaces of its own.
func inside(t *testing.T, root string, args ...string) result {
	t.Helper()
	script := `mount --make-rprivate / || exit 98
awk '$2 != "/" && ($1 ~ "^/dev/loop" || $3 ~ "^fuse") { print $2 }' /proc/mounts | while read -r d; do umount -l "$(printf %b "$d")"; done # of other tests
mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/run" && mount -t tmpfs tmpfs "$0/dev" &&
mkdir -p "$0/run/secret" && echo "password=hunter2hunter2" > "$0/run/secret/x" && chroot "$0" /tmp/assay "$@"; code=$?; test -s "$0/run/secret/x" || exit 99; exit $code`
	c := exec.Command("unshare", append([]string{"--mount", "--pid", "--fork", "sh", "-c", script, root}, args...)...)
	c.Env = []string{"HOME=/root", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8"}
	return finish(t, c)
}

// TestCleanLive cleans "/" of a throw-away root: by default nobody is locked
// out, for an image everything goes that an image must not have, and the run
// leaves nothing of its own.
func TestCleanLive(t *testing.T) {
	root := chroot(t)
	secret := []string{"etc/shadow", "etc/passwd", "root/.ssh/authorized_keys", "home/deploy/.ssh/authorized_keys", "etc/ssh/sshd_config"}
	was := listing(t, root)
	r := inside(t, root, "clean", "/", "--yes", "--format", "json")
	if r.code != 3 {
		t.Errorf("exit %d, want 3: what could lock out is open\n%s\n%.2000s", r.code, r.stderr, r.stdout)
	}
	is := listing(t, root)
	for _, name := range secret {
		if is["/"+name] != was["/"+name] {
			t.Errorf("/%s was changed:\n%s\n%s", name, was["/"+name], is["/"+name])
		}
	}
	for _, name := range []string{"/root/.aliyun/config.json", "/root/.bash_history"} {
		if is[name] != "" && is[name] == was[name] {
			t.Errorf("%s was not cleaned", name)
		}
	}
	for name := range is {
		if was[name] == "" {
			t.Errorf("%s is new: the run left a trace", name)
		}
	}
	r = inside(t, root, append([]string{"clean", "/", "--yes", "--for-image", "--format", "json"}, decided...)...)
	s := parse(t, r)
	if r.code != 0 || !s.verdict.Clean {
		t.Errorf("for an image: exit %d\n%s\n%s", r.code, r.stderr, s.gapText())
	}
	for _, f := range s.findings {
		if strings.HasPrefix(f.Where.Path, "/run/") || strings.HasPrefix(f.Where.Path, "/dev/") {
			t.Errorf("%s at %s is on no disk", f.Check, f.Where.Path)
		}
	}
	if got := inspect(t, root); got.code != 0 {
		t.Errorf("the root is not clean when seen from outside: exit %d", got.code)
	}
	if got := listing(t, root); got["/root/.config"] != "" || got["/tmp/assay"] != "" {
		t.Error("the run's own key or program is still there")
	}
}

// TestCleanDirTells holds the stream to what a reader needs: an action for each
// step, before the verdict of the first part.
func TestCleanDirTells(t *testing.T) {
	need.Root(t)
	g := system(t)
	r := assay(t, "clean", g.dir, "--yes", "--format", "json")
	var kinds []string
	for line := range strings.Lines(r.stdout) {
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		for k := range m {
			if len(kinds) == 0 || kinds[len(kinds)-1] != k {
				kinds = append(kinds, k)
			}
		}
	}
	got := strings.Join(kinds, " ")
	if !strings.Contains(got, "action verdict config") || strings.Count(got, "verdict") != 2 || !strings.Contains(r.stdout, `"command":"clean"`) || !strings.Contains(r.stdout, `"command":"inspect"`) {
		t.Errorf("the stream goes: %s", got)
	}
}
