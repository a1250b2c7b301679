// Package image is what the readers of disk-image formats share: the contract
// of a disk as flat bytes, the walk over runs, a bounded cache.
//
// In: a format's map from virtual to host offsets. Out: ReadAt, ranges that
// hold data. May touch: memory and the io.ReaderAt it is handed. Never: knows
// a format, opens anything. Next room: the format packages beside it, disk.
package image
