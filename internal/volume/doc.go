// Package volume cuts the flat bytes of a machine's disks into volumes.
//
// In: one io.ReaderAt a disk. Out: Layout: every volume with its bytes, what
// it seems to hold and where it lies on the disks; what lies between; what
// cannot be opened, by name. For cleaning: Patch, a volume on the patches of
// its disks, and what no volume owns and may go. May touch: what it is handed.
// Never: reads a file system beyond the signature that names it, writes to a
// disk but through a Patch. Next room: fsys.
package volume
