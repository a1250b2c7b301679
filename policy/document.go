package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// An Effect is what a statement does.
type Effect bool

// The effects.
const (
	Deny  Effect = false
	Allow Effect = true
)

func (e Effect) String() string {
	if e == Allow {
		return "Allow"
	}
	return "Deny"
}

// A Document is one policy. It is not changed after Parse.
type Document struct {
	Name       string
	Version    string
	Statements []*Statement
	// Problems are the reasons why the service refuses the document, and what
	// Parse had to make good. Valid tells which.
	Problems []*Problem
	// Chars is the length of the text as it is, Minified without white space
	// between tokens. The limits of the service count characters.
	Chars    int
	Minified int
}

// Valid reports whether the service would take the document, as far as its
// grammar goes. A document that it would refuse protects nobody.
func (d *Document) Valid() bool {
	for _, p := range d.Problems {
		if p.Level == Error {
			return false
		}
	}
	return true
}

// A Statement is one element of a policy's Statement list.
type Statement struct {
	Pos    Pos
	Index  int // from 0
	Effect Effect
	Sid    string

	Actions      []Pattern
	NotAction    bool // Actions lists what is not meant
	Resources    []Pattern
	NotResource  bool // Resources lists what is not meant
	Conditions   []Condition
	Principals   []Principals // of trust and bucket policies; nil elsewhere
	NotPrincipal bool
	doc          *Document
	anyResource  bool
}

// Document is the document that holds the statement.
func (s *Statement) Document() *Document { return s.doc }

// A Condition is one key under one operator.
type Condition struct {
	Operator string
	Key      string
	Pos      Pos // of the operator
	KeyPos   Pos
	Values   []Pattern
	op       *operator
	want     []operand
}

// Principals is one entry of a Principal element: {"RAM": [...]}.
type Principals struct {
	Type   string // "RAM", "Service", "Federated"; "" where the element is a list
	Values []Pattern
}

// Parse reads a policy document. The error is nil or a *Problem with its
// position: the text is no JSON or no policy at all. Everything else that is
// wrong is in Problems, so that one slip does not hide the next; a Set takes
// valid documents only.
func Parse(name string, text []byte) (*Document, error) {
	r := newReader(name, string(text))
	root, p := r.document()
	if p != nil {
		return nil, p
	}
	b := &builder{r: r, d: &Document{Name: name, Chars: utf8.RuneCount(text)}}
	b.d.Minified = minified(root)
	if root.kind != object {
		return nil, notPolicy(r, root)
	}
	b.policy(root)
	return b.d, nil
}

// minified is the number of characters of a value without white space.
func minified(n node) int {
	switch n.kind {
	case str:
		return quotedLen(n.text)
	case literal:
		return len(n.text)
	}
	size := 2 + max(0, len(n.vals)-1)
	for i, v := range n.vals {
		size += minified(v)
		if n.kind == object {
			size += quotedLen(n.keys[i].text) + 1
		}
	}
	return size
}

