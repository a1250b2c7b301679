package guest

import (
	"fmt"
	"testing"

	"assay/internal/fsys"
	"assay/internal/fsys/memfs"
)

func TestFirstBoot(t *testing.T) {
	link := func(p, to string) memfs.File { return memfs.File{Path: p, Link: to} }
	systemd := text("/usr/lib/systemd/systemd", "x")
	cloud := []memfs.File{systemd, text("/usr/bin/cloud-init", "x"), text("/usr/lib/systemd/system-generators/cloud-init-generator", "x"),
		text("/usr/lib/systemd/system/cloud-init.service", "[Unit]\n"),
		text("/etc/cloud/cloud.cfg", "cloud_init_modules:\n - seed_random\n - ssh\n - [set-passwords, always]\n")}
	with := func(a []memfs.File, b ...memfs.File) []memfs.File { return append(append([]memfs.File{}, a...), b...) }
	el := []memfs.File{systemd, text("/usr/lib/systemd/system/sshd.service", "[Unit]\nWants=sshd-keygen.target\n[Service]\nExecStart=/usr/sbin/sshd -D\n"),
		text("/usr/lib/systemd/system/sshd-keygen.target", "[Unit]\nWants=sshd-keygen@rsa.service\nWants=sshd-keygen@ed25519.service\n"),
		text("/usr/lib/systemd/system/sshd-keygen@.service", "[Unit]\nConditionFileNotEmpty=|!/etc/ssh/ssh_host_%i_key\n[Service]\nExecStart=/usr/libexec/openssh/sshd-keygen %i\n")}
	debian := []memfs.File{systemd, text("/lib/systemd/system/ssh.service", "[Service]\nExecStartPre=/usr/sbin/sshd -t\nExecStart=/usr/sbin/sshd -D\n")}
	own := text("/etc/systemd/system/regen.service", "[Unit]\nBefore=ssh.service\n[Service]\nExecStart=/usr/bin/ssh-keygen -A\n")
	alpine := []memfs.File{text("/etc/init.d/sshd", "#!/sbin/openrc-run\ngenerate_keys() {\n\t$key_gen ssh_host_ \n ssh-keygen -A\n}\n"), text("/etc/init.d/dbus", "dbus-uuidgen --ensure=/etc/machine-id\n")}
	for _, c := range []struct {
		name  string
		files []memfs.File
		want  string
	}{
		{"empty", nil, "   false false []"},
		{"cloud-init", cloud, "cloud-init systemd true true []"},
		{"disabled", with(cloud, text("/etc/cloud/cloud-init.disabled", "")), " systemd false false []"},
		{"by grub", with(cloud, text("/etc/default/grub", "GRUB_CMDLINE_LINUX=\"cloud-init=disabled\"\n")), " systemd false false []"},
		{"masked", with(cloud, link("/etc/systemd/system/cloud-init.service", "/dev/null")), " systemd false false []"},
		{"no keys", with(cloud, text("/etc/cloud/cloud.cfg.d/1.cfg", "ssh_genkeytypes: []\n")), " systemd true true []"},
		{"other cloud", with(cloud, text("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", "datasource_list: [ Ec2, None ]\n")), "cloud-init systemd true false []"},
		{"with agents", with(cloud, text("/etc/cloud/cloud.cfg.d/90_dpkg.cfg", "datasource_list: [ Ec2 ]\n"), text("/usr/local/share/aliyun-assist/x", "")), "cloud-init systemd true true [aliyun-assist]"},
		{"not enabled", []memfs.File{systemd, text("/usr/bin/cloud-init", "x"), text("/usr/lib/systemd/system/cloud-init.service", "[Unit]\n")}, " systemd false false []"},
		{"enabled", []memfs.File{systemd, text("/usr/bin/cloud-init", "x"), text("/usr/lib/systemd/system/cloud-init.service", "[Unit]\n"),
			link("/etc/systemd/system/cloud-init.target.wants/cloud-init.service", "/usr/lib/systemd/system/cloud-init.service")}, "cloud-init systemd true true []"},
		{"el", el, "sshd-keygen systemd false false []"},
		{"el masked", with(el, link("/etc/systemd/system/sshd-keygen.target", "/dev/null")), " systemd false false []"},
		{"debian", debian, " systemd false false []"},
		{"debian, own unit off", with(debian, own), " systemd false false []"},
		{"debian, own unit", with(debian, own, link("/etc/systemd/system/multi-user.target.wants/regen.service", "../regen.service")), "ssh-keygen unit regen.service systemd false false []"},
		{"suse", []memfs.File{systemd, text("/usr/lib/systemd/system/sshd.service", "[Service]\nExecStartPre=/usr/sbin/sshd-gen-keys-start\n")}, "sshd.service systemd false false []"},
		{"alpine", with(alpine, link("/etc/runlevels/default/sshd", "/etc/init.d/sshd"), link("/etc/runlevels/default/dbus", "/etc/init.d/dbus")), "openrc sshd dbus false false []"},
		{"alpine off", alpine, "  false false []"},
		{"rc.local", with(debian, memfs.File{Path: "/etc/rc.local", Meta: fsys.Meta{Mode: 0o755}, Data: "#!/bin/sh\ntest -f /etc/ssh/ssh_host_rsa_key || dpkg-reconfigure openssh-server\n"}), "rc.local systemd false false []"},
		{"rc.local not executable", with(debian, memfs.File{Path: "/etc/rc.local", Data: "#!/bin/sh\ntest -f /etc/ssh/ssh_host_rsa_key || dpkg-reconfigure openssh-server\n"}), " systemd false false []"},
	} {
		f := plant(c.files...).FirstBoot()
		got := fmt.Sprint(f.HostKeys, " ", f.MachineID, " ", f.CloudInit, " ", f.AliYun, " ", f.Agents)
		if c.name == "empty" {
			c.want = "  false false []"
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
