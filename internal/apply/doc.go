// Package apply is the only hand that writes into a guest: it runs a plan over
// file systems that can be edited.
//
// In: a plan, the guest's tree over fsys.Editors. Out: the edits, made through
// the editors, and what became of each step. May touch: the editors it is
// given. Never: does what the plan does not say, follows a symbolic link out of
// the guest, goes on after a surprise. Next room: the verb, which commits,
// scrubs and inspects again.
package apply
