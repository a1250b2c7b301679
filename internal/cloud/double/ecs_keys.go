package double

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/ssh"
)

// importKeyPair takes a public key as OpenSSH writes it. The fingerprint is
// the MD5 of the key's blob, which is how ECS tells keys that were imported.
func importKeyPair(c *call) (obj, *fail) {
	key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(c.str("PublicKeyBody")))
	if err != nil || strings.TrimSpace(string(rest)) != "" {
		return nil, refuse(400, "InvalidPublicKeyBody.Malformed", "The specified parameter PublicKeyBody is not valid.")
	}
	k := &KeyPair{Name: c.str("KeyPairName"), PublicKey: strings.TrimSpace(c.str("PublicKeyBody")), Fingerprint: fingerprint(key.Marshal()), Created: c.now, Tags: c.tags()}
	if f := c.newPair(k); f != nil {
		return nil, f
	}
	return obj{"KeyPairName": k.Name, "KeyPairFingerPrint": k.Fingerprint}, nil
}

func fingerprint(blob []byte) string {
	sum := md5.Sum(blob)
	return hex.EncodeToString(sum[:])
}

// createKeyPair makes a real RSA key of 2048 bits, as the service does, and
// tells the private half once.
func createKeyPair(c *call) (obj, *fail) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, refuse(500, "InternalError", err.Error())
	}
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		return nil, refuse(500, "InternalError", err.Error())
	}
	k := &KeyPair{Name: c.str("KeyPairName"), PublicKey: public.Type() + " " + base64.StdEncoding.EncodeToString(public.Marshal()),
		Fingerprint: fingerprint(public.Marshal()), Created: c.now, Tags: c.tags()}
	if f := c.newPair(k); f != nil {
		return nil, f
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	return obj{"KeyPairId": c.newID("ssh"), "KeyPairName": k.Name, "KeyPairFingerPrint": k.Fingerprint, "PrivateKeyBody": string(text)}, nil
}
