package passwd

import (
	"math"
	"strings"
)

// A User is one line of passwd(5).
type User struct {
	Name, Password     string
	UID, GID           uint32
	Gecos, Home, Shell string
	Line               int // 1-based
}

// Compat reports whether the line is one of nsswitch's compat service ("+",
// "-name", "+@netgroup"): it is no account, but lets users of a NIS domain in
// or keeps them out.
func (u User) Compat() bool { return compat(u.Name) }

// A Shadow is one line of shadow(5).
type Shadow struct {
	Name, Password string
	Expire         string // field 8, days since 1970 or ""
	Line           int
}

// A Group is one line of group(5).
type Group struct {
	Name, Password string
	GID            uint32
	Members        []string
	Line           int
}

// A GShadow is one line of gshadow(5).
type GShadow struct {
	Name, Password  string
	Admins, Members []string
	Line            int
}

// Users reads /etc/passwd. As in glibc's files service, blanks before a line, comments
// and lines without two numbers are skipped, and missing fields at the end are
// empty. Lines of the compat service are kept even without numbers.
func Users(b []byte) []User {
	var out []User
	each(b, func(f []string, line int) {
		u := User{Name: f[0], Password: at(f, 1), Gecos: at(f, 4), Home: at(f, 5), Line: line}
		if len(f) > 6 {
			u.Shell = strings.Join(f[6:], ":") // glibc takes the rest of the line
		}
		uid, ok1 := number(at(f, 2))
		gid, ok2 := number(at(f, 3))
		if u.UID, u.GID = uid, gid; ok1 && ok2 || u.Compat() {
			out = append(out, u)
		}
	})
	return out
}

// Shadows reads /etc/shadow. A line needs a name and a password field.
func Shadows(b []byte) []Shadow {
	var out []Shadow
	each(b, func(f []string, line int) {
		if len(f) > 1 && !compat(f[0]) {
			out = append(out, Shadow{Name: f[0], Password: f[1], Expire: at(f, 7), Line: line})
		}
	})
	return out
}

// Groups reads /etc/group.
func Groups(b []byte) []Group {
	var out []Group
	each(b, func(f []string, line int) {
		if gid, ok := number(at(f, 2)); ok && !compat(f[0]) {
			out = append(out, Group{f[0], f[1], gid, list(at(f, 3)), line})
		}
	})
	return out
}

// GShadows reads /etc/gshadow.
func GShadows(b []byte) []GShadow {
	var out []GShadow
	each(b, func(f []string, line int) {
		if len(f) > 1 && !compat(f[0]) {
			out = append(out, GShadow{f[0], f[1], list(at(f, 2)), list(at(f, 3)), line})
		}
	})
	return out
}

// Defs reads /etc/login.defs: names and values. The last value of a name wins.
func Defs(b []byte) map[string]string {
	m := map[string]string{}
	for l := range strings.Lines(string(b)) {
		if f := strings.Fields(l); len(f) > 1 && f[0][0] != '#' {
			m[f[0]] = strings.Trim(f[1], `"`)
		}
	}
	return m
}

func compat(name string) bool { return name[0] == '+' || name[0] == '-' }

// each calls fn with the fields of every line that has a name.
func each(b []byte, fn func(fields []string, line int)) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		l = strings.TrimLeft(strings.TrimRight(l, "\r\n"), " \t")
		if l == "" || l[0] == '#' || l[0] == ':' || strings.IndexByte(l, 0) >= 0 {
			continue
		}
		fn(strings.Split(l, ":"), n)
	}
}

func at(f []string, i int) string {
	if i < len(f) {
		return f[i]
	}
	return ""
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

// number reads an id the way strtoul(3) does in glibc: blanks and a sign
// before it count, and what is over 32 bits becomes the largest. So " 0" and
// "+0" are superusers too.
func number(s string) (uint32, bool) {
	s = strings.TrimLeft(s, " \t\v\f\r")
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	var v uint64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = min(v*10+uint64(c-'0'), math.MaxUint32)
	}
	if neg && v != 0 {
		v = math.MaxUint32
	}
	return uint32(v), true
}
