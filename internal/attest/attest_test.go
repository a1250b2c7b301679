package attest

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"

	"assay/internal/need"
)

const sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var (
	now    = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	image  = Image{Name: "clean.qcow2", FileSHA256: sum, DiskSHA256: strings.Repeat("0a", 32)}
	detail = Detail{Tool: "assay 0.1.0", Catalogue: "0.1.0+0123abcd", Checks: 100, FailOn: "medium", Time: now}
)

func made(t *testing.T, kind string) (crypto.Signer, []byte) {
	t.Helper()
	key, err := GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Make([]Image{image}, detail, key)
	if err != nil {
		t.Fatal(err)
	}
	return key, b
}

// TestStockVerifier has every line checked by the DSSE implementation of the
// format's own authors.
func TestStockVerifier(t *testing.T) {
	for _, kind := range []string{"p256", "ed25519"} {
		key, b := made(t, kind)
		pub, err := MarshalPublic(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		k, err := signerverifier.LoadKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		var v dsse.Verifier
		if kind == "p256" {
			v, err = signerverifier.NewECDSASignerVerifierFromSSLibKey(k)
		} else {
			v, err = signerverifier.NewED25519SignerVerifierFromSSLibKey(k)
		}
		if err != nil {
			t.Fatal(err)
		}
		ev, err := dsse.NewEnvelopeVerifier(v)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, l := range lines {
			var env dsse.Envelope
			if err := json.Unmarshal([]byte(l), &env); err != nil {
				t.Fatal(err)
			}
			env.Signatures[0].KeyID = "" // securesystemslib counts key IDs in its own way
			if _, err := ev.Verify(context.Background(), &env); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			env.Payload = strings.Replace(env.Payload, "A", "B", 1)
			if _, err := ev.Verify(context.Background(), &env); err == nil {
				t.Errorf("%s: a changed payload passes", kind)
			}
		}
	}
}

func TestOpen(t *testing.T) {
	for _, kind := range []string{"p256", "ed25519"} {
		key, b := made(t, kind)
		p, err := Open(b, key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if !p.About(sum) || !p.About(image.DiskSHA256) || p.About(strings.Repeat("0b", 32)) || p.About("") {
			t.Error("the subjects are wrong")
		}
		if p.Detail.Catalogue != detail.Catalogue || !p.Time.Equal(now) {
			t.Errorf("%+v", p)
		}
		for age, want := range map[time.Duration]error{time.Hour: nil, 25 * time.Hour: ErrOld, -time.Hour: ErrFuture} {
			if err := p.Fresh(now.Add(age), 24*time.Hour); !errors.Is(err, want) {
				t.Errorf("age %v: %v", age, err)
			}
		}
		other, _ := made(t, kind)
		if _, err := Open(b, other.Public()); !errors.Is(err, ErrSignature) {
			t.Errorf("another key: %v", err)
		}
		for i := range b { // no byte can be changed without notice
			c := bytes.Clone(b)
			c[i] ^= 1
			if q, err := Open(c, key.Public()); err == nil && !same(p, q) {
				t.Fatalf("byte %d changed: %+v", i, q)
			}
		}
		first, _, _ := bytes.Cut(b, []byte("\n"))
		if _, err := Open(first, key.Public()); err == nil {
			t.Error("half of it passes")
		}
	}
}

func same(a, b *Proof) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestKeys(t *testing.T) {
	for _, kind := range []string{"p256", "ed25519"} {
		key, err := GenerateKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, pass := range []string{"", "correct horse"} {
			b, err := MarshalPrivate(key, []byte(pass))
			if err != nil {
				t.Fatal(err)
			}
			back, err := ParsePrivate(b, []byte(pass))
			if err != nil {
				t.Fatal(err)
			}
			if !back.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Error("another key came back")
			}
			if pass == "" {
				continue
			}
			if _, err := ParsePrivate(b, nil); !errors.Is(err, ErrEncrypted) {
				t.Errorf("no passphrase: %v", err)
			}
			if _, err := ParsePrivate(b, []byte("wrong")); !errors.Is(err, ErrPassphrase) {
				t.Errorf("wrong passphrase: %v", err)
			}
		}
	}
	if _, err := GenerateKey("rsa"); err == nil {
		t.Error("rsa was made")
	}
}

// TestOpenSSL exchanges keys with openssl, both ways.
func TestOpenSSL(t *testing.T) {
	need.Tool(t, "openssl")
	dir := t.TempDir()
	for _, kind := range []string{"p256", "ed25519"} {
		key, _ := GenerateKey(kind)
		b, err := MarshalPrivate(key, []byte("pass word"))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, kind)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("openssl", "pkey", "-in", name, "-passin", "pass:pass word", "-pubout").CombinedOutput()
		if err != nil {
			t.Fatalf("openssl: %v\n%s", err, out)
		}
		pub, _ := MarshalPublic(key.Public())
		if !bytes.Equal(out, pub) {
			t.Errorf("%s: openssl reads another public key", kind)
		}
		alg := []string{"-algorithm", "ed25519"}
		if kind == "p256" {
			alg = []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}
		}
		theirs, err := exec.Command("openssl", append(append([]string{"genpkey"}, alg...), "-aes-256-cbc", "-pass", "pass:x y")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParsePrivate(theirs, []byte("x y")); err != nil {
			t.Errorf("%s: openssl's key: %v", kind, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	key, err := GenerateKey("p256")
	if err != nil {
		f.Fatal(err)
	}
	b, err := Make([]Image{image}, detail, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		if p, err := Open(in, key.Public()); err == nil && !p.About(sum) {
			t.Fatal("a statement that was never made")
		}
	})
}

func FuzzPrivate(f *testing.F) {
	key, _ := GenerateKey("p256")
	b, err := MarshalPrivate(key, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) { _, _ = ParsePrivate(in, []byte("x")) })
}

// TestSeveralDisks makes one statement about a machine's disks: each of them is
// a subject by its file and by its disk.
func TestSeveralDisks(t *testing.T) {
	key, err := GenerateKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	data := Image{Name: "data.raw", FileSHA256: strings.Repeat("b1", 32), DiskSHA256: strings.Repeat("b1", 32)}
	b, err := Make([]Image{image, data}, detail, key)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(b, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, sum := range []string{image.FileSHA256, image.DiskSHA256, data.FileSHA256} {
		if !p.About(sum) {
			t.Errorf("the statement is not about %s", sum)
		}
	}
	if len(p.Subjects) != 3 || p.About(strings.Repeat("c2", 32)) {
		t.Errorf("subjects: %v", p.Subjects)
	}
	if _, err := Make(nil, detail, key); err == nil {
		t.Error("a statement about nothing was made")
	}
	if _, err := Make([]Image{image, {Name: "x"}}, detail, key); err == nil {
		t.Error("a statement about a disk without a digest was made")
	}
}
