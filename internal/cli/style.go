package cli

import (
	"os"

	"golang.org/x/term"
)

// A Style turns words into coloured words, or leaves them alone.
type Style struct{ on bool }

// ColorFor decides whether f gets colours: never with NO_COLOR or a dumb
// terminal, always with CLICOLOR_FORCE, else when it is a terminal.
// See https://no-color.org.
func ColorFor(f *os.File, getenv func(string) string) Style {
	switch {
	case getenv("NO_COLOR") != "":
		return Style{}
	case getenv("CLICOLOR_FORCE") != "" && getenv("CLICOLOR_FORCE") != "0":
		return Style{true}
	}
	return Style{getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))}
}

func (s Style) sgr(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold marks what matters.
func (s Style) Bold(t string) string { return s.sgr("1", t) }

// Dim marks what can be skipped.
func (s Style) Dim(t string) string { return s.sgr("2", t) }

// Red marks danger.
func (s Style) Red(t string) string { return s.sgr("31", t) }

// BoldRed marks the worst.
func (s Style) BoldRed(t string) string { return s.sgr("1;31", t) }

// Yellow marks warnings.
func (s Style) Yellow(t string) string { return s.sgr("33", t) }

// Green marks success.
func (s Style) Green(t string) string { return s.sgr("32", t) }

// Cyan marks commands and paths to copy.
func (s Style) Cyan(t string) string { return s.sgr("36", t) }

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Columns is the width of the terminal f, or def when it is none.
func Columns(f *os.File, def int) int {
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
		return w
	}
	return def
}
