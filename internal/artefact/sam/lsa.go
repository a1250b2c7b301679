package sam

import (
	"crypto/aes"
	"crypto/sha256"
	"strings"

	"assay/internal/artefact/regf"
	"assay/internal/binread"
)

// A Secret is one secret of the Local Security Authority, by name.
type Secret struct {
	Name    string // "DefaultPassword", "_SC_service", "$MACHINE.ACC", …
	Key     string // path of its key in SECURITY
	Stored  int    // bytes of the encrypted current value, 0 when there is none
	HasOld  bool   // the value before is kept too
	Opened  bool   // it could be decrypted
	Length  int    // bytes of the secret, when Opened
	Default bool   // the value that Windows' setup leaves in every DefaultPassword: nobody's
}

// setupPassword is what Windows' setup stores as the secret DefaultPassword of
// a machine that never logs on by itself.
const setupPassword = "ROOT#123"

const secretsKey = `Policy\Secrets`

// Secrets lists the LSA secrets of SECURITY. Without a boot key, and in hives
// of Windows XP and Server 2003, none is Opened.
func Secrets(h *regf.Hive, boot *Key) ([]Secret, error) {
	var key []byte
	if boot != nil {
		key = boot.lsaKey(h)
	}
	var err error
	if boot != nil && key == nil && h.Key(`Policy\PolEKList`).Exists() {
		err = binread.Errorf("lsa", -1, "the boot key of SYSTEM does not open this SECURITY: they are of different machines")
	}
	var out []Secret
	for _, k := range h.Key(secretsKey).Keys() {
		now, old := k.Key("CurrVal").Value("").Data(), k.Key("OldVal").Value("").Data()
		s := Secret{Name: k.Name(), Key: secretsKey + `\` + k.Name(), Stored: len(now), HasOld: len(old) > 0}
		if plain, ok := open(key, now); ok {
			s.Opened, s.Length = true, len(plain)
			s.Default = strings.EqualFold(s.Name, "DefaultPassword") && string(plain) == string(regf.UTF16(setupPassword))
		}
		out = append(out, s)
	}
	return out, err
}

// Layout of an encrypted LSA object (LSA_SECRET): version, key's GUID,
// algorithm, flags, then 32 bytes of salt and the blocks. Decrypted: a length
// of 4 bytes in a field of 16, then the secret.
const (
	lsaHead  = 28
	lsaSalt  = 32
	blobHead = 16
	// the LSA key stands behind a head of 52 bytes: version, key count and the
	// like, GUID, type, length.
	lsaKeyAt  = 52
	lsaKeyLen = 32
)

// lsaKey decrypts the key of all secrets, or returns nil.
func (k Key) lsaKey(h *regf.Hive) []byte {
	blob, ok := open(k.boot, h.Key(`Policy\PolEKList`).Value("").Data())
	if !ok || len(blob) < lsaKeyAt+lsaKeyLen {
		return nil
	}
	return blob[lsaKeyAt : lsaKeyAt+lsaKeyLen]
}

// open decrypts an LSA object. A wrong key shows in the length, which hardly
// ever fits then.
func open(key, b []byte) ([]byte, bool) {
	if key == nil || len(b) < lsaHead+lsaSalt+blobHead || (len(b)-lsaHead-lsaSalt)%aes.BlockSize != 0 {
		return nil, false
	}
	b = b[lsaHead:]
	sum := sha256.New()
	sum.Write(key)
	for range 1000 {
		sum.Write(b[:lsaSalt])
	}
	c, err := aes.NewCipher(sum.Sum(nil))
	if err != nil {
		panic(err) // cannot be: the key has 32 bytes
	}
	plain := make([]byte, len(b)-lsaSalt)
	for at := 0; at < len(plain); at += aes.BlockSize {
		c.Decrypt(plain[at:], b[lsaSalt+at:]) // ECB
	}
	n := le.Uint32(plain)
	if int64(n) > int64(len(plain)-blobHead) || int64(n)+2*aes.BlockSize+blobHead < int64(len(plain)) {
		return nil, false
	}
	return plain[blobHead : blobHead+n], true
}

// A Logon is one cached logon of a domain account, which can be guessed at
// leisure.
type Logon struct{ Value string }

const cacheKey = "Cache"

// logonUser is the length of the user's name in a slot (NL_RECORD); 0 in an
// empty one.
const logonUser = 0

// Logons lists the slots of SECURITY that hold a cached logon.
func Logons(h *regf.Hive) (out []Logon) {
	for _, v := range h.Key(cacheKey).Values() {
		if slot(v.Name()) && used(v.Data()) {
			out = append(out, Logon{v.Name()})
		}
	}
	return out
}

// slot reports whether a value of Cache is one: NL$1, NL$2 and so on.
func slot(name string) bool {
	n := strings.TrimPrefix(strings.ToUpper(name), "NL$")
	return n != strings.ToUpper(name) && n != "" && strings.Trim(n, "0123456789") == ""
}

func used(b []byte) bool { return len(b) >= 2 && le.Uint16(b[logonUser:]) != 0 }
