package sshkey

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
)

// A Format is the way in which a private key is kept.
type Format string

// The formats.
const (
	OpenSSH  Format = "OpenSSH"       // PROTOCOL.key
	PKCS1    Format = "PEM"           // RSA, DSA or EC under its own PEM label
	PKCS8    Format = "PKCS#8"        // RFC 5958
	PuTTY    Format = "PuTTY"         // .ppk, versions 1 to 3
	SSHCom   Format = "ssh.com"       // "SSH2 ENCRYPTED PRIVATE KEY"
	SSH1     Format = "SSH 1"         // "SSH PRIVATE KEY FILE FORMAT 1.1"
	Dropbear Format = "Dropbear"      // see ParseDropbear
	PGP      Format = "OpenPGP armor" // RFC 9580
)

// A PrivateKey is one private key in some bytes.
type PrivateKey struct {
	Offset, Len int // in the bytes that were searched
	Format      Format
	Kind        string     // "RSA", "DSA", "ECDSA", "ED25519", …; "" when a passphrase hides it
	Encrypted   bool       // protected by a passphrase
	Cut         bool       // the end is missing
	Public      *PublicKey // nil when it cannot be derived without a passphrase
}

const (
	maxKey  = 64 << 10 // bytes of one key in text
	minBody = 48       // base-64 characters below which a header is only a mention
)

// labels are what follows "BEGIN " of the formats that look like PEM. The
// dashes around them differ: ssh.com writes "---- BEGIN … ----".
var labels = []struct {
	label  string
	format Format
	kind   string
}{
	{"OPENSSH PRIVATE KEY", OpenSSH, ""},
	{"RSA PRIVATE KEY", PKCS1, "RSA"},
	{"DSA PRIVATE KEY", PKCS1, "DSA"},
	{"EC PRIVATE KEY", PKCS1, "ECDSA"},
	{"PRIVATE KEY", PKCS8, ""},
	{"ENCRYPTED PRIVATE KEY", PKCS8, ""},
	{"SSH2 ENCRYPTED PRIVATE KEY", SSHCom, ""},
	{"PGP PRIVATE KEY BLOCK", PGP, ""},
}

var (
	begin      = []byte("---- BEGIN ")
	beginPEM   = []byte("-----BEGIN ")
	puttyMagic = []byte("PuTTY-User-Key-File-")
	ssh1Magic  = []byte("SSH PRIVATE KEY FILE FORMAT 1.1\n\x00")
)

// Private calls yield for each private key in b, in order, until yield returns
// false. A header without a body, as source code and manuals have it, is not a
// key. Bodies may be on one line with "\n" written out, as JSON and YAML do.
func Private(b []byte, yield func(PrivateKey) bool) {
	heads := [][]byte{beginPEM, begin, puttyMagic, ssh1Magic}
	next := make([]int, len(heads)) // where each head stands next, at or after at
	for at := 0; at < len(b); {
		found := len(b)
		for i, h := range heads {
			if next[i] < at || at == 0 {
				next[i] = len(b)
				if n := bytes.Index(b[at:], h); n >= 0 {
					next[i] = at + n
				}
			}
			found = min(found, next[i])
		}
		if found == len(b) {
			return
		}
		k, ok := privateAt(b[found:])
		if k.Offset = found; ok && !yield(k) {
			return
		}
		at = found + 1
		if ok {
			at = found + max(k.Len, 1)
		}
	}
}

func privateAt(b []byte) (PrivateKey, bool) {
	switch {
	case bytes.HasPrefix(b, puttyMagic):
		return putty(b[:min(len(b), maxKey)])
	case bytes.HasPrefix(b, ssh1Magic):
		return ssh1(b)
	}
	return pemLike(b[:min(len(b), maxKey)])
}

// pemLike reads a key between BEGIN and END lines.
func pemLike(b []byte) (PrivateKey, bool) {
	dashes := "-----"
	rest, ok := bytes.CutPrefix(b, beginPEM)
	if !ok {
		rest, dashes = b[len(begin):], " ----"
	}
	for _, l := range labels {
		body, ok := bytes.CutPrefix(rest, []byte(l.label+dashes))
		if !ok {
			continue
		}
		k := PrivateKey{Format: l.format, Kind: l.kind, Encrypted: l.label == "ENCRYPTED PRIVATE KEY"}
		end := bytes.Index(body, []byte("---"))
		if end < 0 {
			k.Cut, end = true, len(body)
		}
		payload, encrypted, used := unarmor(body[:end])
		k.Encrypted = k.Encrypted || encrypted
		k.Len = len(b) - len(body) + used
		if !k.Cut {
			k.Len = len(b) - len(body) + end + tail(body[end:])
		}
		if len(payload) < minBody*3/4 {
			return k, false
		}
		k.derive(payload)
		return k, true
	}
	return PrivateKey{}, false
}

