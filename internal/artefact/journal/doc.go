// Package journal reads the fields of systemd journal files.
//
// In: an io.ReaderAt of a journal file, and a function that decompresses.
// Out: the payloads "FIELD=value" of its data objects. May touch: the bytes it
// is handed. Never: follows the hash tables or entries (all objects lie one
// after the other, and each distinct value is stored once), checks seals,
// judges. Next room: unpack.
//
// Offsets are those of src/libsystemd/sd-journal/journal-def.h of systemd 252
// to 257 and of systemd.io/JOURNAL_FILE_FORMAT.
package journal
