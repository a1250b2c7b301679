package guest

import (
	"errors"
	"path"
	"strings"
	"sync"

	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/artefact/sam"
	"assay/internal/fsys"
)

// maxHive bounds a hive that is read into memory. SOFTWARE of a server that has
// been updated for years has some 200 MB.
const maxHive = 256 << 20

// A WindowsGuest answers what only a machine with Windows has: registry, profiles,
// local accounts.
type WindowsGuest struct {
	g *Guest
	// Root is the directory of the system, such as "/Windows".
	Root string

	mu    sync.Mutex
	hives map[string]*Hive // by path in lower case

	profiles func() []Profile
	accounts func() ([]sam.Account, error)
	boot     func() *sam.Key
}

// Windows returns what is special to Windows, or nil for another system.
func (g *Guest) Windows() *WindowsGuest { return g.windows() }

func (g *Guest) readWindows() *WindowsGuest {
	if !windowsRoot(g.Tree) {
		return nil
	}
	w := &WindowsGuest{g: g, Root: "/Windows", hives: map[string]*Hive{}}
	if _, resolved, err := g.Tree.Lookup("/Windows", true); err == nil {
		w.Root = resolved
	}
	w.profiles = sync.OnceValue(w.readProfiles)
	w.boot = sync.OnceValue(w.readBoot)
	w.accounts = sync.OnceValues(func() ([]sam.Account, error) { return sam.Accounts(w.Hive("SAM").Hive, w.boot()) })
	return w
}

// A Hive is one registry hive of the machine, recovered from its logs.
type Hive struct {
	*regf.Hive        // never nil; without keys when the hive is missing or unreadable
	Path       string // of its file, "" when there is none
	Volume     string
	Err        error    // why it could not be read
	Logs       []string // files beside it that hold older pages of it
}

// Hive opens one of the machine's own hives, by its name in System32\config:
// "SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT", "COMPONENTS".
func (w *WindowsGuest) Hive(name string) *Hive { return w.HiveAt(w.Root + "/System32/config/" + name) }

// HiveAt opens the hive at an absolute path of the guest, once.
func (w *WindowsGuest) HiveAt(name string) *Hive {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := strings.ToLower(name)
	if w.hives[id] == nil {
		w.hives[id] = w.open(name)
	}
	return w.hives[id]
}

// logNames are the endings of transaction logs (see regf).
var logNames = []string{".LOG", ".LOG1", ".LOG2"}

func (w *WindowsGuest) open(name string) *Hive {
	h := &Hive{Hive: &regf.Hive{}}
	p, resolved, err := w.g.Tree.Lookup(name, true)
	if errors.Is(err, fsys.ErrNotExist) || errors.Is(err, fsys.ErrNotDir) {
		return h
	}
	h.Path = resolved
	if err == nil {
		h.Volume = w.g.Tree.VolumeOf(p)
	}
	b, err := w.g.Tree.ReadFile(resolved, maxHive)
	if err != nil {
		h.Err = err
		return h
	}
	var logs [][]byte
	for _, suffix := range logNames {
		if l, err := w.g.Tree.ReadFile(resolved+suffix, maxHive); err == nil && len(l) > 0 {
			logs = append(logs, l)
			_, file, _ := w.g.Tree.Lookup(resolved+suffix, true)
			h.Logs = append(h.Logs, file)
		}
	}
	if opened, err := regf.Open(b, logs...); err != nil {
		h.Err = err
	} else {
		h.Hive = opened
	}
	return h
}

// Edit makes the step of a fix that changes this hive.
func (h *Hive) Edit(op finding.Op, key, value string) finding.Edit {
	return finding.Edit{Op: op, Volume: h.Volume, Path: h.Path, Key: key, Value: value}
}

// Where is the place of this hive.
func (h *Hive) Where() finding.Where { return finding.Where{Volume: h.Volume, Path: h.Path} }

// At is the place of a key, or of a value, which lies in its file as a member
// lies in an archive.
func (h *Hive) At(key string) finding.Where {
	w := h.Where()
	if w.Path != "" {
		w.Path += "!/" + key
	}
	return w
}

// Hives lists the hives that exist: the machine's own, and two of each profile.
func (w *WindowsGuest) Hives() (out []*Hive) {
	for _, name := range []string{"SYSTEM", "SOFTWARE", "SAM", "SECURITY", "DEFAULT"} {
		if h := w.Hive(name); h.Path != "" {
			out = append(out, h)
		}
	}
	for _, p := range w.Profiles() {
		for _, h := range []*Hive{p.Hive(), p.Classes()} {
			if h.Path != "" {
				out = append(out, h)
			}
		}
	}
	return out
}

// ControlSet is the key of SYSTEM that Windows boots with, and its name.
func (w *WindowsGuest) ControlSet() (regf.Key, string) {
	h := w.Hive("SYSTEM")
	name := sam.ControlSet(h.Hive)
	return h.Key(name), name
}

func (w *WindowsGuest) readBoot() *sam.Key {
	k, err := sam.BootKey(w.Hive("SYSTEM").Hive)
	if err != nil {
		return nil
	}
	return &k
}

// BootKey opens the machine's own secrets; nil when SYSTEM does not give it.
func (w *WindowsGuest) BootKey() *sam.Key { return w.boot() }

// Accounts returns the local accounts. With an error it still returns what
// could be read.
func (w *WindowsGuest) Accounts() ([]sam.Account, error) { return w.accounts() }

// Path turns a path as Windows writes it into one of the tree, with the
// variables that name places of the system; "" when it lies on another drive
// or in a network.
func (w *WindowsGuest) Path(name string) string {
	name = strings.Trim(strings.TrimSpace(name), `"`)
	name = strings.TrimPrefix(name, `\??\`)
	lower := strings.ToLower(name)
	for variable, value := range map[string]string{"%systemroot%": `C:\Windows`, "%windir%": `C:\Windows`, `\systemroot`: `C:\Windows`, "%systemdrive%": "C:",
		"%programdata%": `C:\ProgramData`, "%allusersprofile%": `C:\ProgramData`, "%programfiles%": `C:\Program Files`} {
		if strings.HasPrefix(lower, variable) {
			name = value + name[len(variable):]
			break
		}
	}
	if len(name) < 3 || !strings.EqualFold(name[:2], "C:") {
		return ""
	}
	return path.Clean("/" + strings.ReplaceAll(name[2:], `\`, "/"))
}

// windowsOS names the version of Windows.
func (g *Guest) windowsOS() OS {
	os := OS{Family: Windows, ID: "windows", Name: "Windows"}
	w := g.Windows()
	if w == nil {
		return os
	}
	k := w.Hive("SOFTWARE").Key(`Microsoft\Windows NT\CurrentVersion`)
	if name := k.Text("ProductName"); name != "" {
		os.Name = name
	}
	os.Version = k.Text("CurrentBuildNumber")
	return os
}
