package guest

import (
	"errors"
	"slices"
	"strconv"

	"assay/internal/artefact/passwd"
)

// defaultMin is UID_MIN where login.defs does not say (shadow-utils).
const defaultMin = 1000

func (g *Guest) readAccounts() (Accounts, error) {
	var errs []error
	read := func(name string) []byte {
		b, err := g.Read(name)
		errs = append(errs, err)
		return b
	}
	a := Accounts{Min: g.uidMin()}
	users := passwd.Users(read("/etc/passwd"))
	shadows := shadowsByName(passwd.Shadows(read("/etc/shadow")))
	groups := passwd.Groups(read("/etc/group"))
	a.Groups = joinGroups(groups, passwd.GShadows(read("/etc/gshadow")))

	named := map[string]bool{}
	for _, u := range users {
		if u.Compat() {
			a.Compat = append(a.Compat, u.Line)
			continue
		}
		named[u.Name] = true
		x := Account{Name: u.Name, UID: u.UID, GID: u.GID, Gecos: u.Gecos, Home: u.Home, Shell: u.Shell, Line: u.Line}
		x.setPassword(u.Password, shadows[u.Name])
		x.Groups = groupsOf(u, groups)
		a.Users = append(a.Users, x)
	}
	a.Orphans = orphans(shadows, named)
	g.setOrigins(&a)
	g.setSudo(&a)
	return a, errors.Join(errs...)
}

// uidMin is the first uid that useradd gives to people.
func (g *Guest) uidMin() uint32 {
	for _, name := range []string{"/etc/login.defs", "/usr/etc/login.defs"} {
		b, err := g.Read(name)
		if err != nil || b == nil {
			continue
		}
		if v, err := strconv.ParseUint(passwd.Defs(b)["UID_MIN"], 0, 32); err == nil && v > 0 {
			return uint32(v)
		}
	}
	return defaultMin
}

func shadowsByName(lines []passwd.Shadow) map[string][]passwd.Shadow {
	m := map[string][]passwd.Shadow{}
	for _, s := range lines {
		m[s.Name] = append(m[s.Name], s)
	}
	return m
}

// orphans are the shadow lines that no lookup of an account reaches: those
// without a passwd line, and those behind the first of the same name.
func orphans(shadows map[string][]passwd.Shadow, named map[string]bool) []Account {
	var out []Account
	for name, lines := range shadows {
		if named[name] {
			lines = lines[1:]
		}
		for _, s := range lines {
			x := Account{Name: name, ShadowLine: s.Line, HashInFile: "/etc/shadow", Expired: expired(s.Expire)}
			x.Password, x.Hash = state(s.Password)
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b Account) int { return a.ShadowLine - b.ShadowLine })
	return out
}

// setPassword says what the password field of passwd and the first shadow line
// of the name allow together, as pam_unix and busybox read them: a field of
// passwd counts by itself unless it is "x" (or "*", which busybox takes for
// "x" too; counting it here errs on the side of telling).
func (a *Account) setPassword(field string, lines []passwd.Shadow) {
	a.HashInFile = "/etc/passwd"
	if len(lines) > 0 {
		a.ShadowLine, a.Expired = lines[0].Line, expired(lines[0].Expire)
	}
	refers := field == "x" || field == "##"+a.Name
	switch {
	case (refers || field == "*") && len(lines) > 0:
		a.HashInFile = "/etc/shadow"
		a.Password, a.Hash = state(lines[0].Password)
	case refers:
		a.Password = Shadowed
	default:
		a.Password, a.Hash = state(field)
	}
}

// state says what one password field allows.
func state(field string) (PasswordState, string) {
	if field == "" {
		return EmptyPassword, ""
	}
	if passwd.Scheme(field) != "" {
		return SetPassword, field
	}
	if hash, locked := passwd.Unlock(field); locked && passwd.Scheme(hash) != "" {
		return LockedHash, hash
	}
	return NoPassword, ""
}

func expired(day string) bool { return day == "1" || day == "0" }

// groupsOf names the groups of u: its primary group, then the others by name.
func groupsOf(u passwd.User, groups []passwd.Group) []string {
	var first, rest []string
	for _, gr := range groups {
		switch {
		case gr.GID == u.GID && len(first) == 0:
			first = append(first, gr.Name)
		case slices.Contains(gr.Members, u.Name) && !slices.Contains(rest, gr.Name):
			rest = append(rest, gr.Name)
		}
	}
	rest = slices.DeleteFunc(rest, func(s string) bool { return slices.Contains(first, s) })
	slices.Sort(rest)
	return append(first, rest...)
}

// joinGroups gives each group the password state of gshadow, or of group. An
// empty field is no way in: only members may use the group (gshadow(5)).
func joinGroups(groups []passwd.Group, shadows []passwd.GShadow) []Group {
	var out []Group
	for _, gr := range groups {
		x := Group{Name: gr.Name, GID: gr.GID, Members: gr.Members, Line: gr.Line}
		field := gr.Password
		i := slices.IndexFunc(shadows, func(s passwd.GShadow) bool { return s.Name == gr.Name })
		switch {
		case i >= 0 && (field == "x" || field == "*"):
			x.ShadowLine = shadows[i].Line
			x.Password, x.Hash = state(shadows[i].Password)
		case field == "x":
			x.Password = Shadowed
		default:
			x.Password, x.Hash = state(field)
		}
		if x.Password == EmptyPassword {
			x.Password = NoPassword
		}
		out = append(out, x)
	}
	return out
}
