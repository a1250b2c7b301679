package fleet

import (
	"context"
	"time"

	"assay/finding"
	"assay/internal/remote"
)

// An Owner says whose a key or an account is.
type Owner string

// The owners. Only Unknown and Published keys are removed.
const (
	Unknown   Owner = ""
	New       Owner = "new"       // the key that this fix brings
	Bound     Owner = "bound"     // the key pair that the cloud has bound to the instance
	Trusted   Owner = "trusted"   // in the user's list of trusted keys, or a declared user
	Published Owner = "published" // anybody can download the private half
	System    Owner = "system"    // an account of the distribution or of a package
	CloudInit Owner = "cloud-init"
)

// A Key is one line of a file from which sshd takes login keys.
type Key struct {
	Users       []string // whom it lets in; empty for a home whose account is gone
	Path        string   // resolved
	Line        int
	Type        string // "ssh-ed25519"
	Bits        int
	Fingerprint string // "SHA256:…"
	Comment     string
	Options     []string // names of its options
	Blob        string   // the second field, base 64, as it stands in the file
	Owner       Owner
	By          string // which list, key pair or publication names it
}

// An Account is one local account.
type Account struct {
	Name     string
	UID, GID uint32
	Home     string
	Login    bool   // its shell lets people in
	Password string // "none", "empty", "set", "locked", "shadowed"
	Sudo     bool   // may become root
	Owner    Owner
	By       string // the package, or the file that declares it
	KeyFiles []string
}

// Facts are what is known of an instance when a fix is planned.
type Facts struct {
	Accounts []Account
	Keys     []Key
	SSHD     SSHD
}

// SSHD is what must be known to change sshd's settings.
type SSHD struct {
	Main    string // path of the main file, resolved
	Text    string // its content
	Dropins []File // what its first Include brings, in order
	// Methods is AuthenticationMethods of the user who logs in, "" or "any"
	// for sshd's default.
	Methods string
	// Barred is the setting by which the files keep that user out, "" for none.
	Barred string
}

// A File is a file with its content.
type File struct{ Path, Text string }

// Account finds an account by name.
func (f *Facts) Account(name string) (Account, bool) {
	for _, a := range f.Accounts {
		if a.Name == name {
			return a, true
		}
	}
	return Account{}, false
}

// A Door is the instance's SSH server as the world outside sees it. Every
// method opens connections of its own.
type Door interface {
	// Enter logs in with the new key and nothing else, and becomes root.
	Enter(ctx context.Context) (remote.Shell, error)
	// Knock asks which of these keys (base 64 blobs) the server would take
	// from user, and whether it offers to take a password. An error means
	// that there was no answer.
	Knock(ctx context.Context, user string, blobs []string) (taken []bool, password bool, err error)
	// Old tries the credentials that the fix replaces and that are known here.
	// It names those that still open the door.
	Old(ctx context.Context) ([]string, error)
}

// An Event tells how far a fix is.
type Event struct {
	Step  string
	Title finding.Text
	State State
	Err   error
}

// A State is that of a step.
type State string

// The states of a step.
const (
	Started  State = "started"
	Done     State = "done"
	Failed   State = "failed"
	Undone   State = "undone"     // everything is as it was
	Kept     State = "kept"       // the new key is in, and stays bound; the old credentials work as before
	LeftToIt State = "left-to-it" // the guard on the machine will restore everything
)

// DefaultRollback is how long the guard waits for the proof.
const DefaultRollback = 5 * time.Minute
