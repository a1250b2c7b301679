package registry

import (
	"sort"
	"strings"

	"assay/internal/artefact/regf"
	"assay/internal/guest"
)

// batch is about how much text of a hive is judged at a time, in bytes.
const batch = 256 << 10

// A script is part of a hive as text, the way regedit writes it: a line for
// each key, below it a line for each string of its values.
type script struct {
	strings.Builder
	spans []origin // in the order of from
}

// An origin is where a piece of a script comes from.
type origin struct {
	from, to   int // in the script
	key, value string
	passage    regf.Passage
	deleted    int64 // of the passage's bytes in the file, when nobody owns them; else 0
}

// at finds the piece that holds all of from:to, nil for none.
func (s *script) at(from, to int) *origin {
	i := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].to >= to })
	if i == len(s.spans) || s.spans[i].from > from {
		return nil
	}
	return &s.spans[i]
}

// add appends a passage on a line of its own.
func (s *script) add(o origin, name string) {
	if name != "" && !strings.Contains(o.passage.Text, "=") { // "NAME=value" says more itself
		s.WriteString(name)
		s.WriteByte('=')
	}
	o.from = s.Len()
	s.WriteString(o.passage.Text)
	o.to = s.Len()
	s.WriteByte('\n')
	s.spans = append(s.spans, o)
}

// key appends the values of a key.
func (s *script) key(path string, k regf.Key) {
	head := false
	for _, v := range k.Values() {
		for _, p := range v.Passages() {
			if !head {
				s.WriteString("\n[" + path + "]\n")
				head = true
			}
			name := v.Name()
			if t := v.Type(); t != regf.SZ && t != regf.ExpandSZ && t != regf.MultiSZ && p.Off > 1 {
				name = "" // text amid binary data
			}
			s.add(origin{key: path, value: v.Name(), passage: p}, name)
		}
	}
}

// scripts calls live with all values of a hive, batch by batch, and then free
// with the text in its deleted cells.
func scripts(h *guest.Hive, live, free func(*script) error) error {
	s := &script{}
	next := func(fn func(*script) error) error {
		if s.Len() == 0 {
			return nil
		}
		full := s
		s = &script{}
		return fn(full)
	}
	err := h.Root().Walk(func(path string, k regf.Key) error {
		s.key(path, k)
		if s.Len() < batch {
			return nil
		}
		return next(live)
	})
	if err == nil {
		err = next(live)
	}
	h.Free(func(off int64, b []byte) {
		if err != nil {
			return
		}
		for _, p := range regf.Printable(b) {
			s.add(origin{passage: p, deleted: off}, "")
		}
		if s.Len() >= batch {
			err = next(free)
		}
	})
	if err != nil {
		return err
	}
	return next(free)
}
