package secret

import (
	"bytes"
	"strings"

	"assay/finding"
	"assay/internal/standin"
)

var (
	whyConfig  = finding.T("a literal in a credential field of a configuration", "配置文件的凭证字段中写有明文")
	whyShell   = finding.T("a credential given in a script or typed at a prompt", "脚本或命令行中直接给出凭证")
	whySource  = finding.T("a quoted literal given to a name for a credential", "代码中将明文赋给凭证名称")
	whyWord    = finding.T("a plain word given to a name for a credential", "将普通单词赋给凭证名称")
	whyRandom  = finding.T("a random value given to a name for a credential", "将随机值赋给凭证名称")
	whyUnknown = finding.T("a value given to a name for a credential", "将值赋给凭证名称")
	whyWeak    = finding.T("a word for a secret, given to a name for a credential", "将代指密钥的单词赋给凭证名称")
	whyTest    = finding.T("a value that a test or an example gives to a name for a credential", "测试或示例中赋给凭证名称的值")
	whyDefault = finding.T("the value used when a variable is not set", "变量未设置时使用的默认值")
)

// believe says how much the value of an assignment is worth, 0 for nothing.
// The form decides: a literal in a credential field of a configuration is one
// whatever it looks like, in a program only quoted text is, and text that
// speaks to people never.
func (v *view) believe(r *rule, p *pair, val []byte) (int, finding.Text) {
	m := mixOf(val)
	f := v.run.place.form
	grade := standin.Of(val)
	if grade == standin.None || m.other > 0 && (p.sep != '(' || !v.run.place.tests || m.space > 0) ||
		m.space > 0 && (p.quote == 0 && p.sep != '>' || m.digit == 0 || m.space > 3 || f == source || f == markup) {
		return 0, finding.Text{}
	}
	if bytes.Contains(val, []byte("://")) || val[0] == '/' && bytes.Count(val, []byte("/")) > 1 && m.digit == 0 || pattern(val) || version(val) || hexNumber(val) || v.ternary(p) || constant(val, m, v.run.place.tests) || relativePath(val, m) {
		return 0, finding.Text{}
	}
	if p.sep == ',' && p.quote == 0 || p.comment && byteAt(v.b, p.keyFrom-1) == '`' {
		return 0, finding.Text{}
	}
	if grade < standin.Real || speaks(val, m) || bytes.EqualFold(val, v.b[p.keyFrom:p.keyTo]) {
		return v.weak(r, p, val, grade)
	}
	if r.body.set != nil { // of a form of its own
		if !random(val) {
			return 0, finding.Text{}
		}
		return r.confidence, whyRandom
	}
	if isID(val) {
		return 0, finding.Text{}
	}
	rnd := random(val)
	if r.gate == machine && (!rnd && !(literalForm(f) && len(val) >= 8 && m.digit > 0 && (m.lower+m.upper > 0) && (m.symbol > 0 || m.upper > 0)) ||
		uuid(val) && !literalForm(f) || f == markup && !rnd) {
		return v.weak(r, p, val, grade)
	}
	if p.sep == '$' {
		return 60, whyDefault
	}
	if p.sep == ' ' && f == source && p.quote == 0 {
		return 0, finding.Text{}
	}
	if f == shell && byteAt(v.b, p.keyFrom-1) == '$' && !powerShell(v.run.place.name) { // test "$pass" = "x"; a shell assigns without "$"
		return 0, finding.Text{}
	}
	switch f {
	case config:
		return v.config(p, val, m, rnd)
	case shell, history:
		if p.sep == ':' && p.quote == 0 && f == shell || expression(val, p) || f == shell && expanded(val, p) || p.quote == 0 && p.sep == '=' && powerShell(v.run.place.name) {
			return 0, finding.Text{}
		}
		return 80, whyShell
	}
	return v.elsewhere(r, p, val, m, rnd)
}

