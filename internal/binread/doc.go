// Package binread reads untrusted structures within bounds.
//
// In: an io.ReaderAt or a byte slice from a stranger. Out: integers, slices
// and errors that name the byte offset. May touch: memory. Never: allocates
// what the input says without a bound, panics, or opens anything.
// Next room: disk, volume, fsys and artefact, which give the bytes meaning.
package binread
