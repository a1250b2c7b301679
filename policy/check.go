package policy

// Full is the policy that the service attaches by default: it allows
// everything.
const Full = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func fullAccess(name string) *Document {
	d, err := Parse(name, []byte(Full))
	if err != nil {
		panic("policy: the built-in policy does not parse: " + err.Error()) // a test holds this
	}
	return d
}

// A Case is one caller of a scenario with the policies that meet it.
type Case struct {
	Name      string // for people; "" when there is only one
	Principal Principal
	Set       *Set
}

// A World says which callers there are. Cases returns none where a kind of
// caller does not exist.
type World interface {
	Cases(Caller) []Case
}

// assumed is the world without a description: one member account below Root
// with everything allowed, and the policies bound as their scope says.
type assumed map[Caller][]Case

func (a assumed) Cases(c Caller) []Case { return a[c] }

// Assume makes the world in which documents are bound at their best place: as
// control policies at Root, or as RAM policies of the calling user. Where they
// hold no Allow themselves, everything else is allowed.
func Assume(scope Scope, docs []*Document) (World, error) {
	full := fullAccess("FullAliyunAccess")
	bound := docs
	if !allows(docs) {
		bound = append(append([]*Document{}, docs...), full)
	}
	rest := []*Document{full}
	control := Attachments{Identity: rest, Control: []ControlLevel{{"member", rest}, {"Root", bound}}}
	management := control
	management.Management = true
	other := control
	user := control
	if scope == ForUser {
		user, other = Attachments{Identity: bound}, Attachments{Identity: rest}
	}
	w := assumed{}
	for _, x := range []struct {
		c Caller
		a Attachments
		p Principal
	}{
		{ByUser, user, Principal{User, "acs:ram::123456789012:user/someone", ""}},
		{ByOtherRole, other, Principal{Role, "acs:ram::123456789012:role/service-role", ""}},
		{ByServiceLinked, other, Principal{ServiceLinkedRole, "acs:ram::123456789012:role/aliyunserviceroleforautoscaling", "ess.aliyuncs.com"}},
		{ByRoot, other, Principal{Root, "acs:ram::123456789012:root", ""}},
		{ByManagement, management, Principal{User, "acs:ram::210987654321:user/someone", ""}},
	} {
		if x.c == ByManagement && scope == ForUser {
			continue
		}
		s, err := NewSet(x.a)
		if err != nil {
			return nil, err
		}
		w[x.c] = []Case{{Principal: x.p, Set: s}}
	}
	return w, nil
}

func allows(docs []*Document) bool {
	for _, d := range docs {
		for _, s := range d.Statements {
			if s.Effect == Allow {
				return true
			}
		}
	}
	return false
}

// An Outcome is what a scenario meets.
type Outcome int

// The outcomes, best first.
const (
	Blocked  Outcome = iota + 1 // every request is denied
	Works                       // wanted work is possible
	Beyond                      // no policy can close it; an account check watches it
	Depends                     // on what is not documented
	Hindered                    // wanted work is denied
	Open                        // some request is allowed
	NotAsked                    // there is no such caller here
)

var outcomeNames = map[Outcome]string{Blocked: "blocked", Works: "works", Beyond: "cannot be blocked", Depends: "undetermined",
	Hindered: "hindered", Open: "open", NotAsked: "no such caller"}

func (o Outcome) String() string { return outcomeNames[o] }

// A Result is one row of the matrix.
type Result struct {
	Scenario *Scenario
	Outcome  Outcome
	// By is the statement that decides: a Deny that blocks, or the first
	// undetermined one; nil where an Allow is missing or nothing matched.
	By     *Statement
	Reason Text     // why, in a sentence
	Who    []string // the callers for whom the outcome is not the wanted one
	Asked  int      // number of callers
}

// CheckBaseline plays every scenario.
func CheckBaseline(w World) []Result {
	var out []Result
	all := Baseline()
	for i := range all {
		if r := check(w, &all[i]); r.Outcome != NotAsked {
			out = append(out, r)
		}
	}
	return out
}

