// Package disktest holds the oracles and torments that the tests of the disk
// formats share.
//
// In: an image reader and what it should say. Out: a failing test. May touch:
// the test's own folder, qemu-img. Never: is imported by product code.
// Next room: none.
package disktest
