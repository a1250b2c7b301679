// Package json writes the stream as JSON Lines: one message a line. It is the
// one format that loses nothing; any other can be made of it with "assay render".
//
// In: messages. Out: lines on a writer. May touch: that writer. Never: keeps a
// message, escapes HTML, writes a secret (messages hold none).
// Next room: whoever reads the file.
package json
