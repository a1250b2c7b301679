// Package qcow2 reads QEMU copy-on-write images, versions 2 and 3, and writes
// compact ones of version 3.
//
// In: the image file's bytes; an opener for the backing file when the caller
// allows one; for writing, an image.Image and an empty file. Out: image.Image,
// and which ranges of the file no active structure refers to; or the file. May
// touch: the reader and the file it is handed. Never: opens a name that a
// header holds, decrypts, repairs, changes an image in place. Next room: disk.
//
// The format is specified in QEMU's docs/interop/qcow2.rst (formerly
// qcow2.txt); every offset here is from there.
package qcow2
