// Package account judges who can log on to a Windows machine, and with what:
// local accounts, their passwords, the secrets that Windows keeps for services
// and automatic logons, profiles of people, settings that let somebody in.
//
// In: a guest. Out: findings. May touch: the guest. Never: shows a hash or a
// password. Next room: the verbs.
package account

import (
	"encoding/hex"

	"assay/check"
	"assay/finding"
	"assay/internal/artefact/regf"
	"assay/internal/guest"
)

// Check is a rule over one machine.
type Check = check.Check[*guest.Guest]

// Pass is one run of it.
type Pass = check.Pass[*guest.Guest]

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

// at makes a finding about something in a hive that has a name of its own, such
// as an account.
func at(h *guest.Hive, name string) finding.Finding {
	return finding.Finding{Where: h.Where(), Anchor: name}
}

// atKey makes a finding about a key or value of a hive.
func atKey(h *guest.Hive, key string) finding.Finding {
	return finding.Finding{Where: h.At(key), Anchor: key}
}

// setText is the edit that makes a text value another one, no longer.
func setText(h *guest.Hive, key, value, text string) finding.Edit {
	e := h.Edit(finding.RegSetValue, key, value)
	e.With = hex.EncodeToString(regf.UTF16(text + "\x00"))
	return e
}

// setNumber is the edit that makes a DWORD another one.
func setNumber(h *guest.Hive, key, value string, n byte) finding.Edit {
	e := h.Edit(finding.RegSetValue, key, value)
	e.With = hex.EncodeToString([]byte{n, 0, 0, 0})
	return e
}
