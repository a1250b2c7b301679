package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"assay/finding"
	"assay/internal/cli"
	"assay/internal/durable"
)

// parseSize reads "512MiB", "64G", "1048576".
func parseSize(s string) (int64, error) {
	num := strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(s, "B"), "i"), "KMGT")
	n, err := strconv.ParseFloat(num, 64)
	if err != nil || n <= 0 || math.IsNaN(n) {
		return 0, errors.New("no size")
	}
	switch unit := s[len(num):]; strings.TrimSuffix(strings.TrimSuffix(unit, "B"), "i") {
	case "":
	case "K":
		n *= 1 << 10
	case "M":
		n *= 1 << 20
	case "G":
		n *= 1 << 30
	case "T":
		n *= 1 << 40
	default:
		return 0, errors.New("no size")
	}
	if n >= math.MaxInt64 {
		return 0, errors.New("no size")
	}
	return int64(n), nil
}

// keySize is the length of a fingerprint key in bytes.
const keySize = 32

// fingerprintKey is the key of this installation, made on first use. With it
// the same secret has the same fingerprint in every report of this user, and
// without it a fingerprint does not help to guess the secret. Where no file can
// be kept (CI), each run has a key of its own.
func fingerprintKey() ([]byte, error) {
	fresh := make([]byte, keySize)
	rand.Read(fresh) // never fails, see crypto/rand
	dir, err := os.UserConfigDir()
	if err != nil {
		return fresh, nil
	}
	name := filepath.Join(dir, "assay", "fingerprint.key")
	key, err := os.ReadFile(name)
	switch {
	case err == nil && len(key) == keySize:
		return key, nil
	case err == nil:
		return nil, &cli.Error{Code: cli.ExitFailed, What: finding.Tf("%s has %d bytes, %d are wanted", "%s 有 %d 字节，应为 %d 字节", name, len(key), keySize),
			Hint: finding.T("remove it and assay makes a new one", "删除后 assay 会重新生成")}
	case !errors.Is(err, fs.ErrNotExist):
		return fresh, nil
	}
	if os.MkdirAll(filepath.Dir(name), 0o700) == nil {
		_ = durable.WriteFile(name, fresh, 0o600) // without it fingerprints differ between runs, nothing worse
	}
	return fresh, nil
}
