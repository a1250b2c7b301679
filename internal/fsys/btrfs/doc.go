// Package btrfs reads and changes a btrfs volume: subvolumes, snapshots,
// compressed and inline extents, checksums of metadata and of file data, and,
// for reading, what a dirty log tree adds to them.
//
// In: an io.ReaderAt with one device's bytes. Out: *FS, which implements
// fsys.FS, Extenter, FreeSpace and InodeScanner, and Subvolumes and Default,
// so that the guest can mount "subvol=@". In: an fsys.Patch. Out: *Editor,
// which implements fsys.Editor. May touch: the bytes it is handed; an FS reads
// them, an Editor writes to its patch.
// Never: allocates or frees space, replays onto the volume, starts goroutines,
// reads a volume of several devices or of RAID5/6 (both are named as
// unsupported).
// Next rooms: guest, apply.
//
// Root is the top-level tree (id 5), from which every linked subvolume and
// snapshot is seen where it is linked. Bytes of an extent that no file refers
// to any more, while another part of the same extent is still in use, are
// neither free nor part of a file: Free and Extents both leave them out.
//
// Offsets on disk are those of include/uapi/linux/btrfs_tree.h and
// fs/btrfs/accessors.h of Linux; layout.go names them.
package btrfs
