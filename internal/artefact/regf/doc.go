// Package regf reads and edits registry hives, the databases in which Windows
// keeps its settings.
//
// In: the bytes of a hive, and of its transaction logs (.LOG, .LOG1, .LOG2).
// Out: keys and values as Windows would see them once it has recovered the
// hive; or the bytes of the same hive with keys and values removed, of the same
// length and without a trace of what was removed. May touch: memory. Never:
// judges, opens files, grows a hive, edits one that it does not fully
// understand. Next room: sam and guest.
//
// Offsets follow the "Windows registry file format specification" by Maxim
// Suhanov (github.com/msuhanov/regf) and CM_KEY_NODE and its like of the
// published symbols of ntoskrnl. All numbers are little-endian. "Offset" of a
// cell counts from the first hive bin, which lies at byte 4096 of the file.
package regf
