// Package system judges what a Windows machine is: whether Sysprep has made an
// image of it, whether an instance would get a password of its own, what
// Alibaba Cloud's agents and other services have left, and whether its registry
// can be read at all.
//
// In: a guest. Out: findings, and gaps for hives that cannot be read. May touch:
// the guest. Never: shows a key or a script's secrets. Next room: the verbs.
package system

import (
	"encoding/hex"

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

// setNumber is the edit that makes a DWORD another one.
func setNumber(h *guest.Hive, key, value string, n byte) finding.Edit {
	e := h.Edit(finding.RegSetValue, key, value)
	e.With = hex.EncodeToString([]byte{n, 0, 0, 0})
	return e
}
