package policy

import (
	"slices"
	"strings"
)

// A Use says how a document is to be bound, for the limits that depend on it.
type Use string

// The uses.
const (
	AsIdentity      Use = "identity"       // RAM policy of the whole account
	AsControl       Use = "control"        // control policy
	AsResourceGroup Use = "resource-group" // RAM policy granted in a resource group
)

// Lint finds what is wrong with a document beyond its grammar, and what Parse
// found, in the order of the text. use may be "" when it is not known.
func Lint(d *Document, use Use) []*Problem {
	l := &linter{d: d, table: actions()}
	l.out = append(l.out, d.Problems...)
	l.size(use)
	for _, s := range d.Statements {
		l.actions(s)
		l.resources(s)
		for i := range s.Conditions {
			l.condition(s, &s.Conditions[i])
		}
		l.harm(s)
		if use == AsResourceGroup && s.Effect == Deny {
			l.add(Warning, s.Pos, "scope", tf("a Deny granted in a resource group is not reached where an Allow for the whole account matches", "在资源组范围授予的 Deny，当账号级 Allow 匹配时不会被评估"),
				tf("grant this policy for the whole account", "请在账号级授予此策略"))
		}
	}
	slices.SortStableFunc(l.out, func(a, b *Problem) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Column - b.Pos.Column
	})
	return l.out
}

type linter struct {
	d     *Document
	table []string
	out   []*Problem
}

func (l *linter) add(level Level, at Pos, code string, text, advice Text) {
	if len(l.out) < maxProblems {
		l.out = append(l.out, &Problem{Code: code, Level: level, Doc: l.d.Name, Pos: at, Text: text, Advice: advice})
	}
}

// size holds the document against the service's limits.
func (l *linter) size(use Use) {
	at := Pos{1, 1}
	split := tf("split it: each document is bound on its own", "请拆分：每个文档单独绑定")
	n := l.d.Chars
	short := tf("without white space it has %d: send it minified, or split it", "去除空白后为 %d：请压缩后提交或拆分", l.d.Minified)
	if l.d.Minified > LimitControlSafe {
		short = split
	}
	switch {
	case l.d.Minified > LimitIdentity:
		l.add(Error, at, "size", tf("%d characters without white space: a policy has at most %d", "去除空白后有 %d 个字符：策略最多 %d 个", l.d.Minified, LimitIdentity), split)
	case n > LimitIdentity && use != AsControl:
		l.add(Warning, at, "size", tf("%d characters: a policy has at most %d", "有 %d 个字符：策略最多 %d 个", n, LimitIdentity), short)
	case use == AsControl && l.d.Minified > LimitControl:
		l.add(Error, at, "size", tf("%d characters without white space: a control policy has at most %d", "去除空白后有 %d 个字符：管控策略最多 %d 个", l.d.Minified, LimitControl), split)
	case use == AsControl && n > LimitControlSafe:
		l.add(Warning, at, "size", tf("%d characters: one page of the service allows a control policy %d, another %d", "有 %d 个字符：管控策略的上限，一处文档为 %d，另一处为 %d", n, LimitControl, LimitControlSafe), short)
	case use == "" && l.d.Minified > LimitControl:
		l.add(Warning, at, "size", tf("too long for a control policy: %d characters without white space, %d is the limit there", "作为管控策略过长：去除空白后 %d 个字符，上限 %d", l.d.Minified, LimitControl), split)
	}
}

func (l *linter) actions(s *Statement) {
	for _, a := range s.Actions {
		service, name, ok := strings.Cut(a.Text, ":")
		if !ok || strings.ContainsAny(service, "*?") {
			continue
		}
		if strings.ContainsAny(name, "*?") {
			g := compile(a.Text, true)
			if slices.Contains(complete, strings.ToLower(service)) && !slices.ContainsFunc(l.table, g.match) {
				l.add(Warning, a.Pos, "unknown-action", tf("no known action matches %q", "没有已知操作匹配 %q", a.Text), tf("see the service's list of actions", "请查看服务的操作列表"))
			}
			continue
		}
		known, ok := knownAction(l.table, a.Text)
		switch {
		case ok && known != a.Text:
			l.add(Note, a.Pos, "action-case", tf("%q is documented as %q: case does not count in most cases, not all", "%q 的文档写法是 %q：多数情况下不区分大小写", a.Text, known), tf("write %q", "请写 %q", known))
		case !ok:
			l.unknownAction(a)
		}
	}
}

func (l *linter) unknownAction(a Pattern) {
	near, complete := nearAction(l.table, a.Text)
	_, name, _ := strings.Cut(a.Text, ":")
	if near == "" { // the right name under a wrong service
		for _, x := range l.table {
			if _, n, _ := strings.Cut(x, ":"); strings.EqualFold(n, name) {
				near = x
				break
			}
		}
		if !complete && near != "" {
			near = "" // another service may well have the same name
		}
	}
	switch {
	case near != "":
		l.add(Error, a.Pos, "unknown-action", tf("there is no action %q: the statement does nothing for it", "没有 %q 这个操作：语句对其不起作用", a.Text), tf("write %q", "请写 %q", near))
	case complete:
		l.add(Warning, a.Pos, "unknown-action", tf("%q is not among the actions known to this version", "%q 不在此版本已知的操作中", a.Text), tf("check its spelling in the service's documentation", "请在服务文档中核对拼写"))
	}
}

