// Package history judges what people typed and opened: histories of shells and
// clients, editor traces, terminal logs, trash, and the answers that installers
// keep.
//
// In: a guest. Out: findings, one a file, with the lines that look like they
// hold a credential. May touch: the guest. Never: shows a line without masking
// what it recognised. Next room: the verbs.
package history

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
