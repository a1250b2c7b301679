package xfs

import (
	"assay/internal/binread"
	"assay/internal/span"
)

// A LogState is what the log was like when the file system was opened.
type LogState struct {
	Where    span.Span // of the internal log on the volume
	Clean    bool      // unmounted properly, or never used
	Replayed bool      // dirty, and replayed in memory
	Reason   string    // why a log that may be dirty was not replayed; "" if it needed none or was

	// What was replayed. Stale counts the items that were older than what is
	// on the disk, or whose buffer was freed later.
	Transactions, Buffers, Inodes, Chunks, Stale int
	// Unfinished counts by kind the intents that the kernel would finish after
	// replay: what they would free or remap is still as before.
	Unfinished map[string]int

	frees  []blockRun // extents of unfinished frees
	owners bool       // extent trees changed their owner: blocks that say who that is are not replayed so
}

// A blockRun is a run of file system blocks.
type blockRun struct{ block, count uint64 }

// recoverLog finds out whether the log is dirty and replays it if so. The
// overlay is filled completely or not at all.
func (fs *FS) recoverLog() {
	if fs.logStart == 0 {
		fs.log.Reason = "xfs: the log is on another device, so unfinished writes are not known"
		return
	}
	n := int64(fs.logBlocks) << fs.blockLog
	off, ok := fs.blockRange(fs.logStart, uint64(fs.logBlocks))
	if !ok || off > fs.dev.size-n {
		fs.log.Reason = binread.Errorf(format, 48, "the log of %d blocks at %#x is out of range", fs.logBlocks, fs.logStart).Error()
		return
	}
	fs.log.Where = span.Span{Off: off, Len: n}
	l := &ring{dev: fs.dev.base, off: off, n: n / sector}
	ends, err := l.find()
	if err == nil && ends.clean {
		fs.log.Clean = true
		return
	}
	fs.dev.pages = map[int64][]byte{}
	if err == nil {
		err = newReplayer(fs, l).run(ends)
	}
	if err != nil {
		fs.dev.pages = nil
		fs.log = LogState{Where: fs.log.Where, Reason: err.Error()}
		return
	}
	fs.log.Replayed = true
}