func (l *linter) resources(s *Statement) {
	if s.NotResource && len(s.Resources) > 0 {
		l.add(Warning, s.Resources[0].Pos, "not-resource", tf("NotResource is in old documentation only", "NotResource 只出现在旧文档中"), tf("write Resource with what is meant, or a second statement", "请用 Resource 写明范围，或另写一条语句"))
	}
	if s.Effect != Deny || s.anyResource {
		return
	}
	for _, a := range s.Actions {
		if n, ok := knownAction(l.table, a.Text); ok && (n == "ecs:RunInstances" || n == "ecs:CreateInstance" || strings.HasPrefix(n, "resourcesharing:")) {
			at := s.Pos
			if len(s.Resources) > 0 {
				at = s.Resources[0].Pos
			}
			l.add(Warning, at, "resource-scope", tf("%s is checked against \"*\": a Deny on some resources does not reach it", "%s 以 \"*\" 进行校验：限定资源的 Deny 对其不生效", n), tf(`write "Resource": "*"`, `请写 "Resource": "*"`))
			return
		}
	}
}

func (l *linter) condition(s *Statement, c *Condition) {
	key := findKey(c.Key)
	if near := nearKey(c.Key); key == nil && near != nil {
		l.add(Warning, c.KeyPos, "key-case", tf("%q is documented as %q: another spelling may never match", "%q 的文档写法是 %q：其他写法可能永远不匹配", c.Key, near.name), tf("write %q", "请写 %q", near.name))
		key = near
	}
	l.typed(c, key)
	for i, v := range c.Values {
		switch {
		case v.Variable():
			l.add(Warning, v.Pos, "variable", tf("policy variables (${…}) are not documented for RAM policies", "RAM 策略没有关于策略变量（${…}）的文档"), tf("write the value itself", "请直接写值"))
		case i < len(c.want) && !c.want[i].valid:
			l.add(Error, v.Pos, "value-type", tf("%q is no value for %s", "%q 不是 %s 的有效值", v.Text, c.Operator), wantedValue(c.op.family))
		case c.op != nil && c.op.family == strings_ && !c.op.like && strings.ContainsAny(v.Text, "*?"):
			like := strings.Replace(strings.TrimSuffix(c.Operator, "IgnoreCase"), "Equals", "Like", 1)
			like = strings.Replace(like, "StringNots", "StringNot", 1)
			l.add(Warning, v.Pos, "wildcard", tf("* and ? are ordinary characters under %s", "在 %s 中 * 和 ? 是普通字符", c.Operator), tf("write %s", "请写 %s", like))
		}
		if key != nil && c.op != nil && !c.op.fold {
			for _, want := range key.values {
				if v.Text != want && strings.EqualFold(v.Text, want) {
					l.add(Error, v.Pos, "value-case", tf("%q never matches: the service sends %q, and %s counts case", "%q 永远不匹配：服务传递的是 %q，且 %s 区分大小写", v.Text, want, c.Operator), tf("write %q", "请写 %q", want))
				}
			}
		}
	}
	if s.Effect == Deny && c.Operator == "Bool" && len(c.Values) == 1 && c.Values[0].Text == "false" {
		l.add(Error, c.Values[0].Pos, "bool-false", tf("a Deny on false does not fire where %s is missing, which is what a request that leaves it out looks like", "请求未携带 %s 时，对 false 的 Deny 不会生效，而省略该参数的请求正是如此", c.Key),
			tf(`deny the harmful value: "Bool": { "%s": ["true"] }; RAM cannot force a parameter to be given`, `请拒绝有害的值:"Bool": { "%s": ["true"] };RAM 无法强制要求携带参数`, c.Key))
	}
}

// typed compares an operator with the type of its key.
func (l *linter) typed(c *Condition, key *conditionKey) {
	if key == nil || c.op == nil {
		return
	}
	want := map[string]family{"Boolean": booleans, "String": strings_, "IP": addresses, "Date": dates}[key.typ]
	if c.op.family == want {
		return
	}
	use := map[family]string{booleans: "Bool", strings_: "StringEquals", addresses: "IpAddress", dates: "DateLessThan"}[want]
	l.add(Warning, c.Pos, "operator-type", tf("%s is of type %s: %s may not be able to compare it, and the statement does not count then", "%s 的类型是 %s:%s 可能无法比较，语句将无效", key.name, key.typ, c.Operator), tf("write %s", "请写 %s", use))
}

func wantedValue(f family) Text {
	switch f {
	case booleans:
		return tf(`write "true" or "false"`, `请写 "true" 或 "false"`)
	case numbers:
		return tf(`write a decimal number, such as "10"`, `请写十进制数字，例如 "10"`)
	case dates:
		return tf(`write it like "2026-01-31T23:59:59Z"`, `请写成 "2026-01-31T23:59:59Z" 的形式`)
	}
	return tf(`write an address or a block, such as "10.0.0.0/8"`, `请写 IP 地址或网段，例如 "10.0.0.0/8"`)
}

// harm warns of a Deny that stops the repair too.
func (l *linter) harm(s *Statement) {
	if s.Effect != Deny || s.NotAction {
		return
	}
	for _, c := range s.Conditions {
		if c.Key == principalKey {
			return
		}
	}
	for _, a := range s.Actions {
		for _, repair := range []string{"ecs:ModifyImageSharePermission", "resourcesharing:DisassociateResourceShare", "ecs:AttachKeyPair"} {
			if a.glob.match(repair) && len(s.Conditions) == 0 {
				l.add(Note, a.Pos, "blocks-repair", tf("this also denies taking a share back or giving a new credential (%s): assay audit and assay fix need it", "这也会禁止取消共享或更换凭证（%s）：assay audit 和 assay fix 需要它", repair),
					tf(`exempt the repairing role: "StringNotLike": { "acs:PrincipalARN": ["acs:ram::ACCOUNT:role/NAME"] }`, `请豁免负责修复的角色:"StringNotLike": { "acs:PrincipalARN": ["acs:ram::账号:role/名称"] }`))
				return
			}
		}
	}
}
