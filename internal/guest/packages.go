package guest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"assay/internal/artefact/apk"
	"assay/internal/artefact/dpkg"
	"assay/internal/artefact/sysusers"
	"assay/internal/fsys"
)

// Bounds of a package database.
const (
	maxDatabase = 64 << 20 // bytes of one text file of it
	maxOwned    = 4 << 20  // paths
	maxScripts  = 64 << 20 // bytes of an archive of scripts
)

// Packages says which files the system's packages own, from dpkg, rpm (sqlite,
// ndb, Berkeley DB) or apk.
type Packages struct {
	System string // "dpkg", "rpm", "apk", or "" when none is found
	Count  int
	// Problem says why the database could not be read, "" if it could.
	Problem string

	table   *ownerTable
	scripts func(yield func(sysusers.Names, string))
}

// A PackageFile is what a package database says of one file.
type PackageFile struct {
	Package string
	Algo    string // "md5", "sha1", "sha256", … of Digest; "" when the database keeps none
	Digest  string // lower-case hex
	Config  bool   // a configuration file that people are expected to change
}

// Owner returns the package that owns the file at a clean absolute path.
// Paths under a merged /usr are found under both names.
func (p *Packages) Owner(path string) (PackageFile, bool) {
	if p.table == nil {
		return PackageFile{}, false
	}
	return p.table.find(path)
}

// eachScript calls fn with the accounts that each package's installation
// scripts make, and the package.
func (p *Packages) eachScript(fn func(sysusers.Names, string)) {
	if p.scripts != nil {
		p.scripts(fn)
	}
}

func (p *Packages) problem(err error) {
	if err != nil && p.Problem == "" {
		p.Problem = err.Error()
	}
}

// readPackages must not ask for accounts or homes: they ask for it.
func (g *Guest) readPackages() *Packages {
	p := &Packages{table: &ownerTable{canon: g.canonical()}}
	switch {
	case g.Exists("/var/lib/dpkg/status") || g.Exists("/var/lib/dpkg/status.d"):
		p.System = "dpkg"
		g.readDpkg(p)
	case g.readRPM(p):
		p.System = "rpm"
	case g.Exists("/lib/apk/db/installed") || g.Exists("/usr/lib/apk/db/installed"):
		p.System = "apk"
		g.readAPK(p)
	}
	p.table.finish()
	if p.table.cut {
		p.problem(fmt.Errorf("more than %d paths: the rest is not known", maxOwned))
	}
	return p
}

// merged are the directories that distributions have replaced by links over
// the years.
var merged = []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr/sbin", "/usr/lib64", "/var/run", "/var/lock"}

// canonical returns a function that gives a path the name it has with those
// links resolved.
func (g *Guest) canonical() func(string) string {
	var from, to []string
	for _, d := range merged {
		m, err := g.Tree.Lstat(d)
		if err != nil || m.Kind != fsys.Symlink {
			continue
		}
		if _, resolved, err := g.Tree.Lookup(d, true); err == nil && resolved != d && resolved != "/" {
			from, to = append(from, d), append(to, resolved)
		}
	}
	return func(name string) string {
		for i, d := range from {
			if rest, ok := strings.CutPrefix(name, d); ok && (rest == "" || rest[0] == '/') {
				name = to[i] + rest
			}
		}
		return name
	}
}

// An ownerTable finds the package of a path. It keeps hashes instead of paths:
// 16 bytes a path and its digest. Whoever could plan a collision of hashes
// could as well write the database.
type ownerTable struct {
	canon   func(string) string
	rows    []ownerRow // by hash after finish
	digests []byte
	packs   []ownerPack
	cut     bool
}

type ownerRow struct {
	hash   uint64
	pack   uint32 // index into packs; the top bit is Config
	digest uint32 // offset in digests plus one; 0 for none
}

type ownerPack struct{ name, algo string }

const configBit = 1 << 31

var digestSize = map[string]int{"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}

// pack begins a package whose digests are of one algorithm.
func (t *ownerTable) pack(name, algo string) {
	t.packs = append(t.packs, ownerPack{name, algo})
}

// add adds a path of the last package.
func (t *ownerTable) add(name, digest string, config bool) {
	if len(t.rows) >= maxOwned {
		t.cut = true
		return
	}
	p := len(t.packs) - 1
	r := ownerRow{hash: hashPath(t.canon(name)), pack: uint32(p)}
	if size := digestSize[t.packs[p].algo]; size > 0 && len(digest) == 2*size {
		if raw, err := hex.DecodeString(digest); err == nil {
			r.digest = uint32(len(t.digests)) + 1
			t.digests = append(t.digests, raw...)
		}
	}
	if config {
		r.pack |= configBit
	}
	t.rows = append(t.rows, r)
}

// finish sorts the table. Of several owners of a path one with a digest stays,
// else the first: directories belong to many.
func (t *ownerTable) finish() {
	slices.SortStableFunc(t.rows, func(a, b ownerRow) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(min(b.digest, 1), min(a.digest, 1)))
	})
	t.rows = slices.Clip(slices.CompactFunc(t.rows, func(a, b ownerRow) bool { return a.hash == b.hash }))
}

