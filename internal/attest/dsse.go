package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// An envelope is a DSSE envelope (github.com/secure-systems-lab/dsse,
// envelope.md, v1).
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid,omitempty"`
	Sig   string `json:"sig"` // base64
}

// pae is DSSE's pre-authentication encoding: what is signed.
func pae(kind string, body []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(body), body)
}

// sign puts a statement into an envelope: ECDSA over SHA-256 in ASN.1, or
// Ed25519, the encodings that stock verifiers expect.
func sign(body []byte, key crypto.Signer) (*envelope, error) {
	msg := pae(PayloadType, body)
	var opts crypto.SignerOpts = crypto.SHA256
	switch key.Public().(type) {
	case *ecdsa.PublicKey:
		h := sha256.Sum256(msg)
		msg = h[:]
	case ed25519.PublicKey:
		opts = crypto.Hash(0)
	default:
		return nil, errKey
	}
	sig, err := key.Sign(rand.Reader, msg, opts)
	if err != nil {
		return nil, err
	}
	id, err := KeyID(key.Public())
	if err != nil {
		return nil, err
	}
	return &envelope{PayloadType, base64.StdEncoding.EncodeToString(body),
		[]signature{{id, base64.StdEncoding.EncodeToString(sig)}}}, nil
}

// open checks one envelope and returns its statement. The key ID is a hint
// only and is not looked at.
func open(line []byte, key crypto.PublicKey) (*Statement, error) {
	var e envelope
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, fmt.Errorf("no DSSE envelope: %w", err)
	}
	body, err := decode(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("the envelope's payload: %w", err)
	}
	if e.PayloadType != PayloadType || !signed(pae(e.PayloadType, body), e.Signatures, key) {
		return nil, ErrSignature
	}
	st := &Statement{}
	if err := json.Unmarshal(body, st); err != nil {
		return nil, fmt.Errorf("no in-toto statement: %w", err)
	}
	if st.Type != StatementType || len(st.Subject) == 0 {
		return nil, errors.New("no in-toto statement of version 1 with a subject")
	}
	return st, nil
}

func signed(msg []byte, sigs []signature, key crypto.PublicKey) bool {
	const most = 16 // signatures that are tried
	for _, s := range sigs[:min(len(sigs), most)] {
		sig, err := decode(s.Sig)
		if err != nil {
			continue
		}
		switch k := key.(type) {
		case *ecdsa.PublicKey:
			if h := sha256.Sum256(msg); ecdsa.VerifyASN1(k, h[:], sig) {
				return true
			}
		case ed25519.PublicKey:
			if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, msg, sig) {
				return true
			}
		}
	}
	return false
}

// decode reads base64 in either alphabet, as DSSE asks of verifiers.
func decode(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return base64.URLEncoding.DecodeString(s)
	}
	return b, nil
}
