package json

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"assay/finding"
	"assay/internal/report"
	"assay/internal/report/reporttest"
)

const schemaFile = "../../../docs/schema/stream.schema.json"

func schema(t *testing.T) *gojsonschema.Schema {
	t.Helper()
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gojsonschema.NewSchema(gojsonschema.NewBytesLoader(b))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// faults are what the schema says of one line.
func faults(t *testing.T, s *gojsonschema.Schema, line string) (out []string) {
	t.Helper()
	r, err := s.Validate(gojsonschema.NewStringLoader(line))
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	for _, e := range r.Errors() {
		out = append(out, e.String())
	}
	return out
}

func lines(t *testing.T) []string {
	t.Helper()
	var b bytes.Buffer
	h := New(&b, true)
	if err := reporttest.Feed(h); err != nil {
		t.Fatal(err)
	}
	action := report.Message{Action: &report.Action{Edit: finding.Edit{Op: finding.Replace, Path: "/x", Offset: 1, Length: 2, With: "y"}, Result: "done"}}
	if err := h.Handle(action); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(b.String()), "\n")
}

func TestStreamMeetsSchema(t *testing.T) {
	s := schema(t)
	for _, l := range lines(t) {
		if f := faults(t, s, l); f != nil {
			t.Errorf("%s\n%s", strings.Join(f, "\n"), l)
		}
	}
}

// TestSchemaRefuses asks that each of these mistakes is one.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	all := strings.Join(lines(t), "\n")
	for old, wrong := range map[string]string{
		`{"verdict":{`:              `{"verdict":{"unheard_of":1,`,
		`"severity":"critical"`:     `"severity":"awful"`,
		`"class":"preset-account"`:  `"class":"other"`,
		`"kind":"encrypted"`:        `"kind":"lost"`,
		`"op":"lock-password"`:      `"op":"explode"`,
		`"password":"empty"`:        `"password":"weak"`,
		`"protocol":"1"`:            `"protocol":"2"`,
		`"line":23`:                 `"line":"23"`,
		`"expires":"2027-01-31"`:    `"expires":"some day"`,
		`"by":"ignore"`:             `"by":"me"`,
		`"sandbox":"landlock-v7"}}`: `"error":"x"}}`,
		`"result":"done"`:           `"result":"maybe"`,
		`{"progress":`:              `{"gap":null,"progress":`,
	} {
		if !strings.Contains(all, old) {
			t.Errorf("%s is not in the stream: this test cannot fail", old)
		}
		found := 0
		for _, l := range strings.Split(strings.ReplaceAll(all, old, wrong), "\n") {
			found += len(faults(t, s, l))
		}
		if found == 0 {
			t.Errorf("the schema allows %s", wrong)
		}
	}
	for _, l := range []string{`{}`, `{"nothing":{}}`, `[]`, `{"finding":null}`, `{"config":{}}`} {
		if faults(t, s, l) == nil {
			t.Errorf("the schema allows %s", l)
		}
	}
}

// A node is what this test needs to know of a schema.
type node struct {
	Ref         string          `json:"$ref"`
	AllOf       []node          `json:"allOf"`
	Type        any             `json:"type"`
	Description string          `json:"description"`
	Properties  map[string]node `json:"properties"`
	Additional  *bool           `json:"additionalProperties"`
	Required    []string        `json:"required"`
	Items       *node           `json:"items"`
	Enum        []string        `json:"enum"`
	Definitions map[string]node `json:"definitions"`
}

