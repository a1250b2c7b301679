package guest

import (
	"path"
	"slices"
	"strings"

	"assay/internal/fsys"
)

// A ProfileKind says whose profile it is.
type ProfileKind string

// The kinds of profiles.
const (
	PersonProfile  ProfileKind = "person"
	ServiceProfile ProfileKind = "service" // SYSTEM, LocalService, NetworkService, of the system's own
	DefaultProfile ProfileKind = "default" // what new users begin with
	PublicProfile  ProfileKind = "public"
	OldProfile     ProfileKind = "old" // of the system before an upgrade, in Windows.old
)

// A Profile is one user's directory.
type Profile struct {
	Path  string // resolved
	Place fsys.Place
	Name  string // last element of Path
	SID   string // as ProfileList has it, "" when it does not list this directory
	Kind  ProfileKind

	w *WindowsGuest
}

// Hive is the user's part of the registry, NTUSER.DAT.
func (p Profile) Hive() *Hive { return p.w.HiveAt(p.Path + "/NTUSER.DAT") }

// Classes is the part of the user's registry that is kept apart for programs'
// file types and what the shell remembers, UsrClass.dat.
func (p Profile) Classes() *Hive {
	return p.w.HiveAt(p.Path + "/AppData/Local/Microsoft/Windows/UsrClass.dat")
}

// Profiles returns every profile that exists: those that the registry lists,
// those of the system's services, and all others in Users.
func (w *WindowsGuest) Profiles() []Profile { return w.profiles() }

const profileList = `Microsoft\Windows NT\CurrentVersion\ProfileList`

func (w *WindowsGuest) readProfiles() (out []Profile) {
	add := func(name, sid string, kind ProfileKind) {
		p, resolved, err := w.g.Tree.Lookup(name, true)
		if err != nil || slices.ContainsFunc(out, func(x Profile) bool { return x.Path == resolved }) {
			return
		}
		if m, err := w.g.Tree.Meta(p); err != nil || m.Kind != fsys.Directory {
			return
		}
		out = append(out, Profile{resolved, p, path.Base(resolved), sid, kind, w})
	}
	for _, k := range w.Hive("SOFTWARE").Key(profileList).Keys() {
		if dir := w.Path(k.Text("ProfileImagePath")); dir != "" {
			kind := PersonProfile
			if !strings.HasPrefix(k.Name(), "S-1-5-21-") && !strings.HasPrefix(k.Name(), "S-1-12-1-") { // local or domain; Entra ID
				kind = ServiceProfile
			}
			add(dir, k.Name(), kind)
		}
	}
	add(w.Root+"/System32/config/systemprofile", "S-1-5-18", ServiceProfile)
	for _, s := range []string{"LocalService", "NetworkService"} {
		add(w.Root+"/ServiceProfiles/"+s, "", ServiceProfile)
	}
	w.users("/Users", add, PersonProfile)
	w.users("/Windows.old/Users", add, OldProfile)
	return out
}

// users adds what lies in a directory of profiles.
func (w *WindowsGuest) users(dir string, add func(name, sid string, kind ProfileKind), person ProfileKind) {
	es, _ := w.g.Tree.ReadDir(dir) // the walk of Index reports what cannot be read
	for _, e := range es {
		kind := person
		switch strings.ToLower(e.Name) {
		case "all users", "default user": // junctions, to ProgramData and Default
			continue
		case "default":
			kind = DefaultProfile
		case "public":
			kind = PublicProfile
		}
		if e.Kind == fsys.Directory || e.Kind == fsys.Unknown {
			add(dir+"/"+e.Name, "", kind)
		}
	}
}

// homes are the profiles as homes.
func (w *WindowsGuest) homes() (out []Home) {
	for _, p := range w.Profiles() {
		out = append(out, Home{Path: p.Path, Users: []string{p.Name}, Skel: p.Kind == DefaultProfile, Place: p.Place})
	}
	return out
}
