package history

import (
	"strings"
	"testing"

	"assay/check"
)

func TestCredentials(t *testing.T) {
	for line, want := range map[string]string{
		"sshpass -p Hunter2000 ssh root@h":                            "Hunter2000",
		"mysql -uroot -pS3cr3tPw db":                                  "S3cr3tPw",
		"curl -u admin:Zx81secret https://h/":                         "Zx81secret",
		"echo 'Pa55word9' | passwd --stdin ann":                       "Pa55word9",
		"echo Pa55word9|sudo passwd ann --stdin":                      "Pa55word9",
		"echo root:Pa55word9 | chpasswd":                              "Pa55word9",
		"chpasswd <<< 'ann:Pa55word9'":                                "Pa55word9",
		"echo Pa55word9 | sudo -S apt update":                         "Pa55word9",
		"export ALIBABA_CLOUD_ACCESS_KEY_SECRET=abcdEFGHijkl01234567": "abcdEFGHijkl01234567",
		"aliyun oss ls --i LTAI5tAbCdEfGhIjKlMnOpQr":                  "LTAI5tAbCdEfGhIjKlMnOpQr",
		"create user a identified by 'Qwe9secret';":                   "Qwe9secret",
		"AUTH R3disPassw":                                             "R3disPassw",
		"curl -H 'Authorization: Bearer abcdef0123456789'":            "abcdef0123456789",
		"useradd -m -p Pa55word9 ann":                                 "Pa55word9",
		"ls -la":                                                      "",
		"mysql -uroot -p":                                             "",
		"passwd root":                                                 "",
		"ssh -p 2222 root@host":                                       "",
		"export PASSWORD=$PW":                                         "",
		"git commit -m 'auth changes'":                                "",
		"cat /etc/passwd | grep root":                                 "",
	} {
		got := credentials(line)
		switch {
		case want == "" && len(got) > 0:
			t.Errorf("%q gives %q", line, got)
		case want != "" && (len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), want)):
			t.Errorf("%q gives %q, want %q", line, got, want)
		case want != "" && (strings.Contains(mask(line, got), want) || !strings.Contains(mask(line, got), check.Mask())):
			t.Errorf("%q is shown as %q", line, mask(line, got))
		}
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		`"$HOME/.cache/h"`: "~/.cache/h", "~/.h": "~/.h", "/var/log/h/$USER.log": "/var/log/h/*.log", "/var/log/h/$(whoami)-$(date +%F)": "/var/log/h/*-*",
		"/dev/null": "", "": "", "$X": "", "/$USER/x": "", "history": "", "${ZDOTDIR:-$HOME}/.zh": "~/.zh", "/home/$USER/$X": "",
	} {
		if got := expand(in); got != want {
			t.Errorf("%s becomes %q, want %q", in, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("#1690000000\necho 'Pa55word9' | passwd --stdin ann\n: 1690000000:0;ls\n- cmd: x\n"))
	f.Add([]byte("_HiStOrY_V2_\nset\\040password=password('x')\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x := read(b)
		if x.Secret > x.Lines || x.Secret > 0 && (x.Value == "" || x.Line < 1) {
			t.Fatalf("%+v", x)
		}
		// What is shown must not hold what was recognised, unless it is a piece of
		// the mask itself.
		if x.Secret > 0 && strings.Contains(x.Masked, x.Value) && !strings.Contains(check.Mask(), x.Value) {
			t.Fatalf("%q shows %q", x.Masked, x.Value)
		}
	})
}
