// Package hostfs is a directory of this host as a file system: a mounted tree,
// or "/" of the running system.
//
// In: a directory. Out: an fsys.FS that never leaves it. May touch: host files
// below that directory, through os.Root, read only, without changing access
// times where the kernel allows. Never: opens a device, FIFO or socket, follows
// a link out, crosses into another file system when told not to, executes
// anything. Next room: guest, through fsys.Tree.
package hostfs
