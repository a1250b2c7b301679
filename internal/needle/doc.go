// Package needle finds known byte strings in a disk that is being written: the
// secrets that a plan removed must not be in the copy, whoever else held them.
//
// In: the strings, then the bytes of the disk in ascending order. Out: which
// of them occur, and where first. May touch: nothing. Never: shows a string.
// Next room: the verb that cleans.
package needle
