// Package ext4 reads and edits ext2, ext3 and ext4, rootless and without the
// kernel.
//
// In: an io.ReaderAt over one volume. Out: fsys.FS with extents, free space, a
// scan of all inodes in disk order, and the places where residue of old
// content lies (slack, unused inodes, the journal). A dirty journal is
// replayed in memory and orphans are dealt with, so that what is read is what
// the guest would see after its next mount. Out of an fsys.Patch: an
// fsys.Editor, which leaves a file system that e2fsck finds nothing in.
// May touch: the volume it is handed; bounded memory. Never:
// writes but through the Editor, trusts a count, follows a loop, decrypts,
// judges.
// Next room: fsys.Tree and guest; apply for the Editor.
//
// Offsets of fields are those of struct ext4_super_block, ext4_group_desc,
// ext4_inode, ext4_extent_header, ext4_dir_entry_2, ext4_xattr_header
// (Documentation/filesystems/ext4 of Linux) and of fs/jbd2 for the journal.
package ext4
