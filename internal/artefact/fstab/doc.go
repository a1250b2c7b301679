// Package fstab reads the table of file systems, fstab(5).
//
// In: the bytes of /etc/fstab. Out: its entries. May touch: memory. Never:
// judges, resolves devices. Next room: guest.
package fstab
