package policy

import (
	"fmt"
	"strings"
	"testing"
)

// The two policies that the documents publish, as they publish them.
const documentA = `{
    "Version": "1",
    "Statement": [
        {
            "Action": [
                "ecs:RunInstances",
                "ecs:CreateInstance",
                "ecs:ReplaceSystemDisk"
            ],
            "Resource": "*",
            "Condition": {
                "Bool": {
                    "ecs:PasswordInherit": [
                        "true"
                    ]
                }
            },
            "Effect": "Deny"
        }
    ]
}`

const documentB = `{ "Version": "1", "Statement": [ { "Action": [ "ecs:ExportImage", "ecs:ModifyImageSharePermission" ], "Resource": "*", "Effect": "Deny" }, { "Action": [ "resourcesharing:CreateResourceShare", "resourcesharing:AssociateResourceShare" ], "Resource": "*", "Condition": { "StringEquals": { "resourcesharing:RequestedResourceType": [ "Snapshot", "Image" ] } }, "Effect": "Deny" } ] }`

const allowAll = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func parse(t testing.TB, name, text string) *Document {
	t.Helper()
	d, err := Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func docs(t testing.TB, texts ...string) (out []*Document) {
	t.Helper()
	for i, x := range texts {
		out = append(out, parse(t, fmt.Sprintf("p%d.json", i), x))
	}
	return out
}

func set(t testing.TB, a Attachments) *Set {
	t.Helper()
	s, err := NewSet(a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func context(kv ...string) map[string][]string {
	m := map[string][]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = append(m[kv[i]], kv[i+1])
	}
	return m
}

// stmt writes a policy of one statement.
func stmt(effect, action, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return `{"Version":"1","Statement":[{"Effect":"` + effect + `","Action":"` + action + `","Resource":"*"` + condition + `}]}`
}

// TestVectors are the vectors of the language's documentation, by letter.
func TestVectors(t *testing.T) {
	const (
		run   = "ecs:RunInstances"
		assoc = "resourcesharing:AssociateResourceShare"
		kind  = "resourcesharing:RequestedResourceType"
	)
	allowed := docs(t, allowAll)
	with := func(texts ...string) Attachments { return Attachments{Identity: append(docs(t, texts...), allowed...)} }
	full := func(name string, texts ...string) ControlLevel {
		return ControlLevel{name, append(docs(t, texts...), allowed...)}
	}
	slr := Principal{Kind: ServiceLinkedRole, ARN: "acs:ram::1:role/aliyunserviceroleforautoscaling"}
	for _, c := range []struct {
		name string
		a    Attachments
		r    Request
		want Decision
	}{
		{"a true", with(documentA), Request{Action: run, Context: context("ecs:PasswordInherit", "true")}, Denied},
		{"a false", with(documentA), Request{Action: run, Context: context("ecs:PasswordInherit", "false")}, Allowed},
		{"a absent", with(documentA), Request{Action: run}, Allowed},
		{"a TRUE", with(documentA), Request{Action: run, Context: context("ecs:PasswordInherit", "TRUE")}, Undetermined},
		{"a template", with(documentA), Request{Action: run, Unknown: map[string]Text{"ecs:PasswordInherit": {}}}, Undetermined},
		{"b targets only", with(documentB), Request{Action: assoc, Context: context("resourcesharing:Target", "123")}, Allowed},
		{"c vswitch and snapshot", with(documentB), Request{Action: assoc, Context: context(kind, "VSwitch", kind, "Snapshot")}, Undetermined},
		{"c image and snapshot", with(documentB), Request{Action: assoc, Context: context(kind, "Image", kind, "Snapshot")}, Denied},
		{"c one", with(documentB), Request{Action: assoc, Context: context(kind, "Snapshot")}, Denied},
		{"d case of actions", with(documentB), Request{Action: "ecs:exportimage"}, Denied},
		{"d case of actions in the policy", with(stmt("Deny", "ECS:EXPORTimage", "")), Request{Action: "ecs:ExportImage"}, Denied},
		{"e Export* image", with(stmt("Deny", "ecs:Export*", "")), Request{Action: "ecs:ExportImage"}, Denied},
		{"e Export* snapshot", with(stmt("Deny", "ecs:Export*", "")), Request{Action: "ecs:ExportSnapshot"}, Denied},
		{"f group deny below account allow", Attachments{Identity: allowed, ResourceGroup: docs(t, documentB)}, Request{Action: "ecs:ExportImage"}, Allowed},
		{"f group deny alone", Attachments{Identity: docs(t), ResourceGroup: docs(t, documentB)}, Request{Action: "ecs:ExportImage"}, Denied},
		{"f group allow", Attachments{ResourceGroup: allowed}, Request{Action: "ecs:ExportImage"}, Allowed},
		{"f account deny, group allow", Attachments{Identity: docs(t, documentB), ResourceGroup: allowed}, Request{Action: "ecs:ExportImage"}, Denied},
		{"g folder without allow", Attachments{Control: []ControlLevel{full("member"), {"folder", docs(t, documentB)}, full("Root")}, Identity: allowed}, Request{Action: "ecs:DescribeRegions"}, Denied},
		{"g all levels", Attachments{Control: []ControlLevel{full("member"), full("folder", documentB), full("Root")}, Identity: allowed}, Request{Action: "ecs:DescribeRegions"}, Allowed},
		{"g deny at Root", Attachments{Control: []ControlLevel{full("member"), full("Root", documentB)}, Identity: allowed}, Request{Action: "ecs:ExportImage"}, Denied},
		{"h service-linked role", Attachments{Control: []ControlLevel{full("Root", documentB)}, Identity: allowed}, Request{Action: "ecs:ExportImage", Principal: slr}, Allowed},
		{"h ordinary service role", Attachments{Control: []ControlLevel{full("Root", documentB)}, Identity: allowed}, Request{Action: "ecs:ExportImage", Principal: Principal{Kind: Role}}, Denied},
		{"i management account", Attachments{Management: true, Control: []ControlLevel{full("Root", documentB)}, Identity: allowed}, Request{Action: "ecs:ExportImage"}, Allowed},
		{"i member root", Attachments{Control: []ControlLevel{full("Root", documentB)}}, Request{Action: "ecs:ExportImage", Principal: Principal{Kind: Root}}, Allowed},
		{"j one operator false", with(stmt("Deny", run, `{"Bool":{"ecs:PasswordInherit":"true"},"StringEquals":{"ecs:ImagePlatform":"linux"}}`)), Request{Action: run, Context: context("ecs:PasswordInherit", "true", "ecs:ImagePlatform", "windows")}, Allowed},
		{"j both true", with(stmt("Deny", run, `{"Bool":{"ecs:PasswordInherit":"true"},"StringEquals":{"ecs:ImagePlatform":"linux"}}`)), Request{Action: run, Context: context("ecs:PasswordInherit", "true", "ecs:ImagePlatform", "linux")}, Denied},
		{"j keys of one operator are AND", with(stmt("Deny", run, `{"StringEquals":{"a":"1","b":"2"}}`)), Request{Action: run, Context: context("a", "1", "b", "3")}, Allowed},
		{"k case of a value", with(strings.ReplaceAll(documentB, `"Snapshot"`, `"snapshot"`)), Request{Action: assoc, Context: context(kind, "Snapshot")}, Allowed},
		{"l NotAction", with(`{"Version":"1","Statement":[{"Effect":"Deny","NotAction":["ecs:Describe*"],"Resource":"*"}]}`), Request{Action: "ecs:ExportImage"}, Denied},
		{"l NotAction excepts", with(`{"Version":"1","Statement":[{"Effect":"Deny","NotAction":["ecs:Describe*"],"Resource":"*"}]}`), Request{Action: "ecs:DescribeRegions"}, Allowed},
		{"n trust only", Attachments{Resource: docs(t, trust)}, Request{Action: "sts:AssumeRole", Principal: Principal{ARN: "acs:ram::7:user/u"}}, Denied},
		{"n identity only", Attachments{Identity: allowed}, Request{Action: "sts:AssumeRole", Principal: Principal{ARN: "acs:ram::7:user/u"}}, Denied},
		{"n both", Attachments{Identity: allowed, Resource: docs(t, trust)}, Request{Action: "sts:AssumeRole", Principal: Principal{ARN: "acs:ram::7:user/u"}}, Allowed},
		{"n another account", Attachments{Identity: allowed, Resource: docs(t, trust)}, Request{Action: "sts:AssumeRole", Principal: Principal{ARN: "acs:ram::8:user/u"}}, Denied},
		{"session without allow", Attachments{Identity: allowed, Session: docs(t, documentB)}, Request{Action: "ecs:RunInstances"}, Denied},
		{"session with allow", Attachments{Identity: allowed, Session: allowed}, Request{Action: "ecs:RunInstances"}, Allowed},
		{"resource allow", Attachments{Resource: docs(t, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Principal":["7"],"Resource":"*"}]}`)}, Request{Action: "oss:GetObject", Principal: Principal{ARN: "acs:ram::7:user/u"}}, Allowed},
		{"nothing", Attachments{}, Request{Action: run}, Denied},
		{"negated, key missing", with(stmt("Deny", run, `{"StringNotLike":{"x:y":"a*"}}`)), Request{Action: run}, Undetermined},
		{"negated, missing, denied anyway", with(stmt("Deny", run, `{"StringNotLike":{"x:y":"a*"}}`), stmt("Deny", "ecs:*", "")), Request{Action: run}, Denied},
		{"policy variable", with(stmt("Deny", run, `{"StringEquals":{"x:y":"${a}"}}`)), Request{Action: run, Context: context("x:y", "b")}, Undetermined},
		{"exempt principal", with(stmt("Deny", run, `{"StringNotLike":{"acs:PrincipalARN":["acs:ram::*:role/builder"]}}`)), Request{Action: run, Principal: Principal{Kind: Role, ARN: "acs:ram::1:role/builder"}}, Allowed},
		{"not exempt", with(stmt("Deny", run, `{"StringNotLike":{"acs:PrincipalARN":["acs:ram::*:role/builder"]}}`)), Request{Action: run, Principal: Principal{ARN: "acs:ram::1:user/eve"}}, Denied},
	} {
		if got, d := Evaluate(set(t, c.a), &c.r); got != c.want {
			t.Errorf("%s: %v, want %v (%03b)", c.name, got, c.want, d.Outcomes)
		}
	}
}

const trust = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::7:root"]}}]}`

// TestInvalidDocuments is vector m and its kin: what the service would refuse
// is no protection and is not evaluated.
func TestInvalidDocuments(t *testing.T) {
	for _, op := range []string{"BoolIfExists", "Null", "ForAnyValue:StringEquals", "stringequals"} {
		d := parse(t, "x.json", stmt("Deny", "ecs:RunInstances", `{"`+op+`":{"ecs:PasswordInherit":"true"}}`))
		if _, err := NewSet(Attachments{Identity: []*Document{d}}); d.Valid() || err == nil || !strings.Contains(err.Error(), "x.json:1:") {
			t.Errorf("%s was taken (%v)", op, err)
		}
	}
}

func TestOperators(t *testing.T) {
	for _, c := range []struct {
		op, want, have string
		match          Match
	}{
		{"StringEquals", `"a"`, "a", Yes}, {"StringEquals", `"a"`, "A", No}, {"StringEquals", `["b","a"]`, "a", Yes},
		{"StringEquals", `"a*"`, "ab", No}, {"StringNotEquals", `["a","b"]`, "b", No}, {"StringNotEquals", `["a","b"]`, "c", Yes},
		{"StringEqualsIgnoreCase", `"SnapShot"`, "snapshot", Yes}, {"StringNotEqualsIgnoreCase", `"A"`, "a", No},
		{"StringLike", `"acs:ecs:*:*:snapshot/*"`, "acs:ecs:cn-hangzhou:1:snapshot/s-1", Yes}, {"StringLike", `"s-?"`, "s-12", No},
		{"StringLike", `"中?"`, "中文", Yes}, {"StringNotLike", `["rd-*","x"]`, "rd-1/x", No}, {"StringLike", `"*"`, "", Yes},
		{"NumericEquals", `"10"`, "10.0", Yes}, {"NumericEquals", `10`, "10", Yes}, {"NumericNotEquals", `"10"`, "11", Yes},
		{"NumericLessThan", `"9007199254740993"`, "9007199254740992", Yes}, {"NumericLessThanEquals", `"2"`, "2", Yes},
		{"NumericGreaterThan", `"2"`, "2", No}, {"NumericGreaterThanEquals", `"2"`, "2.5", Yes}, {"NumericEquals", `"1"`, "one", Maybe},
		{"NumericEquals", `"0x10"`, "16", Maybe}, {"NumericEquals", `"Inf"`, "1", Maybe},
		{"DateLessThan", `"2020-01-01T00:00:00Z"`, "2019-12-31T23:59:59Z", Yes}, {"DateEquals", `"2020-01-01T08:00:00+08:00"`, "2020-01-01T00:00:00Z", Yes},
		{"DateGreaterThan", `"2020-01-01"`, "2021-01-01T00:00:00Z", Maybe},
		{"Bool", `"true"`, "true", Yes}, {"Bool", `true`, "true", Yes}, {"Bool", `"false"`, "true", No}, {"Bool", `"yes"`, "true", Maybe},
		{"IpAddress", `"10.0.0.0/8"`, "10.1.2.3", Yes}, {"IpAddress", `"10.9.9.9/8"`, "10.1.2.3", Yes}, {"IpAddress", `"10.0.0.1"`, "10.0.0.1", Yes},
		{"NotIpAddress", `["10.0.0.0/8","192.168.0.0/16"]`, "192.168.1.1", No}, {"NotIpAddress", `["10.0.0.0/8"]`, "8.8.8.8", Yes},
		{"IpAddress", `"2001:db8::/32"`, "2001:db8::1", Yes}, {"IpAddress", `"10.0.0.0/8"`, "::ffff:10.0.0.1", Yes}, {"IpAddress", `"10.0.0.0/8"`, "host", Maybe},
	} {
		d := parse(t, "x", `{"Version":"1","Statement":[{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"`+c.op+`":{"k":`+c.want+`}}}]}`)
		e := evaluation{r: &Request{Context: context("k", c.have)}}
		if got, _ := e.condition(&d.Statements[0].Conditions[0]); got != c.match {
			t.Errorf("%s %s with %q: %d, want %d", c.op, c.want, c.have, got, c.match)
		}
	}
}

func TestDiagnosticListsEveryStatement(t *testing.T) {
	s := set(t, Attachments{
		Control:  []ControlLevel{{"member 1", docs(t, allowAll)}, {"Root", docs(t, documentB, allowAll)}},
		Identity: docs(t, stmt("Deny", "ecs:Export*", ""), allowAll),
	})
	got, d := Evaluate(s, &Request{Action: "ecs:ExportImage"})
	if got != Denied || d.Outcomes != ExplicitDeny {
		t.Fatalf("%v %v", got, d.Outcomes)
	}
	var lines []string
	for _, r := range d.Reasons() {
		lines = append(lines, fmt.Sprintf("%d %s %s", r.Step, r.Statement.Effect, r.Statement))
	}
	want := "0 Allow p0.json:1:29|1 Deny p0.json:1:34|1 Allow p1.json:1:29|2 Deny p0.json:1:29|2 Allow p1.json:1:29"
	if x := strings.Join(lines, "|"); x != want {
		t.Errorf("got  %s\nwant %s", x, want)
	}
	var steps []Skip
	for _, s := range d.Steps() {
		steps = append(steps, s.Skip)
	}
	if fmt.Sprint(steps) != fmt.Sprint([]Skip{Asked, Asked, SkipDecided}) {
		t.Error(steps)
	}
}

func TestEvaluateAllocatesNothing(t *testing.T) {
	s := set(t, Attachments{Identity: docs(t, documentA, documentB, allowAll)})
	r := &Request{Action: "resourcesharing:AssociateResourceShare", Context: context("resourcesharing:RequestedResourceType", "Snapshot")}
	if n := testing.AllocsPerRun(100, func() {
		if d, _ := Evaluate(s, r); d != Denied {
			t.Fatal(d)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
