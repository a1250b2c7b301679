package policy

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The second implementation: no index, no compiled pattern, no sets of
// outcomes. It reads documents with encoding/json, matches with regexp, and
// where something is unknown it plays every world through to its end.

type slowPolicy struct{ Statement []map[string]any }

func slowList(v any) (out []string) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, slowList(x)...)
		}
	default:
		out = append(out, fmt.Sprint(v))
	}
	return out
}

func slowLike(pattern, s string, fold bool) bool {
	e := regexp.QuoteMeta(pattern)
	e = strings.ReplaceAll(strings.ReplaceAll(e, `\*`, `.*`), `\?`, `.`)
	if fold {
		e = "(?i)" + e
	}
	return regexp.MustCompile(`(?s)^` + e + `$`).MatchString(s)
}

// slowTruths are the ways a condition can turn out.
func slowTruths(op, key string, values []string, r *Request) []bool {
	base := strings.Replace(op, "Not", "", 1)
	negated := base != op
	if _, ok := r.Unknown[key]; ok {
		return []bool{false, true}
	}
	have, ok := r.Context[key]
	if !ok {
		if negated {
			return []bool{false, true}
		}
		return []bool{false}
	}
	var truths []bool
	for _, h := range have {
		sure, unsure := false, false
		for _, v := range values {
			if strings.Contains(v, "${") {
				unsure = true
				continue
			}
			hit, ok := slowOne(base, v, h)
			sure, unsure = sure || hit && ok, unsure || !ok
		}
		switch {
		case sure:
			truths = append(truths, !negated)
		case unsure:
			return []bool{false, true}
		default:
			truths = append(truths, negated)
		}
	}
	slices.SortFunc(truths, func(a, b bool) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(truths)
}

func slowOne(op, v, h string) (hit, ok bool) {
	switch {
	case op == "StringEquals":
		return v == h, true
	case op == "StringEqualsIgnoreCase":
		return strings.ToLower(v) == strings.ToLower(h), true
	case op == "StringLike":
		return slowLike(v, h, false), true
	case op == "Bool":
		return v == h, (v == "true" || v == "false") && (h == "true" || h == "false")
	case op == "IpAddress":
		ip := net.ParseIP(h)
		if !strings.Contains(v, "/") {
			v += "/32"
		}
		_, n, err := net.ParseCIDR(v)
		return err == nil && ip != nil && n.Contains(ip), err == nil && ip != nil
	}
	c := 0
	if strings.HasPrefix(op, "Numeric") {
		a, ok1 := new(big.Rat).SetString(h)
		b, ok2 := new(big.Rat).SetString(v)
		if !ok1 || !ok2 {
			return false, false
		}
		c = a.Cmp(b)
	} else {
		a, err1 := time.Parse(time.RFC3339, h)
		b, err2 := time.Parse(time.RFC3339, v)
		if err1 != nil || err2 != nil {
			return false, false
		}
		c = a.Compare(b)
	}
	switch strings.TrimPrefix(strings.TrimPrefix(op, "Numeric"), "Date") {
	case "Equals":
		return c == 0, true
	case "LessThan":
		return c < 0, true
	case "LessThanEquals":
		return c <= 0, true
	case "GreaterThan":
		return c > 0, true
	}
	return c >= 0, true
}

// slowStatement gives the ways in which a statement can match.
func slowStatement(s map[string]any, r *Request) []bool {
	hits := func(key string, hay string, fold bool) bool {
		return slices.ContainsFunc(slowList(s[key]), func(p string) bool { return slowLike(p, hay, fold) })
	}
	if s["Action"] != nil && !hits("Action", r.Action, true) || s["NotAction"] != nil && hits("NotAction", r.Action, true) {
		return []bool{false}
	}
	if s["Resource"] != nil && !hits("Resource", r.resource(), false) || s["NotResource"] != nil && hits("NotResource", r.resource(), false) {
		return []bool{false}
	}
	can := []bool{true}
	conds, _ := s["Condition"].(map[string]any)
	for op, keys := range conds {
		for key, v := range keys.(map[string]any) {
			t := slowTruths(op, key, slowList(v), r)
			if !slices.Contains(t, true) {
				return []bool{false}
			}
			if slices.Contains(t, false) {
				can = []bool{false, true}
			}
		}
	}
	return can
}

// slowLayer gives every result that basic evaluation can have.
func slowLayer(texts []string, r *Request) (results []Outcomes) {
	worlds := []Outcomes{ImplicitDeny}
	for _, text := range texts {
		var p slowPolicy
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			panic(err)
		}
		for _, s := range p.Statement {
			var next []Outcomes
			for _, before := range worlds {
				for _, hit := range slowStatement(s, r) {
					now := before
					switch {
					case !hit || before == ExplicitDeny:
					case s["Effect"] == "Deny":
						now = ExplicitDeny
					default:
						now = Allows
					}
					next = append(next, now)
				}
			}
			slices.Sort(next)
			worlds = slices.Compact(next)
		}
	}
	return worlds
}

// slowAttachments are attachments as text.
type slowAttachments struct {
	control            [][]string
	session            []string
	identity, group    []string
	resource           []string
	management, hasRes bool
}

