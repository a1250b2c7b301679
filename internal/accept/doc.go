// Package accept knows what the user knows already: findings and gaps accepted
// with a reason and an expiry date, and those of an earlier report.
//
// In: the bytes of an ignore file or of a stored stream; a date. Out: List,
// which marks findings and gaps as accepted. May touch: memory. Never: opens
// files, reads the clock, drops anything: what is accepted is still shown.
// Next room: the verbs.
package accept