// weakWorth is for what tests and examples alone give a reason to report.
const weakWorth = 30

// weak judges words for a secret, and values too short or too plain for a key.
// Tests use them as secrets, and some people do; anywhere else they are the
// names of fields.
func (v *view) weak(r *rule, p *pair, val []byte, grade standin.Grade) (int, finding.Text) {
	f := v.run.place.form
	key := bytes.TrimLeft(v.b[p.keyFrom:p.keyTo], "_")
	switch {
	case p.comment || p.sep == ',' && !v.function() || expression(val, p) || val[len(val)-1] == ':' || val[0] == '.' || fileName(val):
		return 0, finding.Text{}
	case v.run.place.tests && (p.quote != 0 || p.sep == '>' || literalForm(f) || v.inString(p) || f == unknown && p.sep == '=' && !v.goesOn(p)) && !(r.gate == machine && bytes.EqualFold(key, []byte("token"))):
		return weakWorth, whyTest
	case grade == standin.Lazy && literalForm(f) && mixOf(val).upper == 0 && p.sep != ',' && p.sep != '(' && !v.goesOn(p):
		return weakWorth, whyWeak
	case grade == standin.Real && f == config && r.gate == machine && p.sep == '=' && p.quote == 0 && mixOf(val).digit > 0 && mixOf(val).lower > 2:
		return weakWorth, whyUnknown
	}
	return 0, finding.Text{}
}

// function reports whether the quoted name is the first argument of a function
// that has a name: put("password", "x"), and not ("password", "x").
func (v *view) function() bool {
	i := v.pair.keyFrom - 2
	for i > 0 && v.b[i] == ' ' {
		i--
	}
	return byteAt(v.b, i) == '(' && i > 0 && keyChar[v.b[i-1]]
}

// inString reports whether a pair without quotes of its own is part of a string
// that is a list of them: "user=x&password=y", "--password=y".
func (v *view) inString(p *pair) bool {
	i := p.keyFrom - 1
	for i > 0 && v.b[i] == '-' {
		i--
	}
	c, next := byteAt(v.b, i), byteAt(v.b, p.to)
	return p.sep == '=' && p.quote == 0 && (c == '&' || c == '?' || c == ';' || isQuote(c)) && (next == '&' || next == ';' || isQuote(next))
}

// version reports whether a value is a version of a module of that name:
// "1.2.1", "^4.0".
func version(val []byte) bool {
	val = bytes.TrimLeft(val, "^~>=v ")
	return len(val) > 2 && bytes.Contains(val, []byte(".")) && len(bytes.Trim(val, "0123456789.")) == 0
}

// hexNumber reports whether a value is a number of a program: 0x00000009.
func hexNumber(val []byte) bool {
	return len(val) > 2 && len(val) <= 18 && val[0] == '0' && val[1]|0x20 == 'x' && allIn(val[2:], sets["hex"])
}

// expanded reports whether a shell puts something else in the place of a value:
// "$dir$name", `expr 1 + 2`.
func expanded(val []byte, p *pair) bool {
	if p.quote == '`' {
		return true
	}
	for i, c := range val {
		if next := byteAt(val, i+1); c == '$' && p.quote != '\'' && (next == '_' || next == '{' || next == '(' || next == '$' || next|0x20 >= 'a' && next|0x20 <= 'z') && (i == 0 || val[i-1] != '\\') {
			return true
		}
	}
	return false
}

// constant reports whether a value is the name of one: FTP_PASS.
func constant(val []byte, m mix, tests bool) bool {
	return !tests && m.lower == 0 && m.digit == 0 && m.upper > 2 && bytes.IndexByte(val, '_') > 0 && allIn(val, keyChar)
}

// relativePath reports whether a value is a path in words: etc/pool_passwd.
func relativePath(val []byte, m mix) bool {
	return m.digit == 0 && m.upper == 0 && bytes.IndexByte(val, '/') > 0 && allIn(val, pathChar)
}

