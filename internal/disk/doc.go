// Package disk turns an image file into flat bytes, and flat bytes into an
// image file.
//
// In: the path of an image file, or an open file handed in by the sandbox.
// Out: Image: ReaderAt, Size, the ranges that hold data, and what is inside
// that a reader should know (internal snapshots, backing file). For Write: an
// Image and an empty open file, which becomes an image. May touch:
// the host files it is told to open, read only; a bounded spill file for
// compressed input. Never: follows a path that a header names unless the
// caller allows it, writes to an input, understands what the bytes mean.
// Next room: volume.
//
// The contract of an image is in the package image, the formats are in raw,
// qcow2, vhd, vhdx, vmdk and vdi beside it. Changes are laid over an image by
// overlay.
package disk
