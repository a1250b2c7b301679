// Package osrelease reads os-release(5), and the one line of redhat-release
// that came before it.
//
// In: the bytes of one file. Out: names and values. May touch: memory. Never:
// runs the shell whose syntax the file has, or judges. Next room: guest.
package osrelease
