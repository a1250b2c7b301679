package policy

import "fmt"

// A Text is one sentence in both languages. It has the fields of finding.Text,
// so that one converts to the other; this package imports nothing of ours.
type Text struct {
	EN string
	ZH string
}

func tf(en, zh string, args ...any) Text {
	return Text{EN: fmt.Sprintf(en, args...), ZH: fmt.Sprintf(zh, args...)}
}

// In returns the text in lang ("zh" or anything else for English).
func (t Text) In(lang string) string {
	if lang == "zh" {
		return t.ZH
	}
	return t.EN
}

// A Pos is a place in a document. Line and Column count from 1, Column in
// characters; the zero Pos is the document as a whole.
type Pos struct {
	Line   int
	Column int
}

func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// A Level says how bad a problem of a document is.
type Level int

// The levels.
const (
	Note    Level = iota + 1 // works, but read it again
	Warning                  // does not do what it seems to do, or may not
	Error                    // the service refuses the document, or a statement can never work
)

// A Problem is something wrong with a document. Text says what, Advice what to
// write instead.
type Problem struct {
	Code   string // stable name, such as "unknown-operator"
	Level  Level
	Doc    string // name of the document
	Pos    Pos
	Text   Text
	Advice Text
}

// Error makes a Problem an error for people: place, what, and what to write.
func (p *Problem) Error() string {
	s := fmt.Sprintf("%s:%s: %s", p.Doc, p.Pos, p.Text.EN)
	if p.Advice.EN != "" {
		s += ": " + p.Advice.EN
	}
	return s
}
