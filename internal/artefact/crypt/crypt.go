package crypt

import (
	"regexp"
	"strconv"
	"strings"
)

// A Scheme is a way to hash a password, under the name of crypt(5).
type Scheme string

// The schemes. Those that Verify does not compute are still recognised.
const (
	DES          Scheme = "descrypt"
	BSDi         Scheme = "bsdicrypt" // not computed
	MD5          Scheme = "md5crypt"
	SHA256       Scheme = "sha256crypt"
	SHA512       Scheme = "sha512crypt"
	SM3          Scheme = "sm3crypt"
	Bcrypt       Scheme = "bcrypt"
	Yescrypt     Scheme = "yescrypt"
	GostYescrypt Scheme = "gost-yescrypt" // not computed
	SM3Yescrypt  Scheme = "sm3-yescrypt"  // not computed
	Scrypt       Scheme = "scrypt"
	SunMD5       Scheme = "sunmd5"    // not computed
	SHA1         Scheme = "sha1crypt" // not computed
	NT           Scheme = "nthash"    // not computed
)

// A Hash is one well-formed crypt(3) string. It is a secret.
type Hash struct {
	Scheme Scheme
	text   string
}

// Text is the string itself.
func (h Hash) Text() string { return h.text }

// String names the scheme alone, so that a Hash that is printed by mistake
// gives nothing away.
func (h Hash) String() string { return string(h.Scheme) }

// forms are the shapes of crypt(5). The salt of the text forms may be any
// printable character but "$", ":" and white space; the rest is base 64 over
// "./0-9A-Za-z".
var forms = []struct {
	scheme Scheme
	prefix string
	shape  *regexp.Regexp
}{
	{MD5, "$1$", whole(`\$1\$` + salt + `{0,8}\$` + b64 + `{22}`)},
	{SHA256, "$5$", whole(`\$5\$(rounds=[0-9]{1,10}\$)?` + salt + `{0,16}\$` + b64 + `{43}`)},
	{SHA512, "$6$", whole(`\$6\$(rounds=[0-9]{1,10}\$)?` + salt + `{0,16}\$` + b64 + `{86}`)},
	{SM3, "$sm3$", whole(`\$sm3\$(rounds=[0-9]{1,10}\$)?` + salt + `{0,16}\$` + b64 + `{43}`)},
	{Bcrypt, "$2", whole(`\$2[abxy]?\$[0-3][0-9]\$` + b64 + `{53}`)},
	{Yescrypt, "$y$", whole(`\$y\$` + b64 + `{1,64}\$` + b64 + `{0,86}\$` + b64 + `{43}`)},
	{GostYescrypt, "$gy$", whole(`\$gy\$` + b64 + `{1,64}\$` + b64 + `{0,86}\$` + b64 + `{43}`)},
	{SM3Yescrypt, "$sm3y$", whole(`\$sm3y\$` + b64 + `{1,64}\$` + b64 + `{0,86}\$` + b64 + `{43}`)},
	{Scrypt, "$7$", whole(`\$7\$` + b64 + `{11}` + salt + `{0,86}\$` + b64 + `{43}`)},
	{SHA1, "$sha1$", whole(`\$sha1\$[0-9]{1,10}\$` + salt + `{1,64}\$` + b64 + `{28}`)},
	{SunMD5, "$md5", whole(`\$md5(,rounds=[0-9]{1,10})?\$` + salt + `{0,64}\$\$?` + b64 + `{22}`)},
	{NT, "$3$", whole(`\$3\$\$[0-9a-f]{32}`)},
}

const (
	b64  = `[./0-9A-Za-z]`
	salt = `[!-#%-9;-~]`
)

var (
	desShape  = whole(b64 + `{13}`)
	bsdiShape = whole(`_` + b64 + `{19}`)
)

func whole(shape string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + shape + `)$`) }

// Parse reads a password field as it stands in shadow(5), without a lock. It
// reports false for everything that no password can match.
func Parse(field string) (Hash, bool) {
	if !strings.HasPrefix(field, "$") {
		switch {
		case desShape.MatchString(field):
			return Hash{DES, field}, true
		case bsdiShape.MatchString(field):
			return Hash{BSDi, field}, true
		}
		return Hash{}, false
	}
	for _, f := range forms {
		if strings.HasPrefix(field, f.prefix) && f.shape.MatchString(field) {
			return Hash{f.scheme, field}, true
		}
	}
	return Hash{}, false
}

// maxLen is the longest string that any form matches, rounded up.
const maxLen = 300

// Find calls yield for each crypt string that starts with "$" in b, in order,
// until yield returns false. DES and BSDi strings look like words and are not
// searched for. The bytes around a hit must not be of the base-64 alphabet.
func Find(b []byte, yield func(off int, h Hash) bool) {
	for at := 0; at < len(b); at++ {
		if b[at] != '$' {
			continue
		}
		end := at + 1
		dollars := 1
		for end < len(b) && end-at < maxLen && fieldByte(b[end]) && dollars <= 5 {
			if b[end] == '$' {
				dollars++
			}
			end++
		}
		h, ok := longest(string(b[at:end]))
		if !ok {
			continue
		}
		if !yield(at, h) {
			return
		}
		at += len(h.text) - 1
	}
}

// fieldByte reports whether c can stand in a crypt string: printable, and
// neither white space nor ":".
func fieldByte(c byte) bool { return c > ' ' && c < 0x7f && c != ':' }

// longest parses the beginning of s up to where the last run of base-64
// characters ends: a quote or a comma may follow in a file.
func longest(s string) (Hash, bool) {
	for _, f := range forms {
		if !strings.HasPrefix(s, f.prefix) {
			continue
		}
		for end := len(s); end > 0; end = strings.LastIndexByte(s[:end], '$') {
			run := strings.LastIndexByte(s[:end], '$') + 1
			stop := run
			for stop < end && isB64(s[stop]) {
				stop++
			}
			if f.shape.MatchString(s[:stop]) {
				return Hash{f.scheme, s[:stop]}, true
			}
		}
	}
	return Hash{}, false
}

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func isB64(c byte) bool { return strings.IndexByte(alphabet, c) >= 0 }

// rounds reads "rounds=N$" at the start of s, within the bounds that the
// scheme's specification sets, and returns what follows.
func rounds(s string, standard, least, most int64) (n int64, explicit bool, rest string) {
	text, ok := strings.CutPrefix(s, "rounds=")
	if !ok {
		return standard, false, s
	}
	digits, rest, ok := strings.Cut(text, "$")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil {
		return standard, false, s
	}
	return min(max(n, least), most), true, rest
}
