package volume

import (
	"io"

	"assay/finding"
	"assay/internal/span"
)

// A Disk is one disk of the machine.
type Disk struct {
	Name string // the base name of its file, or what the user calls it
	io.ReaderAt
	Size int64
}

// A Volume is a range of bytes that may hold a file system. ReadAt is relative
// to the volume's start and safe for concurrent use.
type Volume struct {
	// Name is unique in a layout and stable for the same disks: "disk" for an
	// unpartitioned one, "p1" for a partition, "vg0/root" for a logical volume.
	// With several disks, partitions carry the disk's number: "d2p1".
	Name string
	io.ReaderAt
	Size     int64
	Content  string    // what the signature says: "ext4", "xfs", "vfat", "btrfs", "ntfs", "swap", "luks", "bitlocker", "lvm2", "md", …; "zero" when it is all zero so far as read, "" when nobody knows
	UUID     string    // of the content, as blkid prints it
	Label    string    // of the content
	Type     string    // partition type: GUID in upper case, or "0x83"
	PartUUID string    // as in PARTUUID=, lower case
	PartName string    // GPT name
	Map      []Segment // where its bytes are, in order of Offset
	// Problem says why this volume cannot be opened (nil if it can be tried).
	// A "lvm2" without one is nothing to open either: its logical volumes are
	// listed beside it.
	Problem *Problem
}

// A Segment is a run of a volume's bytes on one disk.
type Segment struct {
	Offset     int64 // in the volume
	Len        int64
	Disk       int   // index of the disk
	DiskOffset int64 // on that disk
}

// A Problem is a part of the layout that cannot be read.
type Problem struct {
	Kind   finding.GapKind
	Volume string
	Detail string // in English, with offsets
}

// A Layout is all that a machine's disks hold.
type Layout struct {
	Disks    []Disk
	Tables   []string // "gpt", "mbr", "" for each disk
	Volumes  []*Volume
	Problems []Problem  // besides those of single volumes: broken tables, missing physical volumes
	Unused   []span.Set // for each disk: bytes in no volume, no table and no LVM metadata

	// What only writing asks for.
	partial []bool                    // for each disk: volumes may lie on it that could not be found
	origins map[*Volume]string        // volumes that share blocks with a snapshot, and its name
	shared  func() map[*Volume]string // see overlaps
	guards  []guard                   // what is unused and must stay
	stale   [][]span.Span             // for each disk: old metadata, which may go
}

// A guard is a range of a disk that must not be zeroed though no volume has it.
type guard struct {
	disk int
	span.Span
	why string // in English, to follow "…: "
}
