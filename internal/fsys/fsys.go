package fsys

import (
	"errors"
	"io"
	"time"

	"assay/finding"
	"assay/internal/span"
)

// A Node names one file of one FS: an inode number where there are inodes,
// another stable handle elsewhere. It means nothing to another FS.
type Node uint64

// A Kind is the type of a file.
type Kind uint8

// The kinds of files. Unknown is for directory entries that do not say.
const (
	Unknown Kind = iota
	Regular
	Directory
	Symlink
	CharDevice
	BlockDevice
	FIFO
	Socket
)

// Errors every FS uses, so that callers can tell them apart with errors.Is.
var (
	ErrNotExist = errors.New("no such file or directory")
	ErrNotDir   = errors.New("not a directory")
	ErrNotFile  = errors.New("not a regular file")
	ErrLoop     = errors.New("too many levels of symbolic links")
	ErrStop     = errors.New("stop") // returned by a yield function to end an iteration early without an error
)

// A Time is seconds and nanoseconds since 1970, as on disk; the zero value
// means "not recorded".
type Time struct {
	Sec  int64
	Nsec uint32
}

// Time converts t.
func (t Time) Time() time.Time { return time.Unix(t.Sec, int64(t.Nsec)) }

// A Flags tells what is special about a file.
type Flags uint16

// The flags.
const (
	Encrypted   Flags = 1 << iota // content cannot be read (fscrypt, EFS)
	Verity                        // fs-verity: must not be changed
	Immutable                     // chattr +i
	AppendOnly                    // chattr +a
	Compressed                    // stored compressed; Open gives the plain bytes
	Sparse                        // has holes
	Inline                        // content lives in the inode or its tree leaf
	MayBeShared                   // its extents may have other owners (reflink)
)

// A Meta is what an inode says. Size is the length in bytes as the guest sees it.
type Meta struct {
	Kind                       Kind
	Flags                      Flags
	Mode                       uint16 // permission bits with setuid, setgid, sticky: 07777
	UID, GID                   uint32
	Nlink                      uint32
	Rdev                       uint32 // device number for CharDevice and BlockDevice: major<<20 | minor
	Inode                      uint64 // the inode number shown to users; two names with the same one are hard links
	Size                       int64
	Atime, Mtime, Ctime, Btime Time
}

// An Entry is one name in a directory. Name is bytes: no "/", no NUL, not
// "." or "..", never empty.
type Entry struct {
	Name string
	Node Node
	Kind Kind
}

// A File is the content of a regular file. ReadAt follows io.ReaderAt and is
// safe for concurrent use; holes and unwritten extents read as zero.
type File interface {
	io.ReaderAt
	Size() int64
}

// An FS is one file system, read only. Its methods MUST be safe for concurrent
// use, MUST NOT panic or hang on any input, MUST bound memory whatever the
// volume says, and MUST return errors that are or wrap *binread.FormatError
// (broken, with offset), *binread.UnsupportedError (recognised, not readable)
// or an error of this package.
type FS interface {
	// Describe says what this file system is. It is cheap and constant.
	Describe() Description
	// Root is the node of the top directory.
	Root() Node
	// Stat returns what the inode says.
	Stat(Node) (Meta, error)
	// ReadDir calls yield for each entry in on-disk order until it returns an
	// error, which ReadDir returns (ErrStop as nil). Entries before a broken
	// place are still yielded; then the error names the place.
	ReadDir(n Node, yield func(Entry) error) error
	// Open opens a regular file; ErrNotFile for anything else, and
	// UnsupportedError for an encrypted one.
	Open(Node) (File, error)
	// Readlink returns a symbolic link's target, as bytes.
	Readlink(Node) (string, error)
	// Xattrs returns the extended attributes with their full names
	// ("security.selinux"), sorted by name. None is nil, nil.
	Xattrs(Node) ([]Xattr, error)
}

// An Xattr is one extended attribute.
type Xattr struct {
	Name  string
	Value []byte
}

// A Description is what a file system says of itself.
type Description struct {
	Type      string // "ext2", "ext3", "ext4", "xfs", "vfat", "btrfs", "ntfs", "dir"
	UUID      string // as blkid prints it; "" if none
	Label     string
	BlockSize int64
	Size      int64 // bytes the file system claims
	// Replayed says that unfinished writes of a dirty log were applied in
	// memory, so what is read is what the guest would see after mounting.
	Replayed bool
	// Problems are known when the file system is opened: a log that could not
	// be replayed, a feature that hides files. The caller makes gaps of them.
	Problems []Problem
}

// A Problem is a part of a file system that cannot be read, found on opening.
type Problem struct {
	Kind   finding.GapKind
	Path   string // "" when it concerns the volume
	Detail string // in English, with offsets
}

// An Extent maps a range of a file to the volume.
type Extent struct {
	Logical  int64 // byte offset in the file
	Physical int64 // byte offset on the volume; for Packed content that of the container that holds it
	Len      int64 // bytes in the file
	State    ExtentState
}

// An ExtentState says what the bytes of an Extent are.
type ExtentState uint8

// The states of an extent; holes are not listed at all.
const (
	Written   ExtentState = iota // the file's bytes, as they are
	Unwritten                    // allocated, reads as zero, may hold old bytes
	Packed                       // compressed, inline or encrypted: not the file's bytes one to one
)

// An Extenter is an FS that tells where on the volume a file's bytes are.
type Extenter interface {
	// Extents lists the extents of any node in logical order. It includes
	// extents past the file's size.
	Extents(Node) ([]Extent, error)
}

// A FreeSpace is an FS that knows what no live file or metadata owns.
type FreeSpace interface {
	// Free returns the byte ranges of the volume that are free according to
	// validated bitmaps or trees, after replay. It fails when they cannot be
	// trusted.
	Free() (span.Set, error)
}

// An InodeScanner is an FS that can list all inodes in use in disk order, which
// is much faster than walking the tree.
type InodeScanner interface {
	// Scan calls yield for every allocated inode in disk order. The order has
	// nothing to do with names. ErrStop ends it early.
	Scan(yield func(Node, Meta) error) error
}
