// Package cloud judges the credential files of clouds and of the tools people
// log in with: command line tools, registries, database clients, browsers.
//
// In: a guest. Out: findings, one a file, with the lines of the secrets. May
// touch: the guest. Never: calls a cloud to ask whether a credential still
// works. Next room: the verbs.
package cloud

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
