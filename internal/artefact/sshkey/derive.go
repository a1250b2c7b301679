package sshkey

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// derive fills Kind, Encrypted and Public from the decoded body.
func (k *PrivateKey) derive(body []byte) {
	switch k.Format {
	case OpenSSH:
		k.openSSH(body)
	case SSHCom:
		r := reader{b: body}
		magic := r.u32()
		r.u32()
		r.str()
		cipher := r.str()
		k.Encrypted = magic != 0x3f6ff9eb || r.bad || string(cipher) != "none"
	case PKCS1:
		if k.Encrypted {
			return
		}
		switch k.Kind {
		case "RSA":
			k.rsa(body)
		case "DSA":
			k.dsa(body)
		case "ECDSA":
			k.ec(body, nil)
		}
	case PKCS8:
		if !k.Encrypted {
			k.pkcs8(body)
		}
	}
}

func (k *PrivateKey) setPublic(blob []byte) {
	if p, err := ParsePublic(blob); err == nil {
		k.Public, k.Kind = &p, p.Name()
	}
}

// openSSH reads the clear part of OpenSSH's format (PROTOCOL.key): cipher, KDF
// and its options, the number of keys, the public key.
func (k *PrivateKey) openSSH(body []byte) {
	rest, ok := bytes.CutPrefix(body, []byte("openssh-key-v1\x00"))
	if !ok {
		return
	}
	r := reader{b: rest}
	cipher := r.str()
	r.str()
	r.str()
	n := r.u32()
	public := r.str()
	if r.bad || n != 1 {
		return
	}
	k.Encrypted = string(cipher) != "none"
	k.setPublic(public)
}

// ints reads n positive integers of a bounded size.
func ints(s *cryptobyte.String, n int) ([]*big.Int, bool) {
	var out []*big.Int
	for range n {
		x := new(big.Int)
		if !s.ReadASN1Integer(x) || x.Sign() < 0 || x.BitLen() > 8*maxNumber {
			return nil, false
		}
		out = append(out, x)
	}
	return out, true
}

// rsa reads RSAPrivateKey of RFC 8017 appendix A.1.2: version, n, e, …
func (k *PrivateKey) rsa(der []byte) {
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	if !in.ReadASN1(&seq, casn1.SEQUENCE) {
		return
	}
	if v, ok := ints(&seq, 3); ok {
		k.setPublic(appendInt(appendInt(blobOf("ssh-rsa"), v[2]), v[1]))
	}
}

// dsa reads OpenSSL's form: version, p, q, g, y, x.
func (k *PrivateKey) dsa(der []byte) {
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	if !in.ReadASN1(&seq, casn1.SEQUENCE) {
		return
	}
	if v, ok := ints(&seq, 5); ok {
		k.dss(v[1:])
	}
}

func (k *PrivateKey) dss(pqgy []*big.Int) {
	blob := blobOf("ssh-dss")
	for _, x := range pqgy {
		blob = appendInt(blob, x)
	}
	k.setPublic(blob)
}

// curves are the NIST curves of RFC 5656 by their object identifiers.
var curves = []struct {
	oid   asn1.ObjectIdentifier
	name  string
	curve ecdh.Curve
}{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, "nistp256", ecdh.P256()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 34}, "nistp384", ecdh.P384()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 35}, "nistp521", ecdh.P521()},
}

