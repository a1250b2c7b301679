package settings

import (
	"strings"

	"assay/internal/binread"
)

// Bounds on what one file may cost.
const (
	maxSettings = 100_000 // settings of one file
	maxDepth    = 64      // values inside each other
	maxValue    = 1 << 20 // bytes of one value; a longer one is cut
)

// A Setting is one value of a configuration file.
type Setting struct {
	Path  string // what it stands under: "profiles/0", an INI section, an XML element; "" at the top
	Key   string
	Value string // without its quotes
	Line  int    // 1-based
}

// A Parser reads one format. Beside an error it returns what came before the
// broken place.
type Parser func([]byte) ([]Setting, error)

func tooMany(format string, line int) error {
	return binread.Errorf(format, -1, "line %d: more than %d settings", line, maxSettings)
}

// lines calls yield with each line, trimmed, and its number. Both line ends
// are known, and a byte order mark is dropped.
func lines(b []byte, yield func(n int, line string) bool) {
	n := 0
	for l := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		n++
		if !yield(n, strings.TrimSpace(l)) {
			return
		}
	}
}

func comment(line string) bool {
	return line == "" || line[0] == '#' || line[0] == ';' || strings.HasPrefix(line, "//") && !strings.Contains(line, "=")
}

// unquote removes one pair of quotes around a value.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		s = s[1 : n-1]
	}
	return s[:min(len(s), maxValue)]
}

// INI reads "[section]" and "key = value", as git, systemd, MySQL and most
// command line tools write it; TOML's tables and HCL's blocks come out right
// as far as single-line values go. A "#" or ";" inside a value stays.
func INI(b []byte) (out []Setting, err error) {
	return pairs("ini", b, func(l string) (string, string, bool) { return strings.Cut(l, "=") })
}

// Properties reads "key=value" and "key: value", as Java does.
func Properties(b []byte) ([]Setting, error) {
	return pairs("properties", b, func(l string) (string, string, bool) {
		i := strings.IndexAny(l, "=:")
		if i < 0 {
			return l, "", false
		}
		return l[:i], l[i+1:], true
	})
}

// HCL reads the "key = \"value\"" lines of HCL, whatever block they stand in;
// an unquoted value is an expression and is passed over.
func HCL(b []byte) ([]Setting, error) {
	return pairs("hcl", b, func(l string) (string, string, bool) {
		k, v, ok := strings.Cut(l, "=")
		return k, v, ok && strings.HasPrefix(strings.TrimSpace(v), `"`)
	})
}

// Words reads "key value", as sshd, redis, nginx and OpenVPN write it; a final
// ";" is dropped.
func Words(b []byte) ([]Setting, error) {
	return pairs("words", b, func(l string) (string, string, bool) {
		l = strings.TrimSuffix(l, ";")
		i := strings.IndexAny(l, " \t")
		if i < 0 {
			return l, "", false
		}
		return l[:i], l[i+1:], true
	})
}

func pairs(format string, b []byte, cut func(string) (string, string, bool)) (out []Setting, err error) {
	section := ""
	lines(b, func(n int, l string) bool {
		if comment(l) {
			return true
		}
		if l[0] == '[' && strings.Contains(l, "]") && !strings.Contains(l, "=") {
			section = strings.Trim(l, "[] ")
			return true
		}
		k, v, ok := cut(l)
		if !ok {
			return true
		}
		if len(out) >= maxSettings {
			err = tooMany(format, n)
			return false
		}
		out = append(out, Setting{section, strings.Trim(strings.TrimSpace(k), `"'`), unquote(v), n})
		return true
	})
	return out, err
}

// Env reads what a shell would assign: "A=1", "export A='x y' B=2",
// "setenv A 1", "declare -x A=1", "fish: set -gx A 1". Nothing is expanded.
// Lines that do not start with an assignment are passed over.
func Env(b []byte) (out []Setting, err error) {
	lines(b, func(n int, l string) bool {
		if comment(l) {
			return true
		}
		for _, kv := range Assignments(l) {
			if len(out) >= maxSettings {
				err = tooMany("env", n)
				return false
			}
			out = append(out, Setting{"", kv[0], kv[1], n})
		}
		return true
	})
	return out, err
}

// Assignments returns the names and values that a line of shell assigns at its
// start.
func Assignments(line string) (out [][2]string) {
	words := Fields(line)
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "setenv":
		if len(words) == 3 {
			return [][2]string{{words[1], words[2]}}
		}
		return nil
	case "set":
		if len(words) == 4 && strings.HasPrefix(words[1], "-") {
			return [][2]string{{words[2], words[3]}}
		}
		return nil
	case "export", "declare", "typeset", "readonly", "local", "env":
		words = words[1:]
		for len(words) > 0 && strings.HasPrefix(words[0], "-") {
			words = words[1:]
		}
	}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok || !name(k) {
			break
		}
		out = append(out, [2]string{k, v[:min(len(v), maxValue)]})
	}
	return out
}

func name(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// Fields splits a line into words as a shell does: quotes and backslashes are
// taken away, a "#" at the start of a word ends the line, and so does ";", "&"
// or "|" outside quotes.
func Fields(line string) (out []string) {
	var w strings.Builder
	in, quote := false, byte(0)
	flush := func() {
		if in {
			out = append(out, w.String())
		}
		w.Reset()
		in = false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			w.WriteByte(line[i])
			in = true
		case quote != 0:
			w.WriteByte(c)
		case c == '"' || c == '\'':
			quote, in = c, true
		case c == ' ' || c == '\t':
			flush()
		case c == ';' || c == '&' || c == '|' || c == '#' && !in:
			flush()
			return out
		default:
			w.WriteByte(c)
			in = true
		}
	}
	flush()
	return out
}

// Netrc reads "machine H login L password P", over any number of lines; the
// setting's Path is the machine. See netrc(5).
func Netrc(b []byte) (out []Setting, err error) {
	machine := ""
	key := ""
	lines(b, func(n int, l string) bool {
		if comment(l) {
			return true
		}
		for w := range strings.FieldsSeq(l) {
			switch {
			case key == "machine":
				machine = w
			case key != "":
				if len(out) >= maxSettings {
					err = tooMany("netrc", n)
					return false
				}
				out = append(out, Setting{machine, key, unquote(w), n})
			case w == "default":
				machine = w
				continue
			case w == "machine" || w == "login" || w == "user" || w == "password" || w == "account" || w == "port":
				key = w
				continue
			}
			key = ""
		}
		return true
	})
	return out, err
}
