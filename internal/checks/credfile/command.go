package credfile

import (
	"path"
	"strings"

	"assay/internal/artefact/settings"
)

// AnySecret makes a finder that takes every setting whose name says that it
// holds a secret in any program (see Names), and every URL and connection
// string with a password. List items "NAME=value" count as settings.
func AnySecret(parse settings.Parser) func([]byte) []Secret {
	return func(b []byte) (out []Secret) {
		set, _ := parse(b)
		for _, s := range set {
			key, value := s.Key, s.Value
			if k, v, ok := strings.Cut(value, "="); ok && (strings.Trim(key, "0123456789") == "" || key == "environment") {
				key, value = strings.TrimSpace(k), v
			}
			if pass, _, ok := URLSecret(value); ok {
				out = append(out, Secret{key, "", []byte(pass), s.Line})
			} else if Names(key) && Real(value) {
				out = append(out, Secret{key, "", []byte(value), s.Line})
			} else if pass, ok := connection(value); ok {
				out = append(out, Secret{key, "", []byte(pass), s.Line})
			}
		}
		return out
	}
}

// connection returns the password of a connection string such as
// "Server=h;User Id=u;Password=p" or "host=h password=p".
func connection(s string) (string, bool) {
	low := strings.ToLower(s)
	if len(low) != len(s) {
		return "", false
	}
	for _, k := range []string{"password=", "pwd="} {
		i := strings.Index(low, k)
		if i < 0 || i > 0 && !strings.ContainsRune("; &?'\"", rune(low[i-1])) {
			continue
		}
		v := s[i+len(k):]
		if e := strings.IndexAny(v, "; &'\""); e >= 0 {
			v = v[:e]
		}
		if Real(v) && strings.Count(s, "=") > 1 {
			return v, true
		}
	}
	return "", false
}

// short are the programs whose option takes a password in a short form: the
// option, and whether the password is glued to it.
var short = map[string][]struct {
	opt  string
	glue bool
}{
	"mysql": {{"-p", true}}, "mysqldump": {{"-p", true}}, "mysqladmin": {{"-p", true}}, "mariadb": {{"-p", true}}, "mariadb-dump": {{"-p", true}}, "mysqlimport": {{"-p", true}},
	"xtrabackup": {{"-p", true}}, "redis-cli": {{"-a", false}}, "sshpass": {{"-p", true}, {"-p", false}}, "mongo": {{"-p", false}}, "mongosh": {{"-p", false}},
	"mongodump": {{"-p", false}}, "ldapsearch": {{"-w", false}}, "zip": {{"-P", false}}, "7z": {{"-p", true}}, "lftp": {{"-u", false}}, "curl": {{"-u", false}},
}

// Command finds the passwords that a command line gives to programs: options
// such as --password=X and -pX, assignments such as PGPASSWORD=X, URLs.
func Command(line string, num int) (out []Secret) {
	add := func(name, v string) {
		if Real(v) {
			out = append(out, Secret{name, "", []byte(v), num})
		}
	}
	if pass, _, ok := URLSecret(line); ok {
		add("URL password", pass)
	}
	program := ""
	for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ';' || r == '|' }) {
		words := settings.Fields(part)
		for i, w := range words {
			next := ""
			if i+1 < len(words) {
				next = words[i+1]
			}
			if _, ok := short[path.Base(w)]; ok {
				program = path.Base(w)
				continue
			}
			k, v, assigned := strings.Cut(w, "=")
			long := strings.HasPrefix(k, "-")
			switch {
			case strings.ContainsAny(k, " \t$(){}<>"): // a sentence in quotes, or something computed
			case assigned && Names(strings.TrimLeft(k, "-")) && !strings.Contains(v, "://"):
				add(k, v)
			case long && Names(strings.TrimLeft(k, "-")) && next != "" && next[0] != '-' && strings.HasPrefix(k, "--") && !strings.Contains(next, "://"):
				add(k, next)
			case long:
				option(program, w, next, add)
			}
		}
	}
	return out
}

func option(program, w, next string, add func(name, v string)) {
	for _, o := range short[program] {
		switch {
		case o.glue && strings.HasPrefix(w, o.opt) && len(w) > len(o.opt):
			add(program+" "+o.opt, w[len(o.opt):])
		case !o.glue && w == o.opt:
			v := next
			if program == "curl" || program == "lftp" { // "user:password" and "user,password"
				v = next[min(strings.IndexAny(next+":", ":,")+1, len(next)):]
			}
			add(program+" "+o.opt, v)
		}
	}
}

// Commands is Command for every line of a script or a table of commands.
func Commands(b []byte) (out []Secret) {
	n := 0
	for l := range strings.Lines(string(b)) {
		n++
		if l = strings.TrimSpace(l); l != "" && l[0] != '#' && len(l) < 64<<10 {
			out = append(out, Command(l, n)...)
		}
	}
	return out
}