// tail is the length of the END line at the start of b.
func tail(b []byte) int {
	n := bytes.IndexByte(b, '\n')
	if n < 0 || n > 80 {
		n = min(len(b), 80)
	}
	line := b[:n]
	if i := bytes.LastIndex(line, []byte("----")); i > 0 {
		return i + 4
	}
	return len(bytes.TrimRight(line, "\r"))
}

// unarmor decodes the base 64 of a body up to the first byte that does not
// belong there. It skips white space, line breaks written as "\n" or "\r\n",
// quotes and concatenation signs of source code, and header lines ("DEK-Info: …").
func unarmor(body []byte) (payload []byte, encrypted bool, used int) {
	chars := make([]byte, 0, min(len(body), maxKey))
	for used < len(body) {
		line, size := cutLine(body[used:])
		text := strings.TrimSuffix(strings.Trim(string(line), " \t\r,;"), " +") // a bare "+" is base 64
		text = strings.Trim(text, " \t\"'")
		name, value, header := strings.Cut(text, ":")
		if header && len(chars) == 0 && !strings.ContainsAny(name, " =/") {
			encrypted = encrypted || name == "Proc-Type" && strings.Contains(value, "ENCRYPTED") || name == "DEK-Info"
			used += size
			if strings.HasSuffix(text, `\`) { // ssh.com continues headers
				_, more := cutLine(body[used:])
				used += more
			}
			continue
		}
		if strings.HasPrefix(text, "=") && len(text) == 5 { // checksum of OpenPGP
			used += size
			continue
		}
		good := strings.TrimRight(text, "=")
		if strings.ContainsFunc(good, func(r rune) bool { return !isBase64(r) }) {
			break
		}
		chars = append(chars, good...)
		used += size
	}
	payload = make([]byte, base64.RawStdEncoding.DecodedLen(len(chars)))
	n, _ := base64.RawStdEncoding.Decode(payload, chars) // what a cut key still gives
	return payload[:n], encrypted, used
}

// cutLine returns the text up to a line break, real or written out as "\n",
// and how many bytes it takes with the break.
func cutLine(b []byte) (line []byte, size int) {
	for at := 0; ; at++ {
		i := bytes.IndexAny(b[at:], "\n\\")
		if i < 0 {
			return b, len(b)
		}
		at += i
		switch rest := b[at:]; {
		case rest[0] == '\n':
			return b[:at], at + 1
		case bytes.HasPrefix(rest, []byte(`\n`)):
			return b[:at], at + 2
		case bytes.HasPrefix(rest, []byte(`\r\n`)):
			return b[:at], at + 4
		}
	}
}

func isBase64(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/'
}

// putty reads a .ppk file: header lines, the public blob in base 64, the
// private part, a MAC. PuTTY manual, appendix C.
func putty(b []byte) (PrivateKey, bool) {
	k := PrivateKey{Format: PuTTY}
	at := 0
	left, public := 0, []byte(nil)
	inPrivate, private := false, 0
	for at < len(b) {
		raw, size := cutLine(b[at:])
		line := strings.TrimRight(string(raw), "\r")
		name, value, header := strings.Cut(line, ": ")
		switch {
		case left > 0 && inPrivate:
			private += len(line)
			left--
		case left > 0:
			public = append(public, line...)
			left--
		case !header, at > 0 && bytes.HasPrefix(raw, puttyMagic): // a head that repeats must not cost its square
			return k.puttyDone(at, public, private)
		case name == "Encryption":
			k.Encrypted = value != "none"
		case name == "Public-Lines" || name == "Private-Lines":
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > maxKey/64 {
				return k, false
			}
			left, inPrivate = n, name == "Private-Lines"
		case name == "Private-MAC" || name == "Private-Hash":
			return k.puttyDone(at+len(line), public, private)
		}
		at += size
	}
	k.Cut = true
	return k.puttyDone(len(b), public, private)
}

func (k PrivateKey) puttyDone(end int, public []byte, private int) (PrivateKey, bool) {
	k.Len = end
	if private == 0 {
		return k, false
	}
	if blob, err := base64.StdEncoding.DecodeString(string(public)); err == nil {
		k.setPublic(blob)
	}
	return k, true
}

// ssh1 reads the head of an SSH 1 RSA key: cipher, four reserved bytes, the
// size, then modulus and exponent with 16-bit bit counts.
func ssh1(b []byte) (PrivateKey, bool) {
	const head = 33 // magic with its NUL
	if len(b) < head+9+2+2 {
		return PrivateKey{}, false
	}
	k := PrivateKey{Format: SSH1, Kind: "RSA", Encrypted: b[head] != 0, Len: min(len(b), 4096)}
	return k, true
}
