// Package mbr reads master boot records with their extended partitions.
//
// In: the bytes of a disk. Out: Table: primary and logical partitions as byte
// ranges, where the table itself lies, and what is broken in it. May touch:
// what it is handed. Never: reads what is inside a partition. Next room: volume.
//
// Blocks are taken to have 512 bytes: the table does not say, and images of
// disks with larger ones carry a GPT. Source of the offsets and of the walk
// through extended partitions: Linux block/partitions/msdos.c.
package mbr
