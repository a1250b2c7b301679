// Package plan makes of findings an ordered list of edits that a person can
// read, change and keep: what is done, in which order, why, what it expects to
// find and what can break.
//
// In: the findings of one inspection and what the user decided. Out: a Plan,
// as data and as JSON with a digest. May touch: nothing. Never: decides that
// something unsafe is done unasked. Next room: apply, which runs exactly this.
package plan
