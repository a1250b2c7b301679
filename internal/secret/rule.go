package secret

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"assay/finding"
)

//go:embed rules/*.txt
var ruleFiles embed.FS

// A rule is one block of a rule file, compiled. rules/README explains the
// fields.
type rule struct {
	id, kind   string
	title      finding.Text
	reason     finding.Text
	severity   finding.Severity
	confidence int
	rank       int // of two that overlap the higher wins
	high       bool
	only       []form // nil: everywhere
	keywords   []keyword
	gate       gate
	weak       bool // words for a secret count too, for little

	kindOfMatch int
	match       func(*rule, *view)
	number      int // place among all rules

	pattern       *regexp.Regexp
	secretGroups  []int
	idGroup       int
	before, after int
	body, partner shape
	lines         int
	names         []string
	near          []string
	notAfter      string
	flags         []flag
	magic         [][]int16
	files         []string

	examples []example
}

type keyword struct {
	text  string
	exact bool
}

// What starts a match.
const (
	atWord  = iota // a keyword
	atStart        // the first byte of a stream
	atLine         // every line of a file of a known name
)

// A gate says which captured values count.
type gate uint8

const (
	human   gate = iota // everything but placeholders
	machine             // only what looks random
	anyway              // everything
	basic               // user:password in base 64
)

// An example is a "+" or "-" line of a rule. A positive one holds its secret
// between « and ».
type example struct {
	positive bool
	path     string
	text     string
	line     int
}

// A shape is a set of characters and how many of them.
type shape struct {
	set      *[256]bool
	min, max int
}

var sets = map[string]*[256]bool{
	"alnum":  charset("0-9A-Za-z"),
	"base32": charset("A-Z2-7"),
	"hex":    charset("0-9a-fA-F"),
	"upper":  charset("0-9A-Z"),
	"lower":  charset("0-9a-z"),
	"digit":  charset("0-9"),
	"word":   charset("0-9A-Za-z_"),
	"name":   charset("0-9A-Za-z_-"),
	"dotted": charset("0-9A-Za-z_.-"),
	"base64": charset("0-9A-Za-z+/="),
	"sts":    charset("0-9A-Za-z+/=_.-"),
}

func charset(ranges string) *[256]bool {
	var t [256]bool
	for i := 0; i < len(ranges); i++ {
		lo, hi := ranges[i], ranges[i]
		if i+2 < len(ranges) && ranges[i+1] == '-' {
			hi = ranges[i+2]
			i += 2
		}
		for c := int(lo); c <= int(hi); c++ {
			t[c] = true
		}
	}
	return &t
}

// run is the length of the run of the set at the start of b.
func (s shape) run(b []byte) int {
	n := 0
	for n < len(b) && s.set[b[n]] {
		n++
	}
	return n
}

// fits reports whether v is of the shape from end to end.
func (s shape) fits(v []byte) bool {
	return s.set == nil || len(v) >= s.min && len(v) <= s.max && s.run(v) == len(v)
}

func parseShape(text string) (s shape, err error) {
	set, size, _ := strings.Cut(text, " ")
	if s.set = sets[set]; s.set == nil {
		return s, fmt.Errorf("no set of characters %q", set)
	}
	lo, hi, ranged := strings.Cut(size, "-")
	if s.min, err = strconv.Atoi(lo); err != nil {
		return s, err
	}
	s.max = s.min
	if ranged {
		s.max, err = strconv.Atoi(hi)
	}
	return s, err
}

// matchers are what "match:" may name.
var matchers = map[string]func(*rule, *view){
	"token":   matchToken,
	"pair":    matchPair,
	"regexp":  matchRegexp,
	"assign":  matchAssign,
	"url":     matchURL,
	"command": matchCommand,
	"key":     matchKey,
	"crypt":   matchCrypt,
	"line":    matchLine,
	"magic":   matchMagic,
}