var pathChar = charset("a-z/_.-")

func powerShell(name string) bool {
	return strings.HasSuffix(name, ".ps1") || strings.HasSuffix(name, ".psm1")
}

// fileName reports whether a value is the name of a file that holds the key.
func fileName(val []byte) bool {
	for _, ext := range []string{".key", ".pem", ".crt", ".cer", ".der", ".jks", ".p12", ".pfx", ".txt", ".json"} {
		if bytes.HasSuffix(val, []byte(ext)) {
			return true
		}
	}
	return false
}

// ternary reports whether the quoted name is the first branch of c ? "x" : "y".
func (v *view) ternary(p *pair) bool {
	i := p.keyFrom - 1
	if p.sep != ':' || !isQuote(byteAt(v.b, i)) {
		return false
	}
	for i--; i > 0 && v.b[i] == ' '; i-- {
	}
	return byteAt(v.b, i) == '?'
}

func literalForm(f form) bool { return f == config || f == shell || f == history }

func (v *view) config(p *pair, val []byte, m mix, rnd bool) (int, finding.Text) {
	switch {
	case p.quote == 0 && p.sep != '>' && (val[0] == '!' || val[0] == '*' || val[0] == '|' || val[0] == '>' || val[0] == '&') && len(val) < 4,
		p.quote == 0 && p.sep == ':' && (val[0] == '*' || val[0] == '[' || val[0] == '{'),
		p.sep == '=' && p.quote == 0 && expression(val, p) && m.digit == 0:
		return 0, finding.Text{}
	case p.sep == ',' || p.sep == '(':
		return v.sourceWorth(val, m, rnd)
	case p.quote == 0 && v.goesOn(p):
		return 40, whyUnknown
	}
	return 85, whyConfig
}

// goesOn reports whether words follow a bare value that are neither a comment
// nor a further assignment: a sentence.
func (v *view) goesOn(p *pair) bool {
	_, end := v.line()
	if p.to >= end {
		return false
	}
	rest := bytes.TrimLeft(v.b[p.to:end], " \t")
	return len(rest) > 0 && rest[0] != '#' && rest[0] != ';' && (v.b[p.to] == ' ' || v.b[p.to] == '\t') &&
		!(len(rest) > 1 && rest[0] == '/' && rest[1] == '/') && !listGoesOn(rest[:min(len(rest), 40)]) && rest[0] != '-' && rest[0] != '|' && rest[0] != '&' && rest[0] != '>'
}

// elsewhere is believe for programs, pages, logs, manuals and what has no
// known name.
func (v *view) elsewhere(r *rule, p *pair, val []byte, m mix, rnd bool) (int, finding.Text) {
	f := v.run.place.form
	if p.quote == 0 && p.sep != '>' {
		if v.inString(p) {
			return v.sourceWorth(val, m, rnd)
		}
		if c := byteAt(v.b, p.keyFrom-1); rnd && f != source && f != markup && (c == '?' || c == '&') { // the query of a URL, as logs have it
			return 75, whyRandom
		}
		if f == source || f == markup || expression(val, p) || v.goesOn(p) || val[len(val)-1] == ':' {
			return 0, finding.Text{}
		}
		_, end := v.line()
		if tail := bytes.TrimRight(v.b[p.to:max(end, p.to)], " \t"); f == unknown && len(tail) > 0 && (tail[len(tail)-1] == ';' || tail[len(tail)-1] == '{') && p.sep == '=' && !listGoesOn(tail[1:]) && m.digit == 0 {
			return 0, finding.Text{}
		}
		if rnd {
			return 75, whyRandom
		}
		if m.digit == 0 && allIn(val, keyChar) { // "password: required"
			return 40, whyWord
		}
		return 65, whyUnknown
	}
	if f == markup && p.sep == '=' && !rnd { // <input name="password" value="…">
		return 0, finding.Text{}
	}
	return v.sourceWorth(val, m, rnd)
}

