package standin

import (
	"bytes"
	"strings"
)

// A Grade says how much of a secret a value can be by its looks alone.
type Grade uint8

const (
	None Grade = iota // no secret: empty, a template, a reference, "changeme", "xxxx"
	Word              // a word for a secret, as tests use it: "my-token", "fakepass", "foo"
	Lazy              // a word for a secret that people do set: "password", "secret"
	Real              // nothing speaks against it
)

// noWords are values that say that there is no secret, or what to put there.
var noWords = wordSet(`n/a username:password user:password user:pass changeme change_me change-me changeit changethis none null nil true false yes no on off default redacted hidden masked undefined
	empty random foobared amd64 arm64 i386 armhf all noarch x86_64 aarch64 todo fixme dummy prompt ask string str text varchar required optional requisite sufficient
	include int integer bool boolean object any void number float bytes byte char files compat systemd nis sss db ldap files,systemd passw0rd_here
	username user login name value key unset self this enabled disabled plain basic digest bearer oauth oauth2 md5 sha1 sha256 sha512 bcrypt
	public private on_create always never scram-sha-256 trust peer ident reject cleartext plaintext encrypted blah
	密码 口令 请输入密码 密钥 キー mot_de_passe contraseña пароль passwort`)

// aWord are words for a secret that no program accepts as one by accident.
var aWord = wordSet(`token mypassword my_password my-password thepassword userpassword user_password the_password dbpassword db_password somepassword some_password
	mysecret secretkey secret_key apikey api_key accesskey access_key mytoken my_token auth_token authtoken access_token accesstoken
	foo bar baz foobar qux abc xyz`)

// lazy are words for a secret that also are one, the first that is guessed.
var lazy = wordSet("password passwd passphrase pass pwd secret")

// inside are parts that make a value no secret wherever they stand.
var inside = []string{"${", "$(", "{{", "}}", "<%", "%{", "%(", "{%", "@@", "changeme", "change_me", "change-me", "change_this", "change-this", "placeholder",
	"xxxx", "****", "....", "####", "____", "your_", "your-", "yourpass", "yoursecret", "yourtoken", "yourkey", "youraccess", "_here", "-here", "example", "redacted",
	"•••", "replace_", "replace-", "replaceme", "insert_", "insert-", "dummy", "\\u", "password_placeholder", "todo", "1234567890abcdef"}

// madeUp are parts that say that a value was made up.
var madeUp = []string{"not_a_real", "notreal", "fake", "sample"}

// ownBeginnings of values without a digit say so too.
var ownBeginnings = []string{"my-", "my_"}

// beginnings of values that say where the secret is kept.
var beginnings = []string{"file:", "env:", "env.", "vault:", "vault.", "arn:", "enc(", "enc[", "!vault", "$ansible_vault", "kms:", "ssm:", "op://", "secretref:", "{cipher}", "/run/", "/etc/",
	"/var/", "/home/", "/root/", "/opt/", "/usr/", "/tmp/", "/path/", "~/", "./", "../", "http://", "https://", "your", "enter", "put_", "put ", "__", "os.", "process.",
	"system.", "config.", "settings.", "self.", "this.", "var.", "local.", "data.", "module.", "lookup(", "c:\\", "%s", "%v", "%d", "&lt;", "{0}", "{1}", "@string/", "@{",
	"yaml.", "secrets.", "params.", "#{", "null,", "!ref", "!sub", "fn::", "base64(", "resolve:", "{{resolve", "aaaa"}

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

const maxFold = 96 // bytes of a value in which stand-ins are looked for

// Of grades v. It does not allocate.
func Of(v []byte) Grade {
	v = bytes.TrimSpace(v)
	if len(v) < 3 {
		return None
	}
	var fold [maxFold]byte
	low := fold[:copy(fold[:], v)]
	kinds := 0
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c | 0x20
		}
		if c != low[0] && c != 'x' && c != '*' && c != '.' && c != '-' && c != '_' && c != '#' && c != '?' && c != ' ' {
			kinds++
		}
	}
	if kinds == 0 || noWords[string(low)] || begins(low, beginnings) || holds(low, inside) || bracketed(v) {
		return None
	}
	switch {
	case lazy[string(low)]:
		return Lazy
	case aWord[string(low)], holds(low, madeUp), begins(low, ownBeginnings) && !bytes.ContainsAny(low, "0123456789"):
		return Word
	}
	return Real
}

func begins(v []byte, list []string) bool {
	for _, p := range list {
		if len(v) >= len(p) && string(v[:len(p)]) == p {
			return true
		}
	}
	return false
}

func holds(v []byte, list []string) bool {
	for _, p := range list {
		if bytes.Contains(v, []byte(p)) {
			return true
		}
	}
	return false
}

// bracketed reports whether v has the form of something to be filled in: <x>,
// [x], %x%, @x@, {x}, _X_, $X, or that it was cut.
func bracketed(v []byte) bool {
	first, last := v[0], v[len(v)-1]
	switch {
	case first == '<' && last == '>', first == '[' && last == ']', first == '%' && last == '%', first == '@' && last == '@', first == '{' && last == '}', first == '(' && last == ')',
		first == '_' && last == '_', bytes.HasSuffix(v, []byte("...")):
		return true
	case first == '<' && bytes.IndexByte(v, '>') > 0, first == '`':
		return true
	case first == '$':
		return Variable(v[1:])
	}
	return false
}

// Variable reports whether s, which stood after "$", is the name of one. A
// password that begins with "$" seldom goes on like a name alone.
func Variable(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	for i, c := range s {
		switch {
		case c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		case c >= '0' && c <= '9' && i > 0:
		case (c == '.' || c == '[' || c == ':' || c == '-') && i > 0:
			return true
		default:
			return i == 0 && len(s) == 1
		}
	}
	return true
}
