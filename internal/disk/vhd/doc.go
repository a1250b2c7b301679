// Package vhd reads Virtual Hard Disk images (Virtual PC, Hyper-V, Azure):
// fixed and dynamic ones. Differencing disks are recognised and refused.
//
// In: the image file's bytes. Out: image.Image. May touch: the reader it is
// handed. Never: opens a parent, repairs. Next room: disk.
//
// Specification: Microsoft, "Virtual Hard Disk Image Format Specification",
// version 1.0 (2006). All integers are big-endian.
package vhd
