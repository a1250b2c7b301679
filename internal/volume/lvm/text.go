package lvm

import (
	"strconv"

	"assay/internal/binread"
)

// Bounds on a metadata text.
const (
	maxDepth = 16      // sections inside each other; LVM needs four
	maxNodes = 400_000 // keys, sections and list elements; about 30 a volume
)

// A section is a named block of the text: keys with values and further
// sections, in order. Texts come from strangers, so the parser bounds both
// depth and the number of nodes.
type section struct {
	name     string
	at       int // byte offset in the text
	values   []setting
	sections []*section
}

// A setting is "key = value".
type setting struct {
	key    string
	values []value
}

// A value is one scalar; an array is several, a scalar one.
type value struct {
	text   string
	number int64
	isNum  bool
}

// parser reads LVM's configuration language (lvm.conf(5), lib/config):
// sections "name { … }", "key = value" with strings, numbers and arrays, and
// comments from "#" to the end of the line.
type parser struct {
	b     []byte
	pos   int
	nodes int
}

func parseText(b []byte) (*section, error) {
	p := &parser{b: b}
	root := &section{}
	err := p.body(root, 0)
	return root, err
}

func (p *parser) errorf(msg string, args ...any) error {
	return binread.Errorf("lvm2 text", int64(p.pos), msg, args...)
}

// skip passes over white space, comments and NULs (the text ends with one).
func (p *parser) skip() {
	for p.pos < len(p.b) {
		switch p.b[p.pos] {
		case ' ', '\t', '\r', '\n', 0:
			p.pos++
		case '#':
			for p.pos < len(p.b) && p.b[p.pos] != '\n' {
				p.pos++
			}
		default:
			return
		}
	}
}

func (p *parser) peek() byte {
	if p.pos < len(p.b) {
		return p.b[p.pos]
	}
	return 0
}

func (p *parser) count() error {
	if p.nodes++; p.nodes > maxNodes {
		return p.errorf("more than %d keys and values", maxNodes)
	}
	return nil
}

// body reads what is between braces, or the whole text at depth 0.
func (p *parser) body(s *section, depth int) error {
	if depth > maxDepth {
		return p.errorf("more than %d sections inside each other", maxDepth)
	}
	for {
		p.skip()
		if p.pos >= len(p.b) {
			if depth > 0 {
				return p.errorf("the section %q does not end", s.name)
			}
			return nil
		}
		if p.peek() == '}' {
			if depth == 0 {
				return p.errorf("a closing brace without an opening one")
			}
			p.pos++
			return nil
		}
		if err := p.item(s, depth); err != nil {
			return err
		}
	}
}

// item reads one "key = value" or one section.
func (p *parser) item(s *section, depth int) error {
	at := p.pos
	key := p.word()
	if key == "" {
		return p.errorf("unexpected byte %#02x", p.peek())
	}
	if err := p.count(); err != nil {
		return err
	}
	p.skip()
	switch p.peek() {
	case '{':
		p.pos++
		child := &section{name: key, at: at}
		s.sections = append(s.sections, child)
		return p.body(child, depth+1)
	case '=':
		p.pos++
		p.skip()
		vs, err := p.value()
		if err == nil {
			s.values = append(s.values, setting{key, vs})
		}
		return err
	}
	return p.errorf("neither a value nor a section follows %q", key)
}

// word reads a name or a number: everything LVM allows in either.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.b) {
		c := p.b[p.pos]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '_' || c == '-' || c == '.' || c == '+' || c == '/' {
			p.pos++
			continue
		}
		break
	}
	return string(p.b[start:p.pos])
}

func (p *parser) value() ([]value, error) {
	if p.peek() != '[' {
		v, err := p.scalar()
		return []value{v}, err
	}
	p.pos++
	vs := []value{}
	for {
		p.skip()
		if p.peek() == ']' {
			p.pos++
			return vs, nil
		}
		v, err := p.scalar()
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
		p.skip()
		switch p.peek() {
		case ',':
			p.pos++
		case ']':
		default:
			return nil, p.errorf("a list is not closed")
		}
	}
}

func (p *parser) scalar() (value, error) {
	if err := p.count(); err != nil {
		return value{}, err
	}
	if p.peek() == '"' {
		return p.quoted()
	}
	w := p.word()
	if w == "" {
		return value{}, p.errorf("a value is missing")
	}
	n, err := strconv.ParseInt(w, 10, 64)
	return value{text: w, number: n, isNum: err == nil}, nil
}

// quoted reads a string in which a backslash quotes the next byte.
func (p *parser) quoted() (value, error) {
	p.pos++
	var out []byte
	for p.pos < len(p.b) {
		c := p.b[p.pos]
		p.pos++
		switch {
		case c == '"':
			return value{text: string(out)}, nil
		case c == '\\' && p.pos < len(p.b):
			c = p.b[p.pos]
			p.pos++
		}
		out = append(out, c)
	}
	return value{}, p.errorf("a string does not end")
}

// sub returns the first section of that name, or nil.
func (s *section) sub(name string) *section {
	for _, c := range s.sections {
		if c.name == name {
			return c
		}
	}
	return nil
}

// get returns the values of the first setting of that name, or nil.
func (s *section) get(key string) []value {
	for _, v := range s.values {
		if v.key == key {
			return v.values
		}
	}
	return nil
}

// str returns the string at key, "" when there is none.
func (s *section) str(key string) string {
	if v := s.get(key); len(v) == 1 && !v[0].isNum {
		return v[0].text
	}
	return ""
}

// num returns the number at key if it lies within [0, limit].
func (s *section) num(key string, limit int64) (int64, error) {
	v := s.get(key)
	if len(v) != 1 || !v[0].isNum || v[0].number < 0 || v[0].number > limit {
		return 0, binread.Errorf("lvm2 text", int64(s.at), "section %q has no usable number %q", s.name, key)
	}
	return v[0].number, nil
}

// has reports whether the list at key holds the string want.
func (s *section) has(key, want string) bool {
	for _, v := range s.get(key) {
		if v.text == want {
			return true
		}
	}
	return false
}
