// Package arch holds no code: its test is the map of the house.
//
// In: the source tree, read with go/parser in this process (a test that runs
// "go list" is answered stale from the test cache). Out: a failure for every
// import or power that the map does not grant. Never: is imported.
package arch
