// Package app judges configuration of servers and applications that is known
// to hold secrets. Free text and source code are the content engine's work.
//
// In: a guest. Out: findings, mostly for a person to act on: configuration
// belongs to the product. May touch: the guest. Never: removes a key that a
// service needs to start without saying what breaks. Next room: the verbs.
package app

import (
	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
	"assay/internal/guest"
)

// Check is a rule over one machine.
type Check = check.Check[*guest.Guest]

// Pass is one run of it.
type Pass = check.Pass[*guest.Guest]

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

// A file is the common case: keys of a known format.
type file = credfile.File
