package sam

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"

	"golang.org/x/crypto/md4"

	"assay/internal/artefact/regf"
)

// cbc encrypts or decrypts whole blocks with AES.
func cbc(key, iv, data []byte, encrypt bool) []byte {
	c, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // cannot be: keys have 16 or 32 bytes
	}
	out := make([]byte, len(data))
	if encrypt {
		cipher.NewCBCEncrypter(c, iv).CryptBlocks(out, data)
	} else {
		cipher.NewCBCDecrypter(c, iv).CryptBlocks(out, data)
	}
	return out
}

// spread makes a DES key of 7 bytes: a parity bit behind each 7 bits.
func spread(s []byte) []byte {
	var v uint64
	for _, x := range s {
		v = v<<8 | uint64(x)
	}
	k := make([]byte, 8)
	for i := range k {
		k[i] = byte(v>>(49-7*i)) << 1
	}
	return k
}

// byRID is the innermost layer of a hash: DES with two keys made of the
// account's number.
func byRID(rid uint32, hash []byte, encrypt bool) []byte {
	var r [8]byte
	le.PutUint32(r[:], rid)
	le.PutUint32(r[4:], rid)
	out := make([]byte, 16)
	for i, key := range [][]byte{r[:7], {r[3], r[0], r[1], r[2], r[3], r[0], r[1]}} {
		c, err := des.NewCipher(spread(key))
		if err != nil {
			panic(err) // cannot be: keys have 8 bytes
		}
		if encrypt {
			c.Encrypt(out[8*i:], hash[8*i:])
		} else {
			c.Decrypt(out[8*i:], hash[8*i:])
		}
	}
	return out
}

// ntPurpose tells the RC4 key of current hashes from those of others.
const ntPurpose = "NTPASSWORD\x00"

// hashRC4 is the outer layer of a hash in the RC4 format; it is its own inverse.
func hashRC4(domain []byte, rid uint32, hash []byte) []byte {
	var r [4]byte
	le.PutUint32(r[:], rid)
	sum := md5.Sum([]byte(string(domain) + string(r[:]) + ntPurpose))
	return rc4Crypt(sum[:], hash)
}

// ntHash is the hash that Windows keeps of a password.
func ntHash(password string) [16]byte {
	h := md4.New()
	h.Write(regf.UTF16(password))
	return [16]byte(h.Sum(nil))
}
