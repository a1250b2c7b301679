package guest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"

	"assay/internal/fsys"
	"assay/internal/span"
)

var digests = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// Shipped reports whether a file is, byte for byte, what its package brought:
// then what looks like a secret in it is the vendor's, and known to all. name
// is the file's resolved path.
func (g *Guest) Shipped(name string, f fsys.File) bool {
	own, ok := g.Packages().Owner(name)
	if !ok || digests[own.Algo] == nil {
		own = PackageFile{Algo: "md5", Digest: g.ucf()[name]}
	}
	if own.Digest == "" {
		return false
	}
	h := digests[own.Algo]()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil {
		return false
	}
	return hex.EncodeToString(h.Sum(nil)) == own.Digest
}

// readUCF reads what ucf(1) notes of the configuration files that it puts in
// place for packages: lines "MD5  PATH" of what the package brought.
func (g *Guest) readUCF() map[string]string {
	b, err := g.Read("/var/lib/ucf/hashfile")
	if err != nil && !errors.Is(err, fsys.ErrTooLarge) {
		return nil // Tree.Faults tells
	}
	out := map[string]string{}
	for l := range strings.Lines(string(b)) {
		if f := strings.Fields(l); len(f) == 2 && len(f[0]) == 2*md5.Size {
			out[f[1]] = f[0]
		}
	}
	return out
}

// Residue is bytes of the machine's disks that no live file owns.
type Residue struct {
	Volume string
	What   string      // "free", "tails", "log", "swap", "container"
	Bytes  io.ReaderAt // of the volume, or of the container's file
	// Ranges are what to read of Bytes. An error says why it cannot be told.
	Ranges func() (Ranges, error)
}

// Ranges is a set of byte ranges.
type Ranges = span.Set
