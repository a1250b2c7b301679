// Package probe finds out which file system a volume holds and opens it.
//
// In: a volume's bytes. Out: an fsys.FS, or binread.ErrNotMine when nobody
// knows it. May touch: what it is handed. Never: reads files.
// Next room: guest.
package probe
