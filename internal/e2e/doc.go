// Package e2e is the demanding first user: it makes disks with the tools that
// make real ones, plants what people leave behind, runs the built program on
// them and reads what it says.
//
// In: the program, built by the tests; images made when they run. Out: test
// results only. May touch: temporary folders, loop devices and mounts of its
// own. Never: is part of assay, or reaches into it: what a user cannot see is
// tested in its own room. Next room: none.
package e2e
