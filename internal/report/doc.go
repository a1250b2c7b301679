// Package report is the message stream: everything a run has to say, and the
// contract of those who listen.
//
// In: messages of a verb. Out: Handler, Tee, Decode. May touch: what it is
// handed. Never: prints, opens files. Next room: its children text, json,
// sarif, html and junit, and the store.
package report
