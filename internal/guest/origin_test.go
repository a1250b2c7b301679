package guest

import (
	"fmt"
	"strings"
	"testing"

	"assay/internal/artefact/sysusers"
)

func TestOrigins(t *testing.T) {
	g := plant(
		text("/etc/os-release", "ID=debian\n"),
		text("/etc/passwd", `root:x:0:0::/root:/bin/bash
backup:x:34:34::/var/backups:/usr/sbin/nologin
games:x:1042:60::/home/games:/bin/bash
low:x:105:105::/home/low:/bin/bash
sync2:x:4:4::/:/bin/sh
debian:x:1000:1000::/home/debian:/bin/bash
tss:x:106:106::/:/bin/false
messagebus:x:0:0::/:/bin/sh
ecs-assist-user:x:998:998::/:/sbin/nologin
`),
		text("/etc/group", "root:x:0:\nsudo:x:27:\nlow:x:105:\nstaff2:x:50:\ndebian:x:1000:\ntss:x:106:\n"),
		text("/usr/lib/sysusers.d/tpm.conf", "u tss - \"TPM\"\nu messagebus -\n"),
		text("/etc/sysusers.d/mine.conf", "u low -\n"),
		text("/etc/cloud/cloud.cfg", "users:\n - default\nsystem_info:\n   distro: debian\n   default_user:\n     name: admin\n     groups: [a, b]\n"),
		text("/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg", "system_info:\n  default_user:\n    lock_passwd: true\n    name: debian # the one\n"),
	)
	a, _ := g.Accounts()
	var got []string
	for _, u := range a.Users {
		got = append(got, fmt.Sprintf("%s=%s(%s)", u.Name, u.Origin, u.Maker))
	}
	want := "root=distribution(debian) backup=distribution(debian) games=() low=() sync2=() debian=cloud-init(cloud.cfg) " +
		"tss=package(/usr/lib/sysusers.d/tpm.conf) messagebus=() ecs-assist-user=()"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	s := ""
	for _, gr := range a.Groups {
		s += fmt.Sprintf("%s=%s ", gr.Name, gr.Origin)
	}
	if s != "root=distribution sudo=distribution low= staff2= debian=cloud-init tss=package " {
		t.Error(s)
	}
}

// TestBaseTables holds our own data to its form.
func TestBaseTables(t *testing.T) {
	for family, b := range base {
		for _, list := range []string{b.users, b.groups} {
			for _, f := range strings.Fields(list) {
				name, id, ok := strings.Cut(f, ":")
				if !ok || !sysusers.Valid(name) || id == "" {
					t.Errorf("%s: %q", family, f)
				}
			}
			if !ids(list)[idName{"root", 0}] {
				t.Errorf("%s has no root", family)
			}
		}
	}
	for id, family := range families {
		if _, ok := base[family]; !ok {
			t.Errorf("%s: no family %s", id, family)
		}
	}
}

func TestCloudConfig(t *testing.T) {
	for in, want := range map[string]string{
		"datasource_list: [ NoCloud, AliYun, None ]\n":                       " [NoCloud AliYun None] false false",
		"datasource_list:\n  - AliYun # x\n  - 'None'\nssh_deletekeys: 0\n":  " [AliYun None] true false",
		"datasource_list:\n- Ec2\nssh_genkeytypes: []\n":                     " [Ec2] false true",
		"datasource:\n  datasource_list: [X]\ndefault_user:\n  name: n\n":    " [] false false",
		"system_info: \n  default_user: {name: ubuntu, lock_passwd: true}\n": "ubuntu [] false false",
		"users:\n  - name: eve\nsystem_info:\n  name: no\n":                  " [] false false",
		"datasource_list: [ NoCloud,\n   AliYun ]\n":                         " [NoCloud AliYun] false false",
	} {
		var c cloudConfig
		c.read(in)
		if got := fmt.Sprint(c.defaultUser, " ", c.datasources, " ", c.keepKeys, " ", c.noHostKeys); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzCloudConfig(f *testing.F) {
	f.Add("datasource_list:\n  - AliYun # x\nsystem_info:\n  default_user: {name: x}\n")
	f.Fuzz(func(t *testing.T, s string) {
		var c cloudConfig
		c.read(s)
	})
}
