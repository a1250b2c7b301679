// Package dpkg reads the files of dpkg's database: status, diversions, and the
// lists and MD5 sums of packages.
//
// In: the bytes of one file. Out: its entries. May touch: memory. Never: joins
// the files, or judges. Next room: guest.
package dpkg
