package main

import (
	"crypto/md5"
	"fmt"
	"strings"
)

// system makes what a distribution brings: nothing in it is a finding. It is
// there so that assay has to tell it from what people left.
func (g *generator) system() {
	g.put("/etc/os-release", `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
ID=debian
HOME_URL="https://www.debian.org/"
`)
	g.put("/etc/debian_version", "12.11\n")
	g.put("/etc/fstab", "UUID="+rootUUID+" / ext4 errors=remount-ro 0 1\nUUID="+swapUUID+" none swap sw 0 0\n")
	g.put("/etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\nENCRYPT_METHOD YESCRYPT\n")
	g.put("/etc/shells", "/bin/sh\n/bin/bash\n")
	g.put("/etc/hosts", "127.0.0.1 localhost\n")
	g.put("/etc/hostname", "localhost\n")
	g.own("/etc/machine-id", "", 0o444, 0, 0)
	g.packages()
	g.put("/etc/cloud/cloud.cfg", "users:\n  - default\ndisable_root: false\nssh_deletekeys: true\ndatasource_list: [ AliYun, NoCloud, None ]\ncloud_init_modules:\n  - write-files\n  - users-groups\n  - ssh\nsystem_info:\n  distro: debian\n  default_user:\n    name: ecs-user\n    lock_passwd: true\n")
	g.put("/lib/systemd/system/cloud-init.service", "[Unit]\nDescription=Initial cloud-init job\n[Service]\nExecStart=/usr/bin/cloud-init init\n")
	g.own("/lib/systemd/system-generators/cloud-init-generator", "#!/bin/sh\n", 0o755, 0, 0)
	g.own("/usr/bin/cloud-init", "#!/usr/bin/python3\n", 0o755, 0, 0)
	g.put("/var/www/html/index.html", "<html><body>Welcome to nginx!</body></html>\n")
	g.put("/usr/share/doc/openssl/README.keys", "Examples only:\n  password = changeme\n  AccessKeySecret = <your-secret>\n")
	g.put("/usr/share/app/config.sample.yml", "database:\n  password: ${DB_PASSWORD}\n")
	g.put("/etc/skel/.bashrc", "# ~/.bashrc\nHISTSIZE=1000\n")
}

// packages writes a dpkg database and the files that it owns, with their
// digests, and pads the tree with programs.
func (g *generator) packages() {
	var status strings.Builder
	for _, p := range []struct {
		name  string
		files map[string]string
	}{
		{"base-files", map[string]string{"/usr/share/base-files/motd": "Debian\n"}},
		{"openssh-server", map[string]string{"/usr/sbin/sshd": "\x7fELF" + g.token(3000), "/lib/systemd/system/ssh.service": "[Unit]\nDescription=OpenBSD Secure Shell server\n"}},
		{"bash", map[string]string{"/bin/bash": "\x7fELF" + g.token(9000)}},
		{"coreutils", map[string]string{"/bin/ls": "\x7fELF" + g.token(4000), "/bin/cat": "\x7fELF" + g.token(2000)}},
		{"nginx", map[string]string{"/usr/sbin/nginx": "\x7fELF" + g.token(5000), "/etc/nginx/nginx.conf": "user www-data;\nevents {}\nhttp { include /etc/nginx/sites-enabled/*; }\n"}},
		{"python3-paramiko", map[string]string{"/usr/share/doc/python3-paramiko/demos/test_rsa.key": "-----BEGIN RSA PRIVATE KEY-----\n" + g.token(64) + "\n-----END RSA PRIVATE KEY-----\n"}},
	} {
		fmt.Fprintf(&status, "Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n", p.name)
		var list, sums strings.Builder
		list.WriteString("/.\n")
		for path, data := range p.files {
			mode := uint32(0o644)
			if strings.HasPrefix(data, "\x7fELF") {
				mode = 0o755
			}
			g.own(path, data, osMode(mode), 0, 0)
			fmt.Fprintln(&list, path)
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum([]byte(data)), path[1:])
		}
		g.put("/var/lib/dpkg/info/"+p.name+".list", list.String())
		g.put("/var/lib/dpkg/info/"+p.name+".md5sums", sums.String())
	}
	g.put("/var/lib/dpkg/status", status.String())
	g.own("/var/lib/dpkg/info/openssh-server.postinst", "#!/bin/sh\nset -e\nadduser --quiet --system --no-create-home --home /run/sshd --shell /usr/sbin/nologin sshd\n", 0o755, 0, 0)
}
