// Package bench compares the speed of assay's policy decisions with that of
// cedar-go and OPA on the same decision.
//
// In: nothing. Out: figures of go test -bench. May touch: nothing. Never: is
// part of assay: it is a module of its own, so that neither engine becomes a
// dependency. Next room: none.
package bench
