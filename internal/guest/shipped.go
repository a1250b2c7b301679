package guest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"

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
		return false
	}
	h := digests[own.Algo]()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil {
		return false
	}
	return hex.EncodeToString(h.Sum(nil)) == own.Digest
}

// Residue is bytes of the machine's disks that no live file owns.
type Residue struct {
	Volume string
	What   string      // "free", "log", "swap", "container"
	Bytes  io.ReaderAt // of the volume, or of the container's file
	// Ranges are what to read of Bytes. An error says why it cannot be told.
	Ranges func() (Ranges, error)
}

// Ranges is a set of byte ranges.
type Ranges = span.Set
