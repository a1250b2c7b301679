package guest

import (
	"errors"
	"io"
	"path"

	"assay/internal/artefact/rpmdb"
	"assay/internal/artefact/sqlite"
	"assay/internal/artefact/sysusers"
	"assay/internal/binread"
)

// rpmDirs are where rpm keeps its database: the classic place, that of systems
// whose /usr is an image, and rpm-ostree's.
var rpmDirs = []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"}

// readRPM fills p from the first rpm database that there is.
func (g *Guest) readRPM(p *Packages) bool {
	for _, dir := range rpmDirs {
		for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
			f, err := g.Tree.Open(path.Join(dir, name))
			if err != nil {
				continue // none, or Index reports it
			}
			g.rpmFile(p, path.Join(dir, name), f, f.Size())
			return true
		}
	}
	return false
}

func (g *Guest) rpmFile(p *Packages, name string, r io.ReaderAt, size int64) {
	type made struct {
		names sysusers.Names
		pack  string
	}
	var scripts []made
	one := func(blob []byte) error {
		h, err := rpmdb.Parse(blob)
		if err != nil {
			p.problem(err)
			return nil
		}
		if h.Name == "gpg-pubkey" { // a key, kept as if it were a package
			return nil
		}
		p.Count++
		p.table.pack(h.Name, h.Algo)
		for _, f := range h.Files {
			p.table.add(f.Path, f.Digest, f.Config)
		}
		for _, s := range h.Scripts {
			if n := sysusers.Script([]byte(s)); len(n.Users)+len(n.Groups) > 0 {
				scripts = append(scripts, made{n, h.Name})
			}
		}
		return nil
	}
	var err error
	switch path.Base(name) {
	case "rpmdb.sqlite":
		err = g.rpmSQLite(name, r, size, one)
	case "Packages.db":
		err = rpmdb.NDB(r, size, one)
	default:
		err = rpmdb.BDB(r, size, one)
	}
	if errors.Is(err, binread.ErrNotMine) {
		err = errors.New(name + " is no rpm database")
	}
	p.problem(err)
	p.scripts = func(yield func(sysusers.Names, string)) {
		for _, s := range scripts {
			yield(s.names, s.pack)
		}
	}
}

// rpmSQLite reads the table Packages: a number and the header blob.
func (g *Guest) rpmSQLite(name string, r io.ReaderAt, size int64, one func([]byte) error) error {
	var wal io.ReaderAt
	walSize := int64(0)
	if w, err := g.Tree.Open(name + "-wal"); err == nil {
		wal, walSize = w, w.Size()
	}
	db, err := sqlite.Open(r, size, wal, walSize)
	if err != nil {
		return err
	}
	return db.Table("Packages", func(row sqlite.Row) error {
		if len(row.Values) < 2 {
			return nil
		}
		if blob, ok := row.Values[1].([]byte); ok {
			return one(blob)
		}
		return nil
	})
}