func load(t *testing.T) node {
	t.Helper()
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var n node
	if err := json.Unmarshal(b, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// drift compares a Go type with its schema, all the way down.
type drift struct {
	*testing.T
	root node
	seen map[string]bool // definitions that were reached
}

func (d drift) compare(at string, typ reflect.Type, n node) {
	for n.Ref != "" || len(n.AllOf) == 1 {
		if n.Ref == "" {
			n = n.AllOf[0]
			continue
		}
		name := strings.TrimPrefix(n.Ref, "#/definitions/")
		if d.seen[name] = true; d.root.Definitions[name].Type == nil {
			d.Fatalf("%s: no definition %s", at, name)
		}
		n = d.root.Definitions[name]
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[finding.Where]():
		d.same(at, whereKeys(d.T), slices.Sorted(maps.Keys(n.Properties)))
	case typ == reflect.TypeFor[finding.Severity]():
		d.want(at, "string", n)
	case typ.Kind() == reflect.Struct:
		d.object(at, typ, n)
	case typ.Kind() == reflect.Slice:
		d.want(at, "array", n)
		if n.Items != nil {
			d.compare(at+"[]", typ.Elem(), *n.Items)
		}
	case typ.Kind() == reflect.String:
		d.want(at, "string", n)
	case typ.Kind() == reflect.Bool:
		d.want(at, "boolean", n)
	case typ.Kind() == reflect.Float64:
		d.want(at, "number", n)
	case typ.Kind() == reflect.Map:
		var names []string
		for _, s := range finding.Severities() {
			names = append(names, s.String())
		}
		slices.Sort(names)
		d.same(at, names, slices.Sorted(maps.Keys(n.Properties)))
	default:
		d.want(at, "integer", n)
	}
}

func (d drift) object(at string, typ reflect.Type, n node) {
	d.want(at, "object", n)
	var keys, always []string
	for i := range typ.NumField() {
		key, opts, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if key == "-" {
			continue
		}
		keys = append(keys, key)
		if opts == "" {
			always = append(always, key)
		}
		if p, ok := n.Properties[key]; ok {
			d.compare(at+"."+key, typ.Field(i).Type, p)
		}
	}
	slices.Sort(keys)
	slices.Sort(always)
	slices.Sort(n.Required)
	d.same(at, keys, slices.Sorted(maps.Keys(n.Properties)))
	d.same(at+" (required)", always, n.Required)
	if n.Additional == nil || *n.Additional {
		d.Errorf("%s: allows keys that nobody knows", at)
	}
}

func (d drift) want(at, typ string, n node) {
	if n.Type != typ {
		d.Errorf("%s: the schema says %v, Go says %s", at, n.Type, typ)
	}
}

func (d drift) same(at string, code, schema []string) {
	if !slices.Equal(code, schema) {
		d.Errorf("%s: Go has %q, the schema has %q", at, code, schema)
	}
}

// whereKeys are the keys that a place can have: it writes itself.
func whereKeys(t *testing.T) []string {
	t.Helper()
	b, err := json.Marshal(finding.Where{Volume: "v", Path: "/\xff", Line: 1, Offset: 1, User: "u", Deleted: true})
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	if n := reflect.TypeFor[finding.Where]().NumField(); len(m) != n+1 {
		t.Errorf("a place has %d fields, this test fills %d keys", n, len(m))
	}
	return slices.Sorted(maps.Keys(m))
}

// TestNoDrift compares the schema with report.Message: every key, its type and
// whether it may be absent, in both directions.
func TestNoDrift(t *testing.T) {
	d := drift{t, load(t), map[string]bool{}}
	d.compare("message", reflect.TypeFor[report.Message](), d.root)
	for name, n := range d.root.Definitions {
		if !d.seen[name] {
			t.Errorf("nothing uses the definition %s", name)
		}
		if n.Description == "" {
			t.Errorf("%s: no description", name)
		}
		for key, p := range n.Properties {
			if p.Description == "" && p.Ref == "" {
				t.Errorf("%s.%s: no description", name, key)
			}
		}
	}
}

// TestEnumerations compares the schema's lists of words with the constants of
// package finding, as its source has them.
func TestEnumerations(t *testing.T) {
	consts := constants(t, "../../../finding")
	root := load(t)
	for typ, def := range map[string]string{"Class": "class", "GapKind": "gapKind", "Op": "op"} {
		want, got := consts[typ], slices.Sorted(slices.Values(root.Definitions[def].Enum))
		slices.Sort(want)
		if len(want) < 5 || !slices.Equal(got, want) {
			t.Errorf("%s: Go has %q, the schema has %q", typ, want, got)
		}
	}
	if got := root.Definitions["action"].Properties["result"].Enum; !slices.Equal(got, report.Results()) {
		t.Errorf("results: Go has %q, the schema has %q", report.Results(), got)
	}
	for _, r := range report.Results() {
		if w := report.ResultWord(r); w.EN == "" || w.ZH == w.EN {
			t.Errorf("no words for the result %s", r)
		}
	}
	var names []string
	for _, s := range finding.Severities() {
		names = append(names, s.String())
	}
	if got := root.Definitions["severity"].Enum; !slices.Equal(got, names) {
		t.Errorf("severities: Go has %q, the schema has %q", names, got)
	}
}

// constants lists the values of a package's typed string constants, by type.
func constants(t *testing.T, dir string) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || v.Type == nil || len(v.Values) != 1 {
				return true
			}
			typ, ok := v.Type.(*ast.Ident)
			lit, ok2 := v.Values[0].(*ast.BasicLit)
			if ok && ok2 && lit.Kind == token.STRING {
				s, _ := strconv.Unquote(lit.Value)
				out[typ.Name] = append(out[typ.Name], s)
			}
			return true
		})
	}
	return out
}
