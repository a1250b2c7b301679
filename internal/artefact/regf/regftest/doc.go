// Package regftest makes registry hives for tests, so that no sample of a real
// machine is needed.
//
// In: a tree of keys and values. Out: the bytes of a hive as Windows writes
// it. May touch: memory. Never: is imported by anything but tests. It shares no
// code with regf, so that a mistake there is not repeated here.
package regftest
