package winapi

import (
	"errors"
	"os"
)

// ErrNotFound says that the key, value, account, secret or log is not there.
var ErrNotFound = errors.New("not found")

// A Hive is a registry hive that Windows has loaded.
type Hive struct {
	Key  string // "HKLM\SAM", "HKU\S-1-5-21-…"
	File string // its file on the drive of the system, with slashes from there: "/Windows/System32/config/SAM"
}

// A State is what decides whether a running Windows may be cleaned.
type State struct {
	User             string   // the account that runs this process, without its domain
	SID              string   // of that account
	Elevated         bool     // it has an administrator's token
	DomainController bool     // accounts are in a directory, not in the SAM
	Domain           string   // that the machine is joined to, "" for none
	Pending          []string // why Windows waits for a restart, one reason each
}

// A Command is a program of Windows that has no call of its own.
type Command struct {
	Program string   // below System32: "vssadmin.exe", `Sysprep\sysprep.exe`
	Args    []string // each without quotes
}

// An API is one running Windows. Methods that change something either do it or
// return an error that says what Windows answered; what is not there is or
// wraps ErrNotFound. Registry keys are full names that begin with HKLM or HKU.
// Implementations are for one goroutine.
type API interface {
	// SystemDrive is the drive that Windows runs from: "C:".
	SystemDrive() string
	// Privileges enables the rights to read and write past access lists
	// (SeBackupPrivilege, SeRestorePrivilege) and to manage logs
	// (SeSecurityPrivilege). Accounts that lack them get an error.
	Privileges() error
	// State asks how the machine is set up and who asks.
	State() (State, error)

	// Hives lists the loaded hives whose files are on the system's drive.
	Hives() ([]Hive, error)
	// PrivateDir makes an empty folder below the system's folder of temporary
	// files that only administrators may read, and returns its path. The caller
	// removes it.
	PrivateDir() (string, error)
	// SaveHive writes a loaded hive to a new file. It holds no deleted cells
	// and needs no log.
	SaveHive(key, file string) error
	// OpenOnce opens a file that is gone when it is closed, and also when this
	// process ends before that.
	OpenOnce(file string) (*os.File, error)
	// LoadHive loads the file of a hive that nobody uses as a key right below
	// HKU; UnloadHive writes what was changed and lets the file go. A restart
	// does that too.
	LoadHive(key, file string) error
	UnloadHive(key string) error

	// DeleteValue deletes a value of a key; the name "" is the default value.
	DeleteValue(key, name string) error
	// DeleteKey deletes a key with all below it.
	DeleteKey(key string) error
	// SetValue gives an existing value new data of the same type.
	SetValue(key, name string, data []byte) error
	// Values lists the names of a key's values, and Keys those of the keys right
	// below it.
	Values(key string) ([]string, error)
	Keys(key string) ([]string, error)
	// Value is the data of a value, as it stands in the registry.
	Value(key, name string) ([]byte, error)

	// LockAccount gives a local account a password that nobody knows, and
	// disables it if that is asked for.
	LockAccount(name string, disable bool) error
	// ForgetComment empties the description and the full name of a local account.
	ForgetComment(name string) error
	// DeletePrivateData deletes a secret of the LSA.
	DeletePrivateData(name string) error
	// DeleteCredentials deletes what Credential Manager keeps for the account
	// that runs this process, and returns how many there were.
	DeleteCredentials() (int, error)
	// DeleteProfile deletes the profile of an account that is not logged on.
	DeleteProfile(sid string) error
	// ClearLog empties an event log.
	ClearLog(channel string) error
	// DeleteAtRestart has Windows delete a file that is in use when it starts
	// next. The path is absolute.
	DeleteAtRestart(file string) error
	// DeleteJournal deletes the change journal of a drive ("C:").
	DeleteJournal(drive string) error
	// Run runs a command to its end without input or output; a status other
	// than 0 is an error.
	Run(c Command) error
}
