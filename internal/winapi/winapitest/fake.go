package winapitest

import (
	"fmt"
	"os"
	"path/filepath"

	"assay/internal/winapi"
)

// A Fake is a winapi.API without a Windows. Calls lists what was asked of it,
// in order, as "ClearLog Security".
type Fake struct {
	Drive  string // "C:" if empty
	Is     winapi.State
	Loaded []winapi.Hive
	Saved  map[string][]byte            // content of hives by key
	Temp   string                       // below which PrivateDir makes its folder
	Dirs   []string                     // that PrivateDir made
	Names  map[string][]string          // values of keys
	Below  map[string][]string          // keys below keys
	Data   map[string]map[string][]byte // of values, by key and name
	Fail   map[string]error             // by call, as in Calls
	Calls  []string
}

var _ winapi.API = (*Fake)(nil)

func (f *Fake) call(name string, args ...any) error {
	s := name
	for _, a := range args {
		s += " " + fmt.Sprint(a)
	}
	f.Calls = append(f.Calls, s)
	if err, ok := f.Fail[s]; ok {
		return err
	}
	return f.Fail[name]
}

// SystemDrive implements winapi.API, as all methods below do.
func (f *Fake) SystemDrive() string {
	if f.Drive == "" {
		return "C:"
	}
	return f.Drive
}

// Privileges is a call.
func (f *Fake) Privileges() error { return f.call("Privileges") }

// State returns Is.
func (f *Fake) State() (winapi.State, error) { return f.Is, f.Fail["State"] }

// Hives returns Loaded.
func (f *Fake) Hives() ([]winapi.Hive, error) { return f.Loaded, f.Fail["Hives"] }

// PrivateDir makes a folder in Temp.
func (f *Fake) PrivateDir() (string, error) {
	dir := filepath.Join(f.Temp, fmt.Sprintf("assay-private-%d", len(f.Dirs)))
	f.Dirs = append(f.Dirs, dir)
	return dir, os.MkdirAll(dir, 0o700)
}

// SaveHive writes what Saved holds.
func (f *Fake) SaveHive(key, file string) error {
	if err := f.Fail["SaveHive "+key]; err != nil {
		return err
	}
	b, ok := f.Saved[key]
	if !ok {
		return winapi.ErrNotFound
	}
	return os.WriteFile(file, b, 0o600)
}

// DeleteValue is a call.
func (f *Fake) DeleteValue(key, name string) error { return f.call("DeleteValue", key, name) }

// DeleteKey is a call.
func (f *Fake) DeleteKey(key string) error { return f.call("DeleteKey", key) }

// SetValue is a call.
func (f *Fake) SetValue(key, name string, data []byte) error {
	return f.call("SetValue", key, name, fmt.Sprintf("%x", data))
}

// Values returns Names.
func (f *Fake) Values(key string) ([]string, error) {
	if v, ok := f.Names[key]; ok {
		return v, nil
	}
	return nil, winapi.ErrNotFound
}

// Keys returns Below.
func (f *Fake) Keys(key string) ([]string, error) {
	if v, ok := f.Below[key]; ok {
		return v, nil
	}
	return nil, winapi.ErrNotFound
}

// Value returns Data.
func (f *Fake) Value(key, name string) ([]byte, error) {
	if v, ok := f.Data[key][name]; ok {
		return v, nil
	}
	return nil, winapi.ErrNotFound
}

// OpenOnce opens a file that has no name from then on.
func (f *Fake) OpenOnce(file string) (*os.File, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	return r, os.Remove(file)
}

// LoadHive is a call.
func (f *Fake) LoadHive(key, file string) error { return f.call("LoadHive", key, file) }

// UnloadHive is a call.
func (f *Fake) UnloadHive(key string) error { return f.call("UnloadHive", key) }

// ForgetComment is a call.
func (f *Fake) ForgetComment(name string) error { return f.call("ForgetComment", name) }

// LockAccount is a call.
func (f *Fake) LockAccount(name string, disable bool) error {
	return f.call("LockAccount", name, disable)
}

// DeletePrivateData is a call.
func (f *Fake) DeletePrivateData(name string) error { return f.call("DeletePrivateData", name) }

// DeleteCredentials is a call.
func (f *Fake) DeleteCredentials() (int, error) { return 0, f.call("DeleteCredentials") }

// DeleteProfile is a call.
func (f *Fake) DeleteProfile(sid string) error { return f.call("DeleteProfile", sid) }

// ClearLog is a call.
func (f *Fake) ClearLog(channel string) error { return f.call("ClearLog", channel) }

// DeleteAtRestart is a call.
func (f *Fake) DeleteAtRestart(file string) error { return f.call("DeleteAtRestart", file) }

// DeleteJournal is a call.
func (f *Fake) DeleteJournal(drive string) error { return f.call("DeleteJournal", drive) }

// Run is a call.
func (f *Fake) Run(c winapi.Command) error { return f.call("Run", c.Program, c.Args) }
