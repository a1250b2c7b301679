// Package unpack turns one file of a guest into the streams that lie inside
// it, nested, for a reader of content.
//
// In: an io.ReaderAt of one file and its size. Out: parts in reading order,
// and gaps for what was not unpacked and why. May touch: the bytes it is
// handed, memory up to Limits.Memory. Never: opens a file, follows a name
// found inside (names are only shown), trusts an extension or a length, starts
// a goroutine, judges. Next room: checks, which hand the parts to secret.
//
// Containers are known by content. Compression (gzip, bzip2, xz, lzma, zstd,
// lz4) does not change a part's path; archives (zip, tar, cpio, ar, rpm),
// SQLite databases and systemd journals add "!/" and the entry's name. What an
// archive holds outside of its entries (a stub before a zip, bytes after the
// end of a tar, free pages of a database) comes as a part of kind Raw.
package unpack
