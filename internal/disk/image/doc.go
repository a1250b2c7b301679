// Package image is what the readers and writers of disk-image formats share:
// the contract of a disk as flat bytes, the walk over runs, a bounded cache,
// the pass over all data that a writer makes.
//
// In: a format's map from virtual to host offsets; for a pass, an Image. Out:
// ReadAt, ranges that hold data; windows of data, in order. May touch: memory
// and the io.ReaderAt it is handed. It starts goroutines for a pass, and waits
// for them. Never: knows a format, opens anything. Next room: the format
// packages beside it, disk.
package image
