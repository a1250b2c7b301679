package samtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"golang.org/x/crypto/md4"

	"assay/internal/artefact/regf/regftest"
)

var le = binary.LittleEndian

// A Machine is what the three hives say. The zero Machine is of Windows 7: RC4.
type Machine struct {
	AES      bool // as from Windows 10 1607
	Accounts []Account
	Secrets  []Secret
	Slots    []string // users of cached domain logons; "" for an empty slot
}

// An Account is one local account.
type Account struct {
	RID            uint32
	Name           string
	Full, Comment  string
	Password       string
	None           bool     // no hash at all, rather than that of Password
	History        []string // older passwords
	Flags          uint16   // ACB
	Admin, Remote  bool
	Hidden         bool // no entry in Names
	Hijacks        uint32
	Set            uint64 // FILETIME of the password
	Hint, ResetQA  string
	Supplementary  []byte
	MicrosoftLogin string
}

// A Secret is one LSA secret.
type Secret struct {
	Name string
	Data []byte
	Old  []byte
}

var (
	boot   = []byte("0123456789abcdef")
	domain = []byte("the domain's key")
	lsa    = []byte("the thirty-two bytes of LSA keys")
	salt   = []byte("sixteen of salt.")
	sid    = le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 1111), 2222), 3333)
)

