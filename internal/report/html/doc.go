// Package html writes a run as one page for people who were not at the
// terminal: a verdict to read in a second, who can log in, every finding with
// its place and its remedy, what was not looked at, and how it was made.
//
// The page is one file. It holds both languages, works without its script
// (which adds filters, search and the change of language), and a
// Content-Security-Policy in it lets nothing else run and nothing be fetched.
//
// In: messages. Out: one HTML file on a writer, when the run ends. May touch:
// that writer. Never: writes a string of a guest but through report.Printable
// and html/template's escaping; takes anything from the network; reads the
// clock. Next room: the reader's browser.
package html