func loadRules() ([]*rule, error) {
	names, err := fs.Glob(ruleFiles, "rules/*.txt")
	if err != nil {
		return nil, err
	}
	var out []*rule
	seen := map[string]bool{}
	for _, name := range names {
		text, err := fs.ReadFile(ruleFiles, name)
		if err != nil {
			return nil, err
		}
		rules, err := parseRules(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range rules {
			if seen[r.id] {
				return nil, fmt.Errorf("%s: rule %s is there twice", name, r.id)
			}
			seen[r.id] = true
		}
		out = append(out, rules...)
	}
	slices.SortFunc(out, func(a, b *rule) int { return strings.Compare(a.id, b.id) })
	for i, r := range out {
		r.number = i
	}
	return out, nil
}

// parseRules reads the blocks of one file.
func parseRules(text string) (out []*rule, err error) {
	var r *rule
	finish := func() error {
		if r == nil {
			return nil
		}
		out = append(out, r)
		if err := r.finish(); err != nil {
			return fmt.Errorf("rule %s: %w", r.id, err)
		}
		return nil
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\n")
		key, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
			continue
		case key == "rule" && ok:
			if err := finish(); err != nil {
				return nil, err
			}
			r = &rule{id: value, rank: 50, before: 64, after: 512, lines: 10}
			continue
		case r == nil:
			return nil, fmt.Errorf("line %d: no rule yet", n)
		case line[0] == '+' || line[0] == '-':
			r.examples = append(r.examples, parseExample(line, n))
			continue
		case !ok:
			return nil, fmt.Errorf("line %d: %q has no colon", n, line)
		}
		if err := r.set(key, value); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return out, finish()
}

func parseExample(line string, n int) example {
	x := example{positive: line[0] == '+', text: strings.TrimPrefix(line[1:], " "), line: n}
	if rest, ok := strings.CutPrefix(x.text, "@"); ok {
		x.path, x.text, _ = strings.Cut(rest, " ")
	}
	return x
}

// set takes one field.
func (r *rule) set(key, value string) (err error) {
	switch key {
	case "kind":
		r.kind = value
	case "en":
		r.title.EN = value
	case "zh":
		r.title.ZH = value
	case "why-en":
		r.reason.EN = value
	case "why-zh":
		r.reason.ZH = value
	case "severity":
		r.severity, err = finding.ParseSeverity(value)
	case "confidence":
		r.confidence, err = strconv.Atoi(value)
	case "rank":
		r.rank, err = strconv.Atoi(value)
	case "high":
		r.high = value == "yes"
	case "keywords", "exact", "phrase", "exact-phrase":
		words := strings.Fields(value)
		if strings.HasSuffix(key, "phrase") {
			words = []string{strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`), `\"`, `"`)}
		}
		for _, w := range words {
			k := keyword{w, strings.HasPrefix(key, "exact")}
			if !k.exact {
				k.text = strings.ToLower(w)
			}
			if len(w) < minWord {
				return fmt.Errorf("keyword %q is shorter than %d", w, minWord)
			}
			r.keywords = append(r.keywords, k)
		}
	case "match":
		if r.match = matchers[value]; r.match == nil {
			return fmt.Errorf("no match %q", value)
		}
		r.kindOfMatch = map[string]int{"line": atLine, "magic": atStart}[value]
	case "only":
		for _, f := range strings.Fields(value) {
			i := slices.Index(formNames[:], f)
			if i < 0 {
				return fmt.Errorf("no form %q", f)
			}
			r.only = append(r.only, form(i))
		}
	default:
		return r.setMatch(key, value)
	}
	return err
}

var formNames = [...]string{"unknown", "config", "shell", "history", "source", "markup", "prose", "logs", "table"}

// setMatch takes a field that only some matchers have.
func (r *rule) setMatch(key, value string) (err error) {
	switch key {
	case "pattern":
		if r.pattern, err = regexp.Compile(value); err == nil {
			r.idGroup = r.pattern.SubexpIndex("id")
			for _, name := range []string{"s", "t", "u", "v"} {
				if g := r.pattern.SubexpIndex(name); g > 0 {
					r.secretGroups = append(r.secretGroups, g)
				}
			}
		}
	case "before":
		r.before, err = strconv.Atoi(value)
	case "after":
		r.after, err = strconv.Atoi(value)
	case "body":
		r.body, err = parseShape(value)
	case "partner":
		r.partner, err = parseShape(value)
	case "lines":
		r.lines, err = strconv.Atoi(value)
	case "names":
		r.names = append(r.names, strings.Fields(value)...)
	case "not-after":
		r.notAfter = value
	case "near":
		r.near = append(r.near, strings.Fields(value)...)
	case "gate":
		i := slices.Index([]string{"human", "machine", "any", "basic"}, value)
		if i < 0 {
			return fmt.Errorf("no gate %q", value)
		}
		r.gate = gate(i)
	case "flag":
		f, err := parseFlag(value)
		r.flags = append(r.flags, f)
		return err
	case "weak":
		r.weak = value == "yes"
	case "magic":
		m, err := parseMagic(value)
		r.magic = append(r.magic, m)
		return err
	case "files":
		r.files = append(r.files, strings.Fields(value)...)
	default:
		return fmt.Errorf("no field %q", key)
	}
	return err
}

// finish completes a rule and refuses one that could never speak, or not for
// itself.
func (r *rule) finish() error {
	if r.reason.EN == "" {
		r.reason = finding.T("has the form of this credential", "符合该类凭证的格式")
	}
	switch {
	case r.id == "" || r.kind == "" || r.title.EN == "" || r.title.ZH == "" || r.reason.ZH == "":
		return fmt.Errorf("id, kind or a text is missing")
	case r.severity == 0 || r.confidence < 1 || r.confidence > 100 || r.match == nil:
		return fmt.Errorf("severity, confidence or match is missing")
	case r.kindOfMatch == atWord && len(r.keywords) == 0:
		return fmt.Errorf("no keyword")
	case r.kindOfMatch == atLine && (len(r.files) == 0 || r.pattern == nil):
		return fmt.Errorf("a line match needs files and a pattern")
	case r.pattern != nil && len(r.secretGroups) == 0:
		return fmt.Errorf("the pattern has no group s")
	case r.before > back || r.after > ahead:
		return fmt.Errorf("looks too far")
	}
	return nil
}

// offHere reports whether the rule does not run over this stream.
func (r *rule) offHere(run *run) bool {
	return r.only != nil && !slices.Contains(r.only, run.place.form)
}

// inFile reports whether a line rule is about the file: its name is listed, or
// its path ends in or leads through a listed one that has a slash.
func (r *rule) inFile(base, full string) bool {
	for _, f := range r.files {
		if f == base || f[len(f)-1] == '/' && strings.Contains(full, f) || f[0] == '*' && strings.HasSuffix(base, f[1:]) || f[0] == '/' && strings.HasSuffix(full, f) {
			return true
		}
	}
	return false
}
