package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
	"assay/internal/remote/sshdtest"
)

// TestFixCommand is the whole story as a person sees it: inspect, plan, fix,
// inspect again, fix again.
func TestFixCommand(t *testing.T) {
	need.Root(t)
	need.Tool(t, "sshd", "unshare", "nsenter", "openssl", "sudo", "setsid")
	old := sshdtest.NewKey(t, "builder@laptop")
	m := sshdtest.Start(t, sshdtest.Options{Setup: sshdtest.User("root", "rootpw", old) + sshdtest.User("deploy", "deploypw", old) +
		"echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf\n"})
	dir := t.TempDir()
	assay := filepath.Join(dir, "assay") // testscript.Main goes by the name
	if err := os.Symlink(os.Args[0], assay); err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		c := exec.Command(assay, args...)
		c.Env = append(os.Environ(), "HOME="+dir, "SSH_AUTH_SOCK=", "LC_ALL=C.UTF-8")
		out, _ := c.CombinedOutput()
		if c.ProcessState.ExitCode() != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, c.ProcessState.ExitCode(), want, out)
		}
		return string(out)
	}
	has := func(out string, wants ...string) {
		t.Helper()
		for _, w := range wants {
			if !strings.Contains(out, w) {
				t.Errorf("no %q in\n%s", w, out)
			}
		}
	}
	target, ssh := m.Target("root"), []string{"-i", old.File, "-F", "none"}
	key := filepath.Join(dir, "id_new")
	has(run(1, append([]string{"inspect", target}, ssh...)...), "host key", "--accept-new", "SHA256:")
	out := run(3, append([]string{"inspect", target, "--accept-new", "--format", "json"}, ssh...)...)
	has(out, `"check":"any/ssh/authorized-keys"`, `"check":"linux/account/password-set"`, `"kind":"scope"`)
	if strings.Contains(out, "$6$") {
		t.Error("a hash left the machine in clear")
	}
	has(run(0, append([]string{"fix", target, "--generate-key", key, "--plan", "--lang", "zh"}, ssh...)...), "未知", "锁定 deploy 的密码", "00-assay.conf")
	if _, err := os.Stat(key); err == nil {
		t.Error("--plan wrote a key")
	}
	run(2, append([]string{"fix", target, "--generate-key", filepath.Join(dir, "x")}, ssh...)...) // nobody to ask
	has(run(0, append([]string{"fix", target, "--generate-key", key, "--yes", "--expected-user", "deploy"}, ssh...)...), "✓ prove that old keys and passwords are refused", "done: the new key opens it")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	has(run(1, append([]string{"inspect", target}, ssh...)...), "refuses the login of root", "--identity")
	ssh[1] = key
	has(run(0, append([]string{"fix", target, "--key", key, "--yes", "--expected-user", "deploy"}, ssh...)...), "is in place", "done")
	run(2, append([]string{"fix", target, "--generate-key", key, "--yes"}, ssh...)...) // never replaced
}
