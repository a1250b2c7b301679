package iac

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the values of one file, aliases followed.
const maxNodes = 1 << 18

var errTooMany = fmt.Errorf("more than %d values", maxNodes)

// readPlan reads the JSON of a Terraform plan: what will be, modules included.
func readPlan(text []byte) ([]resource, error) {
	var p tfjson.Plan
	if err := p.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	unknown := map[string]any{}
	for _, c := range p.ResourceChanges {
		if c != nil && c.Change != nil {
			unknown[c.Address] = c.Change.AfterUnknown
		}
	}
	var out []resource
	var walk func(*tfjson.StateModule, int) error
	walk = func(m *tfjson.StateModule, depth int) error {
		if m == nil {
			return nil
		}
		for _, r := range m.Resources {
			if r == nil || r.Mode != tfjson.ManagedResourceMode {
				continue
			}
			line := lineOf(text, r.Address)
			out = append(out, resource{kind: r.Type, name: strings.TrimPrefix(r.Address, r.Type+"."), line: line, attrs: fromAny(r.AttributeValues, unknown[r.Address], line, 0)})
		}
		for _, c := range m.ChildModules {
			if err := walk(c, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if p.PlannedValues == nil {
		return nil, errors.New("the plan has no planned_values: write it with terraform show -json PLANFILE")
	}
	return out, walk(p.PlannedValues.RootModule, 0)
}

// lineOf finds the line of a resource by its address.
func lineOf(text []byte, address string) int {
	i := strings.Index(string(text), quote(address))
	if i < 0 {
		return 1
	}
	return 1 + strings.Count(string(text[:i]), "\n")
}

// fromAny turns decoded JSON into a value; unknown marks, in the same shape,
// what is known only after the apply.
func fromAny(x, unknown any, line, depth int) value {
	v := value{line: line, known: unknown != true}
	if depth > 40 {
		return value{line: line}
	}
	switch x := x.(type) {
	case map[string]any:
		u, _ := unknown.(map[string]any)
		v.keys = []string{}
		names := make([]string, 0, len(x)+len(u))
		for k := range x {
			names = append(names, k)
		}
		for k := range u {
			if _, ok := x[k]; !ok {
				names = append(names, k)
			}
		}
		slices.Sort(names)
		for _, k := range names {
			v.keys, v.list = append(v.keys, k), append(v.list, fromAny(x[k], u[k], line, depth+1))
		}
	case []any:
		u, _ := unknown.([]any)
		for i, e := range x {
			var y any
			if i < len(u) {
				y = u[i]
			}
			v.list = append(v.list, fromAny(e, y, line, depth+1))
		}
	case string:
		v.text, v.textual = x, true
	case bool:
		v.text, v.textual = strconv.FormatBool(x), true
	case nil:
	default:
		v.text, v.textual = fmt.Sprint(x), true
	}
	return v
}

// A yamlReader turns YAML, and JSON as a part of it, into values.
type yamlReader struct {
	defaults map[string]value // of a template's parameters
	nodes    int
}

func parseYAML(text []byte) (*yamlReader, *yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, nil, err
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, nil, errors.New("the top level is no map")
	}
	return &yamlReader{defaults: map[string]value{}}, doc.Content[0], nil
}

// members calls f for each key of a map.
func members(n *yaml.Node, f func(key *yaml.Node, v *yaml.Node)) {
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			f(n.Content[i], n.Content[i+1])
		}
	}
}

func member(n *yaml.Node, name string) (out *yaml.Node) {
	members(n, func(k, v *yaml.Node) {
		if k.Value == name {
			out = v
		}
	})
	return out
}

// readROS reads a ROS template in YAML or JSON. Ref takes the default of a
// parameter; other functions are unknown.
func readROS(text []byte) ([]resource, error) {
	r, top, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	members(member(top, "Parameters"), func(k, v *yaml.Node) {
		if d := member(v, "Default"); d != nil {
			r.defaults[k.Value] = r.value(d, 0)
		}
	})
	var out []resource
	members(member(top, "Resources"), func(k, v *yaml.Node) {
		kind := member(v, "Type")
		props := member(v, "Properties")
		if kind == nil {
			return
		}
		x := resource{kind: kind.Value, name: k.Value, line: k.Line}
		if props != nil {
			x.attrs = r.value(props, 0)
		}
		out = append(out, x)
	})
	if r.nodes > maxNodes {
		return out, errTooMany
	}
	return out, nil
}

// readTerraformJSON reads Terraform's JSON syntax.
func readTerraformJSON(text []byte) ([]resource, error) {
	r, top, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	var out []resource
	members(member(top, "resource"), func(kind, named *yaml.Node) {
		members(named, func(name, body *yaml.Node) {
			out = append(out, resource{kind: kind.Value, name: name.Value, line: name.Line, attrs: r.value(body, 0)})
		})
	})
	if r.nodes > maxNodes {
		return out, errTooMany
	}
	return out, nil
}

// value turns a node into a value. Aliases are followed, within the bound.
func (r *yamlReader) value(n *yaml.Node, depth int) value {
	r.nodes++
	if depth > maxNesting || r.nodes > maxNodes {
		return value{line: n.Line}
	}
	v := value{line: n.Line, known: true}
	switch n.Kind {
	case yaml.AliasNode:
		if n.Alias == nil {
			return value{line: n.Line}
		}
		return r.value(n.Alias, depth+1)
	case yaml.ScalarNode:
		return r.scalar(n)
	case yaml.SequenceNode:
		for _, c := range n.Content {
			v.list = append(v.list, r.value(c, depth+1))
		}
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			v.known = false
		}
	case yaml.MappingNode:
		if len(n.Content) == 2 {
			switch k := n.Content[0].Value; {
			case k == "Ref":
				return r.ref(n.Content[1].Value, n.Line)
			case strings.HasPrefix(k, "Fn::"):
				return value{line: n.Line}
			}
		}
		v.keys = []string{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v.keys, v.list = append(v.keys, n.Content[i].Value), append(v.list, r.value(n.Content[i+1], depth+1))
		}
	}
	return v
}

func (r *yamlReader) scalar(n *yaml.Node) value {
	switch {
	case n.Tag == "!Ref":
		return r.ref(n.Value, n.Line)
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"), strings.Contains(n.Value, "${"):
		return value{line: n.Line}
	}
	v := value{line: n.Line, known: true, text: n.Value, textual: n.Tag != "!!null"}
	if n.Style == yaml.LiteralStyle {
		v.doc = n.Line + 1
	}
	return v
}

// ref is a parameter's default at the place of its use.
func (r *yamlReader) ref(name string, line int) value {
	v := r.defaults[name]
	v.line = line
	return v
}
