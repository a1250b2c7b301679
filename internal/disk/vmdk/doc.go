// Package vmdk reads VMware disk images: sparse extents (monolithicSparse,
// twoGbMaxExtentSparse), compressed ones (streamOptimized) and flat ones named
// by a descriptor. Disks with a parent, devices and ESX's own sparse formats
// are recognised and refused.
//
// In: the image file's bytes; an opener for the extents that a descriptor
// names. Out: image.Image. May touch: the readers it is handed. Never: passes
// on a name that is more than a plain file name. Next room: disk.
//
// Specification: VMware, "Virtual Disk Format 5.0" (2011); offsets of the
// sparse header are from its struct SparseExtentHeader. All integers are
// little-endian.
package vmdk
