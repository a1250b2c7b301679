package guest

import "assay/internal/fsys"

// Accounts is what passwd, shadow, group and gshadow say together.
type Accounts struct {
	Users  []Account // in the order of /etc/passwd
	Groups []Group
	// Orphans are shadow lines without a passwd line, and those behind the first
	// line of the same name: no login reaches them. Only Name and the fields of
	// the password are set.
	Orphans []Account
	// Compat are the lines of /etc/passwd that begin with "+" or "-": where
	// nsswitch.conf says "compat", they admit users of a directory service.
	Compat []int
	// Min is UID_MIN of /etc/login.defs, or 1000.
	Min uint32
}

// An Origin says who made an account, so far as the machine's own files tell.
type Origin string

// The origins.
const (
	Distribution Origin = "distribution" // base-passwd and the like: part of the system
	Package      Origin = "package"      // a package or a sysusers.d file of a package declares it
	CloudInit    Origin = "cloud-init"   // the default user of cloud.cfg, made again at first boot
	UnknownUser  Origin = ""             // nobody the machine knows of: a person made it
)

// A PasswordState says what a password field allows. The hash itself is in
// Account.Hash and must never leave the machine in clear.
type PasswordState string

// The states.
const (
	NoPassword    PasswordState = "none"     // "*", "!!" or another string that no password matches
	EmptyPassword PasswordState = "empty"    // login without a password
	SetPassword   PasswordState = "set"      // a usable crypt(3) hash
	LockedHash    PasswordState = "locked"   // a usable hash behind "!": one unlock away, and crackable
	Shadowed      PasswordState = "shadowed" // passwd field "x" without a shadow line
)

// An Account is one local login.
type Account struct {
	Name     string
	UID, GID uint32
	Gecos    string
	Home     string
	Shell    string
	Line     int // in /etc/passwd, 1-based

	Password   PasswordState
	Hash       string // the crypt(3) string when SetPassword or LockedHash, without the lock
	HashInFile string // "/etc/shadow" or "/etc/passwd": where the field stands
	ShadowLine int    // 0 when there is none
	Expired    bool   // the account's expiry date (shadow field 8) is 0 or 1, the usual "disabled"; other dates are not judged

	Groups []string // primary first, then by name
	Origin Origin
	Maker  string // what declares it: a package, a sysusers.d file, cloud.cfg
	// Sudo are the rules of sudoers that apply, directly or by group.
	Sudo []SudoRule
}

// Login reports whether the account's shell lets a person in.
func (a Account) Login() bool { return loginShell(a.Shell) }

// A SudoRule is one rule of /etc/sudoers or what it includes.
type SudoRule struct {
	Path     string // file
	Line     int
	Who      string // as written: "deploy", "%wheel", "ALL", "#1000"
	NoPasswd bool
	All      bool // may run any command as root
}

// A Group is one line of /etc/group.
type Group struct {
	Name       string
	GID        uint32
	Members    []string
	Password   PasswordState // of gshadow or group
	Hash       string        // as Account.Hash
	Line       int           // in /etc/group
	ShadowLine int           // in /etc/gshadow where Password comes from it, or 0
	Origin     Origin
}

// A Home is one directory in which people leave things.
type Home struct {
	Path  string   // resolved, clean
	Users []string // whose home it is; empty for an orphan
	Skel  bool     // /etc/skel
	Place fsys.Place
}

// User names the first user of h for a finding's Where.
func (h Home) User() string {
	if len(h.Users) > 0 {
		return h.Users[0]
	}
	return ""
}
