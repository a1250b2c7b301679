package sam

import (
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"assay/internal/artefact/regf"
	"assay/internal/binread"
)

const format = "sam"

var le = binary.LittleEndian

// A Key is the boot key of one installation: it opens the password hashes and
// LSA secrets of that machine. It never shows itself.
type Key struct{ boot []byte }

func (Key) String() string   { return "boot key" }
func (Key) GoString() string { return "boot key" }

// ControlSet is the name of the control set of SYSTEM that Windows boots with.
func ControlSet(system *regf.Hive) string {
	n, ok := system.Key("Select").Uint("Current")
	if !ok || n == 0 || n > 999 {
		n = 1
	}
	return fmt.Sprintf("ControlSet%03d", n)
}

// bootParts are the keys whose class names hold the boot key, bootOrder how its
// bytes are shuffled.
var (
	bootParts = []string{"JD", "Skew1", "GBG", "Data"}
	bootOrder = [16]int{8, 5, 4, 2, 11, 9, 13, 3, 0, 6, 1, 12, 14, 10, 15, 7}
)

// BootKey takes the boot key out of SYSTEM.
func BootKey(system *regf.Hive) (Key, error) {
	lsa := system.Key(ControlSet(system) + `\Control\Lsa`)
	digits := ""
	for _, name := range bootParts {
		digits += lsa.Key(name).Class()
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 16 {
		return Key{}, binread.Errorf("boot key", -1, `the class names below %s\Control\Lsa are no 16 bytes`, ControlSet(system))
	}
	k := Key{make([]byte, 16)}
	for i, from := range bootOrder {
		k.boot[i] = b[from]
	}
	return k, nil
}

// Layout of the value F of Domains\Account: at 0x68 the key that encrypts
// hashes, itself encrypted by the boot key. Revision 1: RC4; revision 2 (from
// Windows 10 1607): AES-128.
const (
	atDomainKey   = 0x68
	rc4KeyLen     = 56 // revision, length, 16 of salt, 16 of key, 16 of checksum
	aesKeyHeadLen = 32 // revision, length, checksum length, data length, 16 of salt
)

const (
	qwerty = "!@#$%^&*()qwertyUIOPAzxcvbnmQQQQQQQQQQQQ)(*@&%\x00"
	digits = "0123456789012345678901234567890123456789\x00"
)

// domainKey decrypts the key of all password hashes of a SAM.
func (k Key) domainKey(h *regf.Hive) ([]byte, error) {
	f := h.Key(`SAM\Domains\Account`).Value("F").Data()
	if len(f) < atDomainKey+rc4KeyLen {
		return nil, binread.Errorf(format, -1, `value F of SAM\Domains\Account has %d bytes`, len(f))
	}
	f = f[atDomainKey:]
	switch f[0] {
	case 1:
		sum := md5.Sum([]byte(string(f[8:24]) + qwerty + string(k.boot) + digits))
		out := rc4Crypt(sum[:], f[24:56])
		check := md5.Sum([]byte(string(out[:16]) + digits + string(out[:16]) + qwerty))
		if string(check[:]) != string(out[16:]) {
			return nil, binread.Errorf(format, -1, "the boot key of SYSTEM does not open this SAM: they are of different machines")
		}
		return out[:16], nil
	case 2:
		n := le.Uint32(f[12:])
		if n < 16 || n%16 != 0 || int64(n) > int64(len(f)-aesKeyHeadLen) {
			return nil, binread.Errorf(format, -1, "an encrypted key of %d bytes", n)
		}
		return cbc(k.boot, f[16:32], f[aesKeyHeadLen:aesKeyHeadLen+n], false)[:16], nil
	}
	return nil, binread.Unsupported(format, "revision %d of the domain key", f[0])
}

func rc4Crypt(key, data []byte) []byte {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // cannot be: keys have 16 bytes
	}
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out
}
