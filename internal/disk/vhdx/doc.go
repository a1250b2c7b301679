// Package vhdx reads Hyper-V virtual hard disks, version 2: fixed and dynamic
// ones. Differencing disks are recognised and refused.
//
// In: the image file's bytes. Out: image.Image; a log that was not played is
// played in memory first. May touch: the reader it is handed. Never: opens a
// parent, writes, repairs. Next room: disk.
//
// Specification: [MS-VHDX], "Virtual Hard Disk v2 (VHDX) File Format". All
// integers are little-endian. Section numbers in this package are its.
package vhdx
