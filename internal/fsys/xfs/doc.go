// Package xfs reads XFS volumes, version 4 and 5, of any block size.
//
// In: an io.ReaderAt over the volume. Out: fsys.FS with the capabilities
// Extenter, FreeSpace and InodeScanner, plus what only XFS has to tell: where
// its log is and what was in it (Log, LogState), the inodes that were deleted
// while open (Unlinked) and the bodies of free inodes (FreeInodes).
// A dirty log is replayed in memory into an overlay of 4 KiB pages, following
// what the kernel's recovery does up to the point where it would start to
// finish intents: all reads then go through the overlay.
// May touch: what it is handed. Never: opens host files, judges; reading
// never writes.
// Next room: guest, through fsys.Tree; apply, for the Editor.
//
// NewEditor makes changes, through an fsys.Patch. What a dirty log holds is
// written first, with what the kernel would do after replay: files that were
// deleted while open, unfinished frees and blocks set aside for copies on
// write go back to free space, whose trees are made anew for that. Then no
// file's mapping ever changes: a file is made shorter by its size alone, which
// for XFS means blocks reserved past its end. Names stay, as to take one out
// is more than can be proven here.
//
// On-disk offsets come from the kernel's fs/xfs/libxfs/xfs_format.h (super
// block, AG headers, inodes, B-trees), xfs_da_format.h (directories and
// attributes) and xfs_log_format.h (log records and items). Everything on the
// disk is big-endian; the items inside the log are in the byte order of the
// machine that wrote them.
package xfs