func (t *ownerTable) find(name string) (PackageFile, bool) {
	i, ok := slices.BinarySearchFunc(t.rows, hashPath(t.canon(name)), func(r ownerRow, h uint64) int { return cmp.Compare(r.hash, h) })
	if !ok {
		return PackageFile{}, false
	}
	r := t.rows[i]
	p := t.packs[r.pack&^configBit]
	f := PackageFile{Package: p.name, Config: r.pack&configBit != 0}
	if r.digest > 0 {
		at := int(r.digest) - 1
		f.Algo, f.Digest = p.algo, hex.EncodeToString(t.digests[at:at+digestSize[p.algo]])
	}
	return f, true
}

// hashPath is FNV-1a with 64 bits.
func hashPath(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

const dpkgInfo = "/var/lib/dpkg/info/"

// readDpkg reads dpkg's database, or the one of images without dpkg, which
// keeps a file for each package in status.d.
func (g *Guest) readDpkg(p *Packages) {
	read := func(name string) []byte {
		b, err := g.Tree.ReadFile(name, maxDatabase)
		if err != nil && !errors.Is(err, fsys.ErrNotExist) && !errors.Is(err, fsys.ErrNotDir) {
			p.problem(err)
		}
		return b
	}
	moved := map[string]dpkg.Diversion{}
	for _, d := range dpkg.Diversions(read("/var/lib/dpkg/diversions")) {
		moved[d.From] = d
	}
	one := func(pack dpkg.Package, list, sums []byte) {
		if strings.HasSuffix(pack.Status, "not-installed") {
			return
		}
		p.Count++
		p.table.pack(pack.Name, "md5")
		place := func(name string) string {
			if d, ok := moved[name]; ok && d.Package != pack.Name {
				return d.To
			}
			return name
		}
		md5 := map[string]string{}
		dpkg.MD5Sums(sums, func(name, sum string) { md5[name] = sum })
		config := map[string]bool{}
		for _, c := range pack.Conffiles {
			config[c.Path], md5[c.Path] = true, c.MD5
		}
		if list == nil { // status.d has no lists
			for name, sum := range md5 {
				p.table.add(place(name), sum, config[name])
			}
		}
		dpkg.Paths(list, func(name string) { p.table.add(place(name), md5[name], config[name]) })
	}
	for _, pack := range dpkg.Status(read("/var/lib/dpkg/status")) {
		name := dpkgInfo + pack.Name
		list := read(name + ".list")
		if list == nil { // packages of several architectures at once
			name += ":" + pack.Arch
			list = read(name + ".list")
		}
		if list == nil {
			list = []byte{}
		}
		one(pack, list, read(name+".md5sums"))
	}
	es, _ := g.Tree.ReadDir("/var/lib/dpkg/status.d") // Index reports what cannot be read
	for _, e := range es {
		if name := "/var/lib/dpkg/status.d/" + e.Name; path.Ext(e.Name) != ".md5sums" {
			for _, pack := range dpkg.Status(read(name)) {
				one(pack, nil, read(name+".md5sums"))
			}
		}
	}
	p.scripts = func(yield func(sysusers.Names, string)) { g.dpkgScripts(yield) }
}

func (g *Guest) dpkgScripts(yield func(sysusers.Names, string)) {
	es, _ := g.Tree.ReadDir(dpkgInfo) // Index reports what cannot be read
	for _, e := range es {
		if ext := path.Ext(e.Name); ext == ".postinst" || ext == ".preinst" {
			b, _ := g.Read(dpkgInfo + e.Name)
			name, _, _ := strings.Cut(strings.TrimSuffix(e.Name, ext), ":")
			yield(sysusers.Script(b), name)
		}
	}
}

func (g *Guest) readAPK(p *Packages) {
	dir := "/lib/apk/db/"
	if !g.Exists(dir + "installed") {
		dir = "/usr/lib/apk/db/"
	}
	b, err := g.Tree.ReadFile(dir+"installed", maxDatabase)
	p.problem(err)
	last := apk.File{}
	p.Count = apk.Parse(b, func(f apk.File) {
		if f.Package != last.Package || f.Algo != last.Algo || len(p.table.packs) == 0 {
			p.table.pack(f.Package, f.Algo)
			last = f
		}
		p.table.add(f.Path, f.Digest, strings.HasPrefix(f.Path, "/etc/") && !strings.HasPrefix(f.Path, "/etc/init.d/"))
	})
	p.scripts = func(yield func(sysusers.Names, string)) { g.apkScripts(dir+"scripts.tar", yield) }
}

// apkScripts reads the archive of installation scripts, whose entries are
// named PACKAGE-VERSION.HASH.pre-install.
func (g *Guest) apkScripts(name string, yield func(sysusers.Names, string)) {
	b, err := g.Tree.ReadFile(name, maxScripts)
	if err != nil {
		return // none, or Index reports it
	}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err != nil {
			return
		}
		pack, _, ok := strings.Cut(h.Name, ".pre-install")
		if !ok {
			pack, _, ok = strings.Cut(h.Name, ".post-install")
		}
		if script, err := io.ReadAll(io.LimitReader(r, ReadLimit)); ok && err == nil {
			yield(sysusers.Script(script), apkName(pack))
		}
	}
}

// apkName takes version and hash off "nginx-1.26.1-r0.Q1abc=".
func apkName(s string) string {
	for i := 1; i+1 < len(s); i++ {
		if s[i] == '-' && s[i+1] >= '0' && s[i+1] <= '9' {
			return s[:i]
		}
	}
	return s
}
