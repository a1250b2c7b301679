// Package raw reads and writes disk images that are the disk's bytes themselves.
//
// In: any io.ReaderAt; for writing, an image.Image and an empty file. Out:
// image.Image, or the file. May touch: the reader and the file it is handed.
// Never: says "not mine", so it comes last in a chain of probes.
// Next room: disk.
package raw
