// Package memfs is a file system in memory: of what a running machine's probe
// brought, and for tests of everything above fsys.
//
// In: a list of files. Out: an fsys.FS. May touch: memory. Never: opens
// files of the host. Next room: guest, through fsys.Tree.
package memfs
