// Package volume cuts the flat bytes of a machine's disks into volumes.
//
// In: one io.ReaderAt a disk. Out: Layout: every volume with its bytes, what
// it seems to hold and where it lies on the disks; what lies between; what
// cannot be opened, by name. May touch: what it is handed. Never: reads a file
// system beyond the signature that names it. Next room: fsys.
package volume
