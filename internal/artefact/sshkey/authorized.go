package sshkey

import (
	"encoding/base64"
	"strings"
)

// A Line is one key of an authorized_keys file, see sshd(8).
type Line struct {
	Number  int // in the file, 1-based
	Text    string
	Options []Option
	Key     PublicKey
	Comment string
}

// An Option is one of the options before a key. Names are in lower case.
type Option struct {
	Name  string
	Value string // without its quotes; "" for a flag
}

// Option returns the value of the first option of that name.
func (l Line) Option(name string) (string, bool) {
	for _, o := range l.Options {
		if o.Name == name {
			return o.Value, true
		}
	}
	return "", false
}

// maxLine is where sshd, too, stops to believe in a line.
const maxLine = 64 << 10

// Authorized calls yield for each key in the text of an authorized_keys file,
// until yield returns false. Lines that sshd would ignore are left out.
func Authorized(text []byte, yield func(Line) bool) {
	n := 0
	for raw := range strings.Lines(string(text)) {
		n++
		l, ok := ParseLine(strings.TrimRight(raw, "\r\n"))
		if l.Number = n; ok && !yield(l) {
			return
		}
	}
}

// ParseLine reads one line: options, if any, then type, blob and comment.
func ParseLine(text string) (Line, bool) {
	l := Line{Text: text}
	if len(text) > maxLine {
		return l, false
	}
	s := strings.TrimLeft(text, " \t")
	if s == "" || s[0] == '#' {
		return l, false
	}
	if l.key(s) {
		return l, true
	}
	end := optionsEnd(s)
	if end < 0 {
		return l, false
	}
	l.Options = options(s[:end])
	return l, l.key(strings.TrimLeft(s[end:], " \t"))
}

// key reads "type blob comment".
func (l *Line) key(s string) bool {
	kind, rest, _ := strings.Cut(strings.ReplaceAll(s, "\t", " "), " ")
	if !plausibleType(kind) {
		return false
	}
	text, comment, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	blob, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return false
	}
	k, err := ParsePublic(blob)
	if err != nil {
		return false
	}
	want := kind
	if plain, ok := plainType(kind); ok {
		want = plain
	}
	l.Key, l.Comment = k, strings.TrimSpace(comment)
	return k.Type == want
}

// optionsEnd finds the first blank outside quotes, as sshd's skip_options does:
// a backslash keeps a quote from ending a value.
func optionsEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && (s[i] == ' ' || s[i] == '\t'):
			return i
		}
	}
	return -1
}

func options(s string) (out []Option) {
	for s != "" {
		end, quoted := 0, false
		for ; end < len(s) && (quoted || s[end] != ','); end++ {
			switch {
			case s[end] == '\\' && end+1 < len(s) && s[end+1] == '"':
				end++
			case s[end] == '"':
				quoted = !quoted
			}
		}
		end = min(end, len(s))
		name, value, _ := strings.Cut(s[:end], "=")
		value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			out = append(out, Option{name, strings.ReplaceAll(value, `\"`, `"`)})
		}
		s = strings.TrimPrefix(s[end:], ",")
	}
	return out
}
