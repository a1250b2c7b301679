// Package qcow2 reads QEMU copy-on-write images, versions 2 and 3.
//
// In: the image file's bytes; an opener for the backing file when the caller
// allows one. Out: image.Image, and which ranges of the file no active
// structure refers to. May touch: the reader it is handed. Never: opens a name
// that a header holds, decrypts, repairs. Next room: disk.
//
// The format is specified in QEMU's docs/interop/qcow2.rst (formerly
// qcow2.txt); every offset here is from there.
package qcow2
