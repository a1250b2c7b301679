package fsys

import (
	"errors"
	"io"
)

// A Patch is a volume that remembers changes: reads see them, the bytes
// beneath are never written. Implementations lie on a disk's overlay.
type Patch interface {
	io.ReaderAt
	io.WriterAt
	// Zero makes n bytes at off read as zero. It costs no memory by the byte,
	// so a terabyte of free space is one call for each free run.
	Zero(off, n int64) error
}

// Errors of an Editor, beside those of an FS.
var (
	// ErrCannot says that this file system, or this file of it, has no safe
	// way to do what was asked: nothing was changed, and the caller may try a
	// weaker operation (Blank instead of Remove).
	ErrCannot = errors.New("this file system cannot do that safely")
	// ErrNoRoom says that the new content is longer than Room.
	ErrNoRoom = errors.New("the new content does not fit into the blocks of the old")
	// ErrUnsafe, wrapped by the error with which an editor refuses to open,
	// says that nothing may be written to this volume; the message says why
	// and what to do. The volume can still be read.
	ErrUnsafe = errors.New("this volume must not be written")
)

// An Editor changes one file system, offline, through a Patch. It is made by
// the package's NewEditor(p Patch, size int64), which opens the volume afresh,
// writes what an unfinished log holds, and refuses (ErrUnsafe) what it does not
// fully understand. It is for one goroutine.
//
// Every method either does all it says or changes nothing and returns an
// error; no method leaves a file system that fsck would complain of after
// Commit. All that the bytes of a changed file occupied before, its content,
// its longer tail, an entry's name, MUST be zero in the patch after Commit,
// unless somebody else owns them too (see Blank). The methods of FS see every
// change made so far. Nodes stay valid until they are removed. Times of a
// changed file stay as they are: a clean copy is made the same way twice.
type Editor interface {
	FS
	// Blank makes a regular file empty: size 0. Blocks that another file
	// shares (reflinks, snapshots) are zeroed once all their owners were
	// blanked or removed through this editor; what is left then is named in
	// Commit's notes. Blank of an empty file does nothing. A file that must
	// not be changed (fs-verity) is ErrCannot.
	Blank(n Node) error
	// Remove removes the entry name of directory dir, and the file when that
	// was its last name. A directory must be empty but for "." and "..".
	Remove(dir Node, name string) error
	// Replace gives a regular file new content of at most Room bytes, in the
	// blocks it has. The size becomes len(content). A compressed, encrypted
	// or shared file is ErrCannot.
	Replace(n Node, content []byte) error
	// Room is how many bytes Replace can give the file: at least its size,
	// where it can be changed at all, and mostly up to the end of its last
	// block. 0 for an empty file without blocks.
	Room(n Node) (int64, error)
	// Overwrite changes len(b) bytes at off of a regular file in place; the
	// range must lie within its size. Bytes in a hole are ErrCannot. A
	// compressed file is ErrCannot where the format cannot express it.
	Overwrite(n Node, off int64, b []byte) error
	// Clear zeroes n bytes at off of a regular file in place, holes being
	// zero already; it is cheap for a swap file of many gigabytes.
	Clear(n Node, off, length int64) error
	// Commit writes what the editor holds back (bitmaps, counters,
	// checksums). The file system is consistent after it, and further edits
	// may follow.
	Commit() (Report, error)
	// Scrub zeroes all that no live file owns: free blocks, tails of files,
	// remnants of directory entries and inodes, and the log's history. It
	// comes last, after Commit, and ends the editor's use.
	Scrub() (Report, error)
}

// A Report says what Commit or Scrub did.
type Report struct {
	Zeroed int64 // bytes of the volume that were made zero, or were in a free run that was
	// Left names what could hold old bytes and was left, each with its reason,
	// in English: shared blocks of a file that stays, an area that could not
	// be trusted.
	Left []string
}
