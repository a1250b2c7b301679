package secret

import (
	"bytes"
	"slices"

	"assay/finding"
)

// A pair is an assignment around a keyword: a name and the literal that it is
// given, as some format or language writes it. All are indices of view.b.
type pair struct {
	keyFrom, keyTo int
	from, to       int  // the value without its quotes
	quote          byte // 0 for a bare word
	sep            byte // '=', ':', ',' (call with two arguments), '(' (setter), '>' (XML), ' ' (option), '$' (default of a variable)
	comment        bool // the line is commented out
}

const (
	maxKey   = 64  // bytes of a name on either side of the keyword
	maxPad   = 80  // blanks around a separator
	maxValue = 512 // bytes of a value
)

var keyChar = charset("0-9A-Za-z_.-")

// assignment parses the pair at the keyword, once for all rules.
func (v *view) assignment() (*pair, bool) {
	if !v.parsed {
		v.parsed = true
		v.ok = v.parse()
	}
	return &v.pair, v.ok
}

func (v *view) parse() bool {
	b, p := v.b, &v.pair
	core := len(v.word.text)
	for core > 0 && !keyChar[v.word.text[core-1]] {
		core--
	}
	p.keyFrom, p.keyTo = v.at, v.at+core
	for p.keyFrom > max(v.at-maxKey, 0) && keyChar[b[p.keyFrom-1]] {
		p.keyFrom--
	}
	for p.keyTo < min(v.at+core+maxKey, len(b)) && keyChar[b[p.keyTo]] {
		p.keyTo++
	}
	option := b[p.keyFrom] == '-'
	for p.keyFrom < v.at && (b[p.keyFrom] == '-' || b[p.keyFrom] == '.') {
		p.keyFrom++
	}
	at, ok := v.separator(p.keyTo, option)
	if !ok {
		return false
	}
	if !v.value(at) || p.to <= p.from || p.to-p.from > maxValue {
		return false
	}
	p.comment = v.inComment()
	return true
}

// byteAt is b[i], or 0 outside.
func byteAt(b []byte, i int) byte {
	if i < 0 || i >= len(b) {
		return 0
	}
	return b[i]
}

func skipBlank(b []byte, at int) int {
	for end := min(at+maxPad, len(b)); at < end && (b[at] == ' ' || b[at] == '\t'); at++ {
	}
	return at
}

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// separator finds what stands between name and value, and where the value
// begins.
func (v *view) separator(at int, option bool) (int, bool) {
	b, p := v.b, &v.pair
	before := byteAt(b, p.keyFrom-1)
	quoted := false
	if byteAt(b, at) == '\\' && isQuote(byteAt(b, at+1)) { // JSON in a string
		quoted, at = true, at+2
	} else if isQuote(byteAt(b, at)) {
		quoted, at = true, at+1
	}
	if byteAt(b, at) == ']' {
		at++
	}
	end := at
	at = skipBlank(b, at)
	c, next := byteAt(b, at), byteAt(b, at+1)
	p.sep = c
	switch {
	case c == ':' && before == '{' && byteAt(b, p.keyFrom-2) == '$': // ${NAME:default}, ${NAME:-default}
		p.sep = '$'
		if next == '-' || next == '=' {
			at++
		}
		return at + 1, true
	case c == '=' && next == '>', c == ':' && next == '=':
		p.sep, at = '=', at+2
	case c == '=' && (next == '=' || next == '~'), c == ':' && next == ':':
		return 0, false
	case c == '=' || c == ':', c == '?' && next == '=':
		if c == '?' {
			p.sep, at = '=', at+1
		}
		at++
	case c == ',' && quoted && v.called():
		at++
	case c == '(' && !quoted && at == end && isQuote(next):
		at++
	case c == '>' && (before == '<' || quoted && isQuote(before)) && at == end:
		return at + 1, true
	case quoted && at > end && hasFold(b[at:], "value="):
		p.sep, at = '=', at+len("value=")
	case option && at > end && !quoted && c != '-' && c != '\n' && c != '|' && c != 0:
		p.sep = ' '
		return at, true
	case c == '<' && at == end && hasFold(b[at:], "</name>"):
		return v.property(at + len("</name>"))
	case c == '\n' || c == '\r' || c == ',' && quoted:
		return v.named(at)
	default:
		return 0, false
	}
	return skipBlank(b, at), true
}

// property takes the value of Hadoop's XML, where the keyword ends a name:
// <name>x.password</name> <value>y</value>.
func (v *view) property(at int) (int, bool) {
	b := v.b
	for end := min(at+maxPad, len(b)); at < end && (b[at] == ' ' || b[at] == '\t' || b[at] == '\n' || b[at] == '\r'); at++ {
	}
	if !hasFold(b[at:], "<value>") {
		return 0, false
	}
	v.pair.sep = '>'
	return at + len("<value>"), true
}

