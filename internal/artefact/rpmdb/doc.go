// Package rpmdb reads rpm's package headers, and the two file formats besides
// SQLite in which rpm keeps them: ndb (Packages.db) and Berkeley DB hash
// (Packages).
//
// In: a header blob, or an io.ReaderAt of a database. Out: packages with their
// files, digests and scripts; blobs. May touch: the bytes it is handed. Never:
// checks a signature, or judges. Next room: guest.
//
// Sources: lib/header.c, lib/backend/ndb/rpmpkg.c and rpmtag.h of rpm 4.18;
// dbinc/db_page.h of Berkeley DB 5.3.
package rpmdb
