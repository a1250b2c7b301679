package secret

import (
	"bytes"
	"fmt"
	"strings"

	"assay/finding"
	"assay/internal/standin"
)

// A flag is an option of a command that takes a secret.
type flag struct {
	name string
	how  how
}

// how a flag and its secret stand on the line.
type how uint8

const (
	glued  how = iota // -pSECRET
	next              // -p SECRET
	equals            // --password=SECRET, or pass:SECRET with the flag "pass:"
	after             // -u user:SECRET, behind the first separator
	gluedAfter
	bareArg // the last word, where the flag is "-": "htpasswd -b file user SECRET"
)

// parseFlag reads "-p glued", "-p next", "--password =", "-u after" and so on.
func parseFlag(text string) (flag, error) {
	name, form, _ := strings.Cut(text, " ")
	form = strings.TrimSpace(form)
	i, ok := map[string]how{"glued": glued, "next": next, "=": equals, "after": after, "glued-after": gluedAfter, "last": bareArg}[form]
	if !ok {
		return flag{}, fmt.Errorf("no form of a flag: %q", text)
	}
	return flag{name, i}, nil
}

// A arg is a word of a command line: its place without quotes.
type arg struct{ from, to int }

const maxArgs = 48

// matchCommand takes the secrets that a command is given on its line. The
// keyword is the command.
func matchCommand(r *rule, v *view) {
	b := v.b
	if v.at > 0 && !commandStart(b[v.at-1]) {
		return
	}
	at := v.at + len(bytes.TrimRight([]byte(v.word.text), " "))
	if c := byteAt(b, at); c != ' ' && c != '\t' {
		if !hasFold(b[at:], ".exe") {
			return
		}
		at += len(".exe")
	}
	var store [maxArgs]arg
	args := words(b, at, min(v.at+lineAhead, len(b)), store[:0])
	for i, a := range args {
		w := b[a.from:a.to]
		for _, f := range r.flags {
			from, to, ok := f.secret(b, w, a, args, i)
			if !ok {
				continue
			}
			v.given(r, from, to)
			break
		}
	}
}

// commandStart reports whether a command may follow c.
func commandStart(c byte) bool {
	return c <= ' ' || strings.IndexByte("/;|&(`\"'\\=:>@-+,[{", c) >= 0
}

// secret returns the place of the secret when w, args[i], is the flag.
func (f flag) secret(b, w []byte, a arg, args []arg, i int) (from, to int, ok bool) {
	switch f.how {
	case glued, equals, gluedAfter:
		if !bytes.HasPrefix(w, []byte(f.name)) {
			return 0, 0, false
		}
		from, to = a.from+len(f.name), a.to
		if f.how == equals && strings.HasPrefix(f.name, "-") {
			if byteAt(w, len(f.name)) != '=' {
				return 0, 0, false
			}
			from++
		}
		if q := byteAt(b, from); isQuote(q) && to-from > 2 && b[to-1] == q {
			from, to = from+1, to-1
		}
	case next, after:
		if string(w) != f.name || i+1 >= len(args) {
			return 0, 0, false
		}
		from, to = args[i+1].from, args[i+1].to
		if byteAt(b, from) == '-' && to-from < 12 {
			return 0, 0, false
		}
	case bareArg:
		if i != len(args)-1 || i < 1 || byteAt(w, 0) == '-' || !hasFlag(b, args, f.name) {
			return 0, 0, false
		}
		return a.from, a.to, true
	}
	if f.how == after || f.how == gluedAfter {
		i := bytes.IndexAny(b[from:to], ":,%/")
		if i < 0 {
			return 0, 0, false
		}
		from += i + 1
	}
	return from, to, from < to
}

func hasFlag(b []byte, args []arg, name string) bool {
	for _, a := range args {
		if w := b[a.from:a.to]; len(w) > 1 && w[0] == '-' && w[1] != '-' && bytes.Contains(w, []byte(name[1:])) {
			return true
		}
	}
	return false
}

// given judges the word that a command is given as a secret.
func (v *view) given(r *rule, from, to int) {
	val := v.b[from:to]
	grade := standin.Of(val)
	if grade == standin.None || val[0] == '$' && standin.Variable(val[1:]) || bytes.ContainsAny(val, "\x00\n") || val[0] == '<' || val[0] == '[' || val[0] == '{' {
		return
	}
	m := mixOf(val)
	if m.other > 0 || pattern(val) {
		return
	}
	conf, why := r.confidence, finding.T("given to a command on its line", "在命令行中直接传给命令")
	if grade < standin.Real {
		if f := v.run.place.form; v.inComment() || !v.run.place.tests && (f != shell && f != history || grade < standin.Lazy) {
			return
		}
		v.run.add(r, v, from, to, verdict{confidence: weakWorth, reason: whyWeak})
		return
	}
	switch f := v.run.place.form; {
	case plainWord(val) && v.inComment(): // "without -p would"
		return
	case f == markup: // a manual in HTML
		conf -= 70
	case f == prose || f == source && (plainWord(val) || speaks(val, m)) || upperWord(m, val):
		conf -= 40
	case f == unknown && m.digit == 0 && m.symbol == 0:
		conf -= 30
	}
	v.run.add(r, v, from, to, verdict{confidence: max(conf, 5), reason: why})
}

// upperWord reports whether val is written as manuals write what to fill in.
func upperWord(m mix, val []byte) bool { return m.lower == 0 && m.digit == 0 && m.upper > 2 }

// words splits b[at:end] as a shell does, as far as places go: to the end of
// the line (a backslash goes on with the next), or of the command.
func words(b []byte, at, end int, out []arg) []arg {
	for len(out) < maxArgs {
		for at < end && (b[at] == ' ' || b[at] == '\t' || b[at] == '\\' && byteAt(b, at+1) == '\n') {
			if b[at] == '\\' {
				at++
			}
			at++
		}
		if at >= end || strings.IndexByte("\n\r;|&#)", b[at]) >= 0 {
			return out
		}
		a, to := word1(b, at, end)
		if to == at {
			return out
		}
		out = append(out, a)
		at = to
	}
	return out
}

// word1 is the word at b[at:]: its place without quotes around all of it, and
// where it ends with them.
func word1(b []byte, at, end int) (arg, int) {
	i := at
	var q byte
scan:
	for ; i < end && b[i] != '\n'; i++ {
		c := b[i]
		switch {
		case c == '\\' && q != '\'':
			i++
		case q != 0:
			if c == q {
				q = 0
			}
		case c == '"' || c == '\'':
			if i > at && !oddQuote(b[i:end], c) { // closes a string around the command
				return arg{at, i}, i
			}
			q = c
		case c <= ' ' || c == ';' || c == '|' || c == '&' && (byteAt(b, i+1) <= ' ' || byteAt(b, i+1) == '&' || byteAt(b, i+1) == '>') || c == '`' || c == ')' && bytes.IndexByte(b[at:i], '(') < 0:
			break scan
		}
	}
	i = min(i, end)
	a := arg{at, i}
	if n := a.to - a.from; n >= 2 && isQuote(b[a.from]) && b[a.to-1] == b[a.from] {
		a.from, a.to = a.from+1, a.to-1
	}
	return a, i
}

// oddQuote reports whether the quote c that begins b is closed on its line.
func oddQuote(b []byte, c byte) bool {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	return bytes.IndexByte(b[1:], c) >= 0
}
