package guest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/fsys/memfs"
	"assay/internal/need"
)

func TestSSHD(t *testing.T) {
	g := plant(
		text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1001:50::/home/bob:/bin/sh\ngit:x:1002:60::/srv/git:/bin/sh\n"),
		text("/etc/group", "staff:x:50:\nsftp:x:60:\n"),
		text("/usr/sbin/sshd", "x"),
		text("/etc/default/ssh", "# options\nSSHD_OPTS=\"-o MaxAuthTries=2 -p 2222\"\n"),
		text("/etc/ssh/sshd_config", `Include sshd_config.d/*.conf /missing
PasswordAuthentication no
AuthorizedKeysFile /etc/ssh/keys/%u "/etc/ssh/all keys" .ssh/authorized_keys none %%h/%U
AllowUsers a b
AllowUsers c
PermitRootLogin Without-Password
Match User git,!root Address 10.0.0.0/8
	AuthorizedKeysFile /srv/git/keys
Match Group s*
	X11Forwarding yes
	UsePAM no
Match all
	Banner /b
`),
		text("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"),
		text("/etc/ssh/sshd_config.d/60-x.conf", "PasswordAuthentication no\nMatch User bob\nPermitTTY no\n"),
		text("/etc/ssh/sshd_config.d/.hidden.conf", "PermitEmptyPasswords yes\n"),
		memfs.File{Path: "/etc/ssh/sshd_config.d/70-bad.conf", Data: "x", Err: os.ErrPermission},
	)
	s := g.SSHD()
	show := func(user, key string) string {
		v := s.For(user).Get(key)
		return fmt.Sprintf("%s %s:%d %s", v.Value, v.Path, v.Line, v.Match)
	}
	for _, c := range []struct{ user, key, want string }{
		{"root", "passwordauthentication", "yes /etc/ssh/sshd_config.d/50-cloud-init.conf:1 "},
		{"root", "permitrootlogin", "prohibit-password /etc/ssh/sshd_config:6 "},
		{"root", "permitemptypasswords", "no :0 "},
		{"bob", "permittty", "no /etc/ssh/sshd_config.d/60-x.conf:3 User bob"},
		{"git", "permittty", "yes :0 "},
		{"bob", "x11forwarding", "yes /etc/ssh/sshd_config:10 Group s*"},
		{"root", "x11forwarding", "no :0 "},
		{"root", "banner", "/b /etc/ssh/sshd_config:13 all"},
		{"bob", "usepam", "no :0 "},
		{"", "maxauthtries", "2 /etc/default/ssh:2 "},
		{"", "port", "2222 /etc/default/ssh:2 "},
		{"", "nosuchkeyword", " :0 "},
	} {
		if got := show(c.user, c.key); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.user, c.key, got, c.want)
		}
	}
	if got := fmt.Sprint(s.For("bob").All("allowusers")); got != "[{a b [a b] /etc/ssh/sshd_config 4 } {c [c] /etc/ssh/sshd_config 5 }]" {
		t.Error(got)
	}
	if got := strings.Join(s.AuthorizedKeysFiles("git"), " "); got != "/etc/ssh/keys/git /etc/ssh/all keys /srv/git/.ssh/authorized_keys /srv/git/%h/1002 /srv/git/keys" {
		t.Error(got)
	}
	if len(s.For("git").Maybe["authorizedkeysfile"]) != 1 || len(s.For("bob").Maybe) != 0 || !s.Installed {
		t.Errorf("%+v", s.For("git").Maybe)
	}
	if fmt.Sprint(s.Files, s.Unread) != "[/etc/ssh/sshd_config /etc/ssh/sshd_config.d/50-cloud-init.conf /etc/ssh/sshd_config.d/60-x.conf] [/etc/ssh/sshd_config.d/70-bad.conf]" {
		t.Error(s.Files, s.Unread)
	}
	if got := plant().SSHD().AuthorizedKeysFiles("x"); len(got) != 2 {
		t.Errorf("no configuration: %v", got)
	}
	if v := plant(text("/etc/os-release", "ID=\"centos\"\nVERSION_ID=\"7\"\n")).SSHD().For("root").Get("permitrootlogin"); v.Value != "yes" || v.Path != "" {
		t.Errorf("EL 7: %+v", v)
	}
}

// TestSSHDLoop includes itself, twice.
func TestSSHDLoop(t *testing.T) {
	g := plant(text("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config\nInclude /etc/ssh/s*\nPort 1\n"))
	if s := g.SSHD(); len(s.Files) > maxSSHDFiles || len(s.Unread) == 0 || s.For("").Get("port").Value != "1" {
		t.Errorf("%d files", len(s.Files))
	}
}

// generator writes random configurations of the keywords in compare.
type generator struct {
	r   *rand.Rand
	dir string
}

func (x generator) pick(s ...string) string { return s[x.r.IntN(len(s))] }

