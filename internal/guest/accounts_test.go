package guest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"assay/internal/fsys/memfs"
)

func text(path, data string) memfs.File { return memfs.File{Path: path, Data: data} }

func plant(files ...memfs.File) *Guest { return New(memfs.Tree(files...)) }

func TestAccounts(t *testing.T) {
	g := plant(
		text("/etc/passwd", `root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/root:/bin/sh
daemon:*:1:1::/:/usr/sbin/nologin
busy:*:10:10::/:/bin/ash
plain:$1$a$b:1001:1001::/home/plain:/bin/bash
open::1002:1002::/home/open:
lost:x:1003:1003::/home/lost:/bin/bash
locked:x:1004:100:Some One:/home/locked:/bin/zsh
star:x:1005:100::/:/bin/false
root:x:0:0:again:/root:/bin/bash
+::::::
`),
		text("/etc/shadow", `root:$6$s$h:19000:0:99999:7:::
toor::19000:::::1:
busy:$y$j9T$s$h:19000::::::
locked:!!$5$s$h:19000::::::
star:!*:1:::::12345:
gone:$2b$05$abc:1::::::
root:$6$second$h:1::::::
plain:!:1::::::
`),
		text("/etc/group", "root:x:0:\nusers:x:100:plain\nwheel:x:10:locked,plain\nadm:$6$g$h:4:plain\nz:x:1001:plain\nold::55:\n"),
		text("/etc/gshadow", "root:*::\nwheel:$6$gs$h::locked\nusers:!::\n"),
		text("/etc/login.defs", "UID_MIN  500\n"),
	)
	a, err := g.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range a.Users {
		got = append(got, fmt.Sprintf("%s %s %s %s:%d expired=%v login=%v %v", u.Name, u.Password, u.Hash, u.HashInFile, u.ShadowLine, u.Expired, u.Login(), u.Groups))
	}
	want := []string{
		"root set $6$s$h /etc/shadow:1 expired=false login=true [root]",
		"toor empty  /etc/shadow:2 expired=true login=true [root]",
		"daemon none  /etc/passwd:0 expired=false login=false []",
		"busy set $y$j9T$s$h /etc/shadow:3 expired=false login=true [wheel]",
		"plain set $1$a$b /etc/passwd:8 expired=false login=true [z adm users wheel]",
		"open empty  /etc/passwd:0 expired=false login=true []",
		"lost shadowed  /etc/passwd:0 expired=false login=true []",
		"locked locked $5$s$h /etc/shadow:4 expired=false login=true [users wheel]",
		"star none  /etc/shadow:5 expired=false login=false [users]",
		"root set $6$s$h /etc/shadow:1 expired=false login=true [root]",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if len(a.Orphans) != 2 || a.Orphans[0].Name != "gone" || a.Orphans[0].Password != SetPassword || a.Orphans[1].ShadowLine != 7 {
		t.Errorf("orphans: %+v", a.Orphans)
	}
	if a.Min != 500 || len(a.Compat) != 1 || a.Compat[0] != 11 {
		t.Errorf("min %d, compat %v", a.Min, a.Compat)
	}
	states := ""
	for _, gr := range a.Groups {
		states += fmt.Sprint(gr.Name, "=", gr.Password, " ")
	}
	if states != "root=none users=none wheel=set adm=set z=shadowed old=none " {
		t.Error(states)
	}
}

func TestAccountsUnreadable(t *testing.T) {
	bad := errors.New("bad block")
	g := plant(text("/etc/passwd", "a:x:1:1:::\n"), memfs.File{Path: "/etc/shadow", Data: "x", Err: bad})
	a, err := g.Accounts()
	if !errors.Is(err, bad) || len(a.Users) != 1 || a.Min != 1000 {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := plant().Accounts(); err != nil || len(a.Users) != 0 {
		t.Errorf("no files: %+v, %v", a, err)
	}
}

func TestHomes(t *testing.T) {
	dir := func(p string) memfs.File { return memfs.File{Path: p + "/"} }
	g := plant(
		text("/etc/passwd", `root:x:0:0::/root:/bin/bash
operator:x:11:0::/root:/sbin/nologin
bin:x:1:1::/bin:/sbin/nologin
none:x:2:2::/nonexistent:/sbin/nologin
tv:x:3:3::/dev/null:/bin/sh
games:x:4:4::/usr/games:/usr/sbin/nologin
tomcat:x:5:5::/usr/share/tomcat:/sbin/nologin
jenkins:x:6:6::/var/lib/jenkins:/bin/bash
app:x:7:7::/opt/app/:/bin/bash
alice:x:1000:1000::/home/alice:/bin/bash
link:x:1001:1001::/home/link:/bin/bash
file:x:1002:1002::/home/file:/bin/bash
rel:x:1003:1003::home/alice:/bin/bash
out:x:1004:1004::/srv/../etc:/bin/bash
`),
		dir("/root"), dir("/bin"), dir("/usr/games"), text("/usr/share/tomcat/.ssh/authorized_keys", "k"), dir("/var/lib/jenkins"),
		dir("/opt/app"), dir("/home/alice"), dir("/data/link"), memfs.File{Path: "/home/link", Link: "/data/link"},
		text("/home/file", "x"), dir("/home/ghost"), dir("/home/lost+found"), dir("/home/alice/project"),
		text("/home/example.com/bob/.bash_history", "ls\n"), dir("/home/example.com/empty"), text("/etc/skel/.profile", "x"),
		text("/dev/null", ""),
	)
	var got []string
	for _, h := range g.Homes() {
		got = append(got, fmt.Sprintf("%s%v%v", h.Path, h.Users, h.Skel))
	}
	want := "/root[root operator]false /usr/share/tomcat[tomcat]false /var/lib/jenkins[jenkins]false /opt/app[app]false " +
		"/home/alice[alice]false /data/link[link]false /home/example.com[]false /home/example.com/bob[]false /home/ghost[]false /etc/skel[]true"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestOS(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []memfs.File
		want  string
	}{
		{"debian", []memfs.File{{Path: "/etc/os-release", Link: "../usr/lib/os-release"},
			text("/usr/lib/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n")},
			"linux debian [] 12 Debian GNU/Linux 12 (bookworm) "},
		{"alinux", []memfs.File{text("/etc/os-release", "NAME=\"Alibaba Cloud Linux\"\nVERSION=\"3 (OpenAnolis Edition)\"\nID=\"alinux\"\nID_LIKE=\"rhel fedora centos anolis\"\nVERSION_ID=\"3\"\n"),
			text("/etc/image-id", "image_name=\"Alibaba Cloud Linux  3.2104 LTS 64 bit\"\nimage_id=\"aliyun_3_x64_20G_alibase\"\n")},
			"linux alinux [rhel fedora centos anolis] 3 Alibaba Cloud Linux 3 (OpenAnolis Edition) aliyun_3_x64_20G_alibase"},
		{"el6", []memfs.File{text("/etc/redhat-release", "CentOS release 6.10 (Final)\n")}, "linux centos [rhel fedora] 6.10 CentOS release 6.10 (Final) "},
		{"alpine", []memfs.File{text("/etc/alpine-release", "3.20.1\n")}, "linux alpine [] 3.20.1 alpine 3.20.1 "},
		{"old debian", []memfs.File{text("/etc/debian_version", "6.0.10\n")}, "linux debian [] 6.0.10 debian 6.0.10 "},
		{"bare", []memfs.File{text("/etc/passwd", ""), text("/bin/sh", "x")}, "linux linux []   "},
		{"windows", []memfs.File{{Path: "/WINDOWS/system32/Config/"}}, "windows windows []  Windows "},
		{"nothing", []memfs.File{text("/data", "x")}, "  []   "},
	} {
		o := plant(c.files...).OS()
		if got := fmt.Sprint(o.Family, " ", o.ID, " ", o.Like, " ", o.Version, " ", o.Name, " ", o.Image); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
