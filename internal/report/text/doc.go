// Package text writes a run for the person at the terminal: first who can log
// in and with what, then what else is given away, then what was not looked at,
// and at the end the verdict and the next command.
//
// In: messages. Out: text on a writer, when the run ends. May touch: that
// writer. Never: writes a byte of a guest's name or content that a terminal
// would obey (see report.Printable). Next room: the reader.
package text
