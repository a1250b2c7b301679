// Package sysusers reads who makes system accounts: sysusers.d(5) files, and
// the calls of useradd, adduser, groupadd and addgroup in the scripts that
// packages run when they are installed.
//
// In: the bytes of one file. Out: names of users and groups. May touch: memory.
// Never: runs a script, or judges. Next room: guest.
package sysusers
