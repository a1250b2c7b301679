package secret

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"testing"
)

// TestStores recognises keys and key stores by their first bytes, whatever the
// file is called where the rule says so, and not what only begins alike.
func TestStores(t *testing.T) {
	s := mustEngine(t).NewScanner()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	jks := func(tag byte) []byte {
		return slices.Concat([]byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, tag}, make([]byte, 600))
	}
	for _, c := range []struct {
		what, path, rule string
		body             []byte
	}{
		{"Ed25519 PKCS#8", "/k.der", "key/der", must(x509.MarshalPKCS8PrivateKey(edKey))},
		{"EC PKCS#8", "/k.key", "key/der", must(x509.MarshalPKCS8PrivateKey(ecKey))},
		{"EC SEC 1", "/k", "key/der", must(x509.MarshalECPrivateKey(ecKey))},
		{"RSA PKCS#8", "/k", "key/der", must(x509.MarshalPKCS8PrivateKey(rsaKey))},
		{"RSA PKCS#1", "/k", "key/der", x509.MarshalPKCS1PrivateKey(rsaKey)},
		{"public key", "/k", "", must(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))},
		{"PKCS#12", "/srv/site.pfx", "key/pkcs12", slices.Concat([]byte{0x30, 0x82, 9, 1, 2, 1, 3, 0x30}, make([]byte, 500))},
		{"trust store of Java", "/etc/ssl/certs/java/cacerts", "", slices.Concat([]byte{0x30, 0x82, 9, 1, 2, 1, 3, 0x30}, make([]byte, 500))},
		{"JKS with a key", "/srv/x", "key/java", jks(1)},
		{"JKS with certificates", "/srv/x", "", jks(2)},
		{"KeePass", "/root/p.kdbx", "key/keepass", slices.Concat([]byte{3, 0xd9, 0xa2, 0x9a, 0x67, 0xfb, 0x4b, 0xb5}, make([]byte, 300))},
	} {
		got := scanAll(t, s, Source{Path: c.path, Size: int64(len(c.body))}, c.body)
		switch {
		case c.rule == "" && len(got) > 0:
			t.Errorf("%s: got%s", c.what, describe(got))
		case c.rule != "" && (len(got) != 1 || got[0].Rule != c.rule || got[0].Confidence < Worth || got[0].Offset != 0):
			t.Errorf("%s: want %s, got%s", c.what, c.rule, describe(got))
		}
	}
}
