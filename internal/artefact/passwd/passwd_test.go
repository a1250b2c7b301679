package passwd

import (
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"assay/internal/need"
)

func TestUsers(t *testing.T) {
	in := "root:x:0:0:root:/root:/bin/bash\n# note\n\n  spaced:x:5:6\nbad\nnouid:x::0:::\nneg:x:-1:+7:a,b:/h:/bin/sh:x\r\n" +
		"+::::::\n-eve\n+@admins:x:0:0\n:x:0:0:::\nhex:x:0x0:0:::\nhuge:x:99999999999999999999999:1:::\nzero:x: 0:00:::/s"
	want := []User{
		{"root", "x", 0, 0, "root", "/root", "/bin/bash", 1},
		{"spaced", "x", 5, 6, "", "", "", 4},
		{"neg", "x", 1<<32 - 1, 7, "a,b", "/h", "/bin/sh:x", 7},
		{"+", "", 0, 0, "", "", "", 8},
		{"-eve", "", 0, 0, "", "", "", 9},
		{"+@admins", "x", 0, 0, "", "", "", 10},
		{"huge", "x", 1<<32 - 1, 1, "", "", "", 13},
		{"zero", "x", 0, 0, "", "", "/s", 14},
	}
	if got := Users([]byte(in)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestOthers(t *testing.T) {
	if got := Shadows([]byte("a:!:1:0:99999:7::1:\nb\nc::\n+x:y:")); !reflect.DeepEqual(got,
		[]Shadow{{"a", "!", "1", 1}, {"c", "", "", 3}}) {
		t.Errorf("shadow: %+v", got)
	}
	if got := Groups([]byte("w:x:10:a, b,,c\nx:y\nz::3")); !reflect.DeepEqual(got,
		[]Group{{"w", "x", 10, []string{"a", "b", "c"}, 1}, {"z", "", 3, nil, 3}}) {
		t.Errorf("group: %+v", got)
	}
	if got := GShadows([]byte("w:!:root:a,b\n")); !reflect.DeepEqual(got,
		[]GShadow{{"w", "!", []string{"root"}, []string{"a", "b"}, 1}}) {
		t.Errorf("gshadow: %+v", got)
	}
	if got := Defs([]byte("# UID_MIN 5\nUID_MIN\t\t 500\nX\n")); !reflect.DeepEqual(got, map[string]string{"UID_MIN": "500"}) {
		t.Errorf("login.defs: %+v", got)
	}
}

func TestScheme(t *testing.T) {
	for hash, want := range map[string]string{
		"": "", "*": "", "!": "", "!!": "", "x": "", "!*": "", "*NP*": "", "$": "", "$$": "", "$6$": "", "$6": "",
		"nologin": "", "password": "", "$6$a*": "", "{SSHA}abc": "",
		"$1$abc$0123456789012345678901": "md5crypt", "$2b$05$abcdefg": "bcrypt", "$5$a$b": "sha256crypt",
		"$6$rounds=5000$a$b": "sha512crypt", "$y$j9T$a$b": "yescrypt", "$gy$j9T$a$b": "gost-yescrypt",
		"$7$CU..../....a$b": "scrypt", "$sm3$a$b": "sm3crypt", "$md5,rounds=904$a$$b": "sunmd5", "$zz$a": "crypt",
		"abJnggxhB/yWI": "descrypt", "_J9..rasmBYk8r9AiWNc": "bsdicrypt", "abJnggxhB/yWIabJnggxhB/y": "bigcrypt",
	} {
		if got := Scheme(hash); got != want {
			t.Errorf("Scheme(%q) = %q, want %q", hash, got, want)
		}
	}
	for field, want := range map[string]string{"!$6$a$b": "$6$a$b", "!!$y$a": "$y$a", "*LK*$1$a$b": "$1$a$b", "!*": "", "*": "", "$6$a": "$6$a"} {
		if got, locked := Unlock(field); got != want || locked != (field != want) {
			t.Errorf("Unlock(%q) = %q, %v", field, got, locked)
		}
	}
}

// TestCrypt asks mkpasswd for a hash of every scheme that it knows.
func TestCrypt(t *testing.T) {
	tool := need.Tool(t, "mkpasswd")
	for method, want := range map[string]string{"descrypt": "descrypt", "bsdicrypt": "bsdicrypt", "md5crypt": "md5crypt",
		"sha256crypt": "sha256crypt", "sha512crypt": "sha512crypt", "bcrypt": "bcrypt", "bcrypt-a": "bcrypt", "yescrypt": "yescrypt",
		"gost-yescrypt": "gost-yescrypt", "scrypt": "scrypt", "nt": "nt", "sunmd5": "sunmd5"} {
		out, err := exec.Command(tool, "-m", method, "secret").Output()
		if err != nil {
			t.Errorf("mkpasswd -m %s: %v", method, err)
			continue
		}
		if got := Scheme(strings.TrimSpace(string(out))); got != want {
			t.Errorf("%s: %q is %q, want %q", method, out, got, want)
		}
	}
}

func FuzzPasswd(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/bash\n+::::::\na:!$6$a$b:1:::::1:\n"))
	f.Add([]byte(":\n::\n\x00\n-"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, u := range Users(b) {
			if u.Name == "" || u.Line < 1 {
				t.Errorf("%+v", u)
			}
		}
		for _, s := range Shadows(b) {
			h, _ := Unlock(s.Password)
			Scheme(h)
		}
		Groups(b)
		GShadows(b)
		Defs(b)
	})
}
