// Package apk reads the database of installed packages of apk-tools 2 and 3
// (/lib/apk/db/installed).
//
// In: its bytes. Out: packages and their files. May touch: memory. Never:
// judges. Next room: guest.
package apk
