package sshkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/big"
	"slices"
	"strings"

	"assay/internal/binread"
)

// A PublicKey is what a public key blob says (RFC 4253 section 6.6, RFC 5656,
// RFC 8709, OpenSSH PROTOCOL.u2f and PROTOCOL.certkeys).
type PublicKey struct {
	Type        string // algorithm name, such as "ssh-ed25519"; of the plain key for a certificate
	Bits        int    // as ssh-keygen -l counts; 0 for an unknown type
	Fingerprint string // "SHA256:" and unpadded base 64, as ssh-keygen -l prints it
	Certificate bool   // the blob is a certificate for this key
}

// Name is the algorithm as ssh-keygen -l prints it: "RSA", "ED25519", …
func (k PublicKey) Name() string {
	switch {
	case k.Type == "ssh-rsa":
		return "RSA"
	case k.Type == "ssh-dss":
		return "DSA"
	case k.Type == "ssh-ed25519":
		return "ED25519"
	case strings.HasPrefix(k.Type, "ecdsa-sha2-"):
		return "ECDSA"
	case strings.HasPrefix(k.Type, "sk-ssh-ed25519@"):
		return "ED25519-SK"
	case strings.HasPrefix(k.Type, "sk-ecdsa-"):
		return "ECDSA-SK"
	}
	return k.Type
}

const (
	maxBlob   = 64 << 10 // bytes of one public key blob; RSA of 16384 bits has 2 KiB
	maxNumber = 4 << 10  // bytes of one integer of a key
	certs     = "-cert-v01@openssh.com"
)

// fields is how many strings follow the type in the blob of each plain key.
var fields = map[string]int{
	"ssh-rsa": 2, "ssh-dss": 4, "ssh-ed25519": 1,
	"ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2, "ecdsa-sha2-nistp521": 2,
	"sk-ssh-ed25519@openssh.com": 2, "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}

// ParsePublic reads a blob. A type that is not known, but named like one of
// SSH, gives a key without a size. Anything else is binread.ErrNotMine.
func ParsePublic(blob []byte) (PublicKey, error) {
	if len(blob) > maxBlob {
		return PublicKey{}, binread.ErrNotMine
	}
	r := reader{b: blob}
	kind := string(r.str())
	if r.bad || !plausibleType(kind) {
		return PublicKey{}, binread.ErrNotMine
	}
	k := PublicKey{Type: kind}
	if plain, ok := plainType(kind); ok {
		k.Type, k.Certificate = plain, true
		r.str() // nonce
	}
	from := r.at
	var parts [][]byte
	n, known := fields[k.Type]
	for range n {
		parts = append(parts, r.str())
	}
	if r.bad {
		return PublicKey{}, binread.Errorf("ssh public key", int64(r.at), "%s ends early", k.Type)
	}
	if known && !k.Certificate && r.at != len(blob) {
		return PublicKey{}, binread.Errorf("ssh public key", int64(r.at), "%d bytes follow the key", len(blob)-r.at)
	}
	if k.Certificate && !known {
		return PublicKey{}, binread.Unsupported("ssh public key", "certificate of type %q", kind)
	}
	if k.Certificate {
		blob = append(appendStr(nil, []byte(k.Type)), blob[from:r.at]...)
	}
	k.Bits = bits(k.Type, parts)
	k.Fingerprint = Fingerprint(blob)
	return k, nil
}

// Fingerprint is the SHA-256 fingerprint of a plain key's blob as OpenSSH
// prints it.
func Fingerprint(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

func bits(kind string, parts [][]byte) int {
	switch kind {
	case "ssh-rsa":
		return bitLen(parts[1])
	case "ssh-dss":
		return bitLen(parts[0])
	case "ecdsa-sha2-nistp384":
		return 384
	case "ecdsa-sha2-nistp521":
		return 521
	}
	if _, ok := fields[kind]; ok {
		return 256
	}
	return 0
}

func bitLen(b []byte) int {
	if len(b) > maxNumber {
		return 8 * len(b)
	}
	return new(big.Int).SetBytes(b).BitLen()
}

// plausibleType bounds what counts as the name of an algorithm: RFC 4251
// section 6.
func plausibleType(s string) bool {
	if len(s) < 6 || len(s) > 64 {
		return false
	}
	for _, p := range []string{"ssh-", "ecdsa-", "sk-", "rsa-sha2-"} {
		if strings.HasPrefix(s, p) {
			return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' || r == '"' })
		}
	}
	return false
}

// plainType is the key type inside a certificate type.
func plainType(s string) (string, bool) {
	base, ok := strings.CutSuffix(s, certs)
	if ok && strings.HasPrefix(base, "sk-") {
		base += "@openssh.com"
	}
	return base, ok
}

// A reader walks the strings of RFC 4251 section 5.
type reader struct {
	b   []byte
	at  int
	bad bool
}

func (r *reader) u32() uint32 {
	if r.bad || len(r.b)-r.at < 4 {
		r.bad = true
		return 0
	}
	n := binary.BigEndian.Uint32(r.b[r.at:])
	r.at += 4
	return n
}

func (r *reader) str() []byte {
	n := r.u32()
	if r.bad || int64(n) > int64(len(r.b)-r.at) {
		r.bad = true
		return nil
	}
	s := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return s
}

func appendStr(b, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// appendInt appends an mpint: big-endian, with a zero byte before a set top bit.
func appendInt(b []byte, x *big.Int) []byte {
	s := x.Bytes()
	if len(s) > 0 && s[0] >= 0x80 {
		s = slices.Insert(s, 0, 0)
	}
	return appendStr(b, s)
}

// blobOf joins a type and its fields to a blob.
func blobOf(kind string, parts ...[]byte) []byte {
	b := appendStr(nil, []byte(kind))
	for _, p := range parts {
		b = appendStr(b, p)
	}
	return b
}
