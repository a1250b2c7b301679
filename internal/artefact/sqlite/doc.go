// Package sqlite reads the rows of a table in an SQLite 3 database file, with
// its write-ahead log where there is one.
//
// In: an io.ReaderAt of the database and perhaps one of the -wal file. Out:
// rows as values. May touch: the bytes it is handed. Never: runs SQL, uses an
// index, writes, or judges. Next room: guest, for rpmdb.sqlite.
//
// Offsets are those of https://www.sqlite.org/fileformat2.html.
package sqlite
