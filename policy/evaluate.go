package policy

import (
	"iter"
	"strings"
)

// A Decision is the answer to a request.
type Decision int

// The decisions.
const (
	Undetermined Decision = iota // depends on what is not documented
	Allowed
	Denied
)

func (d Decision) String() string {
	return [...]string{"undetermined", "allow", "deny"}[d]
}

// Outcomes is a set of basic results: what can happen, given what is unknown.
type Outcomes uint8

// The basic results of RAM's evaluation.
const (
	Allows Outcomes = 1 << iota
	ImplicitDeny
	ExplicitDeny
)

// Decision is what a caller sees: Undetermined if both ways are possible.
func (o Outcomes) Decision() Decision {
	switch {
	case o == Allows:
		return Allowed
	case o&Allows == 0 && o != 0:
		return Denied
	}
	return Undetermined
}

// Why is the reason for an undetermined match.
type Why uint8

// The reasons.
const (
	WhyNone     Why = iota
	WhyMissing      // a key is missing under a negated operator: not documented
	WhyVariable     // a policy variable: not documented
	WhyMulti        // a key has several values that compare differently: not documented
	WhyUnknown      // nobody documents whether the service sends the key here
	WhyType         // the values cannot be compared by this operator
)

// A Reason is one statement that counted.
type Reason struct {
	Step      int // index of the step of its layer
	Statement *Statement
	Match     Match // Yes or Maybe
	Why       Why
	Condition *Condition // the undetermined one
}

// Skip says why a layer was not asked.
type Skip uint8

// The reasons for skipping a layer.
const (
	Asked             Skip = iota
	SkipManagement         // control policies do not reach the management account
	SkipRoot               // nor the account itself, which no RAM policy reaches either
	SkipServiceLinked      // control policies do not reach service-linked roles
	SkipDecided            // the decision fell before
	SkipAllowed            // an account-level Allow ends the identity evaluation: resource-group policies are not reached
)

// A Step is one layer of the evaluation order.
type Step struct {
	Layer    Layer
	Name     string // of a control level
	Skip     Skip
	Outcomes Outcomes // of basic evaluation in this layer, also when it was not reached
}

// A Diagnostic is the whole derivation of a decision.
type Diagnostic struct {
	Outcomes Outcomes // all that can happen
	steps    few[Step]
	reasons  few[Reason]
}

// Steps lists the layers in order.
func (d *Diagnostic) Steps() iter.Seq2[int, *Step] { return d.steps.all() }

// Reasons lists every statement that matched or may match the request, layer
// by layer, in the order of the documents. Layers that were not reached are
// listed too: what would decide if the layers before were taken away.
func (d *Diagnostic) Reasons() iter.Seq2[int, *Reason] { return d.reasons.all() }

// few is a list that needs no heap while it is short.
type few[T any] struct {
	first [6]T
	n     int
	more  []T
}

func (f *few[T]) add(x T) {
	if f.n < len(f.first) {
		f.first[f.n] = x
	} else {
		f.more = append(f.more, x)
	}
	f.n++
}

func (f *few[T]) at(i int) *T {
	if i < len(f.first) {
		return &f.first[i]
	}
	return &f.more[i-len(f.first)]
}

func (f *few[T]) all() iter.Seq2[int, *T] {
	return func(yield func(int, *T) bool) {
		for i := 0; i < f.n; i++ {
			if !yield(i, f.at(i)) {
				return
			}
		}
	}
}

// Evaluate decides a request. It is a pure function. It does not stop at the
// first deny: a reader who removes one statement wants to know what the next
// would do.
//
// The order is that of RAM's documentation: control policies from the owning
// member up to Root, each level needing an Allow; the session policy;
// identity policies, first those of the account, then, after an implicit deny
// only, those of a resource group; resource policies; then the combination.
// AssumeRole needs an Allow of both sides.
func Evaluate(s *Set, r *Request) (Decision, Diagnostic) {
	var d Diagnostic
	var buf [96]byte
	e := evaluation{r: r, action: lower(buf[:0], r.Action)}
	final, open := Outcomes(0), true // open: an Allow may still come
	identity, resource := ImplicitDeny, ImplicitDeny
	for i := range s.layers {
		l := &s.layers[i]
		o := e.layer(l, &d)
		step := Step{Layer: l.kind, Name: l.name, Outcomes: o, Skip: s.skip(l.kind, r.Principal.Kind)}
		switch {
		case step.Skip != Asked:
		case !open:
			step.Skip = SkipDecided
		case l.kind == LayerControl || l.kind == LayerSession:
			final |= o &^ Allows
			open = o&Allows != 0
		case l.kind == LayerIdentity:
			identity = o
		case l.kind == LayerResourceGroup && identity&ImplicitDeny == 0:
			step.Skip = SkipAllowed
		case l.kind == LayerResourceGroup:
			identity = identity&^ImplicitDeny | o
		default:
			resource = o
		}
		d.steps.add(step)
	}
	if open {
		if r.Principal.Kind == Root {
			identity = Allows
		}
		final |= combine(identity, resource, string(e.action) == "sts:assumerole" && r.Principal.Kind != Root)
	}
	d.Outcomes = final
	return final.Decision(), d
}

// skip says which layers a kind of caller is not under.
func (s *Set) skip(l Layer, k PrincipalKind) Skip {
	switch {
	case k == Root && l != LayerResource:
		return SkipRoot
	case l == LayerControl && s.management:
		return SkipManagement
	case l == LayerControl && k == ServiceLinkedRole:
		return SkipServiceLinked
	}
	return Asked
}

