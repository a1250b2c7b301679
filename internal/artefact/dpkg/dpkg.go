package dpkg

import (
	"bytes"
	"io"
	"strings"
)

// A Package is one stanza of /var/lib/dpkg/status.
type Package struct {
	Name, Arch string
	Version    string
	Status     string // "install ok installed"
	Conffiles  []Conffile
}

// A Conffile is a configuration file as the package brought it.
type Conffile struct {
	Path string
	MD5  string // lower-case hex; "" when dpkg knows none yet
}

// Status reads the status file. Stanzas without a name are skipped.
func Status(b []byte) []Package {
	var out []Package
	var p Package
	conffiles := false
	flush := func() {
		if p.Name != "" {
			out = append(out, p)
		}
		p, conffiles = Package{}, false
	}
	for l := range strings.Lines(string(b)) {
		l = strings.TrimRight(l, "\r\n")
		switch {
		case l == "":
			flush()
			continue
		case l[0] == ' ' || l[0] == '\t':
			if conffiles {
				p.conffile(l)
			}
			continue
		}
		key, value, _ := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		conffiles = strings.EqualFold(key, "Conffiles")
		switch strings.ToLower(key) {
		case "package":
			p.Name = value
		case "architecture":
			p.Arch = value
		case "version":
			p.Version = value
		case "status":
			p.Status = value
		}
	}
	flush()
	return out
}

// conffile reads " /path md5 [obsolete|remove-on-upgrade]". A path may hold
// blanks, so the fields are taken from the right.
func (p *Package) conffile(l string) {
	f := strings.Fields(l)
	for len(f) > 0 && (f[len(f)-1] == "obsolete" || f[len(f)-1] == "remove-on-upgrade") {
		f = f[:len(f)-1]
	}
	if len(f) < 2 || f[0][0] != '/' {
		return
	}
	sum := f[len(f)-1]
	if !hex32(sum) {
		sum = "" // "newconffile"
	}
	p.Conffiles = append(p.Conffiles, Conffile{strings.Join(f[:len(f)-1], " "), sum})
}

func hex32(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 32
}

// Paths calls yield for each absolute path of a .list file but the root.
func Paths(b []byte, yield func(path string)) {
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimRight(l, "\r\n"); len(l) > 1 && l[0] == '/' && l != "/." {
			yield(l)
		}
	}
}

// MD5Sums calls yield for each line of a .md5sums file, with an absolute path
// and the sum in lower-case hex.
func MD5Sums(b []byte, yield func(path, sum string)) {
	for l := range strings.Lines(string(b)) {
		l = strings.TrimRight(l, "\r\n")
		if len(l) > 34 && hex32(l[:32]) {
			yield("/"+strings.TrimPrefix(strings.TrimLeft(l[32:], " *"), "./"), l[:32])
		}
	}
}

// A Diversion moves one path of every package but Package.
type Diversion struct {
	From, To string
	Package  string // ":" when an administrator made it, for all packages
}

// Diversions reads /var/lib/dpkg/diversions: three lines each.
func Diversions(b []byte) []Diversion {
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	var out []Diversion
	for ; len(lines) >= 3; lines = lines[3:] {
		out = append(out, Diversion{lines[0], lines[1], lines[2]})
	}
	return out
}

// Digests calls yield for each SHA256 of a repository's index (a Packages file)
// with its hexadecimal digits, which are valid during the call only. An index
// has tens of megabytes, so it is read in pieces; where reading fails it ends.
func Digests(r io.Reader, yield func(hex []byte)) {
	const field, piece, longest = "\nSHA256: ", 256 << 10, 80
	b := make([]byte, 0, piece+longest)
	for end := false; !end; {
		n, err := io.ReadFull(r, b[len(b):len(b)+piece])
		b, end = b[:len(b)+n], err != nil
		at := 0
		for {
			i := bytes.Index(b[at:], []byte(field))
			if i < 0 || !end && at+i+longest > len(b) {
				break
			}
			at += i + len(field)
			line := b[at:]
			if e := bytes.IndexByte(line, '\n'); e >= 0 {
				line = line[:e]
			}
			yield(line)
		}
		at = max(at, len(b)-longest)
		b = b[:copy(b, b[at:])]
	}
}
