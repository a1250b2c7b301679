package openssh

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// An UnknownHostError says that no known_hosts file names the host. It is the
// user who decides, by looking at the fingerprint.
type UnknownHostError struct{ Host, KeyType, Fingerprint string }

func (e *UnknownHostError) Error() string {
	return fmt.Sprintf("the host key of %s is not known: %s %s", e.Host, e.KeyType, e.Fingerprint)
}

// A ChangedHostError says that the host shows another key than the one known:
// it was set up anew, or somebody stands between.
type ChangedHostError struct{ Host, KeyType, Fingerprint string }

func (e *ChangedHostError) Error() string {
	return fmt.Sprintf("the host key of %s is not the one that is known: it shows %s %s", e.Host, e.KeyType, e.Fingerprint)
}

// hostKeys checks host keys against known_hosts. With acceptNew an unknown host
// is written into the first file; a changed one never.
type hostKeys struct {
	db        *knownhosts.HostKeyDB
	file      string
	acceptNew bool
	// seen are hosts accepted in this run, by address: later connections of
	// the same run must meet the same key.
	seen map[string]string
}

func readHostKeys(files []string, acceptNew bool) (*hostKeys, error) {
	h := &hostKeys{acceptNew: acceptNew, seen: map[string]string{}}
	if len(files) > 0 {
		h.file = files[0]
	}
	var present []string
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			present = append(present, f)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	db, err := knownhosts.NewDB(present...)
	if err != nil {
		return nil, err
	}
	h.db = db
	return h, nil
}

// algorithms are those of the keys that are known for an address: a server has
// several keys, and must show one that can be compared. Empty for unknown ones.
func (h *hostKeys) algorithms(addr string) []string { return h.db.HostKeyAlgorithms(addr) }

func (h *hostKeys) check(addr string, remote net.Addr, key ssh.PublicKey) error {
	print := ssh.FingerprintSHA256(key)
	if was, ok := h.seen[addr]; ok {
		if was != print {
			return &ChangedHostError{addr, key.Type(), print}
		}
		return nil
	}
	err := h.db.HostKeyCallback()(addr, remote, key)
	switch {
	case err == nil:
	case knownhosts.IsHostKeyChanged(err):
		return &ChangedHostError{addr, key.Type(), print}
	case !knownhosts.IsHostUnknown(err):
		return err
	case !h.acceptNew:
		return &UnknownHostError{addr, key.Type(), print}
	default:
		if err := h.remember(addr, remote, key); err != nil {
			return err
		}
	}
	h.seen[addr] = print
	return nil
}

func (h *hostKeys) remember(addr string, remote net.Addr, key ssh.PublicKey) error {
	if h.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(h.file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(knownhosts.WriteKnownHost(f, addr, remote, key), f.Close())
}
