// Package gpt reads GUID partition tables.
//
// In: the bytes of a disk. Out: Table: the partitions as byte ranges, where
// the table itself lies, and what is broken in it. May touch: what it is
// handed. Never: reads what is inside a partition. Next room: volume.
//
// Source of all offsets: UEFI specification 2.10, section 5.3.
package gpt
