package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
)

// A Tree describes a Resource Directory: its nodes, what is attached to them,
// and the principals of its members. Policies are named: by a file given beside
// the tree, by an entry of Documents, or "FullAliyunAccess" and
// "AdministratorAccess", which allow everything.
type Tree struct {
	Documents  map[string]json.RawMessage `json:"documents,omitempty"`
	Root       Folder                     `json:"root"`
	Management *Member                    `json:"management,omitempty"`
}

// A Folder is Root or a folder below it.
type Folder struct {
	Name     string   `json:"name,omitempty"`
	Policies []string `json:"policies"` // control policies attached here
	Folders  []Folder `json:"folders,omitempty"`
	Members  []Member `json:"members,omitempty"`
}

// A Member is an account of the directory.
type Member struct {
	ID         string     `json:"id"`
	Name       string     `json:"name,omitempty"`
	Policies   []string   `json:"policies,omitempty"`
	Principals []Identity `json:"principals,omitempty"`
}

// An Identity is a user or role of a member with the RAM policies that it has,
// its own and its groups'.
type Identity struct {
	ARN           string   `json:"arn"`
	Policies      []string `json:"policies"`
	ResourceGroup []string `json:"resource_group_policies,omitempty"`
	Service       bool     `json:"service_linked,omitempty"`
}

// maxTreeDepth bounds nested folders; the service allows five levels.
const maxTreeDepth = 10

// ParseTree reads a tree and binds its names to documents: those given and
// those it holds. Problems are about attachments: a node with more than the
// service allows, a document too long for its use, a denial that is shadowed.
func ParseTree(name string, text []byte, docs []*Document) (World, []*Problem, error) {
	if len(text) > MaxBytes {
		return nil, nil, fmt.Errorf("%s has %d bytes, %d is the most that is read", name, len(text), MaxBytes)
	}
	var t Tree
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		at := newReader(name, string(text))
		off := dec.InputOffset()
		var se *json.SyntaxError
		if errors.As(err, &se) {
			off = se.Offset
		}
		return nil, nil, fmt.Errorf("%s:%s: %w", name, at.at(min(int(off), len(text))), err)
	}
	b := &forest{name: name, docs: map[string][]*Document{}, world: assumed{}, depth: maxTreeDepth}
	for _, d := range docs {
		b.docs[d.Name] = append(b.docs[d.Name], d)
		if base := path.Base(d.Name); base != d.Name {
			b.docs[base] = append(b.docs[base], d)
		}
	}
	for k, raw := range t.Documents {
		d, err := Parse(name+"#"+k, raw)
		if err != nil {
			return nil, nil, err
		}
		b.docs[k] = []*Document{d}
	}
	for _, k := range []string{"FullAliyunAccess", "AdministratorAccess"} {
		if b.docs[k] == nil {
			b.docs[k] = []*Document{fullAccess(k)}
		}
	}
	if t.Root.Name == "" {
		t.Root.Name = "Root"
	}
	if err := b.folder(t.Root, nil, 0); err != nil {
		return nil, nil, err
	}
	if t.Management != nil {
		if err := b.member(*t.Management, nil, true); err != nil {
			return nil, nil, err
		}
	}
	if len(b.world[ByUser])+len(b.world[ByOtherRole])+len(b.world[ByManagement]) == 0 {
		return nil, nil, fmt.Errorf("%s names no principal: give members with users or roles", name)
	}
	return b.world, b.problems, nil
}

// forest builds the cases of a tree.
type forest struct {
	name     string
	docs     map[string][]*Document
	world    assumed
	problems []*Problem
	depth    int
}

func (b *forest) resolve(where string, names []string) ([]*Document, error) {
	out := []*Document{}
	for _, n := range names {
		ds := b.docs[n]
		if ds == nil {
			return nil, fmt.Errorf("%s: %s has the policy %q, which is neither among the files given nor in \"documents\"", b.name, where, n)
		}
		out = append(out, ds...)
	}
	return out, nil
}

func (b *forest) warn(level Level, code string, text, advice Text) {
	b.problems = append(b.problems, &Problem{Code: code, Level: level, Doc: b.name, Text: text, Advice: advice})
}

// level makes a node's attachments a control level.
func (b *forest) level(where string, names []string) (ControlLevel, error) {
	docs, err := b.resolve(where, names)
	if len(names) > LimitAttachments {
		b.warn(Error, "attachments", tf("%s has %d control policies: %d is the most, the default one included", "%s 绑定了 %d 个管控策略：最多 %d 个（含默认策略）", where, len(names), LimitAttachments),
			tf("merge policies, or bind some one level up", "请合并策略，或绑定到上一级"))
	}
	if err == nil && !allows(docs) {
		b.warn(Error, "no-allow", tf("%s has no Allow: everything below it is denied", "%s 没有 Allow：其下的所有操作都会被拒绝", where), tf("attach FullAliyunAccess beside the denials", "请在禁止策略之外绑定 FullAliyunAccess"))
	}
	return ControlLevel{where, docs}, err
}