// SYSTEM is the hive with the boot key.
func (m Machine) SYSTEM() *regftest.Key {
	root := &regftest.Key{}
	root.At("Select").Set("Current", 1).Set("Default", 1).Set("Failed", 0).Set("LastKnownGood", 1)
	shuffled := make([]byte, 16)
	for i, from := range []int{8, 5, 4, 2, 11, 9, 13, 3, 0, 6, 1, 12, 14, 10, 15, 7} {
		shuffled[from] = boot[i]
	}
	for i, name := range []string{"JD", "Skew1", "GBG", "Data"} {
		root.At(`ControlSet001\Control\Lsa\` + name).Class = hex.EncodeToString(shuffled[4*i : 4*i+4])
	}
	return root
}

// SAM is the hive with the accounts.
func (m Machine) SAM() *regftest.Key {
	root := &regftest.Key{}
	account := root.At(`SAM\Domains\Account`)
	account.Set("F", m.domainF())
	v := make([]byte, 0x60) // the machine's SID ends V
	account.Set("V", append(v, slices.Concat([]byte{1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0}, sid)...))
	var admins, remote []uint32
	for _, a := range m.Accounts {
		k := account.At(fmt.Sprintf(`Users\%08X`, a.RID))
		k.Set("F", a.f()).Set("V", a.v(m.AES))
		for name, data := range map[string][]byte{"SupplementalCredentials": a.Supplementary, "UserPasswordHint": regftest.UTF16(a.Hint),
			"ResetData": regftest.UTF16(a.ResetQA), "InternetUserName": regftest.UTF16(a.MicrosoftLogin)} {
			if len(data) > 0 {
				k.Set(name, data)
			}
		}
		names := account.At(`Users\Names`)
		if !a.Hidden {
			n := names.At(a.Name)
			n.Values = append(n.Values, regftest.Value{Type: a.RID})
		}
		if a.Admin {
			admins = append(admins, a.RID)
		}
		if a.Remote {
			remote = append(remote, a.RID)
		}
	}
	root.At(`SAM\Domains\Builtin\Aliases\00000220`).Set("C", alias(544, admins))
	root.At(`SAM\Domains\Builtin\Aliases\0000022B`).Set("C", alias(555, remote))
	return root
}

func (m Machine) domainF() []byte {
	f := make([]byte, 0x68)
	le.PutUint32(f, 2)
	if m.AES {
		f = append(f, 2, 0, 0, 0, 0x40, 0, 0, 0, 16, 0, 0, 0, 32, 0, 0, 0)
		return append(append(f, salt...), cbc(boot, salt, append(slices.Clone(domain), slices.Repeat([]byte{16}, 16)...))...)
	}
	const qwerty, digits = "!@#$%^&*()qwertyUIOPAzxcvbnmQQQQQQQQQQQQ)(*@&%\x00", "0123456789012345678901234567890123456789\x00"
	f = append(f, 1, 0, 0, 0, 0x38, 0, 0, 0)
	check := md5.Sum(slices.Concat(domain, []byte(digits), domain, []byte(qwerty)))
	key := md5.Sum(slices.Concat(salt, []byte(qwerty), boot, []byte(digits)))
	f = append(append(f, salt...), rc(key[:], append(slices.Clone(domain), check[:]...))...)
	return append(f, make([]byte, 8)...)
}

func (a Account) f() []byte {
	f := make([]byte, 0x50)
	le.PutUint16(f, 2)
	le.PutUint16(f[2:], 1)
	le.PutUint64(f[0x18:], a.Set)
	le.PutUint64(f[0x20:], 1<<63-1)
	le.PutUint32(f[0x30:], a.RID)
	if a.Hijacks != 0 {
		le.PutUint32(f[0x30:], a.Hijacks)
	}
	le.PutUint32(f[0x34:], 513)
	le.PutUint16(f[0x38:], 0x10|a.Flags)
	return f
}

func (a Account) v(aes bool) []byte {
	v := make([]byte, 0xCC)
	put := func(entry int, data []byte) {
		le.PutUint32(v[12*entry:], uint32(len(v)-0xCC))
		le.PutUint32(v[12*entry+4:], uint32(len(data)))
		v = append(v, data...)
		v = append(v, make([]byte, -len(v)&3)...)
	}
	put(0, make([]byte, 168)) // security descriptor
	put(1, regftest.UTF16(a.Name))
	put(2, regftest.UTF16(a.Full))
	put(3, regftest.UTF16(a.Comment))
	for i := 4; i < 13; i++ {
		put(i, nil)
	}
	put(13, a.seal(aes, nil, "LMPASSWORD\x00"))
	nt := []byte{}
	if !a.None {
		nt = hash(a.Password)
	}
	put(14, a.seal(aes, nt, "NTPASSWORD\x00"))
	var old []byte
	for _, p := range a.History {
		old = append(old, hash(p)...)
	}
	put(15, a.seal(aes, old, "NTPASSWORDHISTORY\x00"))
	put(16, a.seal(aes, old, "LMPASSWORDHISTORY\x00"))
	return v
}

// seal encrypts hashes as they stand in V.
func (a Account) seal(aes bool, hashes []byte, purpose string) []byte {
	var inner []byte
	for h := range slices.Chunk(hashes, 16) {
		inner = append(inner, byRID(a.RID, h)...)
	}
	if aes {
		out := make([]byte, 24)
		le.PutUint16(out[2:], 2)
		if len(inner) == 0 {
			return out
		}
		out[4] = 16
		copy(out[8:], salt)
		return append(out, cbc(domain, salt, append(inner, slices.Repeat([]byte{16}, 16)...))...)
	}
	out := []byte{1, 0, 1, 0}
	if len(inner) == 0 {
		return out
	}
	key := md5.Sum(slices.Concat(domain, le.AppendUint32(nil, a.RID), []byte(purpose)))
	return append(out, rc(key[:], inner)...)
}

func alias(rid uint32, members []uint32) []byte {
	c := make([]byte, 0x34)
	le.PutUint32(c, rid)
	le.PutUint32(c[0x30:], uint32(len(members)))
	for _, m := range members {
		c = append(c, 1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0)
		c = le.AppendUint32(append(c, sid...), m)
	}
	le.PutUint32(c[0x2c:], uint32(len(c)-0x34))
	return c
}

// SECURITY is the hive with LSA secrets and cached logons.
func (m Machine) SECURITY() *regftest.Key {
	root := &regftest.Key{}
	root.At(`Policy\PolRevision`).Set("", []byte{0, 0, 10, 0})
	list := make([]byte, 52, 84)
	root.At(`Policy\PolEKList`).Set("", object(boot, append(list, lsa...)))
	secrets := append([]Secret{{Name: "NL$KM", Data: make([]byte, 64)}}, m.Secrets...)
	for _, s := range secrets {
		k := root.At(`Policy\Secrets\` + s.Name)
		k.At("CurrVal").Set("", object(lsa, s.Data))
		if s.Old != nil {
			k.At("OldVal").Set("", object(lsa, s.Old))
		}
	}
	cache := root.At("Cache")
	cache.Set("NL$Control", []byte{4, 0, 1, 0, 10, 0, 0, 0})
	for i, user := range m.Slots {
		slot := make([]byte, 168)
		le.PutUint32(slot[0x28:], 0x00010004)
		if user != "" {
			copy(slot, le.AppendUint16(nil, uint16(2*len(user))))
			copy(slot[96:], "encrypted, as far as a test must know")
		}
		cache.Set(fmt.Sprintf("NL$%d", i+1), slot)
	}
	return root
}

// object encrypts an LSA object.
func object(key, data []byte) []byte {
	plain := make([]byte, 16)
	le.PutUint32(plain, uint32(len(data)))
	plain = append(plain, data...)
	plain = append(plain, make([]byte, -len(plain)&15)...)
	s := sha256.New()
	s.Write(key)
	for range 1000 {
		s.Write(salt)
		s.Write(salt)
	}
	c, _ := aes.NewCipher(s.Sum(nil))
	for at := 0; at < len(plain); at += 16 {
		c.Encrypt(plain[at:], plain[at:])
	}
	head := make([]byte, 28)
	le.PutUint32(head, 1)
	le.PutUint32(head[20:], 3)
	return slices.Concat(head, salt, salt, plain)
}

func hash(password string) []byte {
	h := md4.New()
	h.Write(regftest.UTF16(password))
	return h.Sum(nil)
}

func cbc(key, iv, data []byte) []byte {
	c, _ := aes.NewCipher(key)
	out := make([]byte, len(data))
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(out, data)
	return out
}

func rc(key, data []byte) []byte {
	c, _ := rc4.NewCipher(key)
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out
}

func byRID(rid uint32, h []byte) []byte {
	r := le.AppendUint32(nil, rid)
	out := make([]byte, 16)
	for i, order := range [][7]int{{0, 1, 2, 3, 0, 1, 2}, {3, 0, 1, 2, 3, 0, 1}} {
		key := make([]byte, 8)
		for bit := range 56 {
			b := r[order[bit/8]] >> (7 - bit%8) & 1
			key[bit/7] |= b << (7 - bit%7)
		}
		c, _ := des.NewCipher(key)
		c.Encrypt(out[8*i:], h[8*i:])
	}
	return out
}
