package cloud

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// format is the version of saved snapshots. It changes when a reader of the
// old one would misunderstand the new one.
const format = 1

// Save writes a snapshot as one JSON document, one entry a line, without
// holding the text in memory. Load reads it.
func (s *Snapshot) Save(w io.Writer) error {
	b := bufio.NewWriter(w)
	head := *s
	var err error
	put := func(v any) {
		if err == nil {
			var line []byte
			if line, err = json.Marshal(v); err == nil {
				b.Write(line) // a bufio.Writer keeps its first error for Flush
			}
		}
	}
	b.WriteString("{")
	for i, f := range head.fields() {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n")
		put(f.name)
		b.WriteString(": ")
		if f.each == nil {
			put(f.value)
			continue
		}
		b.WriteString("[")
		first := true
		f.each(func(v any) {
			if !first {
				b.WriteString(",")
			}
			first = false
			b.WriteString("\n ")
			put(v)
		})
		b.WriteString("]")
	}
	b.WriteString("\n}\n")
	return errors.Join(err, b.Flush())
}

// A field is one member of the saved document: a value, or a list.
type field struct {
	name  string
	value any             // pointer to it
	each  func(func(any)) // entries of a list
	more  func(*json.Decoder) error
}

func value(name string, p any) field { return field{name: name, value: p} }

func entries[T any](name string, p *[]T) field {
	return field{name: name,
		each: func(f func(any)) {
			for i := range *p {
				f(&(*p)[i])
			}
		},
		more: func(d *json.Decoder) error {
			if len(*p) >= maxItems {
				return fmt.Errorf("more than %d entries", maxItems)
			}
			var v T
			if err := d.Decode(&v); err != nil {
				return err
			}
			*p = append(*p, v)
			return nil
		}}
}

func (s *Snapshot) fields() []field {
	return []field{value("format", &s.Format), value("account", &s.Account), value("caller", &s.Caller), value("taken", &s.Taken),
		value("regions", &s.Regions), value("trail_days", &s.TrailDays), value("calls", &s.Calls), value("directory", &s.Directory),
		entries("gaps", &s.Gaps), entries("images", &s.Images), entries("snapshots", &s.Snapshots), entries("shares", &s.Shares),
		entries("tasks", &s.Tasks), entries("templates", &s.Templates), entries("scaling", &s.Scaling), entries("provisioning_groups", &s.Groups),
		entries("instances", &s.Instances), entries("key_pairs", &s.KeyPairs), entries("encryption", &s.Encryption), entries("policies", &s.Policies),
		entries("principals", &s.Principals), entries("events", &s.Events), entries("nodes", &s.Nodes), entries("control_policies", &s.ControlDocs)}
}

// MaxSaved bounds a saved snapshot.
const MaxSaved = 1 << 30

// Load reads a saved snapshot, entry by entry. A document that ends early, is
// of another format or has members that this version does not know is an
// error: a part of an account must not pass for all of it.
func Load(r io.Reader) (*Snapshot, error) {
	s := &Snapshot{}
	d := json.NewDecoder(io.LimitReader(r, MaxSaved))
	fields := map[string]field{}
	for _, f := range s.fields() {
		fields[f.name] = f
	}
	err := object(d, func(name string) error {
		f, ok := fields[name]
		if !ok {
			return fmt.Errorf("no snapshot of an account has a member %.40q, or one twice", name)
		}
		delete(fields, name)
		if f.more == nil {
			return d.Decode(f.value)
		}
		return array(d, func() error { return f.more(d) })
	})
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", d.InputOffset(), err)
	}
	if s.Format != format {
		return nil, fmt.Errorf("this is format %d of an account's snapshot, %d is what this version reads", s.Format, format)
	}
	for name := range fields {
		if name != "directory" {
			return nil, fmt.Errorf("the snapshot has no member %q", name)
		}
	}
	if s.Account == "" {
		return nil, errors.New("the snapshot names no account")
	}
	s.sort()
	return s, nil
}

// object walks the members of a JSON object; member reads the value.
func object(d *json.Decoder, member func(name string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		if err := member(t.(string)); err != nil { // the decoder gives member names as strings
			return err
		}
	}
	return delim(d, '}')
}

func array(d *json.Decoder, entry func() error) error {
	if err := delim(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := entry(); err != nil {
			return err
		}
	}
	return delim(d, ']')
}

func delim(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%v where %v should be", t, want)
	}
	return nil
}
