package iac

import "strings"

// A value is an attribute of any of the languages.
type value struct {
	line    int
	known   bool // false when it depends on what is not in the file
	text    string
	textual bool // a string, number or boolean
	doc     int  // line on which the text of a heredoc begins; 0 elsewhere
	list    []value
	keys    []string // of an object, beside list
}

// get returns a member of an object; names are compared exactly.
func (v value) get(name string) (value, bool) {
	for i, k := range v.keys {
		if k == name {
			return v.list[i], true
		}
	}
	return value{}, false
}

// all calls f for every member with one of the names, at any depth.
func (v value) all(names []string, f func(value)) {
	for i, x := range v.list {
		if i < len(v.keys) {
			for _, n := range names {
				if v.keys[i] == n {
					f(x)
				}
			}
		}
		x.all(names, f)
	}
}

// json writes a value as JSON text, with its lines kept apart; used for
// documents that are written as maps.
func (v value) json(b *strings.Builder) bool {
	switch {
	case v.keys != nil:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quote(k) + ":")
			if !v.list[i].json(b) {
				return false
			}
		}
		b.WriteByte('}')
	case v.textual:
		b.WriteString(quote(v.text))
	case !v.known:
		return false
	default:
		b.WriteByte('[')
		for i, x := range v.list {
			if i > 0 {
				b.WriteByte(',')
			}
			if !x.json(b) {
				return false
			}
		}
		b.WriteByte(']')
	}
	return true
}

// A resource is one declared thing.
type resource struct {
	kind  string // "alicloud_instance", "ALIYUN::ECS::Instance"
	name  string
	line  int
	attrs value
}
