// Package registry judges what programs keep in the registry of the machine and
// of its users: saved sessions and passwords of clients, passwords in
// environment variables, traces of what people opened, certificates.
//
// In: a guest. Out: findings. May touch: the guest. Never: shows a value that
// may be a secret. Next room: the verbs.
package registry

import (
	"assay/check"
	"assay/finding"
	"assay/internal/guest"
)

// Check is a rule over one machine.
type Check = check.Check[*guest.Guest]

// Pass is one run of it.
type Pass = check.Pass[*guest.Guest]

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

// at makes a finding about a key or value of a hive.
func at(h *guest.Hive, key string) finding.Finding {
	return finding.Finding{Where: h.At(key), Anchor: key}
}

// A user is one part of the registry that belongs to somebody.
type user struct {
	*guest.Hive
	name string
}

// users are the registries of all profiles.
func users(w *guest.WindowsGuest) (out []user) {
	for _, p := range w.Profiles() {
		if h := p.Hive(); h.Path != "" && h.Err == nil {
			out = append(out, user{h, p.Name})
		}
	}
	return out
}

// everywhere are the registries of all users, and SOFTWARE of the machine with
// paths that begin there too.
func everywhere(w *guest.WindowsGuest) []user {
	return append([]user{{w.Hive("SOFTWARE"), ""}}, users(w)...)
}

// under is the path of a key below Software, in the hive of a user or of the
// machine: the machine's hive is Software.
func (u user) under(key string) string {
	if u.name == "" {
		return key
	}
	return `Software\` + key
}
