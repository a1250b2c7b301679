package guest

import "assay/internal/artefact/sysusers"

// Packages says which files the system's packages own, from dpkg, rpm (sqlite,
// ndb, Berkeley DB) or apk.
type Packages struct {
	System string // "dpkg", "rpm", "apk", or "" when none is found
	Count  int
	// Problem says why the database could not be read, "" if it could.
	Problem string

	owner   func(path string) (PackageFile, bool)
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
	if p.owner == nil {
		return PackageFile{}, false
	}
	return p.owner(path)
}

// eachScript calls fn with the accounts that each package's installation
// scripts make, and the package.
func (p *Packages) eachScript(fn func(sysusers.Names, string)) {
	if p.scripts != nil {
		p.scripts(fn)
	}
}
