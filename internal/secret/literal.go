package secret

import (
	"bytes"
	"encoding/base64"
	"math"
	"strings"
)

// whole are values that stand where a secret should be, or that say that there
// is none.
var wholeWords = wordSet(`changeme change_me change-me changeit changethis none null nil true false yes no on off default redacted hidden masked undefined
	empty random foobared amd64 arm64 i386 armhf all noarch x86_64 aarch64 todo fixme dummy prompt ask token password passwd passphrase pass pwd secret string str text varchar required optional requisite sufficient
	include int integer bool boolean object any void number float bytes byte char files compat systemd nis sss db ldap files,systemd mypassword my_password
	my-password yourpassword thepassword userpassword user_password the_password dbpassword db_password passw0rd_here somepassword some_password
	mysecret secretkey secret_key apikey api_key accesskey access_key mytoken my_token auth_token authtoken access_token accesstoken
	username user login name value key unset self this enabled disabled plain basic digest bearer oauth oauth2 md5 sha1 sha256 sha512 bcrypt
	scram-sha-256 trust peer ident reject cleartext plaintext encrypted foo bar baz foobar qux abc xyz blah
	密码 口令 请输入密码 密钥 キー mot_de_passe contraseña пароль passwort`)

// inside are parts that make a value a placeholder wherever they stand.
var inside = []string{"${", "$(", "{{", "}}", "<%", "%{", "%(", "{%", "@@", "changeme", "change_me", "change-me", "change_this", "change-this", "placeholder",
	"xxxx", "****", "....", "####", "____", "your_", "your-", "yourpass", "yoursecret", "yourtoken", "yourkey", "youraccess", "_here", "-here", "example", "redacted",
	"•••", "replace_", "replace-", "replaceme", "insert_", "insert-", "dummy", "\\u", "password_placeholder", "todo", "not_a_real", "notreal", "fake", "sample", "1234567890abcdef"}

// before are the beginnings of values that say where the secret is kept.
var beginnings = []string{"file:", "env:", "env.", "vault:", "vault.", "arn:", "enc(", "enc[", "!vault", "$ansible_vault", "kms:", "ssm:", "op://", "secretref:", "{cipher}", "/run/", "/etc/",
	"/var/", "/home/", "/root/", "/opt/", "/usr/", "/tmp/", "/path/", "~/", "./", "../", "http://", "https://", "your", "my-", "my_", "enter", "put_", "__", "os.", "process.",
	"system.", "config.", "settings.", "self.", "this.", "var.", "local.", "data.", "module.", "lookup(", "c:\\", "%s", "%v", "%d", "&lt;", "{0}", "{1}", "@string/", "@{",
	"yaml.", "secrets.", "params.", "#{", "null,", "!ref", "!sub", "fn::", "base64(", "resolve:", "{{resolve", "aaaa"}

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

const maxFold = 96 // of a value, where placeholders are looked for

// placeholder reports whether v cannot be a secret itself: it is empty, a
// word that stands for one, a template, or a reference to where it is kept.
// It agrees with credfile.Real, and knows more.
func placeholder(v []byte) bool {
	v = bytes.TrimSpace(v)
	if len(v) < 3 {
		return true
	}
	var fold [maxFold]byte
	low := fold[:copy(fold[:], v)]
	letters := 0
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c | 0x20
		}
		if c != low[0] && c != 'x' && c != '*' && c != '.' && c != '-' && c != '_' && c != '#' && c != '?' && c != ' ' {
			letters++
		}
	}
	if letters == 0 || wholeWords[string(low)] {
		return true
	}
	for _, p := range beginnings {
		if len(low) >= len(p) && string(low[:len(p)]) == p {
			return true
		}
	}
	for _, p := range inside {
		if bytes.Contains(low, []byte(p)) {
			return true
		}
	}
	return bracketed(v)
}

// bracketed reports whether v has the form of something to be filled in: <x>,
// [x], %x%, @x@, {x}, $X.
func bracketed(v []byte) bool {
	first, last := v[0], v[len(v)-1]
	switch {
	case first == '<' && last == '>', first == '[' && last == ']', first == '%' && last == '%', first == '@' && last == '@', first == '{' && last == '}', first == '(' && last == ')':
		return true
	case first == '<' && bytes.IndexByte(v, '>') > 0, first == '`':
		return true
	case first == '$':
		return variable(v[1:])
	}
	return false
}

// variable reports whether s, which stood after "$", is the name of one. A
// password that begins with "$" seldom goes on like a name alone.
func variable(s []byte) bool {
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

// A mix counts what a value is made of.
type mix struct{ lower, upper, digit, symbol, space, other int }

func mixOf(v []byte) (m mix) {
	for _, c := range v {
		switch {
		case c >= 'a' && c <= 'z':
			m.lower++
		case c >= 'A' && c <= 'Z':
			m.upper++
		case c >= '0' && c <= '9':
			m.digit++
		case c == ' ' || c == '\t':
			m.space++
		case c > ' ' && c < 0x7f:
			m.symbol++
		default:
			m.other++
		}
	}
	return m
}

// entropy is Shannon's, in bits a byte.
func entropy(v []byte) float64 {
	var count [256]int
	for _, c := range v {
		count[c]++
	}
	h := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(v))
			h -= p * math.Log2(p)
		}
	}
	return h
}

// random reports whether v looks made by a machine: long enough, of several
// kinds of characters well mixed, not of words.
func random(v []byte) bool {
	if len(v) < 12 {
		return false
	}
	m := mixOf(v)
	if m.space > 0 || m.other > 0 {
		return false
	}
	h := entropy(v)
	hexadecimal := len(v) >= 24 && sets["hex"] != nil && shape{set: sets["hex"], min: 1, max: len(v)}.fits(v)
	switch {
	case hexadecimal:
		return h > 2.8 && m.digit > 2
	case m.digit == 0 && (m.upper == 0 || m.lower == 0):
		return false
	case m.digit == 0:
		return h > 3.5 && len(v) >= 20 && switches(v)*3 > len(v)
	}
	return h > min(3.0, math.Log2(float64(len(v)))-0.9) && switches(v)*4 >= len(v)
}

// switches counts where the kind of character changes, but not from a capital
// to the small letters of its word.
func switches(v []byte) int {
	kind := func(c byte) int {
		switch {
		case c >= 'a' && c <= 'z':
			return 1
		case c >= 'A' && c <= 'Z':
			return 2
		case c >= '0' && c <= '9':
			return 3
		}
		return 4
	}
	n := 0
	for i := 1; i < len(v); i++ {
		a, b := kind(v[i-1]), kind(v[i])
		if a != b && !(a == 2 && b == 1 && i >= 2 && kind(v[i-2]) == 1) {
			n++
		}
	}
	return n
}

// passes applies the gate to a captured value.
func (g gate) passes(v []byte) bool {
	switch g {
	case anyway:
		return true
	case machine:
		return !placeholder(v) && random(v)
	case basic:
		plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(v)))
		n, err := base64.RawStdEncoding.Decode(plain, bytes.TrimRight(v, "="))
		_, pass, ok := bytes.Cut(plain[:n], []byte(":"))
		return err == nil && ok && !placeholder(pass) && mixOf(plain[:n]).other == 0
	}
	return !placeholder(v)
}
