package settings

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay/internal/binread"
)

// A lineCounter turns offsets that only grow into line numbers.
type lineCounter struct {
	b       []byte
	at, num int
}

func (c *lineCounter) line(off int64) int {
	to := min(int(off), len(c.b))
	if to > c.at {
		c.num += bytes.Count(c.b[c.at:to], []byte{'\n'})
		c.at = to
	}
	return c.num + 1
}

// JSON reads every string, number and boolean of a JSON text. Elements of an
// array have their index as key.
func JSON(b []byte) (out []Setting, err error) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	d.UseNumber()
	j := jsonReader{d: d, lines: lineCounter{b: b}}
	err = j.value("", 0)
	return j.out, err
}

type jsonReader struct {
	d     *json.Decoder
	lines lineCounter
	stack []string
	out   []Setting
}

func (j *jsonReader) broken() error {
	return binread.Errorf("json", j.d.InputOffset(), "not valid JSON") // json's own message may quote the file
}

func (j *jsonReader) value(key string, depth int) error {
	if depth > maxDepth {
		return binread.Errorf("json", j.d.InputOffset(), "more than %d values inside each other", maxDepth)
	}
	t, err := j.d.Token()
	if err != nil {
		return j.broken()
	}
	line := j.lines.line(j.d.InputOffset())
	switch t := t.(type) {
	case json.Delim:
		if depth > 0 {
			j.stack = append(j.stack, key)
			defer func() { j.stack = j.stack[:len(j.stack)-1] }()
		}
		return j.container(t, depth)
	case string:
		return j.add(key, t, line)
	case json.Number:
		return j.add(key, t.String(), line)
	case bool:
		return j.add(key, strconv.FormatBool(t), line)
	}
	return nil
}

func (j *jsonReader) container(open json.Delim, depth int) error {
	for i := 0; j.d.More(); i++ {
		key := strconv.Itoa(i)
		if open == '{' {
			t, err := j.d.Token()
			k, ok := t.(string)
			if err != nil || !ok {
				return j.broken()
			}
			key = k
		}
		if err := j.value(key, depth+1); err != nil {
			return err
		}
	}
	if _, err := j.d.Token(); err != nil {
		return j.broken()
	}
	return nil
}

func (j *jsonReader) add(key, value string, line int) error {
	if len(j.out) >= maxSettings {
		return tooMany("json", line)
	}
	j.out = append(j.out, Setting{clip(strings.Join(j.stack, "/")), clip(key), value[:min(len(value), maxValue)], line})
	return nil
}

// clip bounds what a hostile file may make of a path or a key.
func clip(s string) string { return s[:min(len(s), 512)] }

// YAML reads every scalar of every document of a YAML stream. Aliases are not
// followed and merge keys not applied.
func YAML(b []byte) (out []Setting, err error) {
	defer func() {
		if recover() != nil { // the library is not ours, and the file is a stranger's
			err = binread.Errorf("yaml", -1, "not valid YAML")
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var n yaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, binread.Errorf("yaml", -1, "not valid YAML") // yaml's own message may quote the file
		}
		w := yamlReader{out: out}
		err := w.node(&n, "", 0)
		out = w.out
		if err != nil {
			return out, err
		}
	}
}

type yamlReader struct {
	stack []string
	out   []Setting
}

func (w *yamlReader) node(n *yaml.Node, key string, depth int) error {
	if depth > maxDepth {
		return binread.Errorf("yaml", -1, "line %d: more than %d values inside each other", n.Line, maxDepth)
	}
	if n.Kind == yaml.ScalarNode {
		if len(w.out) >= maxSettings {
			return tooMany("yaml", n.Line)
		}
		w.out = append(w.out, Setting{clip(strings.Join(w.stack, "/")), clip(key), n.Value[:min(len(n.Value), maxValue)], n.Line})
		return nil
	}
	if key != "" {
		w.stack = append(w.stack, key)
		defer func() { w.stack = w.stack[:len(w.stack)-1] }()
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			if err := w.node(c, "", depth+1); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if err := w.node(c, strconv.Itoa(i), depth+1); err != nil {
				return err
			}
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if err := w.node(n.Content[i+1], n.Content[i].Value, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// XML reads the text of every element (the element's name is the key) and
// every attribute. An element <add key="K" value="V"/>, <property name="K"
// value="V"/> or <entry key="K">V</entry> gives the setting K=V as well.
// Entities that the document defines itself are not expanded.
func XML(b []byte) (out []Setting, err error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // keys are ASCII in all that is met
	x := xmlReader{lines: lineCounter{b: b}}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return x.out, nil
		}
		if err != nil {
			return x.out, binread.Errorf("xml", d.InputOffset(), "not valid XML")
		}
		line := x.lines.line(d.InputOffset())
		switch t := t.(type) {
		case xml.StartElement:
			if len(x.stack) >= maxDepth {
				return x.out, binread.Errorf("xml", d.InputOffset(), "more than %d elements inside each other", maxDepth)
			}
			x.start(t, line)
		case xml.EndElement:
			x.stack = x.stack[:max(len(x.stack)-1, 0)]
			x.named = ""
		case xml.CharData:
			x.text(strings.TrimSpace(string(t)), line)
		}
		if len(x.out) > maxSettings {
			return x.out, tooMany("xml", line)
		}
	}
}

type xmlReader struct {
	lines lineCounter
	stack []string
	named string // the key or name attribute of the element that is open
	out   []Setting
}

func (x *xmlReader) add(path, key, value string, line int) {
	if value != "" {
		x.out = append(x.out, Setting{clip(path), clip(key), value[:min(len(value), maxValue)], line})
	}
}

func (x *xmlReader) start(t xml.StartElement, line int) {
	x.stack = append(x.stack, clip(t.Name.Local))
	x.named = ""
	path := strings.Join(x.stack, "/")
	value := ""
	for _, a := range t.Attr {
		switch a.Name.Local {
		case "key", "name":
			x.named = a.Value
		case "value":
			value = a.Value
		}
		x.add(path, a.Name.Local, a.Value, line)
	}
	if x.named != "" {
		x.add(path, x.named, value, line)
	}
}

func (x *xmlReader) text(s string, line int) {
	if s == "" || len(x.stack) == 0 {
		return
	}
	n := len(x.stack) - 1
	path := strings.Join(x.stack[:n], "/")
	x.add(path, x.stack[n], s, line)
	if x.named != "" {
		x.add(path, x.named, s, line)
	}
}
