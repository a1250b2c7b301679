package sysusers

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	in := `# comment
u root 0 "Super User" /root
u!  httpd 404 "HTTP User"
u "_quoted" -
g input - -
m authd input
r - 500-900
u bad%i -
u
`
	want := Names{Users: []string{"root", "httpd", "_quoted"}, Groups: []string{"root", "httpd", "_quoted", "input"}}
	if got := Parse([]byte(in)); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// The lines are from packages of Debian 12, CentOS 7, Rocky 9 and Alpine 3.20.
func TestScript(t *testing.T) {
	for script, want := range map[string]string{
		"adduser --quiet --system --no-create-home --home /run/sshd --shell /usr/sbin/nologin sshd":                                                        "sshd",
		"\tadduser --force-badname --system --home /nonexistent  \\\n\t    --no-create-home --quiet _apt || true":                                          "_apt",
		"MESSAGEUSER=messagebus\nadduser --system --quiet --home /x --disabled-password \\\n --group \"$MESSAGEUSER\" --gid 5":                             "messagebus",
		"adduser --system $quiet --home /var/lib/postgresql --no-create-home \\\n --shell /bin/bash --group --gecos \"PostgreSQL administrator\" postgres": "postgres",
		"adduser $quiet postgres ssl-cert": "",
		"getent passwd sshd >/dev/null || useradd -c \"Privilege-separated SSH\" -u 74 -g sshd -s /sbin/nologin -r -d /var/empty/sshd sshd 2> /dev/null || :": "sshd",
		"getent passwd 'chrony' >/dev/null || useradd -r -g 'chrony' -d '/var/lib/chrony' -s '/sbin/nologin' -c 'chrony system user' 'chrony' || :":           "chrony",
		"/usr/sbin/useradd -r polkitd -u 87 -g polkitd -d / -c 'User for polkitd'":                                                                            "polkitd",
		"adduser -S -D -H -h /var/lib/nginx -s /sbin/nologin -G nginx -g nginx nginx 2>/dev/null":                                                             "nginx",
		"# useradd evil": "", "echo useradd": "", "useradd $UNKNOWN": "", "if ! id x; then useradd -r x; fi": "x",
		"useradd --system --home-dir /x --comment 'a b' \"${U:-fallback}\"": "fallback",
	} {
		if got := strings.Join(Script([]byte("#!/bin/sh\n"+script+"\n")).Users, " "); got != want {
			t.Errorf("%s\ngot %q, want %q", script, got, want)
		}
	}
	n := Script([]byte("groupadd -g 42 shadow || (\naddgroup --system --quiet --force-badname _ssh\nadduser --group --system --quiet --gecos 'polkit' polkitd\n"))
	if got := strings.Join(n.Groups, " "); got != "shadow _ssh polkitd" {
		t.Errorf("groups: %q", got)
	}
}

func FuzzScript(f *testing.F) {
	f.Add([]byte("X=y\nuseradd -r \"$X\" 2>/dev/null || :\nu a - \"b\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, n := range []Names{Parse(b), Script(b)} {
			for _, u := range append(n.Users, n.Groups...) {
				if !Valid(u) {
					t.Errorf("%q", u)
				}
			}
		}
	})
}
