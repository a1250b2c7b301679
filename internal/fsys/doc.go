// Package fsys is the waist between a volume's bytes and a tree of names.
//
// In: nothing itself; its children ext4, xfs, fat, ntfs, btrfs, hostfs and
// memfs implement FS. Out: FS (read only), the capabilities that some file
// systems add (Extenter, FreeSpace, Inodes), and Tree, several file systems
// mounted together, in which symbolic links never leave the guest.
// May touch: what it is handed. Never: opens host files, writes, judges.
// Next room: guest.
package fsys
