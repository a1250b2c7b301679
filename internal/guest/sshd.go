package guest

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
}

// A Setting is one effective value and where it comes from. Path is "" for
// sshd's own default.
type Setting struct {
	Value string
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

// sshdBlock is the part between two Match lines.
type sshdBlock struct {
	criteria string
	settings []sshdLine
}

type sshdLine struct {
	key, value string
	path       string
	line       int
}
