// Package cli is the voice: how assay speaks on a terminal.
//
// In: what to say. Out: text on the terminal, in the user's language, with
// colours where they are wanted, errors that name the next step, and a line of
// progress. May touch: stdout, stderr, the terminal's size, the environment
// (language, NO_COLOR, TERM). Never: decides what is found or what to do.
// Next room: the user.
package cli
