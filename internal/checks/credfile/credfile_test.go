package credfile

import (
	"strings"
	"testing"
)

func TestReal(t *testing.T) {
	for _, v := range []string{"", "x", "changeme", "CHANGEME", "xxxxxxxx", "****", "${PW}", "$DB_PASSWORD", "{{ pw }}", "<password>", "AKIAIOSFODNN7EXAMPLE",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "your_password_here", "/run/secrets/db", "ENC(abc)", "file:/etc/x", "null", "%(pw)s", "aaaa", "@PASSWORD@", "[password]", "$(cat /x)"} {
		if Real(v) {
			t.Errorf("%q is taken for a secret", v)
		}
	}
	for _, v := range []string{"admin", "123456", "hunter2", "/abc+def/ghi", "$ecret!9", "p@ss", "Falcon_2021", "password"} {
		if !Real(v) {
			t.Errorf("%q is not taken for a secret", v)
		}
	}
}

func TestNames(t *testing.T) {
	for _, k := range []string{"DB_PASSWORD", "spring.datasource.password", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_KEY", "GITHUB_TOKEN", "mysqlPwd", "REDIS_PASS"} {
		if !Names(k) {
			t.Errorf("%s should name a secret", k)
		}
	}
	for _, k := range []string{"PATH", "PASSWORD_FILE", "TOKEN_URL", "token_ttl", "secret_name", "KEYMAP", "SSH_ASKPASS_REQUIRE"} {
		if Names(k) {
			t.Errorf("%s should not name a secret", k)
		}
	}
}

func TestURLSecret(t *testing.T) {
	for in, want := range map[string]string{
		"url = https://me:s3cr3t@git.example.com/x.git": "s3cr3t",
		"https://ghp_0123456789abcdefghij@github.com/":  "ghp_0123456789abcdefghij",
		"redis://:pw12@h:6379/0":                        "pw12",
		"http://a/b https://u:p%40ss@h":                 "p%40ss",
	} {
		got, masked, ok := URLSecret(in)
		if !ok || got != want || strings.Contains(masked, want) {
			t.Errorf("%s: %q %q %v", in, got, masked, ok)
		}
	}
	for _, in := range []string{"https://user@host/", "ssh://git@github.com:22/x", "https://user:${PW}@h", "https://user:password@localhost", "a@b:c", "://"} {
		if got, _, ok := URLSecret(in); ok {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		p, s string
		want bool
	}{{"a", "a", true}, {"a*", "ab", true}, {"*_authtoken", "//h/:_authtoken", true}, {"*x*", "axb", true}, {"a", "ab", false}, {"*b", "ba", false}} {
		if like(c.p, c.s) != c.want {
			t.Errorf("like(%q, %q) is not %v", c.p, c.s, c.want)
		}
	}
}

func TestCommand(t *testing.T) {
	for in, want := range map[string]string{
		"0 3 * * * root mysqldump -uroot -pS3cret db | gzip > /b": "S3cret",
		"PGPASSWORD=pg12 pg_dump x":                               "pg12",
		"/usr/bin/foo --password=a1b2c3 --token-file=/x":          "a1b2c3",
		"foo --db-password 's p' -v":                              "s p",
		"curl -u bob:hunter2 https://h/":                          "hunter2",
		"sshpass -p hunter2 ssh x":                                "hunter2",
		"redis-cli -h h -a rp12 ping":                             "rp12",
		"curl https://u:pw12@h/":                                  "pw12",
	} {
		got := Command(in, 1)
		if len(got) != 1 || string(got[0].Value) != want {
			t.Errorf("%s: %v", in, got)
		}
	}
	for _, in := range []string{"mysql -p db", "mkdir -p /var/x", "ssh -p 2222 h", "foo --password=$PW", "foo --password-file=/x", "curl -u bob https://h", "cp -pR a b", `echo "usage: --password=SECRET"`, "PASSWORD=$1"} {
		if got := Command(in, 1); len(got) != 0 {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestConnection(t *testing.T) {
	for in, want := range map[string]string{"Server=h;User Id=u;Password=p1x;": "p1x", "host=h user=u password=q2y": "q2y", "jdbc:mysql://h/d?user=u&password=r3z": "r3z"} {
		if got, _ := connection(in); got != want {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func FuzzFinders(f *testing.F) {
	f.Add("mysql -uroot -ps3cret; curl -u a:b https://u:p@h/ --token x")
	f.Add("A='x' B=\"Server=h;Password=p\" # c")
	f.Add("://:@:://a@")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<14 {
			return
		}
		Commands([]byte(s))
		URLs([]byte(s))
		Whole([]byte(s))
		Columns("x", ":", 5)([]byte(s))
		connection(s)
		Names(s)
		if pass, masked, ok := URLSecret(s); ok && len(pass) > 6 && strings.Count(s, pass) == 1 && strings.Contains(masked, pass) {
			t.Fatalf("%q shows %q", masked, pass)
		}
	})
}