func (x generator) line() string {
	key := x.pick("PermitRootLogin", "PasswordAuthentication", "KbdInteractiveAuthentication", "challengeresponseauthentication", "PubkeyAuthentication",
		"permitemptypasswords", "AuthorizedKeysFile", "X11Forwarding", "Banner", "MaxAuthTries", "AllowUsers", "ForceCommand")
	value := x.pick("yes", "no", "No")
	switch key {
	case "PermitRootLogin":
		value = x.pick("yes", "no", "prohibit-password", "without-password", "forced-commands-only")
	case "AuthorizedKeysFile":
		value = x.pick("none", ".ssh/a .ssh/b", `"/etc/x y/%u" z`, "/k/%u # note")
	case "Banner":
		value = x.pick("none", "/etc/issue", `"/a b"`)
	case "MaxAuthTries":
		value = x.pick("1", "3", "9")
	case "AllowUsers":
		value = x.pick("a", "a b*", "c@1.2.3.4")
	case "ForceCommand":
		value = x.pick("none", "/bin/x y", "internal-sftp")
	}
	return x.pick("", "\t", "  ") + key + x.pick(" ", "=", " = ", "\t") + value + x.pick("", " ", " # end", "\t#x") + "\n"
}

func (x generator) match() string {
	return "Match " + x.pick("all", "User root", "User *,!root", "User daemon,r??t", "Group root", "Group daemon,!root", "Group *",
		"User root Group root", "Address 9.9.9.9", "user=root", "User \"daemon\"", "User !root", "Address 9.9.9.9 User root") + "\n"
}

func (x generator) file(lines int, includes []string) string {
	s := ""
	for range lines {
		switch n := x.r.IntN(10); {
		case n < 1:
			s += x.match()
		case n < 3 && len(includes) > 0:
			s += "Include " + filepath.Join(x.dir, x.pick(includes...)) + "\n"
		default:
			s += x.line()
		}
	}
	return s
}

// TestAgainstSSHD asks the real sshd what it would do for generated files.
func TestAgainstSSHD(t *testing.T) {
	sshd := need.Tool(t, "sshd")
	need.Tool(t, "ssh-keygen")
	dir := t.TempDir()
	key := filepath.Join(dir, "hostkey")
	need.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	_ = os.Mkdir("/run/sshd", 0o755) // sshd wants it; it is there already on most machines
	passwd, err1 := os.ReadFile("/etc/passwd")
	group, err2 := os.ReadFile("/etc/group")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	compared, refused := 0, 0
	for seed := range 40 {
		x := generator{rand.New(rand.NewPCG(uint64(seed), 1)), dir}
		files := map[string]string{
			"b.inc": x.file(3, nil), "c.inc": x.file(4, []string{"b.inc"}), "a.inc": x.file(2, []string{"c.inc"}),
			"main": "HostKey " + key + "\n" + x.file(12, []string{"a.inc", "b.inc", "?.inc", "[!a].inc", "no-such*"}),
		}
		planted := []memfs.File{text("/etc/passwd", string(passwd)), text("/etc/group", string(group))}
		for name, data := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			name = filepath.Join(dir, name)
			if filepath.Base(name) == "main" {
				name = "/etc/ssh/sshd_config"
			}
			planted = append(planted, text(name, data))
		}
		s := plant(planted...).SSHD()
		for _, user := range []string{"root", "daemon", "nobody"} {
			out, err := exec.Command(sshd, "-T", "-f", filepath.Join(dir, "main"), "-C", "user="+user+",host=h,addr=1.2.3.4").CombinedOutput()
			if err != nil {
				refused++
				continue
			}
			compared++
			compareSSHD(t, s.For(user), string(out), fmt.Sprintf("seed %d, user %s", seed, user), files)
		}
	}
	t.Logf("%d answers compared, %d configurations refused by sshd", compared, refused)
	if compared < 100 {
		t.Errorf("only %d answers compared", compared)
	}
}

func compareSSHD(t *testing.T, u *SSHDUser, answer, what string, files map[string]string) {
	t.Helper()
	want := map[string][]string{}
	for l := range strings.Lines(answer) {
		k, v, _ := strings.Cut(strings.TrimRight(l, "\n"), " ")
		want[k] = append(want[k], v)
	}
	for _, k := range []string{"permitrootlogin", "passwordauthentication", "kbdinteractiveauthentication", "pubkeyauthentication", "permitemptypasswords",
		"authorizedkeysfile", "x11forwarding", "banner", "maxauthtries", "allowusers", "forcecommand", "usepam"} {
		var got []string
		for _, s := range u.All(k) {
			v := s.Value
			if k == "allowusers" {
				got = append(got, strings.Fields(v)...)
				continue
			}
			if v == "prohibit-password" {
				v = "without-password"
			}
			got = append(got, v)
		}
		if g, w := strings.Join(got, "|"), strings.Join(want[k], "|"); g != w {
			t.Errorf("%s: %s is %q, sshd says %q\n%s", what, k, g, w, files)
		}
	}
}
