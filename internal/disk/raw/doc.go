// Package raw reads disk images that are the disk's bytes themselves.
//
// In: any io.ReaderAt. Out: image.Image. May touch: the reader it is handed.
// Never: says "not mine", so it comes last in a chain of probes.
// Next room: disk.
package raw
