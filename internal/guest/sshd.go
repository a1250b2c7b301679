package guest

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"assay/internal/artefact/sshdconf"
)

// SSHD is what OpenSSH's server of this machine would do, resolved the way
// sshd does it: Include in place, the first value wins, Match blocks apply per
// user. See sshd_config(5).
type SSHD struct {
	Installed bool
	// Files are the configuration files that were read, in order.
	Files []string
	// Unread are files that were named but could not be read.
	Unread []string
	blocks []sshdBlock
	groups func(user string) []string
	home   func(user string) string
	uid    func(user string) string
}

// A Setting is one effective value and where it comes from. Value is the
// arguments without quotes, one blank between them (commands such as
// AuthorizedKeysCommand are as written); words from a fixed list are in lower
// case, and "without-password" is "prohibit-password". Path is "" for sshd's
// own default.
type Setting struct {
	Value string
	Args  []string // one by one; they may hold blanks
	Path  string
	Line  int
	Match string // the criteria of the Match block it stands in, "" outside
}

// An SSHDUser is what applies to one user who connects from anywhere.
// Criteria that depend on the client (Address, Host, LocalPort, RDomain) are
// taken as "may match": a value that only such a block sets is in Maybe.
type SSHDUser struct {
	settings map[string][]Setting
	Maybe    map[string][]Setting
}

// sshdBlock is a run of lines under the same conditions.
type sshdBlock struct {
	criteria string
	// under are the criteria of all Match lines that it stands under: more than
	// one when a file is included in a Match block.
	under    [][]sshdconf.Criterion
	settings []sshdLine
}

type sshdLine struct {
	key, value string
	args       []string
	path       string
	line       int
}

// All returns the effective settings of a keyword in lower case: one, or
// several for keywords that add up (AllowUsers, HostKey, …); sshd's default
// when no line sets it; none for a keyword without a known default.
func (u *SSHDUser) All(key string) []Setting {
	if s := u.settings[key]; len(s) > 0 {
		return s
	}
	if v, ok := sshdDefaults[key]; ok {
		return []Setting{{Value: v, Args: strings.Fields(v)}}
	}
	return nil
}

// Get returns the first of All, or a zero Setting.
func (u *SSHDUser) Get(key string) Setting {
	if s := u.All(key); len(s) > 0 {
		return s[0]
	}
	return Setting{}
}

// For returns what applies to a user. "" stands for anybody whom no Match line
// names.
func (s *SSHD) For(user string) *SSHDUser {
	global, matched := map[string][]Setting{}, map[string][]Setting{}
	u := &SSHDUser{settings: global, Maybe: map[string][]Setting{}}
	for _, b := range s.blocks {
		applies, certain := s.applies(b, user)
		if !applies {
			continue
		}
		everybody := b.everybody()
		for _, l := range b.settings {
			v := Setting{l.value, l.args, l.path, l.line, b.criteria}
			switch {
			case len(b.under) == 0 || everybody && !sshdMatchable[l.key]:
				put1(global, l.key, v)
			case !sshdMatchable[l.key]: // sshd refuses to start
			case certain:
				put1(matched, l.key, v)
			case len(matched[l.key]) == 0 || sshdLists[l.key]:
				u.Maybe[l.key] = append(u.Maybe[l.key], v)
			}
		}
	}
	for key, v := range matched {
		global[key] = v
	}
	return u
}

// put1 keeps the first value, or all of a keyword that adds up.
func put1(m map[string][]Setting, key string, v Setting) {
	if len(m[key]) == 0 || sshdLists[key] {
		m[key] = append(m[key], v)
	}
}

func (b sshdBlock) everybody() bool {
	for _, cs := range b.under {
		if len(cs) != 1 || cs[0].Name != "all" {
			return false
		}
	}
	return true
}

// applies reports whether a block may apply to a user, and whether it does so
// wherever the user comes from.
func (s *SSHD) applies(b sshdBlock, user string) (may, certain bool) {
	certain = true
	for _, cs := range b.under {
		for _, c := range cs {
			switch c.Name {
			case "all":
			case "user":
				if sshdconf.List(user, c.Value) != 1 {
					return false, false
				}
			case "group":
				if !sshdconf.Groups(s.groups(user), c.Value) {
					return false, false
				}
			case "invalid-user":
				return false, false
			default: // depends on the client, or is newer than this code
				certain = false
			}
		}
	}
	return true, certain
}

// Expand replaces the tokens %%, %h, %u and %U in a value for a user, and joins
// a relative result to the user's home, as sshd does for AuthorizedKeysFile and
// its kin.
func (s *SSHD) Expand(value, user string) string {
	home := s.home(user)
	name := strings.NewReplacer("%%", "%", "%h", home, "%u", user, "%U", s.uid(user)).Replace(value)
	if !strings.HasPrefix(name, "/") {
		name = home + "/" + name
	}
	return path.Clean(name)
}

// AuthorizedKeysFiles returns the files in which sshd looks for keys of a user,
// whoever connects from wherever, in order. They need not exist.
func (s *SSHD) AuthorizedKeysFiles(user string) []string {
	u := s.For(user)
	var out []string
	for _, v := range append(slices.Clone(u.All("authorizedkeysfile")), u.Maybe["authorizedkeysfile"]...) {
		for _, f := range v.Args {
			if name := s.Expand(f, user); !strings.EqualFold(f, "none") && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// HostKeys returns the paths of the private host keys that sshd would load, or
// its default ones. They need not exist.
func (s *SSHD) HostKeys() []string {
	var out []string
	for _, v := range s.For("").All("hostkey") {
		out = append(out, v.Args...)
	}
	return out
}

// account finds the first account of a name.
func (g *Guest) account(name string) (Account, bool) {
	a, _ := g.Accounts() // the error is a gap of whoever lists accounts
	i := slices.IndexFunc(a.Users, func(u Account) bool { return u.Name == name })
	if i < 0 {
		return Account{}, false
	}
	return a.Users[i], true
}

func (g *Guest) readSSHD() *SSHD {
	s := &SSHD{
		groups: func(user string) []string { a, _ := g.account(user); return a.Groups },
		home:   func(user string) string { a, _ := g.account(user); return a.Home },
		uid: func(user string) string {
			a, ok := g.account(user)
			if !ok {
				return ""
			}
			return strconv.FormatUint(uint64(a.UID), 10)
		},
	}
	for _, bin := range []string{"/usr/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd", "/usr/local/sbin/sshd"} {
		s.Installed = s.Installed || g.Exists(bin)
	}
	r := sshdReader{g: g, s: s}
	r.read()
	return s
}
