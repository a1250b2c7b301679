package guest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"
	"slices"
	"strings"

	"assay/internal/artefact/dpkg"
	"assay/internal/fsys"
)

const (
	aptArchives = "/var/cache/apt/archives"
	aptLists    = "/var/lib/apt/lists"
	// maxListed bounds how many packages of apt's indexes are known by digest,
	// 16 bytes each. What is over it is opened and read instead.
	maxListed = 1 << 20
)

// A debCache knows the installed packages that apt has left in its cache.
type debCache struct {
	installed map[string]bool // "coreutils_9.1-1_amd64.deb"
	digests   [][16]byte      // first half of the sha256 of what the indexes list, sorted
}

// Cached reports whether a file is an installed package's archive in apt's
// cache, byte for byte as the repository's index lists it: each file in it is
// owned by that package, so it holds nothing that is not the vendor's.
func (g *Guest) Cached(name string, f fsys.File) bool {
	if path.Dir(name) != aptArchives || path.Ext(name) != ".deb" {
		return false
	}
	c := g.debs()
	if !c.installed[path.Base(name)] || len(c.digests) == 0 {
		return false
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.Size())); err != nil {
		return false
	}
	_, ok := slices.BinarySearchFunc(c.digests, [16]byte(h.Sum(nil)), compareDigests)
	return ok
}

func compareDigests(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }

// readDebs reads apt's indexes, if anything of theirs is in the cache. Indexes
// that are compressed are left out: what they list is opened.
func (g *Guest) readDebs() debCache {
	c := debCache{installed: map[string]bool{}}
	status, err := g.Tree.ReadFile("/var/lib/dpkg/status", maxDatabase)
	if err != nil {
		return c // Packages tells
	}
	for _, p := range dpkg.Status(status) {
		if strings.HasSuffix(p.Status, " ok installed") {
			c.installed[p.Name+"_"+strings.ReplaceAll(p.Version, ":", "%3a")+"_"+p.Arch+".deb"] = true
		}
	}
	lists, _ := g.Tree.ReadDir(aptLists) // Index reports what cannot be read
	for _, e := range lists {
		if !strings.HasSuffix(e.Name, "_Packages") {
			continue
		}
		f, err := g.Tree.Open(path.Join(aptLists, e.Name))
		if err != nil {
			continue // Tree.Faults tells
		}
		dpkg.Digests(io.NewSectionReader(f, 0, f.Size()), func(sum []byte) {
			var d [16]byte
			if len(c.digests) < maxListed && len(sum) == 2*sha256.Size {
				if _, err := hex.Decode(d[:], sum[:2*len(d)]); err == nil {
					c.digests = append(c.digests, d)
				}
			}
		})
	}
	slices.SortFunc(c.digests, compareDigests)
	return c
}