func quotedLen(s string) int {
	return 2 + utf8.RuneCountInString(s) + strings.Count(s, `"`) + strings.Count(s, `\`)
}

// A builder makes a document of a JSON tree.
type builder struct {
	r *reader
	d *Document
}

func (b *builder) problem(level Level, off int, code string, text, advice Text) {
	if len(b.d.Problems) < maxProblems {
		p := b.r.fail(off, code, text, advice)
		p.Level = level
		b.d.Problems = append(b.d.Problems, p)
	}
}

// unknownKey complains of a member that has no place here.
func (b *builder) unknownKey(k node, known ...string) {
	for _, want := range known {
		if strings.EqualFold(k.text, want) {
			b.problem(Error, k.off, "element-case", tf("%q is written %q", "%q 应写作 %q", k.text, want), tf("write %q", "请写 %q", want))
			return
		}
	}
	b.problem(Error, k.off, "unknown-element", tf("there is no element %q", "没有 %q 这个元素", k.text), tf("remove it; known here: %s", "请删除；此处可用：%s", strings.Join(known, ", ")))
}

func (b *builder) policy(root node) {
	var version, statements *node
	for i, k := range root.keys {
		switch k.text {
		case "Version":
			version = &root.vals[i]
		case "Statement":
			statements = &root.vals[i]
		default:
			b.unknownKey(k, "Version", "Statement")
		}
	}
	b.version(root, version)
	switch {
	case statements == nil:
		b.problem(Error, root.off, "no-statement", tf("Statement is missing", "缺少 Statement"), tf(`write "Statement": [ … ]`, `请写 "Statement": [ … ]`))
		return
	case statements.kind != array:
		b.problem(Error, statements.off, "statement-list", tf("Statement must be a list", "Statement 必须是列表"), tf(`write "Statement": [ { … } ]`, `请写 "Statement": [ { … } ]`))
		return
	case len(statements.vals) == 0:
		b.problem(Error, statements.off, "no-statement", tf("Statement is empty", "Statement 为空"), tf("write at least one statement", "至少写一条语句"))
	case len(statements.vals) > MaxStatements:
		b.problem(Error, statements.vals[MaxStatements].off, "too-many-statements", tf("%d statements, %d is the most that is read", "有 %d 条语句，最多读取 %d 条", len(statements.vals), MaxStatements),
			tf("merge statements that differ only in their actions", "请合并仅 Action 不同的语句"))
		statements.vals = statements.vals[:MaxStatements]
	}
	for _, n := range statements.vals {
		if n.kind != object {
			b.problem(Error, n.off, "statement-object", tf("a statement is an object", "语句必须是对象"), tf(`write { "Effect": …, "Action": …, "Resource": … }`, `请写 { "Effect": …, "Action": …, "Resource": … }`))
			continue
		}
		b.statement(n)
	}
}

func (b *builder) version(root node, v *node) {
	want := tf(`write "Version": "1"`, `请写 "Version": "1"`)
	switch {
	case v == nil:
		b.problem(Error, root.off, "version", tf("Version is missing", "缺少 Version"), want)
	case v.kind == literal && v.text == "1":
		b.d.Version = "1"
		b.problem(Warning, v.off, "unquoted", tf("1 is not quoted: all values are strings", "1 没有加引号：所有值都是字符串"), want)
	case v.kind != str || v.text != "1":
		b.problem(Error, v.off, "version", tf("the only version is \"1\"", "唯一的版本是 \"1\""), want)
	default:
		b.d.Version = "1"
	}
}

var elements = []string{"Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"}

func (b *builder) statement(n node) {
	s := &Statement{Pos: b.r.at(n.off), Index: len(b.d.Statements), doc: b.d}
	has := map[string]bool{}
	for i, k := range n.keys {
		v := n.vals[i]
		has[k.text] = true
		switch k.text {
		case "Effect":
			b.effect(s, v)
		case "Action", "NotAction":
			s.NotAction = k.text == "NotAction"
			s.Actions = b.list(k, v)
			b.actions(s.Actions)
		case "Resource", "NotResource":
			s.NotResource = k.text == "NotResource"
			s.Resources = b.list(k, v)
			b.resources(s)
		case "Condition":
			b.conditions(s, v)
		case "Principal", "NotPrincipal":
			s.NotPrincipal = k.text == "NotPrincipal"
			b.principals(s, k, v)
		case "Sid":
			s.Sid = v.text
			b.problem(Warning, k.off, "sid", tf("Sid is not in the language's documentation", "语言文档中没有 Sid"), tf("remove it", "请删除"))
		default:
			b.unknownKey(k, elements...)
		}
	}
	b.complete(s, n, has)
	b.d.Statements = append(b.d.Statements, s)
}

// complete checks which elements a statement has.
func (b *builder) complete(s *Statement, n node, has map[string]bool) {
	missing := func(what string) {
		b.problem(Error, n.off, "missing-element", tf("the statement has no %s", "语句缺少 %s", what), tf("add %q", "请添加 %q", what))
	}
	if !has["Effect"] {
		missing("Effect")
	}
	if !has["Action"] && !has["NotAction"] {
		missing("Action")
	}
	if !has["Resource"] && !has["NotResource"] {
		if s.Principals == nil { // a trust policy is about its own role
			missing("Resource")
		}
		s.anyResource = true
	}
	for _, e := range []string{"Action", "Resource", "Principal"} {
		if has[e] && has["Not"+e] {
			b.problem(Error, n.off, "both-elements", tf("the statement has both %s and Not%[1]s", "语句同时有 %s 和 Not%[1]s", e), tf("write two statements", "请写成两条语句"))
		}
	}
}

func (b *builder) effect(s *Statement, v node) {
	switch {
	case v.kind == str && v.text == "Allow":
		s.Effect = Allow
	case v.kind == str && v.text == "Deny":
	case v.kind == str && strings.EqualFold(v.text, "Deny"), v.kind == str && strings.EqualFold(v.text, "Allow"):
		want := strings.ToUpper(v.text[:1]) + strings.ToLower(v.text[1:])
		b.problem(Error, v.off, "effect", tf("Effect %q is written %q", "Effect %q 应写作 %q", v.text, want), tf("write %q", "请写 %q", want))
	default:
		b.problem(Error, v.off, "effect", tf("Effect must be \"Allow\" or \"Deny\"", "Effect 必须是 \"Allow\" 或 \"Deny\""), tf(`write "Effect": "Deny"`, `请写 "Effect": "Deny"`))
	}
}

// list reads a scalar or a list of scalars.
func (b *builder) list(k, v node) []Pattern {
	vals := []node{v}
	if v.kind == array {
		vals = v.vals
	}
	out := make([]Pattern, 0, len(vals))
	for _, x := range vals {
		switch {
		case x.kind == str:
			out = append(out, Pattern{Text: x.text, Pos: b.r.at(x.off)})
		case x.kind == literal && x.text != "null":
			b.problem(Warning, x.off, "unquoted", tf("%s is not quoted: all values are strings", "%s 没有加引号：所有值都是字符串", x.text), tf("write \"%s\"", "请写 \"%s\"", x.text))
			out = append(out, Pattern{Text: x.text, Pos: b.r.at(x.off), Unquoted: true})
		default:
			b.problem(Error, x.off, "value", tf("%s takes a string or a list of strings", "%s 的值必须是字符串或字符串列表", k.text), tf(`write "%s": ["…"]`, `请写 "%s": ["…"]`, k.text))
		}
	}
	if len(vals) == 0 {
		b.problem(Error, v.off, "empty-list", tf("%s is an empty list", "%s 是空列表", k.text), tf("write at least one value", "至少写一个值"))
	}
	return out
}

func (b *builder) actions(list []Pattern) {
	for i := range list {
		a := &list[i]
		a.glob = compile(a.Text, true)
		service, name, ok := strings.Cut(a.Text, ":")
		if a.Text != "*" && (!ok || service == "" || name == "" || strings.ContainsAny(a.Text, " \t")) {
			b.d.Problems = append(b.d.Problems, &Problem{Code: "action-form", Level: Error, Doc: b.d.Name, Pos: a.Pos,
				Text: tf("%q is no action", "%q 不是有效的 Action", a.Text), Advice: tf(`write "service:Action", such as "ecs:ExportImage"`, `请写成 "服务：操作"，例如 "ecs:ExportImage"`)})
		}
	}
}

func (b *builder) resources(s *Statement) {
	for i := range s.Resources {
		r := &s.Resources[i]
		r.glob = compile(r.Text, false)
		s.anyResource = s.anyResource || !s.NotResource && r.glob.everything()
		if !r.glob.everything() && strings.Count(r.Text, ":") < 4 && !(strings.HasPrefix(r.Text, "acs:") && strings.HasSuffix(r.Text, "*")) {
			b.d.Problems = append(b.d.Problems, &Problem{Code: "resource-form", Level: Error, Doc: b.d.Name, Pos: r.Pos,
				Text: tf("%q is no resource", "%q 不是有效的 Resource", r.Text), Advice: tf(`write "*" or "acs:service:region:account:type/id"`, `请写 "*" 或 "acs：服务：地域：账号：类型/ID"`)})
		}
	}
}

func (b *builder) conditions(s *Statement, v node) {
	if v.kind != object {
		b.problem(Error, v.off, "condition", tf("Condition is an object", "Condition 必须是对象"), tf(`write { "Bool": { "ecs:PasswordInherit": ["true"] } }`, `请写 { "Bool": { "ecs:PasswordInherit": ["true"] } }`))
		return
	}
	for i, k := range v.keys {
		op := findOperator(k.text)
		if op == nil {
			text, advice := unknownOperator(k.text)
			b.problem(Error, k.off, "unknown-operator", text, advice)
		}
		keys := v.vals[i]
		if keys.kind != object {
			b.problem(Error, keys.off, "condition", tf("%s takes an object of keys and values", "%s 的值必须是由键和值组成的对象", k.text), tf(`write "%s": { "key": ["value"] }`, `请写 "%s": { "键": ["值"] }`, k.text))
			continue
		}
		for j, key := range keys.keys {
			c := Condition{Operator: k.text, Key: key.text, Pos: b.r.at(k.off), KeyPos: b.r.at(key.off), Values: b.list(key, keys.vals[j]), op: op}
			if op != nil {
				for _, x := range c.Values {
					c.want = append(c.want, op.operand(x.Text))
				}
			}
			s.Conditions = append(s.Conditions, c)
		}
	}
}

func (b *builder) principals(s *Statement, k, v node) {
	if v.kind != object {
		s.Principals = []Principals{{Values: b.list(k, v)}}
		return
	}
	s.Principals = []Principals{}
	for i, t := range v.keys {
		s.Principals = append(s.Principals, Principals{Type: t.text, Values: b.list(t, v.vals[i])})
	}
}

// unknownOperator says what to write instead of an operator that does not
// exist: most come from another cloud.
func unknownOperator(name string) (text, advice Text) {
	text = tf("there is no operator %q: the service refuses the policy", "没有 %q 运算符：服务会拒绝该策略", name)
	bare, set := name, false
	for _, p := range []string{"ForAnyValue:", "ForAllValues:"} {
		if strings.HasPrefix(strings.ToLower(bare), strings.ToLower(p)) {
			bare, set = bare[len(p):], true
		}
	}
	exists := strings.HasSuffix(strings.ToLower(bare), "ifexists")
	if exists {
		bare = bare[:len(bare)-len("IfExists")]
	}
	near := nearOperator(bare)
	switch {
	case strings.EqualFold(name, "Null"):
		return text, tf("RAM cannot ask whether a key is present; a positive operator does not match a missing key: deny on the harmful value (Bool … \"true\")",
			"RAM 无法判断键是否存在；缺少键时肯定类运算符不匹配：请针对有害的值进行拒绝（Bool … \"true\"）")
	case set:
		return text, tf("write %s: RAM has no set operators", "请写 %s:RAM 没有集合运算符", near)
	case exists:
		return text, tf("write %s: it does not match where the key is missing", "请写 %s：缺少键时它不匹配", near)
	case strings.EqualFold(name, "ArnLike"), strings.EqualFold(name, "ArnEquals"):
		return text, tf("write StringLike", "请写 StringLike")
	case strings.EqualFold(name, "ArnNotLike"), strings.EqualFold(name, "ArnNotEquals"):
		return text, tf("write StringNotLike", "请写 StringNotLike")
	}
	return text, tf("write %s", "请写 %s", near)
}

// nearOperator is the operator whose name is most like the given one.
func nearOperator(name string) string {
	best, cost := operators[0].name, 1<<30
	for _, o := range operators {
		if d := distance(strings.ToLower(name), strings.ToLower(o.name), 40); d < cost {
			best, cost = o.name, d
		}
	}
	return best
}

// distance is the number of edits between a and b; inputs longer than limit
// count as far apart.
func distance(a, b string, limit int) int {
	if len(a) > limit || len(b) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// String names the statement for people: document:line:column.
func (s *Statement) String() string {
	return fmt.Sprintf("%s:%s", s.doc.Name, s.Pos)
}

// ParseAll reads a file of one document or several, one after the other, as
// assay policy show prints them. All have the file's name and their lines in
// it. Documents before an error are returned with it.
func ParseAll(name string, text []byte) ([]*Document, *Problem) {
	r := newReader(name, string(text))
	if p := r.acceptable(); p != nil {
		return nil, p
	}
	var out []*Document
	for {
		p := r.space()
		if p == nil && r.pos >= len(r.src) && len(out) > 0 {
			break
		}
		start := r.pos
		root := node{}
		if p == nil {
			root, p = r.value(0)
		}
		if p == nil && root.kind != object {
			p = notPolicy(r, root)
		}
		if p != nil {
			return out, p
		}
		b := &builder{r: r, d: &Document{Name: name, Chars: utf8.RuneCountInString(r.src[start:r.pos]), Minified: minified(root)}}
		b.policy(root)
		out = append(out, b.d)
	}
	return out, nil
}

func notPolicy(r *reader, root node) *Problem {
	return r.fail(root.off, "no-policy", tf("a policy is an object", "策略必须是一个对象"), tf(`write { "Version": "1", "Statement": [ … ] }`, `请写成 { "Version": "1", "Statement": [ … ] }`))
}
