package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/need"
)

// slow makes an image whose inspection takes seconds: a hash with a high cost
// keeps the check of published passwords busy.
func slow(t testing.TB) string {
	t.Helper()
	need.Tool(t, "mke2fs")
	g := tree{t, t.TempDir()}
	g.debian()
	for i := range 12 {
		g.append("etc/passwd", fmt.Sprintf("u%d:x:%d:%d::/home/u%d:/bin/sh\n", i, 2000+i, 2000+i, i))
		g.append("etc/shadow", fmt.Sprintf("u%d:$6$rounds=50000$salt%d$%s:19960:0:99999:7:::\n", i, i, strings.Repeat("x", 86)))
	}
	return ext4(t, 32*mib, rootUUID, g.dir)
}

// begin starts a run and returns once its sandboxed child runs.
func begin(t *testing.T, args ...string) (c *exec.Cmd, child int, out *bytes.Buffer) {
	t.Helper()
	c = command(args...)
	out = &bytes.Buffer{}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	for range 3000 {
		time.Sleep(20 * time.Millisecond)
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", c.Process.Pid, c.Process.Pid))
		all, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", c.Process.Pid))
		for _, f := range all {
			more, _ := os.ReadFile(f)
			b = append(b, more...)
		}
		if _, err := fmt.Sscan(string(b), &child); err == nil {
			time.Sleep(200 * time.Millisecond) // into its work
			if syscall.Kill(child, 0) == nil {
				return c, child, out
			}
		}
	}
	t.Fatalf("no child was started, or it was gone at once:\n%s", out)
	return nil, 0, nil
}

// TestKilledChild ends the reader in its work: the report says so.
func TestKilledChild(t *testing.T) {
	c, child, out := begin(t, "inspect", slow(t))
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(out.String(), "NOT FINISHED") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestInterrupted leaves no report behind.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	c, child, out := begin(t, "inspect", "--report", filepath.Join(dir, "r.json"), slow(t))
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if es, _ := os.ReadDir(dir); len(es) > 0 {
		t.Errorf("%q is left behind", es[0].Name())
	}
	for tries := 0; runs(child); tries++ { // the kernel ends it
		if tries == 500 {
			t.Fatal("the child still runs")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// runs reports whether a process has not ended: one that nobody has asked for
// its exit code has.
func runs(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(state, "Z")
}

// TestTimeout gives up in order.
func TestTimeout(t *testing.T) {
	r := assay(t, "inspect", "--timeout", "1ms", slow(t))
	if r.code != 1 || !strings.Contains(r.stderr, "--timeout") {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
}

// TestOrdinaryUser inspects what belongs to a user without rights, in the
// sandbox.
func TestOrdinaryUser(t *testing.T) {
	need.Root(t)
	need.Tool(t, "setpriv", "mke2fs")
	home, err := os.MkdirTemp("/tmp", "assay-nobody-") // t.TempDir is root's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	g := system(t)
	img := filepath.Join(home, "disk")
	need.Run(t, "cp", "--sparse=always", ext4(t, 64*mib, rootUUID, g.dir), img)
	copyTree(t, g.dir, filepath.Join(home))
	need.Run(t, "chown", "-R", "65534:65534", home)
	for _, target := range []string{img, home} {
		c := asNobody("inspect", "--sandbox", "require", "--format", "json", target)
		c.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, ".config"))
		s := parse(t, finish(t, c))
		if s.code != 3 || len(s.gaps) > 0 || !strings.HasPrefix(s.verdict.Sandbox, "landlock") {
			t.Errorf("%s: exit code %d, sandbox %q\n%s%s", target, s.code, s.verdict.Sandbox, s.gapText(), s.stderr)
		}
	}
}
