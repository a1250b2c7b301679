package policy

import (
	"strings"
	"unicode/utf8"
)

// A Pattern is a value of an element or condition. "*" stands for any run of
// characters, also none; "?" for exactly one.
type Pattern struct {
	Text string
	Pos  Pos

	// Unquoted says that the document holds a number or a boolean where the
	// language wants a string.
	Unquoted bool

	glob glob
}

// Variable reports whether the value holds a policy variable, ${…}. No page of
// the service documents them for identity policies.
func (p Pattern) Variable() bool { return strings.Contains(p.Text, "${") }

// A glob is a compiled pattern: the literal pieces between its stars.
type glob struct {
	pieces []piece
}

// A piece is text between two stars.
type piece struct {
	text string
	any  bool // it has a "?"
	fold bool
}

// plain reports whether the strings package can find the piece.
func (p piece) plain() bool { return !p.any && !p.fold }

// compile prepares a pattern. With fold, ASCII case does not count.
func compile(pattern string, fold bool) glob {
	if fold {
		pattern = strings.ToLower(pattern)
	}
	var g glob
	for i, s := range strings.Split(pattern, "*") {
		if s == "" && i > 0 && len(g.pieces) > 1 && g.pieces[len(g.pieces)-1].text == "" {
			continue // "**" is "*"
		}
		g.pieces = append(g.pieces, piece{s, strings.Contains(s, "?"), fold})
	}
	return g
}

// exact reports whether the pattern matches only its own text.
func (g glob) exact() bool { return len(g.pieces) == 1 && !g.pieces[0].any }

// everything reports whether the pattern is "*".
func (g glob) everything() bool {
	return len(g.pieces) == 2 && g.pieces[0].text == "" && g.pieces[1].text == ""
}

// match reports whether s is matched as a whole. The first and the last piece
// are anchored; each piece between takes its leftmost place, which is always
// right because a star follows. There is no backtracking over stars: values are
// found by strings.Index in linear time; a piece with "?", or of an action,
// costs at most its own length for each character of s.
func (g glob) match(s string) bool {
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	n, ok := first.prefix(s)
	if !ok {
		return false
	}
	if len(g.pieces) == 1 {
		return n == len(s)
	}
	s = s[n:]
	for _, p := range g.pieces[1 : len(g.pieces)-1] {
		if n, ok = p.find(s); !ok {
			return false
		}
		s = s[n:]
	}
	return last.suffix(s)
}

// prefix reports whether s begins with the piece, and how long it is there.
func (p piece) prefix(s string) (int, bool) {
	if p.plain() {
		return len(p.text), strings.HasPrefix(s, p.text)
	}
	i := 0
	for j := 0; j < len(p.text); j++ {
		if i >= len(s) {
			return 0, false
		}
		if p.text[j] == '?' {
			_, n := utf8.DecodeRuneInString(s[i:])
			i += n
			continue
		}
		if c := s[i]; c != p.text[j] && !(p.fold && lowerByte(c) == p.text[j]) {
			return 0, false
		}
		i++
	}
	return i, true
}

// find returns the end of the leftmost place of the piece in s.
func (p piece) find(s string) (int, bool) {
	if p.plain() {
		i := strings.Index(s, p.text)
		return i + len(p.text), i >= 0
	}
	for i := 0; i <= len(s); {
		if n, ok := p.prefix(s[i:]); ok {
			return i + n, true
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		i += max(n, 1)
	}
	return 0, false
}

// suffix reports whether s ends with the piece.
func (p piece) suffix(s string) bool {
	if p.plain() {
		return strings.HasSuffix(s, p.text)
	}
	skip := utf8.RuneCountInString(s) - utf8.RuneCountInString(p.text)
	for ; skip > 0; skip-- {
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
	n, ok := p.prefix(s)
	return ok && skip == 0 && n == len(s)
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
