// Package passwd reads passwd(5), shadow(5), group(5), gshadow(5) and
// login.defs(5), and names the crypt(5) scheme of a password field.
//
// In: the bytes of one file. Out: its lines as values, with line numbers. May
// touch: memory. Never: joins the files, judges, or fails: a line that glibc's
// files service would skip is skipped here. Next room: guest.
package passwd