// sourceWorth judges quoted text in a program.
func (v *view) sourceWorth(val []byte, m mix, rnd bool) (int, finding.Text) {
	last := val[len(val)-1]
	if last == ':' || last == '=' || last == ' ' || last == '.' || val[0] == ' ' || val[0] == '.' || val[0] == '#' && m.digit == 0 || val[0] == '/' || val[0] == '-' {
		return 0, finding.Text{}
	}
	switch {
	case rnd:
		return 75, whyRandom
	case m.digit == 0 && allIn(val, keyChar) && v.pair.sep == '(' && !v.run.place.tests && !hasFold(v.b[v.pair.keyFrom:], "set"): // check_password("proxy", …)
		return 0, finding.Text{}
	case m.digit == 0 && m.symbol == 0:
		return 35, whyWord
	case m.digit == 0 && allIn(val, keyChar): // "user-pass", "form.field"
		if v.pair.sep == ',' {
			return 0, finding.Text{}
		}
		return 25, whyWord
	case len(val) < 5:
		return 40, whySource
	case m.lower+m.upper == 0: // 123456
		return 60, whySource
	}
	return 70, whySource
}

func allIn(v []byte, set *[256]bool) bool {
	for _, c := range v {
		if !set[c] {
			return false
		}
	}
	return true
}

var credentialWords = []string{"password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "credential", "accesskey", "privatekey"}

// speaks reports whether a value is about a credential instead of being one:
// "userPassword", "auth.token.key".
func speaks(val []byte, m mix) bool {
	if m.digit > 0 || m.symbol > 0 && !allIn(val, keyChar) {
		return false
	}
	var buf [maxValue]byte
	k := fold(buf[:], val)
	for _, w := range credentialWords {
		if bytes.Contains(k, []byte(w)) {
			return true
		}
	}
	return bytes.HasSuffix(k, []byte("pass")) && len(k) > len("pass")
}

// expression reports whether a bare word is something to be computed: a call,
// an index, a variable.
func expression(val []byte, p *pair) bool {
	if p.quote != 0 || p.sep == '>' {
		return false
	}
	c := val[0]
	if c == '$' || c == '(' || c == '[' || c == '{' || c == '&' || c == '*' && len(val) > 1 && keyChar[val[1]] || c == '"' || c == '`' || c == '|' {
		return true
	}
	if i := bytes.IndexByte(val, '('); i > 0 && allIn(val[:i], keyChar) || i > 0 && bytes.IndexByte(val, ')') > i {
		return true
	}
	if i := bytes.IndexByte(val, '['); i > 0 && allIn(val[:i], keyChar) {
		return true
	}
	return bytes.Contains(val, []byte("->")) || bytes.Contains(val, []byte("::")) || bytes.HasSuffix(val, []byte("="))
}

// pattern reports whether a value is a regular expression or a format.
func pattern(val []byte) bool {
	for _, s := range []string{`\d`, `\w`, `\s`, `.*`, `.+`, `[^`, `[a-z`, `[A-Z`, `(?`, `)$`, `%s`, `%d`, `%v`, `{}`, `%q`, `\x`, `\0`} {
		if bytes.Contains(val, []byte(s)) {
			return true
		}
	}
	return false
}

// isID reports whether a value is the public half of a provider's key pair;
// the provider's own rule speaks about it.
func isID(val []byte) bool {
	for _, p := range []string{"LTAI", "AKIA", "ASIA", "AKID", "AKLT", "STS.", "GOOG1E"} {
		if bytes.HasPrefix(val, []byte(p)) {
			return true
		}
	}
	return false
}

// uuid reports whether a value has the form of a UUID.
func uuid(v []byte) bool {
	if len(v) != 36 {
		return false
	}
	for i, c := range v {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') || !dash && !sets["hex"][c] {
			return false
		}
	}
	return true
}
