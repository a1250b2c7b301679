package sysusers

import "strings"

// Names are the users and groups that a file makes, in its order.
type Names struct {
	Users, Groups []string
}

// Parse reads a sysusers.d(5) file. A "u" line makes a group of the same name
// too. Names with specifiers ("%i") and broken lines are skipped.
func Parse(b []byte) Names {
	var n Names
	for l := range strings.Lines(string(b)) {
		w := words(l)
		if len(w) < 2 || strings.HasPrefix(w[0], "#") || !Valid(w[1]) {
			continue
		}
		switch w[0] {
		case "u", "u!":
			n.Users = append(n.Users, w[1])
			n.Groups = append(n.Groups, w[1])
		case "g":
			n.Groups = append(n.Groups, w[1])
		}
	}
	return n
}

// Valid reports whether s can be the name of an account that a package makes.
func Valid(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case i > 0 && ('0' <= c && c <= '9' || c == '-' || c == '.' || c == '$'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// words splits a line at blanks, outside quotes, and takes the quotes off.
func words(line string) []string {
	var out []string
	var w strings.Builder
	quote, open := byte(0), false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			w.WriteByte(line[i])
			open = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, open = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if open {
				out = append(out, w.String())
			}
			w.Reset()
			open = false
		default:
			w.WriteByte(c)
			open = true
		}
	}
	if open {
		out = append(out, w.String())
	}
	return out
}
