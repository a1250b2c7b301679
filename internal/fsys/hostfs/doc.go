// Package hostfs is a directory of this host as a file system: a mounted tree,
// or "/" of the running system.
//
// In: a directory. Out: an fsys.FS that never leaves it, and an fsys.Editor for
// each mount of it. May touch: host files below that directory; an FS reads
// only, through os.Root, without changing access times where the kernel allows;
// an Editor writes, and then follows no link at all. Never: opens a device, FIFO
// or socket, follows a link out, crosses into another file system when told not
// to, executes anything. Next room: guest and apply, through fsys.Tree.
package hostfs
