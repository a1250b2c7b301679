package sshdconf

import "strings"

// A Line is one directive.
type Line struct {
	Key  string // lower case, aliases replaced by the name sshd uses now
	Args []string
	Rest string // all that follows the keyword, as written: what sshd takes for a command
	Line int    // 1-based
}

// aliases are keywords that servconf.c takes for another.
var aliases = map[string]string{
	"challengeresponseauthentication": "kbdinteractiveauthentication", "skeyauthentication": "kbdinteractiveauthentication",
	"dsaauthentication": "pubkeyauthentication", "hostdsakey": "hostkey",
	"pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms", "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
}

// Parse reads a file. Lines without an argument or with unbalanced quotes, on
// which sshd refuses to start, are skipped.
func Parse(b []byte) []Line {
	var out []Line
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		if x, ok := Directive(l); ok {
			x.Line = n
			out = append(out, x)
		}
	}
	return out
}

// Directive reads one directive, as in a file or after sshd's option -o.
func Directive(l string) (Line, bool) {
	l = strings.TrimRight(l, " \t\r\n\f")
	l = strings.TrimLeft(l, " \t\r")
	key, rest := keyword(l)
	if key == "" || key[0] == '#' {
		return Line{}, false
	}
	args, ok := split(rest)
	if !ok || len(args) == 0 {
		return Line{}, false
	}
	key = strings.ToLower(key)
	if to := aliases[key]; to != "" {
		key = to
	}
	return Line{Key: key, Args: args, Rest: rest}, true
}

// keyword cuts the first word off, at blanks and at most one "=", as OpenSSH's
// strdelim does. The word may be in double quotes.
func keyword(l string) (key, rest string) {
	if q, ok := strings.CutPrefix(l, `"`); ok {
		key, rest, ok = strings.Cut(q, `"`)
		if !ok {
			return "", ""
		}
		return key, strings.TrimLeft(rest, " \t")
	}
	i := strings.IndexAny(l, " \t\"=")
	if i < 0 {
		return l, ""
	}
	key, rest = l[:i], strings.TrimLeft(l[i:], " \t")
	rest = strings.TrimPrefix(rest, "=")
	return key, strings.TrimLeft(rest, " \t")
}

// split splits arguments at blanks, as OpenSSH's argv_split: single and double
// quotes, backslashes before quotes, backslashes and (outside quotes) blanks;
// "#" at the start of a word begins a comment.
func split(s string) ([]string, bool) {
	var out []string
	for i := 0; i < len(s); {
		if s[i] == ' ' || s[i] == '\t' {
			i++
			continue
		}
		if s[i] == '#' {
			break
		}
		var w strings.Builder
		quote := byte(0)
	word:
		for ; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\' && i+1 < len(s) && (strings.IndexByte(`'"\`, s[i+1]) >= 0 || quote == 0 && s[i+1] == ' '):
				i++
				w.WriteByte(s[i])
			case quote == 0 && (c == ' ' || c == '\t'):
				break word
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote != 0 && c == quote:
				quote = 0
			default:
				w.WriteByte(c)
			}
		}
		if quote != 0 {
			return nil, false
		}
		out = append(out, w.String())
	}
	return out, true
}

// A Criterion is one condition of a Match line. Name is lower case: "all",
// "user", "group", "host", "address", …; Value is empty for "all".
type Criterion struct{ Name, Value string }

// Criteria reads the arguments of a Match line. It is false when sshd would
// refuse them.
func Criteria(args []string) ([]Criterion, bool) {
	var out []Criterion
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		c := Criterion{Name: strings.ToLower(name), Value: value}
		if c.Name == "all" {
			return append(out, c), len(args) == 1
		}
		if c.Name != "invalid-user" && !joined {
			if i++; i >= len(args) || args[i] == "" {
				return nil, false
			}
			c.Value = args[i]
		}
		out = append(out, c)
	}
	return out, len(out) > 0
}

// List matches a name against a list of patterns with commas, as OpenSSH's
// match_pattern_list: 1 when one fits, -1 when a negated one ("!x") fits, 0
// when none does.
func List(name, list string) int {
	got := 0
	for p := range strings.SplitSeq(list, ",") {
		bare, negated := strings.CutPrefix(p, "!")
		if !Pattern(name, bare) {
			continue
		}
		if negated {
			return -1
		}
		got = 1
	}
	return got
}

// Groups matches a user's groups against such a list: a negated pattern that
// fits any of them wins.
func Groups(groups []string, list string) bool {
	found := false
	for _, g := range groups {
		switch List(g, list) {
		case -1:
			return false
		case 1:
			found = true
		}
	}
	return found
}

// Pattern matches name against one pattern with "*" and "?".
func Pattern(name, pattern string) bool {
	star, mark := -1, 0
	n, p := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			n++
			p++
		case star >= 0:
			mark++
			n, p = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