// combine joins what the identity's and the resource's policies can say.
func combine(a, b Outcomes, both bool) (out Outcomes) {
	for _, x := range [...]Outcomes{Allows, ImplicitDeny, ExplicitDeny} {
		for _, y := range [...]Outcomes{Allows, ImplicitDeny, ExplicitDeny} {
			if a&x == 0 || b&y == 0 {
				continue
			}
			switch {
			case x == ExplicitDeny || y == ExplicitDeny:
				out |= ExplicitDeny
			case x == Allows && y == Allows, !both && (x == Allows || y == Allows):
				out |= Allows
			default:
				out |= ImplicitDeny
			}
		}
	}
	return out
}

func lower(to []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		to = append(to, lowerByte(s[i]))
	}
	return to
}

// evaluation is one request on its way.
type evaluation struct {
	r      *Request
	action []byte // in lower case
}

// layer is basic evaluation of one layer: any matching Deny, else any matching
// Allow, else implicit deny; over all ways in which the unknown may turn out.
func (e *evaluation) layer(l *layer, d *Diagnostic) Outcomes {
	service := e.action
	for i, c := range e.action {
		if c == ':' {
			service = e.action[:i]
			break
		}
	}
	lists := [3][]int32{l.exact[string(e.action)], l.service[string(service)], l.rest}
	var best [2]Match // by effect: Deny, Allow
	for {
		k := -1 // the list whose head is the first statement of all
		for i, list := range lists {
			if len(list) > 0 && (k < 0 || list[0] < lists[k][0]) {
				k = i
			}
		}
		if k < 0 {
			break
		}
		st := l.statements[lists[k][0]]
		lists[k] = lists[k][1:]
		m, why, c := e.statement(st, k == 0)
		if m == No {
			continue
		}
		effect := 0
		if st.Effect == Allow {
			effect = 1
		}
		best[effect] = max(best[effect], m)
		d.reasons.add(Reason{Step: d.steps.n, Statement: st, Match: m, Why: why, Condition: c})
	}
	return outcomes(best[0], best[1])
}

// outcomes are the possible results of one layer.
func outcomes(deny, allow Match) (o Outcomes) {
	switch deny {
	case Yes:
		return ExplicitDeny
	case Maybe:
		o = ExplicitDeny
	}
	switch allow {
	case Yes:
		return o | Allows
	case Maybe:
		return o | Allows | ImplicitDeny
	}
	return o | ImplicitDeny
}

// statement compares a statement with the request. hit says that the action
// is known to match.
func (e *evaluation) statement(st *Statement, hit bool) (Match, Why, *Condition) {
	if !hit && e.matchAction(st) == st.NotAction {
		return No, WhyNone, nil
	}
	m, why := Yes, WhyNone
	if !st.anyResource {
		m, why = e.matchResource(st)
	}
	if m == No || st.Principals != nil && e.matchPrincipal(st) == st.NotPrincipal {
		return No, WhyNone, nil
	}
	var unsure *Condition
	for i := range st.Conditions {
		c := &st.Conditions[i]
		got, w := e.condition(c)
		switch {
		case got == No:
			return No, WhyNone, nil
		case got == Maybe && unsure == nil:
			m, why, unsure = Maybe, w, c
		}
	}
	return m, why, unsure
}

func (e *evaluation) matchAction(st *Statement) bool {
	for i := range st.Actions {
		if st.Actions[i].glob.match(e.r.Action) {
			return true
		}
	}
	return false
}

func (e *evaluation) matchResource(st *Statement) (Match, Why) {
	m, why := No, WhyNone
	res := e.r.resource()
	for i := range st.Resources {
		p := &st.Resources[i]
		switch {
		case p.Variable():
			m, why = Maybe, WhyVariable
		case p.glob.match(res):
			m, why = Yes, WhyNone
		}
		if m == Yes {
			break
		}
	}
	if st.NotResource {
		return m.not(), why
	}
	return m, why
}

// matchPrincipal compares the caller with a Principal element: an ARN, an
// account's root (every identity of that account), a service, or everyone.
func (e *evaluation) matchPrincipal(st *Statement) bool {
	p := e.r.Principal
	for _, entry := range st.Principals {
		for _, v := range entry.Values {
			switch {
			case v.Text == "*", v.Text == p.ARN && p.ARN != "", entry.Type == "Service" && v.Text == p.Service && p.Service != "":
				return true
			case entry.Type == "Service":
			case strings.HasPrefix(v.Text, "acs:ram::") && strings.HasSuffix(v.Text, ":root"):
				if a := p.account(); a != "" && v.Text == "acs:ram::"+a+":root" {
					return true
				}
			case entry.Type == "" && v.Text != "" && (v.Text == p.account() || strings.HasSuffix(p.ARN, "/"+v.Text)):
				return true
			}
		}
	}
	return false
}

// condition compares one key. Its values are alternatives.
func (e *evaluation) condition(c *Condition) (Match, Why) {
	if _, unknown := e.r.Unknown[c.Key]; unknown {
		return Maybe, WhyUnknown
	}
	values, ok := e.r.get(c.Key)
	if !ok && c.Key == principalKey && e.r.Principal.ARN != "" {
		return c.op.test(e.r.Principal.ARN, c.want)
	}
	if !ok {
		if c.op.negate {
			return Maybe, WhyMissing
		}
		return No, WhyNone
	}
	m, why := c.op.test(values[0], c.want)
	for _, v := range values[1:] {
		other, w := c.op.test(v, c.want)
		if other != m {
			return Maybe, WhyMulti
		}
		if why == WhyNone {
			why = w
		}
	}
	return m, why
}
