package apk

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// A File is one file of one package.
type File struct {
	Package string
	Path    string // absolute
	Algo    string // "sha1" or "sha256"; "" when there is no sum
	Digest  string // lower-case hex
}

// Parse calls yield for each file in the order of the database, and returns
// the number of packages. The lines are those of apk's database.c: "P:" begins
// a package, "F:" names a directory, "R:" a file in it, "Z:" that file's sum.
// The sum of a symbolic link is that of its target's name.
func Parse(b []byte, yield func(File)) int {
	var f File
	dir, packages := "", 0
	flush := func() {
		if f.Path != "" {
			yield(f)
		}
		f.Path, f.Algo, f.Digest = "", "", ""
	}
	for l := range strings.Lines(string(b)) {
		l = strings.TrimRight(l, "\r\n")
		if len(l) < 2 || l[1] != ':' {
			flush()
			continue
		}
		value := l[2:]
		switch l[0] {
		case 'P':
			flush()
			f.Package, dir = value, ""
			packages++
		case 'F':
			flush()
			if dir = "/" + value; value != "" {
				dir += "/"
			}
		case 'R':
			flush()
			if f.Package != "" && dir != "" && value != "" {
				f.Path = dir + value
			}
		case 'Z':
			f.Algo, f.Digest = sum(value)
		}
	}
	flush()
	return packages
}

// sum reads "Q1" or "Q2" and a SHA-1 or (truncated to 20 bytes or whole)
// SHA-256 in base64. Only whole sums are given.
func sum(s string) (algo, digest string) {
	if len(s) < 2 {
		return "", ""
	}
	raw, err := base64.StdEncoding.DecodeString(s[2:])
	switch {
	case err == nil && s[:2] == "Q1" && len(raw) == 20:
		return "sha1", hex.EncodeToString(raw)
	case err == nil && s[:2] == "Q2" && len(raw) == 32:
		return "sha256", hex.EncodeToString(raw)
	}
	return "", ""
}
