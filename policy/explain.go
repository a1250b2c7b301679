package policy

import "strings"

// A Line is one line of a derivation.
type Line struct {
	Depth int
	Mark  Mark
	Text  Text
}

// A Mark says what a line of a derivation tells.
type Mark int

// The marks.
const (
	Plain Mark = iota
	MarkAllow
	MarkDeny
	MarkMaybe
	MarkSkip
)

var layerNames = map[Layer]Text{
	LayerControl:       {"control policies", "管控策略"},
	LayerSession:       {"session policy", "会话策略"},
	LayerIdentity:      {"identity policies of the whole account", "账号级身份策略"},
	LayerResourceGroup: {"identity policies of the resource group", "资源组级身份策略"},
	LayerResource:      {"the resource's own policy", "资源自身的策略"},
}

var skipTexts = map[Skip]Text{
	SkipManagement:    {"not asked: control policies do not reach the management account", "不评估：管控策略对管理账号不生效"},
	SkipRoot:          {"not asked: neither RAM policies nor control policies reach the root user", "不评估：RAM 策略和管控策略对主账号不生效"},
	SkipServiceLinked: {"not asked: control policies do not reach service-linked roles", "不评估：管控策略对服务关联角色不生效"},
	SkipDecided:       {"not reached: the decision fell before", "未到达：此前已作出决定"},
	SkipAllowed:       {"not reached: an Allow or Deny of the whole account ends the identity policies", "未到达：账号级的 Allow 或 Deny 已结束身份策略评估"},
}

var outcomeTexts = map[Outcomes]Text{
	Allows:                               {"allow", "允许"},
	ImplicitDeny:                         {"implicit deny (no statement allows it)", "隐式拒绝（没有语句允许）"},
	ExplicitDeny:                         {"explicit deny", "显式拒绝"},
	ImplicitDeny | ExplicitDeny:          {"deny, explicit or implicit", "拒绝（显式或隐式）"},
	Allows | ExplicitDeny:                {"undetermined: allow or explicit deny", "无法确定：允许或显式拒绝"},
	Allows | ImplicitDeny:                {"undetermined: allow or implicit deny", "无法确定：允许或隐式拒绝"},
	Allows | ImplicitDeny | ExplicitDeny: {"undetermined", "无法确定"},
}

func (o Outcomes) mark() Mark {
	switch o.Decision() {
	case Allowed:
		return MarkAllow
	case Denied:
		return MarkDeny
	}
	return MarkMaybe
}

// Explain derives a decision step by step: each layer in the documented order,
// each statement about the action, and why it counts or not. The last line is
// the decision.
func Explain(s *Set, r *Request) []Line {
	_, d := Evaluate(s, r)
	e := evaluation{r: r, action: lower(nil, r.Action)}
	var out []Line
	for i, step := range d.Steps() {
		l := &s.layers[i]
		name := layerNames[l.kind]
		if l.name != "" {
			name = tf("%s, %s", "%s:%s", name.EN, l.name)
			name.ZH = layerNames[l.kind].ZH + ":" + l.name
		}
		out = append(out, Line{0, Plain, tf("%d. %s", "%d. %s", i+1, name.EN)})
		out[len(out)-1].Text.ZH = strings.Replace(out[len(out)-1].Text.ZH, name.EN, name.ZH, 1)
		if step.Skip != Asked {
			out = append(out, Line{1, MarkSkip, skipTexts[step.Skip]})
		}
		quiet := 0
		for _, st := range l.statements {
			line, about := e.explain(st)
			if !about {
				quiet++
				continue
			}
			out = append(out, line...)
		}
		if quiet > 0 {
			out = append(out, Line{1, MarkSkip, tf("%d statements are about other actions", "%d 条语句针对其他操作", quiet)})
		}
		if step.Skip == Asked {
			t := outcomeTexts[step.Outcomes]
			out = append(out, Line{1, step.Outcomes.mark(), Text{"→ " + t.EN, "→ " + t.ZH}})
		}
	}
	t := outcomeTexts[d.Outcomes]
	return append(out, Line{0, d.Outcomes.mark(), tf("%s: %s", "%s:%s", r.Action, t.EN).zh(r.Action + ":" + t.ZH)})
}

func (t Text) zh(s string) Text { t.ZH = s; return t }

// explain says whether a statement is about the action, and why it counts.
func (e *evaluation) explain(st *Statement) ([]Line, bool) {
	if e.matchAction(st) == st.NotAction {
		return nil, false
	}
	m, _, _ := e.statement(st, true)
	head := Line{1, MarkSkip, tf("%s %s: does not count", "%s %s：不生效", st, st.Effect)}
	switch {
	case m == Yes && st.Effect == Deny:
		head = Line{1, MarkDeny, tf("%s Deny: matches", "%s Deny：匹配", st)}
	case m == Yes:
		head = Line{1, MarkAllow, tf("%s Allow: matches", "%s Allow：匹配", st)}
	case m == Maybe:
		head = Line{1, MarkMaybe, tf("%s %s: undetermined", "%s %s：无法确定", st, st.Effect)}
	}
	out := []Line{head}
	if rm, _ := e.matchResource(st); !st.anyResource && rm != Yes {
		out = append(out, Line{2, MarkSkip, tf("its Resource does not cover %s", "其 Resource 不包含 %s", e.r.resource())})
	}
	if st.Principals != nil && e.matchPrincipal(st) == st.NotPrincipal {
		out = append(out, Line{2, MarkSkip, tf("its Principal does not cover %s", "其 Principal 不包含 %s", e.r.Principal.ARN)})
	}
	for i := range st.Conditions {
		c := &st.Conditions[i]
		got, why := e.condition(c)
		have := "(missing)"
		if v, ok := e.r.get(c.Key); ok {
			have = quoteAll(v)
		} else if c.Key == principalKey && e.r.Principal.ARN != "" {
			have = quoteAll([]string{e.r.Principal.ARN})
		}
		var want []string
		for _, v := range c.Values {
			want = append(want, v.Text)
		}
		text := tf("%s %s: the request has %s, the statement wants %s", "%s %s：请求为 %s，语句要求 %s", c.Operator, c.Key, have, quoteAll(want))
		text.ZH = strings.Replace(text.ZH, "(missing)", "（缺失）", 1)
		mark := MarkSkip
		switch {
		case got == Yes:
			text.EN, text.ZH, mark = text.EN+": true", text.ZH+":成立", Plain
		case got == No:
			text.EN, text.ZH = text.EN+": false", text.ZH+":不成立"
		default:
			reason := Reason{Why: why, Condition: c}
			t := reason.text(e.r)
			text.EN, text.ZH, mark = text.EN+": undetermined; "+t.EN, text.ZH+":无法确定；"+t.ZH, MarkMaybe
		}
		out = append(out, Line{2, mark, text})
	}
	return out, true
}

func quoteAll(vs []string) string {
	var b strings.Builder
	for i, v := range vs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + v + `"`)
	}
	return b.String()
}