// slowDecide walks the documented order, choosing one world at each layer.
func slowDecide(a slowAttachments, r *Request) (all Outcomes) {
	walls := slices.Clone(a.control)
	if a.management || r.Principal.Kind == ServiceLinkedRole {
		walls = nil
	}
	if a.session != nil {
		walls = append(walls, a.session)
	}
	var walk func(int)
	walk = func(i int) {
		if i < len(walls) {
			for _, o := range slowLayer(walls[i], r) {
				if o == Allows {
					walk(i + 1)
				} else {
					all |= o
				}
			}
			return
		}
		for _, id := range slowLayer(a.identity, r) {
			ids := []Outcomes{id}
			if id == ImplicitDeny && a.group != nil {
				ids = slowLayer(a.group, r)
			}
			for _, x := range ids {
				ys := []Outcomes{ImplicitDeny}
				if a.hasRes {
					ys = slowLayer(a.resource, r)
				}
				for _, y := range ys {
					all |= slowCombine(x, y, strings.EqualFold(r.Action, "sts:AssumeRole"))
				}
			}
		}
	}
	walk(0)
	return all
}

func slowCombine(x, y Outcomes, assume bool) Outcomes {
	if x == ExplicitDeny || y == ExplicitDeny {
		return ExplicitDeny
	}
	if assume && x == Allows && y == Allows {
		return Allows
	}
	if !assume && (x == Allows || y == Allows) {
		return Allows
	}
	return ImplicitDeny
}

type dice struct{ *rand.Rand }

func (d dice) pick(xs ...string) string { return xs[d.IntN(len(xs))] }

func (d dice) policy() string {
	var ss []string
	for range 1 + d.IntN(3) {
		s := map[string]any{"Effect": d.pick("Allow", "Deny")}
		var actions []string
		for range 1 + d.IntN(3) {
			actions = append(actions, d.pick("*", "ecs:*", "ecs:Run*", "ecs:RunInstances", "ECS:runinstances", "e?s:Run*s", "sts:AssumeRole", "ram:*", "ecs:R?nInstances", "*:RunInstances"))
		}
		s[d.pick("Action", "Action", "NotAction")] = actions
		s[d.pick("Resource", "Resource", "Resource", "NotResource")] = d.pick("*", "acs:ecs:*:*:*", "acs:ecs:*:1:image/*", "acs:*:*:*:image/m-?")
		cond := map[string]any{}
		for range d.IntN(3) {
			op := operators[d.IntN(len(operators))]
			var vs []string
			for range 1 + d.IntN(2) {
				switch op.family {
				case strings_:
					vs = append(vs, d.pick("a", "A", "a*", "*b", "a?b", "${x}", "axb"))
				case numbers:
					vs = append(vs, d.pick("1", "2", "2.5", "-3", "zz", "9007199254740993"))
				case dates:
					vs = append(vs, d.pick("2020-01-01T00:00:00Z", "2021-01-01T08:00:00+08:00", "bad"))
				case booleans:
					vs = append(vs, d.pick("true", "false", "True"))
				case addresses:
					vs = append(vs, d.pick("10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "x"))
				}
			}
			cond[op.name] = map[string]any{d.pick("k", "l"): vs}
		}
		if len(cond) > 0 {
			s["Condition"] = cond
		}
		b, _ := json.Marshal(s)
		ss = append(ss, string(b))
	}
	return `{"Version":"1","Statement":[` + strings.Join(ss, ",") + `]}`
}

func (d dice) policies(max int) []string {
	out := []string{}
	for range d.IntN(max + 1) {
		out = append(out, d.policy())
	}
	return out
}

func (d dice) request() *Request {
	r := &Request{Action: d.pick("ecs:RunInstances", "ecs:runinstances", "ram:X", "sts:AssumeRole", "ecs:RxnInstances"),
		Resource: d.pick("", "*", "acs:ecs:cn:1:image/m-1", "acs:ecs:cn:2:image/m-12"), Context: map[string][]string{}, Unknown: map[string]Text{}}
	for _, k := range []string{"k", "l"} {
		for range d.IntN(3) {
			r.Context[k] = append(r.Context[k], d.pick("a", "ab", "axb", "true", "false", "1", "2.5", "10.1.2.3", "2020-01-01T00:00:00Z", "9007199254740992"))
		}
		if d.IntN(12) == 0 {
			r.Unknown[k] = Text{}
		}
	}
	r.Principal.Kind = PrincipalKind(d.IntN(3))
	return r
}

// TestAgainstSlow compares both implementations on random cases.
func TestAgainstSlow(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(1, 2))}
	seen := map[Outcomes]int{}
	for i := range 6000 {
		a := slowAttachments{identity: d.policies(3), management: d.IntN(5) == 0, hasRes: d.IntN(2) == 0}
		for range d.IntN(3) {
			a.control = append(a.control, d.policies(2))
		}
		if d.IntN(3) == 0 {
			a.session = d.policies(2)
		}
		if d.IntN(2) == 0 {
			a.group = d.policies(2)
		}
		if a.hasRes {
			a.resource = d.policies(1)
		}
		fast := Attachments{Management: a.management, Identity: docs(t, a.identity...)}
		for _, c := range a.control {
			fast.Control = append(fast.Control, ControlLevel{Documents: docs(t, c...)})
		}
		for _, x := range []struct {
			from []string
			to   *[]*Document
		}{{a.session, &fast.Session}, {a.group, &fast.ResourceGroup}, {a.resource, &fast.Resource}} {
			if x.from != nil {
				*x.to = append([]*Document{}, docs(t, x.from...)...)
			}
		}
		r := d.request()
		want := slowDecide(a, r)
		_, diag := Evaluate(set(t, fast), r)
		if diag.Outcomes != want {
			t.Fatalf("case %d: %03b, the slow one says %03b\n%+v\n%+v", i, diag.Outcomes, want, a, r)
		}
		seen[want]++
	}
	for o := Outcomes(1); o < 8; o++ {
		if o != ImplicitDeny|ExplicitDeny|Allows && seen[o] == 0 {
			t.Errorf("no case had the outcomes %03b", o)
		}
	}
	t.Log(seen)
}
