package attest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

var errKey = errors.New("the key is neither ECDSA P-256 nor Ed25519")

// Errors of reading keys.
var (
	ErrPassphrase = errors.New("the passphrase does not open the key")
	ErrEncrypted  = errors.New("the key needs a passphrase")
)

// GenerateKey makes a key of kind "p256" or "ed25519".
func GenerateKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed25519":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return nil, fmt.Errorf("unknown kind of key %q: use p256 or ed25519", kind)
}

// KeyID is the sha256 of the public key's DER, in hexadecimal.
func KeyID(pub crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), nil
}

// MarshalPublic writes a public key as PEM (SubjectPublicKeyInfo).
func MarshalPublic(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// ParsePublic reads what MarshalPublic writes.
func ParsePublic(b []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("no public key in PEM (BEGIN PUBLIC KEY)")
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return k, usable(k)
}

func usable(k crypto.PublicKey) error {
	switch k := k.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return nil
		}
	case ed25519.PublicKey:
		return nil
	}
	return errKey
}

// PBES2 after RFC 8018, with what OpenSSL writes by default: PBKDF2 with
// HMAC-SHA-256, AES-256 in CBC mode.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

const (
	iterations    = 600_000 // OWASP's figure for PBKDF2 with HMAC-SHA-256
	maxIterations = 10_000_000
	saltSize      = 16
)

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2 struct{ KDF, Cipher pkix.AlgorithmIdentifier }

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier
}

// MarshalPrivate writes a key as PKCS#8 in PEM, encrypted when there is a
// passphrase. openssl pkey reads both.
func MarshalPrivate(key crypto.Signer, passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if len(passphrase) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
	}
	salt, iv := make([]byte, saltSize), make([]byte, aes.BlockSize)
	rand.Read(salt) // never fails, see crypto/rand
	rand.Read(iv)
	null := asn1.RawValue{Tag: asn1.TagNull}
	kdf, err := marshalAlgorithm(oidPBKDF2, pbkdf2Params{salt, iterations, 0, pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: null}})
	if err != nil {
		return nil, err
	}
	ciph, err := marshalAlgorithm(oidAES256, iv)
	if err != nil {
		return nil, err
	}
	alg, err := marshalAlgorithm(oidPBES2, pbes2{kdf, ciph})
	if err != nil {
		return nil, err
	}
	block, err := derive(passphrase, salt, iterations)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(der)%aes.BlockSize
	for range pad {
		der = append(der, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(der, der)
	out, err := asn1.Marshal(encryptedKey{alg, der})
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: out}), err
}

func marshalAlgorithm(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	b, err := asn1.Marshal(params)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: b}}, err
}

func derive(passphrase, salt []byte, n int) (cipher.Block, error) {
	key, err := pbkdf2.Key(sha256.New, string(passphrase), salt, n, 32)
	if err != nil {
		return nil, err
	}
	return aes.NewCipher(key)
}

// ParsePrivate reads a PKCS#8 key in PEM. An encrypted one without passphrase
// is ErrEncrypted, a wrong passphrase ErrPassphrase.
func ParsePrivate(b, passphrase []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("no private key in PEM")
	}
	der := block.Bytes
	encrypted := block.Type == "ENCRYPTED PRIVATE KEY"
	switch {
	case encrypted && len(passphrase) == 0:
		return nil, ErrEncrypted
	case encrypted:
		var err error
		if der, err = decrypt(der, passphrase); err != nil {
			return nil, err
		}
	case block.Type != "PRIVATE KEY":
		return nil, fmt.Errorf("a PEM block of type %q: assay keygen makes keys, or openssl pkcs8 -topk8 converts one", block.Type)
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if encrypted {
			return nil, ErrPassphrase // one padding in 256 looks right
		}
		return nil, err
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, errKey
	}
	return s, usable(s.Public())
}

func decrypt(der, passphrase []byte) ([]byte, error) {
	errScheme := errors.New("the key is encrypted in a way that is not read here: PBES2 with PBKDF2, SHA-256 and AES-256-CBC is")
	var e encryptedKey
	var scheme pbes2
	var kdf pbkdf2Params
	var iv []byte
	if rest, err := asn1.Unmarshal(der, &e); err != nil || len(rest) > 0 || !e.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, errScheme
	}
	if _, err := asn1.Unmarshal(e.Algorithm.Parameters.FullBytes, &scheme); err != nil ||
		!scheme.KDF.Algorithm.Equal(oidPBKDF2) || !scheme.Cipher.Algorithm.Equal(oidAES256) {
		return nil, errScheme
	}
	if _, err := asn1.Unmarshal(scheme.KDF.Parameters.FullBytes, &kdf); err != nil || !kdf.PRF.Algorithm.Equal(oidSHA256) {
		return nil, errScheme
	}
	if _, err := asn1.Unmarshal(scheme.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != aes.BlockSize ||
		kdf.Iterations < 1 || kdf.Iterations > maxIterations || len(e.Data) == 0 || len(e.Data)%aes.BlockSize != 0 {
		return nil, errScheme
	}
	block, err := derive(passphrase, kdf.Salt, kdf.Iterations)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(e.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, e.Data)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, ErrPassphrase
	}
	for _, c := range out[len(out)-pad:] {
		if int(c) != pad {
			return nil, ErrPassphrase
		}
	}
	return out[:len(out)-pad], nil
}