// called reports whether the quoted name is the first argument of a call.
func (v *view) called() bool {
	i := v.pair.keyFrom - 2
	for i > 0 && v.b[i] == ' ' {
		i--
	}
	return byteAt(v.b, i) == '('
}

// named takes the value of the next line when the keyword ends a name:
// "- name: DB_PASSWORD", then "value: x"; the same in JSON.
func (v *view) named(at int) (int, bool) {
	b := v.b
	line, _ := v.line()
	if head := bytes.ToLower(b[line:v.pair.keyFrom]); !bytes.Contains(head, []byte("name")) && !bytes.Contains(head, []byte("key")) {
		return 0, false
	}
	for end := min(at+maxPad, len(b)); at < end && (b[at] == ' ' || b[at] == '\t' || b[at] == ',' || b[at] == '\n' || b[at] == '\r'); at++ {
	}
	if isQuote(byteAt(b, at)) {
		at++
	}
	if !hasFold(b[at:], "value") {
		return 0, false
	}
	at += len("value")
	if isQuote(byteAt(b, at)) {
		at++
	}
	at = skipBlank(b, at)
	if c := byteAt(b, at); c != ':' && c != '=' {
		return 0, false
	}
	v.pair.sep = ':'
	return skipBlank(b, at+1), true
}

// hasFold reports whether b begins with word, which is in lower case.
func hasFold(b []byte, word string) bool {
	return len(b) >= len(word) && bytes.EqualFold(b[:len(word)], []byte(word))
}

// value finds the literal that begins at b[at:].
func (v *view) value(at int) bool {
	b, p := v.b, &v.pair
	end := min(at+maxValue+1, len(b))
	if p.sep == '>' {
		p.from, p.to = at, at
		for p.to < end && b[p.to] != '<' && b[p.to] != '\n' {
			p.to++
		}
		return p.to < end && b[p.to] == '<'
	}
	if p.sep == '$' {
		p.from, p.to = at, at
		for p.to < end && b[p.to] != '}' && b[p.to] != '\n' {
			p.to++
		}
		return p.to < end && b[p.to] == '}'
	}
	if c := byteAt(b, at); isQuote(byteAt(b, at+1)) && (c == 'b' || c == 'r' || c == 'u' || c == '@' || c == 'L' || c == 'N') { // b"", r"", @""
		at++
	}
	escaped := byteAt(b, at) == '\\' && isQuote(byteAt(b, at+1))
	if escaped {
		at++
	}
	if q := byteAt(b, at); isQuote(q) {
		if byteAt(b, at+1) == q && byteAt(b, at+2) == q && byteAt(b, at+3) != '\n' { // """x"""
			at += 2
		}
		p.quote, p.from = q, at+1
		for i := at + 1; i < end && b[i] != '\n'; i++ {
			switch {
			case escaped && b[i] == '\\' && byteAt(b, i+1) == q:
				p.to = i
				return true
			case b[i] == '\\':
				i++
			case b[i] == q:
				p.to = i
				return true
			}
		}
		return false
	}
	return v.bare(at, end)
}

// bare finds the end of a word without quotes: at white space, a quote or
// bracket around the whole, or where the next assignment of a list begins
// ("password=x;user=y", "?password=x&user=y").
func (v *view) bare(at, end int) bool {
	b, p := v.b, &v.pair
	p.from = at
	i := at
	for ; i < end; i++ {
		c := b[i]
		if c <= ' ' || isQuote(c) || c == '<' && i > at || c == '\\' && (byteAt(b, i+1) == 'n' || isQuote(byteAt(b, i+1))) {
			break
		}
		if (c == ';' || c == ',' || c == '&') && listGoesOn(b[i+1:min(i+40, len(b))]) {
			break
		}
	}
	p.to = i
	for p.to > p.from && (b[p.to-1] == ';' || b[p.to-1] == ',' || (b[p.to-1] == ')' || b[p.to-1] == '}' || b[p.to-1] == ']') && unopened(b[p.from:p.to])) {
		p.to--
	}
	return i < len(b) || len(b)-at < maxValue
}

// listGoesOn reports whether b begins with a blank or a name and "=".
func listGoesOn(b []byte) bool {
	if len(b) == 0 || b[0] <= ' ' {
		return true
	}
	for i, c := range b {
		switch {
		case (c == '=' || c == ':') && i > 0:
			return true
		case c != ' ' && !keyChar[c] && c != '"' && c != '\'':
			return false
		}
	}
	return false
}

// unopened reports whether v ends in a bracket that it does not open.
func unopened(v []byte) bool {
	open := map[byte]byte{')': '(', '}': '{', ']': '['}[v[len(v)-1]]
	return bytes.Count(v, []byte{open}) < bytes.Count(v, v[len(v)-1:])
}

