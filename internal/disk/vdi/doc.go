// Package vdi reads VirtualBox disk images: dynamic and fixed ones. Undo and
// differencing images are recognised and refused.
//
// In: the image file's bytes. Out: image.Image. May touch: the reader it is
// handed. Never: opens a parent, repairs. Next room: disk.
//
// There is no written specification; the layout is that of VirtualBox's
// src/VBox/Storage/VDICore.h (VDIHEADER1) and of the comment at the head of
// QEMU's block/vdi.c. All integers are little-endian.
package vdi
