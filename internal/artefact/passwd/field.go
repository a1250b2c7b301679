package passwd

import "strings"

// schemes are the identifiers of crypt(5) and libxcrypt, and what else is met
// in password fields.
var schemes = map[string]string{
	"1": "md5crypt", "2": "bcrypt", "2a": "bcrypt", "2b": "bcrypt", "2x": "bcrypt", "2y": "bcrypt",
	"3": "nt", "5": "sha256crypt", "6": "sha512crypt", "7": "scrypt", "y": "yescrypt", "gy": "gost-yescrypt",
	"sm3": "sm3crypt", "sm3y": "sm3-yescrypt", "sha1": "sha1crypt", "md5": "sunmd5",
	"argon2i": "argon2", "argon2d": "argon2", "argon2id": "argon2",
}

// Scheme names the scheme of a crypt(3) string: "sha512crypt", "yescrypt",
// "descrypt", …; "crypt" when it has the form of one that is not known. It is
// "" when no password can give the string, as for "*", "!!" and "".
func Scheme(hash string) string {
	if id, rest, ok := strings.Cut(strings.TrimPrefix(hash, "$"), "$"); ok && hash[0] == '$' {
		id, _, _ = strings.Cut(id, ",") // $md5,rounds=904$
		if id == "" || rest == "" || strings.ContainsAny(rest, ":*! \t") {
			return ""
		}
		if s := schemes[id]; s != "" {
			return s
		}
		return "crypt"
	}
	switch n := len(hash); {
	case n == 13 && base64(hash):
		return "descrypt"
	case n == 20 && hash[0] == '_' && base64(hash[1:]):
		return "bsdicrypt"
	case n > 13 && n <= 178 && (n-2)%11 == 0 && base64(hash):
		return "bigcrypt"
	}
	return ""
}

// base64 reports whether s has only characters of crypt's alphabet.
func base64(s string) bool {
	for _, c := range []byte(s) {
		if !(c == '.' || c == '/' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			return false
		}
	}
	return true
}

// Unlock takes the marks off that lock a password field ("!", "!!", "*",
// "*LK*") and tells whether there were any. What remains may be no hash.
func Unlock(field string) (hash string, locked bool) {
	hash = field
	for _, mark := range []string{"*LK*", "*LOCKED*", "*LOCK*"} {
		hash = strings.TrimPrefix(hash, mark)
	}
	hash = strings.TrimLeft(hash, "!*")
	return hash, len(hash) < len(field)
}
