// Package credfile makes findings of files that are known to hold secrets: it
// looks inside and speaks only when a secret is really set.
//
// In: a Pass and a table of files, each with its format and the keys that hold
// secrets. Out: one finding a file, with the lines of all its secrets. May
// touch: the guest through the Pass. Never: lets a secret out in clear, reads
// more than ReadLimit of a file, judges free text. Next room: checks.
package credfile
