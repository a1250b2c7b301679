// Package fat reads FAT12, FAT16 and FAT32 file systems with long names (VFAT).
//
// In: a volume's bytes. Out: fsys.FS with Extents and Free. May touch: what it
// is handed. Never: follows a cluster chain without a bound; reading never
// writes. Next room: guest, by way of fsys.Tree; apply, for the Editor.
//
// NewEditor makes changes, through an fsys.Patch, on a volume whose FAT was
// proven first: equal copies, and no cluster in two chains. A file that becomes
// shorter gives its clusters back, as a chain longer than its file is an error.
//
// FAT has no inode numbers: a Node is the byte offset of a file's directory
// entry. It records local times without a zone; they are given as if they were
// UTC. Short names are decoded as code page 437, Linux' default. A directory
// ends at its first entry that begins with zero, as Microsoft's document says;
// Linux looks further and would show what an odd writer left behind it.
//
// Source of all offsets: Microsoft, FAT: General Overview of On-Disk Format,
// version 1.03 (fatgen103); for what it leaves open, Linux fs/fat.
package fat
