package assay

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"assay/internal/artefact/sshkey"
	"assay/internal/durable"
	"assay/internal/remote"
)

// maxKeyFile bounds a file of trusted keys.
const maxKeyFile = 4 << 20

// TrustedKeys reads lists of public keys: files with one key a line, folders
// of such files, or https addresses of such lists (https://github.com/NAME.keys).
// It returns the list by fingerprint. A list without a key is an error: it is a
// mistake that would remove everybody's keys.
func TrustedKeys(ctx context.Context, names []string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range names {
		before := len(out)
		if err := trusted(ctx, name, out); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s holds no public key, or none that another list does not hold", name)
		}
	}
	return out, nil
}

func trusted(ctx context.Context, name string, out map[string]string) error {
	if strings.Contains(name, "://") {
		b, err := remote.FetchKeys(ctx, name)
		if err == nil {
			addKeys(b, name, out)
		}
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return trustedFile(name, out)
	}
	es, err := os.ReadDir(name)
	if err != nil {
		return err
	}
	for _, e := range es {
		if e.Type().IsRegular() {
			if err := trustedFile(filepath.Join(name, e.Name()), out); err != nil {
				return err
			}
		}
	}
	return nil
}

func trustedFile(name string, out map[string]string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err == nil && len(b) > maxKeyFile {
		err = fmt.Errorf("more than %d bytes", maxKeyFile)
	}
	if err == nil {
		addKeys(b, name, out)
	}
	return err
}

func addKeys(b []byte, by string, out map[string]string) {
	sshkey.Authorized(b, func(l sshkey.Line) bool {
		if out[l.Key.Fingerprint] == "" {
			out[l.Key.Fingerprint] = by
		}
		return true
	})
}

// GenerateKey makes an ed25519 pair: the private half in a new file that only
// its owner reads, the public half beside it with the ending .pub. A file that
// is there already is never replaced: it may be somebody's only key.
func GenerateKey(name, comment string) (ssh.Signer, error) {
	for _, n := range []string{name, name + ".pub"} {
		if _, err := os.Lstat(n); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", n, fs.ErrExist)
		}
	}
	pub, priv, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, comment)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		return nil, err
	}
	sp, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, err
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(sp))) + " " + comment + "\n"
	if err := durable.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return signer, durable.WriteFile(name+".pub", []byte(line), 0o644)
}
