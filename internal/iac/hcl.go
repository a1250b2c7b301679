package iac

import (
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// readHCL reads Terraform configuration. Variables take the defaults that the
// same file gives them, locals their values; everything else is unknown.
func readHCL(name string, text []byte) ([]resource, error) {
	f, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if diags.HasErrors() {
		d := diags[0]
		line := 0
		if d.Subject != nil {
			line = d.Subject.Start.Line
		}
		return nil, fmt.Errorf("line %d: %s: %s", line, d.Summary, d.Detail)
	}
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return nil, fmt.Errorf("%s is no configuration", name)
	}
	h := &hclReader{ctx: context(body)}
	var out []resource
	for _, b := range body.Blocks {
		if b.Type == "resource" && len(b.Labels) == 2 {
			out = append(out, resource{kind: b.Labels[0], name: b.Labels[1], line: b.DefRange().Start.Line, attrs: h.body(b.Body)})
		}
	}
	return out, nil
}

// context is what expressions can see: defaults, locals and jsonencode.
func context(body *hclsyntax.Body) *hcl.EvalContext {
	ctx := &hcl.EvalContext{Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}, Variables: map[string]cty.Value{}}
	vars, locals := map[string]cty.Value{}, map[string]cty.Value{}
	for _, b := range body.Blocks {
		if b.Type == "variable" && len(b.Labels) == 1 {
			vars[b.Labels[0]] = cty.DynamicVal
			if a := b.Body.Attributes["default"]; a != nil {
				if v, d := a.Expr.Value(nil); !d.HasErrors() && !v.IsNull() {
					vars[b.Labels[0]] = v
				}
			}
		}
	}
	ctx.Variables["var"] = cty.ObjectVal(vars)
	for _, b := range body.Blocks {
		if b.Type != "locals" {
			continue
		}
		for n, a := range b.Body.Attributes {
			locals[n] = cty.DynamicVal
			if v, d := a.Expr.Value(ctx); !d.HasErrors() {
				locals[n] = v
			}
		}
	}
	ctx.Variables["local"] = cty.ObjectVal(locals)
	return ctx
}

type hclReader struct{ ctx *hcl.EvalContext }

// body reads attributes and nested blocks in the order of the text.
func (h *hclReader) body(b *hclsyntax.Body) value {
	v := value{line: b.SrcRange.Start.Line, known: true, keys: []string{}}
	type member struct {
		at   int
		name string
		v    value
	}
	var ms []member
	for n, a := range b.Attributes {
		ms = append(ms, member{a.SrcRange.Start.Byte, n, h.expr(a)})
	}
	for _, c := range b.Blocks {
		ms = append(ms, member{c.TypeRange.Start.Byte, c.Type, h.body(c.Body)})
	}
	sort.Slice(ms, func(i, j int) bool { return ms[i].at < ms[j].at })
	for _, m := range ms {
		v.keys, v.list = append(v.keys, m.name), append(v.list, m.v)
	}
	return v
}

func (h *hclReader) expr(a *hclsyntax.Attribute) value {
	line := a.NameRange.Start.Line
	got, diags := a.Expr.Value(h.ctx)
	if diags.HasErrors() {
		return value{line: line}
	}
	v := fromCty(got, line, 0)
	if t, ok := a.Expr.(*hclsyntax.TemplateExpr); ok && t.SrcRange.Start.Line < t.SrcRange.End.Line {
		v.doc = t.SrcRange.Start.Line + 1 // a heredoc's text begins below its marker
	}
	return v
}

// fromCty turns a value of HCL into ours.
func fromCty(x cty.Value, line, depth int) value {
	x, _ = x.UnmarkDeep()
	if !x.IsKnown() || depth > 20 {
		return value{line: line}
	}
	v := value{line: line, known: true}
	if x.IsNull() {
		return v
	}
	t := x.Type()
	switch {
	case t.IsPrimitiveType():
		s, err := convert.Convert(x, cty.String)
		if err != nil {
			return value{line: line}
		}
		v.text, v.textual = s.AsString(), true
	case t.IsObjectType() || t.IsMapType():
		v.keys = []string{}
		for it := x.ElementIterator(); it.Next(); {
			k, e := it.Element()
			v.keys, v.list = append(v.keys, k.AsString()), append(v.list, fromCty(e, line, depth+1))
		}
	case x.CanIterateElements():
		for it := x.ElementIterator(); it.Next(); {
			_, e := it.Element()
			v.list = append(v.list, fromCty(e, line, depth+1))
		}
	}
	return v
}
