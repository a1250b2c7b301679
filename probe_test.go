//go:build linux

package assay

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/remote"
	"assay/internal/remote/sshdtest"
)

// TestProbesBringKeys: both probes bring every file from which sshd takes keys,
// wherever AuthorizedKeysFile puts it and however full the homes are; the masked
// one brings no line that is no key, also where a key file is a link to a file
// that nobody else may read.
func TestProbesBringKeys(t *testing.T) {
	needMachine(t)
	key := sshdtest.NewKey(t, "k")
	m := sshdtest.Start(t, sshdtest.Options{Setup: sshdtest.User("root", "rootpw", key) + sshdtest.User("deploy", "deploypw", key) + sshdtest.User("zoe", "zoepw", key) + sshdtest.User("evil", "evilpw") +
		"mkdir -p /srv/keys /opt/sshd\necho '" + key.Public + "' >/srv/keys/deploy\necho '" + key.Public + "' >/home/zoe/.ssh/extra\n" +
		"echo 'AuthorizedKeysFile .ssh/authorized_keys .ssh/extra /srv/keys/%u' >/opt/sshd/x.conf\necho 'Include /opt/sshd/*.conf' >/etc/ssh/sshd_config.d/k.conf\n" +
		"printf '%s\\n' 'AuthorizedKeysFile .ssh/authorized_keys .ssh/extra /srv/keys/%u' >/etc/ssh/sshd_config.d/k2.conf\n" +
		"mkdir /home/deploy/many; i=0; while [ $i -lt 4500 ]; do : >/home/deploy/many/$i; i=$((i + 1)); done\n" +
		"ln -s /etc/shadow /home/evil/.ssh/authorized_keys\n" +
		`sed -i 's/^/command="echo \\"s3cret\\" x" /' /home/zoe/.ssh/authorized_keys` + "\n"})
	for _, private := range []bool{true, false} {
		out, err := exec.Command("nsenter", "-t", m.PID(), "-m", "-p", "chroot", filepath.Join(m.Dir, "machine", "root"), "/bin/sh", "-c", remote.ProbeScript(private).Text).Output()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]string{}
		if err := remote.Files(strings.NewReader(string(out)), func(f remote.File) {
			if !f.Named && !f.Cut {
				seen[f.Path] = f.Data
			}
		}); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"/root/.ssh/authorized_keys", "/home/deploy/.ssh/authorized_keys", "/home/zoe/.ssh/authorized_keys", "/home/zoe/.ssh/extra", "/srv/keys/deploy", "/etc/ssh/sshd_config.d/k2.conf"} {
			if seen[name] == "" {
				t.Errorf("private %v: %s was not brought", private, name)
			}
		}
		if private {
			continue
		}
		if s := seen["/home/evil/.ssh/authorized_keys"]; strings.TrimSpace(s) != "" {
			t.Errorf("a link carried out %q", s)
		}
		if s := seen["/home/zoe/.ssh/authorized_keys"]; strings.Contains(s, "s3cret") || !strings.Contains(s, `command="masked"`) {
			t.Errorf("%q", s)
		}
		if seen["/opt/sshd/x.conf"] == "" {
			t.Error("an included file was not brought")
		}
	}
}
