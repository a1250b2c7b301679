package span

import (
	"cmp"
	"slices"
)

// A Span is the byte range [Off, Off+Len). Len is positive in a Set.
type Span struct{ Off, Len int64 }

// End is the first byte after s.
func (s Span) End() int64 { return s.Off + s.Len }

// A Set is a list of spans, sorted by Off, that neither touch nor overlap.
type Set []Span

// Make sorts and merges spans into a Set; empty and negative ones are dropped.
// It may reorder its argument.
func Make(spans []Span) Set {
	spans = slices.DeleteFunc(spans, func(s Span) bool { return s.Len <= 0 })
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Off, b.Off) })
	var out Set
	for _, s := range spans {
		if n := len(out); n > 0 && s.Off <= out[n-1].End() {
			out[n-1].Len = max(out[n-1].End(), s.End()) - out[n-1].Off
			continue
		}
		out = append(out, s)
	}
	return out
}

// Total is the number of bytes in s.
func (s Set) Total() (n int64) {
	for _, x := range s {
		n += x.Len
	}
	return n
}

// Invert returns what of [0, size) is not in s.
func (s Set) Invert(size int64) Set {
	var out Set
	pos := int64(0)
	for _, x := range s {
		if x.Off >= size {
			break
		}
		if x.Off > pos {
			out = append(out, Span{pos, x.Off - pos})
		}
		pos = max(pos, x.End())
	}
	if pos < size {
		out = append(out, Span{pos, size - pos})
	}
	return out
}

// Intersect returns what is in both s and t.
func (s Set) Intersect(t Set) Set {
	var out Set
	for i, j := 0, 0; i < len(s) && j < len(t); {
		lo, hi := max(s[i].Off, t[j].Off), min(s[i].End(), t[j].End())
		if lo < hi {
			out = append(out, Span{lo, hi - lo})
		}
		if s[i].End() < t[j].End() {
			i++
		} else {
			j++
		}
	}
	return out
}

// Subtract returns what of s is not in t.
func (s Set) Subtract(t Set) Set {
	if len(s) == 0 {
		return nil
	}
	return s.Intersect(t.Invert(s[len(s)-1].End()))
}
