// Package bench compares the speed of assay's policy decisions with that of
// cedar-go and OPA on the same decision.
//
// In: nothing. Out: figures of go test -bench. May touch: nothing. Never: is
// part of assay: it is a module of its own, so that neither engine becomes a
// dependency. Next room: none.
package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"assay/policy"
)

// A rule is one statement, to be written in each engine's language in the form
// that serves it best: Cedar gets its action in the scope, OPA one rule for
// each action with an equality that its index can use.
type rule struct {
	allow      bool
	actions    []string
	prefix     string // "svc:", for svc:*
	key, value string
}

// rules are 200 policies of 5 statements: the documents' three statements,
// one that allows everything, and others about 40 services.
func rules() (out []rule) {
	out = append(out,
		rule{allow: true},
		rule{actions: []string{"ecs:RunInstances", "ecs:CreateInstance", "ecs:ReplaceSystemDisk"}, key: "ecs:PasswordInherit", value: "true"},
		rule{actions: []string{"ecs:ExportImage", "ecs:ModifyImageSharePermission"}},
		rule{actions: []string{"resourcesharing:CreateResourceShare", "resourcesharing:AssociateResourceShare"}, key: "resourcesharing:RequestedResourceType", value: "Snapshot"})
	for i := len(out); i < 1000; i++ {
		svc := fmt.Sprintf("svc%d", i%40)
		r := rule{actions: []string{fmt.Sprintf("%s:Delete%d", svc, i), fmt.Sprintf("%s:Modify%d", svc, i)}}
		switch i % 5 {
		case 0:
			r = rule{prefix: svc + ":"}
		case 1, 2:
			r.key, r.value = svc+":Key", "true"
		case 3: // a tenth of all statements is about the service asked for
			if i%2 == 0 {
				r.actions[0] = "ecs:RunInstances"
				r.key, r.value = "ecs:ImageOwnerId", fmt.Sprint(i)
			}
		}
		out = append(out, r)
	}
	return out
}

type question struct {
	name, action string
	context      map[string]string
	deny         bool
}

var questions = []question{
	{"deny", "ecs:RunInstances", map[string]string{"ecs:PasswordInherit": "true", "ecs:ImageOwnerId": "x"}, true},
	{"allow", "ecs:RunInstances", map[string]string{"ecs:PasswordInherit": "false", "ecs:ImageOwnerId": "x"}, false},
}

func assaySet(b testing.TB) *policy.Set {
	var docs []*policy.Document
	all := rules()
	for i := 0; i < len(all); i += 5 {
		var ss []map[string]any
		for _, r := range all[i : i+5] {
			s := map[string]any{"Effect": "Deny", "Action": r.actions, "Resource": "*"}
			switch {
			case r.allow:
				s["Effect"], s["Action"] = "Allow", "*"
			case r.prefix != "":
				s["Action"] = r.prefix + "*"
			}
			if r.key != "" {
				s["Condition"] = map[string]any{"StringEquals": map[string]any{r.key: []string{r.value}}}
			}
			ss = append(ss, s)
		}
		text, _ := json.Marshal(map[string]any{"Version": "1", "Statement": ss})
		d, err := policy.Parse(fmt.Sprint(i), text)
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, d)
	}
	s, err := policy.NewSet(policy.Attachments{Identity: docs})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func cedarSet(b testing.TB) *cedar.PolicySet {
	var t strings.Builder
	for _, r := range rules() {
		head, scope := "forbid", "action"
		if r.allow {
			head = "permit"
		}
		if len(r.actions) > 0 {
			var as []string
			for _, a := range r.actions {
				as = append(as, fmt.Sprintf("Action::%q", a))
			}
			scope = "action in [" + strings.Join(as, ", ") + "]"
		}
		when := ""
		if r.prefix != "" {
			when = fmt.Sprintf(" when { context.action like %q }", r.prefix+"*")
		}
		if r.key != "" {
			when = fmt.Sprintf(" when { context has %q && context[%q] == %q }", r.key, r.key, r.value)
		}
		fmt.Fprintf(&t, "%s (principal, %s, resource)%s;\n", head, scope, when)
	}
	ps, err := cedar.NewPolicySetFromBytes("bench.cedar", []byte(t.String()))
	if err != nil {
		b.Fatal(err)
	}
	return ps
}

func opaQuery(b testing.TB) rego.PreparedEvalQuery {
	var t strings.Builder
	t.WriteString("package p\nimport rego.v1\ndefault decision := \"implicit\"\ndecision := \"deny\" if count(deny) > 0\ndecision := \"allow\" if { count(deny) == 0; count(allow) > 0 }\n")
	for i, r := range rules() {
		set, tests := "deny", []string{}
		if r.allow {
			set = "allow"
		}
		if r.prefix != "" {
			tests = append(tests, fmt.Sprintf("startswith(input.action, %q)", r.prefix))
		}
		if r.key != "" {
			tests = append(tests, fmt.Sprintf("input.context[%q] == %q", r.key, r.value))
		}
		if len(r.actions) == 0 {
			fmt.Fprintf(&t, "%s contains %d if { %s }\n", set, i, strings.Join(append(tests, "true"), "; "))
		}
		for _, a := range r.actions {
			fmt.Fprintf(&t, "%s contains %d if { %s }\n", set, i, strings.Join(append([]string{fmt.Sprintf("input.action == %q", a)}, tests...), "; "))
		}
	}
	q, err := rego.New(rego.Query("data.p.decision"), rego.Module("p.rego", t.String())).PrepareForEval(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	return q
}

// BenchmarkEvaluate runs each engine on each question. Every answer is
// compared with the expected one, so that nobody is fast and wrong.
func BenchmarkEvaluate(b *testing.B) {
	set, ps, opa := assaySet(b), cedarSet(b), opaQuery(b)
	for _, q := range questions {
		b.Run("assay/"+q.name, func(b *testing.B) {
			ctx := map[string][]string{}
			for k, v := range q.context {
				ctx[k] = []string{v}
			}
			r := &policy.Request{Action: q.action, Context: ctx}
			b.ReportAllocs()
			for b.Loop() {
				if d, _ := policy.Evaluate(set, r); (d == policy.Denied) != q.deny {
					b.Fatal(d)
				}
			}
		})
		b.Run("cedar-go/"+q.name, func(b *testing.B) {
			rec := cedar.RecordMap{"action": cedar.String(q.action)}
			for k, v := range q.context {
				rec[cedar.String(k)] = cedar.String(v)
			}
			r := cedar.Request{Principal: cedar.NewEntityUID("User", "u"), Action: cedar.NewEntityUID("Action", cedar.String(q.action)),
				Resource: cedar.NewEntityUID("Resource", "r"), Context: cedar.NewRecord(rec)}
			entities := cedar.EntityMap{}
			b.ReportAllocs()
			for b.Loop() {
				if d, _ := cedar.Authorize(ps, entities, r); (d == cedar.Deny) != q.deny {
					b.Fatal(d)
				}
			}
		})
		b.Run("opa/"+q.name, func(b *testing.B) {
			ctx := map[string]any{}
			for k, v := range q.context {
				ctx[k] = v
			}
			in, err := ast.InterfaceToValue(map[string]any{"action": q.action, "context": ctx})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				rs, err := opa.Eval(context.Background(), rego.EvalParsedInput(in))
				if err != nil || (rs[0].Expressions[0].Value == "deny") != q.deny {
					b.Fatal(rs, err)
				}
			}
		})
	}
}
