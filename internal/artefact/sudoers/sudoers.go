package sudoers

import (
	"slices"
	"strings"
)

// A File is one file, entries in order.
type File struct {
	Specs    []Spec
	Aliases  []Alias
	Includes []Include
	Defaults []Default
}

// A Spec is one user specification.
type Spec struct {
	Line     int
	Users    []string // as written: "deploy", "%wheel", "#1000", "ALL", "!bob", "ADMINS"
	Commands []Command
}

// A Command is one command with what stands before it or is inherited.
type Command struct {
	Runas    []string // target users; nil when none is named: then root (or runas_default)
	NoPasswd bool
	Text     string // "ALL", a path with arguments, an alias, each perhaps after "!"
}

// An Alias is one definition.
type Alias struct {
	Kind    string // "User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias" (Cmd_Alias too)
	Name    string
	Members []string
	Line    int
}

// An Include is one @include or @includedir line.
type Include struct {
	Path string
	Dir  bool
	Line int
	// After is the number of Specs before the line.
	After int
}

// A Default is one setting of a Defaults line.
type Default struct {
	Scope   byte     // 0 for all, ':' users, '@' hosts, '!' commands, '>' runas
	For     []string // what the scope is limited to
	Setting string   // "!authenticate", "runas_default=admin"
	Line    int
}

var aliasKinds = []string{"User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias"}

// Parse reads a file.
func Parse(b []byte) File {
	var f File
	for line, text := range logical(string(b)) {
		f.entry(text, line)
	}
	return f
}

// logical yields the lines with continuations joined and comments cut, by the
// number of their first line.
func logical(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n, first, joined := 0, 0, ""
		for l := range strings.Lines(text) {
			n++
			l = strings.TrimRight(l, "\r\n")
			if joined == "" {
				first = n
			}
			if before, ok := strings.CutSuffix(l, "\\"); ok && !strings.HasSuffix(before, "\\") {
				joined += before + " "
				continue
			}
			if s := strings.TrimSpace(uncomment(joined + l)); s != "" && !yield(first, s) {
				return
			}
			joined = ""
		}
		if s := strings.TrimSpace(uncomment(joined)); s != "" {
			yield(first, s)
		}
	}
}

// uncomment cuts a comment: "#" begins one unless it is quoted, escaped, part
// of a word, before a number (a uid), or begins #include.
func uncomment(s string) string {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '#':
			rest := s[i+1:]
			uid := rest != "" && (rest[0] >= '0' && rest[0] <= '9' || rest[0] == '-')
			include := strings.TrimSpace(s[:i]) == "" && (strings.HasPrefix(rest, "include ") || strings.HasPrefix(rest, "include\t") ||
				strings.HasPrefix(rest, "includedir ") || strings.HasPrefix(rest, "includedir\t"))
			if !quoted && !uid && !include {
				return s[:i]
			}
		}
	}
	return s
}

func (f *File) entry(s string, line int) {
	word, rest, _ := strings.Cut(strings.ReplaceAll(s, "\t", " "), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case word == "#include" || word == "@include" || word == "#includedir" || word == "@includedir":
		if p := unescape(rest); p != "" {
			f.Includes = append(f.Includes, Include{p, strings.HasSuffix(word, "dir"), line, len(f.Specs)})
		}
	case slices.Contains(aliasKinds, word):
		for _, def := range split(rest, ':') {
			if name, members, ok := strings.Cut(def, "="); ok {
				f.Aliases = append(f.Aliases, Alias{word, strings.TrimSpace(name), items(members), line})
			}
		}
	case strings.HasPrefix(word, "Defaults"):
		f.defaults(s[len("Defaults"):], line)
	default:
		f.spec(s, line)
	}
}

func (f *File) defaults(s string, line int) {
	d := Default{Line: line}
	if s != "" && strings.IndexByte(":@!>", s[0]) >= 0 {
		d.Scope = s[0]
		who, rest := firstList(s[1:])
		d.For, s = who, rest
	}
	for _, set := range items(s) {
		d.Setting = set
		f.Defaults = append(f.Defaults, d)
	}
}

