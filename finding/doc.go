// Package finding is the vocabulary that every room speaks: what was found,
// where, how bad it is, how it could be undone, and what was not looked at.
//
// In: nothing. Out: plain data that marshals to the public message stream.
// May touch: nothing. Never: carries a secret in clear, judges, or writes.
// Next room: check, which produces findings; report, which shows them.
package finding
