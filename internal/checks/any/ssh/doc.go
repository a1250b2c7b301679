// Package ssh judges the keys and settings by which SSH lets people in or out:
// authorized keys wherever sshd reads them, private keys by content, host keys,
// settings, and the traces of clients.
//
// In: a guest. Out: findings about keys. May touch: the guest. Never: lets a
// private key out, removes host keys that nothing would make anew, removes the
// TLS key of a server. Next room: the verbs.
package ssh

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
