// Package sig names what a range of bytes holds by its signature.
//
// In: the bytes of a disk, a partition or a logical volume. Out: Content: the
// name of the format, its UUID and label as blkid prints them, and whether it
// is encrypted or a member of a set. May touch: what it is handed, some
// hundred kilobytes of it. Never: reads files, checks more than it must to
// tell formats apart. Next room: volume.
package sig
