package assay

import (
	"testing"

	"assay/finding"
)

// TestLively: on a running machine no fix that could lock somebody out is taken
// without a word; others stay as they are.
func TestLively(t *testing.T) {
	for _, c := range []struct {
		e    finding.Edit
		safe bool
	}{
		{finding.Edit{Op: finding.LockPassword, Path: "/etc/shadow", User: "root"}, false},
		{finding.Edit{Op: finding.SetSSHD, Path: "/etc/ssh/sshd_config"}, false},
		{finding.Edit{Op: finding.RemoveUser, User: "x"}, false},
		{finding.Edit{Op: finding.Reset, Path: "/var/lib/cloud"}, false},
		{finding.Edit{Op: finding.Remove, Path: "/etc/sudoers.d/90-cloud-init-users"}, false},
		{finding.Edit{Op: finding.Remove, Path: "/etc/ssh/ssh_host_rsa_key"}, false},
		{finding.Edit{Op: finding.RemoveLine, Path: "/etc/shadow", Line: 3}, false},
		{finding.Edit{Op: finding.Blank, Path: "/home/u/.ssh/authorized_keys2"}, false},
		{finding.Edit{Op: finding.EmptyDir, Path: "/tmp"}, false},
		{finding.Edit{Op: finding.Remove, Path: "/tmp/x"}, true},
		{finding.Edit{Op: finding.Blank, Path: "/var/log/auth.log"}, true},
		{finding.Edit{Op: finding.Remove, Path: "/root/.bash_history"}, true},
	} {
		f := &finding.Fix{Safe: true, Edits: []finding.Edit{{Op: finding.Blank, Path: "/a"}, c.e}}
		got := lively(f)
		if got.Safe != c.safe || (got.Risk != nil) == c.safe || !f.Safe {
			t.Errorf("%s %s: safe %v, risk %v", c.e.Op, c.e.Path, got.Safe, got.Risk)
		}
	}
	if lively(nil) != nil {
		t.Error("a fix out of nothing")
	}
}