// spec reads "users hosts = commands [: hosts = commands]".
func (f *File) spec(s string, line int) {
	users, rest := firstList(s)
	_, commands, ok := cut(rest, '=')
	if !ok || len(users) == 0 {
		return
	}
	sp := Spec{Line: line, Users: users}
	for ok {
		var list []Command
		list, commands = readCommands(commands)
		sp.Commands = append(sp.Commands, list...)
		_, commands, ok = cut(commands, '=')
	}
	if len(sp.Commands) > 0 {
		f.Specs = append(f.Specs, sp)
	}
}

// firstList reads a list of words with commas between them, up to the first
// word that no comma precedes.
func firstList(s string) (words []string, rest string) {
	s = strings.TrimLeft(s, " \t")
	for s != "" {
		end := len(s)
		quoted := false
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' {
				i++
			} else if s[i] == '"' {
				quoted = !quoted
			} else if !quoted && strings.IndexByte(", \t=", s[i]) >= 0 && !(s[i] == ' ' && i > 0 && s[i-1] == '!') {
				end = i
				break
			}
		}
		words = append(words, unescape(strings.ReplaceAll(s[:end], "! ", "!")))
		s = strings.TrimLeft(s[end:], " \t")
		if !strings.HasPrefix(s, ",") {
			return words, s
		}
		s = strings.TrimLeft(s[1:], " \t")
	}
	return words, s
}

// tags are the words that may stand before a command with a colon.
var tags = []string{"NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "SETENV", "NOSETENV", "LOG_INPUT", "NOLOG_INPUT", "LOG_OUTPUT", "NOLOG_OUTPUT",
	"FOLLOW", "NOFOLLOW", "MAIL", "NOMAIL", "INTERCEPT", "NOINTERCEPT"}

// options are the words that may stand before a command with "=".
var options = []string{"ROLE", "TYPE", "CWD", "CHROOT", "TIMEOUT", "NOTBEFORE", "NOTAFTER", "PRIVS", "LIMITPRIVS", "APPARMOR_PROFILE"}

// readCommands reads commands up to the colon before another host list, and
// returns what is behind it.
func readCommands(s string) (list []Command, rest string) {
	var c Command // target and tags are inherited by the commands that follow
	for s != "" {
		s = strings.TrimLeft(s, " \t,")
		if inner, ok := strings.CutPrefix(s, "("); ok {
			target, after, closed := cut(inner, ')')
			if !closed {
				return list, ""
			}
			users, _, _ := strings.Cut(target, ":")
			c.Runas = append([]string{}, items(users)...)
			s = after
			continue
		}
		word := s[:len(s)-len(strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))]
		after := strings.TrimLeft(s[len(word):], " \t")
		if slices.Contains(tags, word) && strings.HasPrefix(after, ":") {
			if word == "NOPASSWD" || word == "PASSWD" {
				c.NoPasswd = word == "NOPASSWD"
			}
			s = after[1:]
			continue
		}
		if slices.Contains(options, word) && strings.HasPrefix(after, "=") {
			_, s = firstList(after[1:])
			continue
		}
		text, tail, sep := cutAny(s, ",:")
		if text = strings.TrimSpace(text); text != "" {
			list = append(list, Command{c.Runas, c.NoPasswd, unescape(text)})
		}
		if sep == ':' {
			return list, tail
		}
		s = tail
	}
	return list, ""
}

// cut splits s at the first sep that is neither quoted nor escaped.
func cut(s string, sep byte) (before, after string, found bool) {
	before, after, at := cutAny(s, string(sep))
	return before, after, at != 0
}

func cutAny(s, seps string) (before, after string, sep byte) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(seps, s[i]) >= 0:
			return s[:i], s[i+1:], s[i]
		}
	}
	return s, "", 0
}

func split(s string, sep byte) []string {
	var out []string
	for ok := true; ok; {
		var one string
		one, s, ok = cut(s, sep)
		out = append(out, one)
	}
	return out
}

// items reads a list with commas.
func items(s string) []string {
	var out []string
	for _, x := range split(s, ',') {
		if x = unescape(strings.ReplaceAll(strings.TrimSpace(x), "! ", "!")); x != "" {
			out = append(out, x)
		}
	}
	return out
}

// unescape takes quotes and backslashes off.
func unescape(s string) string {
	if !strings.ContainsAny(s, "\\\"") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		} else if s[i] == '"' {
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
