// Package memfs is a file system in memory, for tests of everything above fsys.
//
// In: a list of files. Out: an fsys.FS. May touch: memory. Never: is imported
// by product code. Next room: guest, through fsys.Tree.
package memfs