// ec reads ECPrivateKey of RFC 5915. oid names the curve where the key, inside
// PKCS#8, leaves it out.
func (k *PrivateKey) ec(der []byte, oid asn1.ObjectIdentifier) {
	k.Kind = "ECDSA"
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	var version int64
	var scalar, params cryptobyte.String
	var has bool
	if !in.ReadASN1(&seq, casn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || !seq.ReadASN1(&scalar, casn1.OCTET_STRING) ||
		!seq.ReadOptionalASN1(&params, &has, casn1.Tag(0).Constructed().ContextSpecific()) {
		return
	}
	if has && !params.ReadASN1ObjectIdentifier(&oid) {
		return
	}
	for _, c := range curves {
		if !c.oid.Equal(oid) {
			continue
		}
		priv, err := c.curve.NewPrivateKey(leftPad(scalar, c.curve))
		if err != nil {
			return
		}
		k.setPublic(blobOf("ecdsa-sha2-"+c.name, []byte(c.name), priv.PublicKey().Bytes()))
	}
}

// leftPad makes the scalar as long as the curve wants it: some writers drop
// leading zeros.
func leftPad(scalar []byte, c ecdh.Curve) []byte {
	size := map[ecdh.Curve]int{ecdh.P256(): 32, ecdh.P384(): 48, ecdh.P521(): 66}[c]
	if len(scalar) >= size {
		return scalar
	}
	return append(make([]byte, size-len(scalar)), scalar...)
}

// The algorithms of PKCS#8 that are told apart.
var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidDSA     = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}
	oidEC      = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidX25519  = asn1.ObjectIdentifier{1, 3, 101, 110}
)

// pkcs8 reads OneAsymmetricKey of RFC 5958: version, algorithm, key.
func (k *PrivateKey) pkcs8(der []byte) {
	in, seq := cryptobyte.String(der), cryptobyte.String(nil)
	var version int64
	var algo, key cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&seq, casn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || !seq.ReadASN1(&algo, casn1.SEQUENCE) ||
		!algo.ReadASN1ObjectIdentifier(&oid) || !seq.ReadASN1(&key, casn1.OCTET_STRING) {
		return
	}
	switch {
	case oid.Equal(oidRSA):
		k.Kind = "RSA"
		k.rsa(key)
	case oid.Equal(oidEC):
		var curve asn1.ObjectIdentifier
		algo.ReadASN1ObjectIdentifier(&curve)
		k.ec(key, curve)
	case oid.Equal(oidEd25519):
		k.Kind = "ED25519"
		var seed cryptobyte.String
		if key.ReadASN1(&seed, casn1.OCTET_STRING) && len(seed) == ed25519.SeedSize {
			pub := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
			k.setPublic(blobOf("ssh-ed25519", pub))
		}
	case oid.Equal(oidDSA):
		k.Kind = "DSA"
		k.dsa8(algo, key)
	case oid.Equal(oidX25519):
		k.Kind = "X25519"
	}
}

// dsa8 reads DSA in PKCS#8: p, q and g are parameters, y is computed.
func (k *PrivateKey) dsa8(params, key cryptobyte.String) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, casn1.SEQUENCE) {
		return
	}
	pqg, ok := ints(&seq, 3)
	x, ok2 := ints(&key, 1)
	if !ok || !ok2 || pqg[0].BitLen() > 4096 || x[0].BitLen() > 512 || pqg[0].Sign() == 0 {
		return
	}
	k.dss(append(pqg, new(big.Int).Exp(pqg[2], x[0], pqg[0])))
}

// ParseDropbear reads a private key file of Dropbear: the public blob's fields
// followed by the private numbers (gensignkey.c, signkey.c). It reports false
// for anything else.
func ParseDropbear(b []byte) (PrivateKey, bool) {
	k := PrivateKey{Format: Dropbear, Len: len(b)}
	if len(b) > maxKey {
		return k, false
	}
	r := reader{b: b}
	kind := string(r.str())
	n, known := fields[kind]
	if !known {
		return k, false
	}
	var parts [][]byte
	for range n {
		parts = append(parts, r.str())
	}
	public := r.at
	if kind == "ssh-ed25519" {
		if r.bad || len(parts[0]) != ed25519.PrivateKeySize || r.at != len(b) {
			return k, false
		}
		k.setPublic(blobOf(kind, parts[0][32:]))
		return k, k.Public != nil
	}
	if r.str(); r.bad { // the first private number
		return k, false
	}
	k.setPublic(b[:public])
	return k, k.Public != nil
}
