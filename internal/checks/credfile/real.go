package credfile

import (
	"strings"

	"assay/internal/standin"
)

// Real reports whether a value can be a secret itself. It is false for an
// empty value, a placeholder value ("changeme", "xxxx", "<password>",
// "AKIA…EXAMPLE"), a template ("${PASSWORD}") and a reference to a place where
// the secret is kept; "password" is one, in a file that is known to hold one.
func Real(v string) bool { return standin.Of([]byte(v)) >= standin.Lazy }

// secretWords end the names of settings that hold a secret.
var secretWords = []string{"password", "passwd", "pwd", "passphrase", "secret", "secretkey", "secret_key", "access_key_secret", "accesskeysecret",
	"accesskey_secret", "access_token", "accesstoken", "auth_token", "authtoken", "api_key", "apikey", "api_token", "private_key", "privatekey",
	"secret_access_key", "secretaccesskey", "client_secret", "clientsecret", "bearer_token", "_token", "_pass", "_key_id_secret", "encryption_key",
	"signing_key", "app_key", "mysql_pwd", "alicloud_secret_key", "secretid_key", "credentials"}

// notSecret are endings of names that only speak about a secret.
var notSecret = []string{"_file", "_path", "_policy", "_length", "_hash_algorithm", "_expiry", "_ttl", "_url", "_uri", "_name", "_timeout", "_field", "_command",
	"_enabled", "_required", "_change", "_reset", "_prompt", "_env", "_encoder"}

// Names reports whether a setting of this name holds a secret in any program:
// "DB_PASSWORD", "spring.datasource.password", "ALIBABA_CLOUD_ACCESS_KEY_SECRET".
func Names(key string) bool {
	k := strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToLower(key))
	if key == "PWD" || key == "OLDPWD" {
		return false
	}
	if k == "token" || k == "pass" {
		return true
	}
	for _, n := range notSecret {
		if strings.HasSuffix(k, n) {
			return false
		}
	}
	for _, w := range secretWords {
		if strings.HasSuffix(k, w) {
			return true
		}
	}
	return false
}

// URLSecret returns the password of the first URL with a user and a password
// in s, such as "https://user:pass@host/", and the URL without it.
func URLSecret(s string) (secret, masked string, ok bool) {
	for at := 0; ; {
		i := strings.Index(s[at:], "://")
		if i < 0 {
			return "", "", false
		}
		at += i + 3
		rest := s[at:]
		if e := strings.IndexAny(rest, "/ \t\"'<>?#\n,;)"); e >= 0 {
			rest = rest[:e]
		}
		a := strings.LastIndexByte(rest, '@')
		if a <= 0 {
			continue
		}
		user, pass, has := strings.Cut(rest[:a], ":")
		if !has { // a token as user name: git hosts take it
			if len(user) < 20 {
				continue
			}
			pass, user = user, ""
		}
		if pass == "x-oauth-basic" && len(user) >= 20 {
			pass, user = user, ""
		}
		if Real(pass) && !strings.EqualFold(pass, "password") && !strings.EqualFold(pass, "pass") {
			scheme := s[:at-3]
			scheme = scheme[strings.LastIndexAny(scheme, " \t\"'=<>(")+1:]
			return pass, Show(scheme + "://" + user + ":********@" + rest[a+1:]), true
		}
	}
}

// URLs finds every line that holds a URL with a password.
func URLs(b []byte) (out []Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		if t := strings.TrimSpace(l); t == "" || t[0] == '#' || t[0] == ';' {
			continue
		}
		if pass, _, ok := URLSecret(l); ok {
			out = append(out, Secret{"URL password", "", []byte(pass), n})
		}
	}
	return out
}

// Whole takes all of a short file as one secret.
func Whole(b []byte) []Secret {
	s := strings.TrimSpace(string(b))
	if len(s) < 6 || len(s) > 4096 || !Real(s) || strings.ContainsRune(s, 0) {
		return nil
	}
	return []Secret{{"", "", []byte(s), 1}}
}

// Columns makes a finder for lines whose last of n columns, split by sep, is a
// secret, such as .pgpass.
func Columns(name, sep string, n int) func([]byte) []Secret {
	return func(b []byte) (out []Secret) {
		num := 0
		for l := range strings.Lines(string(b)) {
			num++
			l = strings.TrimSpace(l)
			f := strings.SplitN(l, sep, n)
			if l == "" || l[0] == '#' || len(f) != n || !Real(f[n-1]) || !Real(f[n-1][strings.LastIndex(f[n-1], sep)+1:]) {
				continue
			}
			out = append(out, Secret{name, "", []byte(f[n-1]), num})
		}
		return out
	}
}
