// Package ntfs reads NTFS 1.2 to 3.1, rootless, and cleans it without ever
// allocating: file content, named streams, compressed and sparse data, the
// directory index, links, extents and free clusters; its Editor blanks,
// overwrites and scrubs in place.
//
// In: an io.ReaderAt (an fsys.Patch for the Editor) over one volume. Out:
// fsys.FS with Extents, Free, Scan, Streams and Fold; fsys.Editor.
// May touch: the volume it is handed; bounded memory. Never: moves a cluster,
// an index entry or a record, trusts a count, decrypts, judges; writes to a
// volume that Windows has not finished with.
// Next room: fsys.Tree and guest; apply for the Editor.
//
// A Node is a file reference: the number of the record in the master file
// table (MFT) in the low 48 bits, its sequence number above. The files of the
// file system's own ($MFT, $LogFile, $Extend and what is numbered below 24)
// are not shown in the root directory, as Windows does not show them. Names
// are UTF-8; an unpaired surrogate is encoded like a character (WTF-8), so
// that every name is told apart.
//
// NTFS has no public specification. Sources of offsets: ntfs-3g
// include/ntfs-3g/layout.h and Linux fs/ntfs3/ntfs.h; of LZNT1, [MS-XCA]
// section 2.5; of XPRESS, section 2.2; of reparse points, [MS-FSCC] section 2.1.2.
package ntfs
