// Package checks is the catalogue: one file a check, one package a subject.
// The lists are generated from the tree: a check is registered by existing.
//
// In: nothing. Out: Machine, every check over a *guest.Guest. May touch:
// nothing. Never: judges by itself. Next room: the verbs.
package checks

//go:generate go run gen.go
