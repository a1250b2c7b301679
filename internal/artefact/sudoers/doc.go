// Package sudoers reads sudoers(5): who may run what, aliases, includes, and
// the Defaults that do away with the password.
//
// In: the bytes of one file. Out: its entries as written, with line numbers.
// May touch: memory. Never: opens an included file, resolves an alias, judges,
// or fails: an entry that is no sudoers grammar is skipped. Next room: guest.
package sudoers