// inComment reports whether a comment sign begins the line.
func (v *view) inComment() bool {
	line, _ := v.line()
	head := bytes.TrimLeft(v.b[line:v.at], " \t")
	for _, sign := range []string{"#", "//", ";", "--", "/*", "* ", "<!--", "REM ", "rem "} {
		if bytes.HasPrefix(head, []byte(sign)) {
			return !(sign == "--" && len(head) == 2)
		}
	}
	return false
}

// fold writes the name without case, blanks and separators into buf, without
// digits at its end.
func fold(buf []byte, key []byte) []byte {
	n := 0
	for _, c := range key {
		if n == len(buf) {
			break
		}
		switch {
		case c == '_' || c == '-' || c == '.' || c == ' ':
			continue
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		}
		buf[n] = c
		n++
	}
	for n > 0 && buf[n-1] >= '0' && buf[n-1] <= '9' {
		n--
	}
	return buf[:n]
}

// about begin names of settings and messages that speak about a secret.
var about = []string{"forgot", "reset", "change", "show", "hide", "enter", "invalid", "wrong", "missing", "require", "need", "enable", "allow", "disable", "has", "is", "no", "min", "max",
	"confirm", "repeat", "retype", "verify", "validate", "check", "error", "err", "msg", "message", "label", "text", "placeholder", "input", "field", "get", "lbl", "prompt", "bad", "incorrect", "ask", "hint", "empty",
	"publickey"} // .NET's publicKeyToken names the signer of every assembly of Windows

// otherWords end like a name for a secret and are none.
var otherWords = []string{"compass", "bypass", "trespass", "surpass", "overpass", "underpass"}

// namedBy reports whether the key ends in one of the rule's names, and does not
// only speak about one; a function that takes a secret may.
func (r *rule) namedBy(key []byte, called bool) bool {
	var buf [2*maxKey + 32]byte
	k := fold(buf[:], key)
	for _, n := range r.names {
		if len(k) < len(n) || string(k[len(k)-len(n):]) != n {
			continue
		}
		for _, w := range otherWords {
			if len(k) >= len(w) && string(k[len(k)-len(w):]) == w {
				return false
			}
		}
		for _, a := range about {
			if called {
				break
			}
			if string(k[:len(k)-len(n)]) == a || wordBegins(key, a) {
				return false
			}
		}
		return true
	}
	return false
}

// wordBegins reports whether key begins with the word, as "resetUserPassword" and
// "RESET_PASSWORD" do with "reset", and "MINIO_PASSWORD" not with "min".
func wordBegins(key []byte, word string) bool {
	if len(key) <= len(word) || !hasFold(key, word) {
		return false
	}
	last, next := key[len(word)-1], key[len(word)]
	lower := func(c byte) bool { return c >= 'a' && c <= 'z' }
	return !sets["alnum"][next] || lower(last) && next >= 'A' && next <= 'Z'
}

// setter reports whether a called name is one that takes a secret: setPassword,
// check_password, or password itself.
func (r *rule) setter(name []byte) bool {
	if i := bytes.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	for _, verb := range []string{"set", "with", "use", "put", "add", "make", "check", "change", "verify", "hash", "encode"} {
		if hasFold(name, verb) {
			return true
		}
	}
	return slices.Contains(r.names, string(bytes.ToLower(name)))
}

// matchAssign takes the literal that a name of the rule is given.
func matchAssign(r *rule, v *view) {
	p, ok := v.assignment()
	if !ok || !r.namedBy(v.b[p.keyFrom:p.keyTo], p.sep == '(') {
		return
	}
	val := v.b[p.from:p.to]
	if key := string(v.b[p.keyFrom:p.keyTo]); (key == "PWD" || key == "OLDPWD") && len(val) > 0 && val[0] == '/' { // the working directory
		return
	}
	if p.sep == ':' && string(v.b[p.keyFrom:p.keyTo]) == "pass" && p.quote == 0 && p.from == p.keyTo+1 { // openssl's pass:X
		return
	}
	if p.sep == ':' && bytes.HasSuffix(v.b[:p.keyFrom], []byte("--- ")) { // go test's "--- PASS: TestX"
		return
	}
	if p.sep == '(' && !r.setter(v.b[p.keyFrom:p.keyTo]) {
		return
	}
	if !r.body.fits(val) || !v.nearby(r.near) {
		return
	}
	conf, why := v.believe(r, p, val)
	if conf == 0 {
		return
	}
	if p.comment {
		conf -= 25
		why = finding.T(why.EN+"; commented out", why.ZH+"；已被注释")
	}
	v.run.add(r, v, p.from, p.to, verdict{confidence: max(conf, 5), reason: why})
}
