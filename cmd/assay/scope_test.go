package main

import (
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/remote/sshdtest"
)

// TestScope inspects a running machine on which nothing is wrong, both ways:
// exit 0, and the verdict says of what it speaks, in every format.
func TestScope(t *testing.T) {
	c := newCloud(t, 1)
	mine := sshdtest.NewKey(t, "mine")
	m := c.machines["i-0"]
	m.Run(sshdtest.User("root", "") + "userdel -r deploy 2>/dev/null; echo '" + mine.Public + "' >/root/.ssh/authorized_keys\n" +
		"printf '%s\\n' 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'PermitRootLogin prohibit-password' >/etc/ssh/sshd_config.d/00-x.conf; kill -HUP $(cat /run/sshd.pid); sleep 1")
	m.Await()
	for _, args := range [][]string{
		{"inspect", "ecs://cn-hangzhou/i-0"},
		{"inspect", m.Target("root"), "-i", mine.File, "-F", "none", "--accept-new"},
	} {
		args = append(args, "--fail-on", "critical")
		c.run(0, args, "CLEAN WITHIN ITS SCOPE", "Scope of this inspection", "inspect an image of this machine")
		c.run(0, append(args, "--lang", "zh", "--report", "r.html", "--report", "r.sarif", "--report", "r.xml"), "检查范围内干净", "本次检查的范围")
		c.run(0, append(args, "--format", "json"), `"kind":"scope"`, `"clean":true`, `"scope":1`)
		for name, want := range map[string]string{"r.html": "检查范围内干净", "r.sarif": `"level": "note"`, "r.xml": "assay.gap.scope"} {
			if b := readFile(t, filepath.Join(c.dir, name)); !strings.Contains(b, want) {
				t.Errorf("%s does not say %s\n%s", name, want, b)
			}
		}
	}
	c.run(2, []string{"certify", m.Target("root"), "--key", "k"})
}