func (b *forest) folder(f Folder, above []ControlLevel, depth int) error {
	if depth > b.depth {
		return fmt.Errorf("%s: folders are nested more than %d deep", b.name, b.depth)
	}
	where := f.Name
	if depth > 0 {
		where = "folder " + f.Name
	}
	l, err := b.level(where, f.Policies)
	if err != nil {
		return err
	}
	levels := append([]ControlLevel{l}, above...)
	for _, m := range f.Members {
		if err := b.member(m, levels, false); err != nil {
			return err
		}
	}
	for _, sub := range f.Folders {
		if err := b.folder(sub, levels, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (b *forest) member(m Member, above []ControlLevel, management bool) error {
	where := "member " + m.ID
	levels := above
	if !management {
		l, err := b.level(where, m.Policies)
		if err != nil {
			return err
		}
		levels = append([]ControlLevel{l}, above...)
		for _, k := range []Caller{ByServiceLinked, ByRoot} {
			p := Principal{Kind: ServiceLinkedRole, ARN: "acs:ram::" + m.ID + ":role/aliyunserviceroleforautoscaling"}
			if k == ByRoot {
				p = Principal{Kind: Root, ARN: "acs:ram::" + m.ID + ":root"}
			}
			s, err := NewSet(Attachments{Control: levels, Identity: b.docs["FullAliyunAccess"]})
			if err != nil {
				return err
			}
			b.world[k] = append(b.world[k], Case{where, p, s})
		}
	}
	for _, id := range m.Principals {
		if err := b.identity(id, where, levels, management); err != nil {
			return err
		}
	}
	return nil
}

func (b *forest) identity(id Identity, where string, levels []ControlLevel, management bool) error {
	own, err := b.resolve(id.ARN, id.Policies)
	if err != nil {
		return err
	}
	group, err := b.resolve(id.ARN, id.ResourceGroup)
	if err != nil {
		return err
	}
	if hasDeny(group) && allows(own) {
		b.warn(Warning, "shadowed", tf("%s: a denial granted in a resource group does not count where an Allow of the whole account matches", "%s：当账号级 Allow 匹配时，资源组范围的禁止策略不生效", id.ARN),
			tf("grant the denial for the whole account", "请在账号级授予禁止策略"))
	}
	a := Attachments{Control: levels, Management: management, Identity: own}
	if len(group) > 0 {
		a.ResourceGroup = group
	}
	s, err := NewSet(a)
	if err != nil {
		return err
	}
	c := Case{id.ARN, Principal{Kind: kindOf(id), ARN: id.ARN}, s}
	switch {
	case management:
		b.world[ByManagement] = append(b.world[ByManagement], c)
	case c.Principal.Kind == ServiceLinkedRole:
		b.world[ByServiceLinked] = append(b.world[ByServiceLinked], c)
	default:
		b.world[ByUser] = append(b.world[ByUser], c)
		if c.Principal.Kind == Role {
			b.world[ByOtherRole] = append(b.world[ByOtherRole], c)
		}
	}
	return nil
}

func hasDeny(docs []*Document) bool {
	return slices.ContainsFunc(docs, func(d *Document) bool {
		return slices.ContainsFunc(d.Statements, func(s *Statement) bool { return s.Effect == Deny })
	})
}

// kindOf reads what an ARN says of its owner.
func kindOf(id Identity) PrincipalKind {
	switch {
	case id.Service || compile("acs:ram:*role/aliyunservicerolefor*", true).match(id.ARN):
		return ServiceLinkedRole
	case compile("acs:ram:*role/*", true).match(id.ARN):
		return Role
	case compile("acs:ram:*:root", true).match(id.ARN):
		return Root
	}
	return User
}

// Find returns the case of the principal with this ARN.
func Find(w World, arn string) (Case, bool) {
	for _, c := range []Caller{ByUser, ByOtherRole, ByManagement, ByServiceLinked, ByRoot} {
		for _, k := range w.Cases(c) {
			if k.Principal.ARN == arn {
				return k, true
			}
		}
	}
	return Case{}, false
}

// KindOf reads from an ARN which kind of principal it names.
func KindOf(arn string) PrincipalKind { return kindOf(Identity{ARN: arn}) }