func check(w World, s *Scenario) Result {
	r := Result{Scenario: s}
	if s.Caller == ByNobody {
		r.Outcome, r.Reason = Beyond, s.Why
		return r
	}
	cases := w.Cases(s.Caller)
	if len(cases) == 0 {
		r.Outcome = NotAsked
		return r
	}
	r.Asked = len(cases)
	for _, c := range cases {
		for _, q := range s.Requests {
			q.Principal = c.Principal
			r.count(c, &q)
		}
	}
	if r.Outcome != Blocked && !s.Closable() {
		r.Outcome, r.Reason, r.By = Beyond, s.Why, nil
	}
	return r
}

// count adds one request's decision: the worst counts.
func (r *Result) count(c Case, q *Request) {
	got, d := Evaluate(c.Set, q)
	o := Depends
	switch {
	case got == Denied && r.Scenario.Want == Denied:
		o = Blocked
	case got == Allowed && r.Scenario.Want == Allowed:
		o = Works
	case got == Denied:
		o = Hindered
	case got == Allowed:
		o = Open
	}
	if o != Blocked && o != Works && (len(r.Who) == 0 || r.Who[len(r.Who)-1] != c.Name) {
		r.Who = append(r.Who, c.Name)
	}
	if o > r.Outcome {
		r.Outcome = o
		r.By, r.Reason = decider(q, got, &d)
	}
}

// decider finds the statement that decides, and says why.
func decider(q *Request, got Decision, d *Diagnostic) (*Statement, Text) {
	steps := map[int]*Step{}
	for i, s := range d.Steps() {
		steps[i] = s
	}
	for _, r := range d.Reasons() {
		if steps[r.Step].Skip != Asked {
			continue
		}
		if got == Denied && r.Statement.Effect == Deny && r.Match == Yes {
			return r.Statement, tf("%s is denied", "%s 被拒绝", q.Action)
		}
		if got == Undetermined && r.Match == Maybe {
			return r.Statement, r.text(q)
		}
	}
	switch got {
	case Denied:
		return nil, tf("no statement allows %s", "没有语句允许 %s", q.Action)
	case Allowed:
		return nil, allowedWhy(q, steps)
	}
	return nil, Text{"it depends on what is not documented", "取决于没有文档说明的行为"}
}

// allowedWhy says why nothing stopped a request.
func allowedWhy(q *Request, steps map[int]*Step) Text {
	for _, s := range steps {
		if s.Layer == LayerResourceGroup && s.Skip == SkipAllowed && s.Outcomes&ExplicitDeny != 0 {
			return tf("%s: the denial is bound to a resource group, but an Allow for the whole account ends the evaluation before it", "%s：禁止策略绑定在资源组上，但账号级 Allow 会先结束评估", q.Action)
		}
	}
	return tf("nothing denies %s", "没有语句拒绝 %s", q.Action)
}

// text says what makes a statement undetermined.
func (r *Reason) text(q *Request) Text {
	key := ""
	if r.Condition != nil {
		key = r.Condition.Key
	}
	switch r.Why {
	case WhyMissing:
		return tf("%s is missing under %s: what happens then is not documented", "缺少 %s，运算符为 %s：此时的行为没有文档说明", key, r.Condition.Operator)
	case WhyVariable:
		return Text{"it uses a policy variable, ${…}: not documented", "使用了策略变量 ${…}:没有文档说明"}
	case WhyMulti:
		return tf("%s has several values of which some match: which way it goes is not documented", "%s 有多个值，其中部分匹配：结果没有文档说明", key)
	case WhyUnknown:
		t := q.Unknown[key]
		return Text{key + ": " + t.EN, key + ":" + t.ZH}
	case WhyType:
		return tf("the values of %s cannot be compared by its operator", "%s 的值无法用该运算符比较", key)
	}
	return Text{}
}
