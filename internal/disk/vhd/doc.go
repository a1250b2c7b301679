// Package vhd reads and writes Virtual Hard Disk images (Virtual PC, Hyper-V,
// Azure): fixed and dynamic ones. Differencing disks are recognised and refused.
//
// In: the image file's bytes; for writing, an image.Image and an empty file.
// Out: image.Image, or the file. May touch: the reader and the file it is
// handed. Never: opens a parent, repairs, changes an image in place. Next room:
// disk.
//
// Specification: Microsoft, "Virtual Hard Disk Image Format Specification",
// version 1.0 (2006). All integers are big-endian.
package vhd
