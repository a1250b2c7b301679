// Package account judges who can log in to a Linux machine and what of former
// accounts is left: passwords, accounts, copies of the account files, rights.
//
// In: a guest. Out: findings about accounts. May touch: the guest. Never: lets
// a password or a hash out, says which published password fits, locks with
// "!" (sshd without PAM then refuses keys too) or empties a field (that is a
// login without a password). Next room: the verbs.
package account

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
