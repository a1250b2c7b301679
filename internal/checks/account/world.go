package account

import (
	"fmt"
	"slices"

	"assay/finding"
	"assay/internal/cloud"
	"assay/policy"
)

// A world is the callers of an account: every RAM user and role with what is
// attached to it, and for each member of the directory someone who may do
// whatever the control policies leave.
type world struct {
	s    *cloud.Snapshot
	docs map[string][]*policy.Document // by PolicyRef's type and name, or a control policy's ID

	principals []policy.Case // users, roles, groups
	kinds      []*cloud.Principal
	members    []policy.Case

	// Unseen says that control policies may exist that could not be read.
	Unseen bool
}

// Cases implements policy.World. Groups call nothing by themselves.
func (w *world) Cases(c policy.Caller) (out []policy.Case) {
	for i, k := range w.kinds {
		p := w.principals[i]
		switch {
		case k.Kind == cloud.Group:
		case c == policy.ByServiceLinked && k.ServiceLinked(),
			c == policy.ByUser && !k.ServiceLinked(),
			c == policy.ByOtherRole && k.Kind == cloud.Role && !k.ServiceLinked(),
			c == policy.ByManagement && w.management() && !k.ServiceLinked():
			out = append(out, p)
		}
	}
	if c == policy.ByUser {
		out = append(out, w.members...)
	}
	return out
}

func (w *world) management() bool {
	return w.s.Directory != nil && w.s.Directory.Management == w.s.Account
}

// newWorld makes the world of a snapshot. A document that cannot be understood
// protects nobody here; the check of documents tells of it.
func newWorld(s *cloud.Snapshot) (*world, error) {
	w := &world{s: s, docs: map[string][]*policy.Document{}, Unseen: s.Directory != nil && s.Directory.Management != s.Account && !s.Directory.Readable}
	for _, p := range s.Policies {
		w.parse(p.Type+"/"+p.Name, p.Name, p.Document)
	}
	for _, p := range s.ControlDocs {
		w.parse(p.ID, p.Name, p.Document)
	}
	groups := map[string]*cloud.Principal{}
	for i, p := range s.Principals {
		if p.Kind == cloud.Group {
			groups[p.Name] = &s.Principals[i]
		}
	}
	nodes := map[string]*cloud.Node{}
	for i, n := range s.Nodes {
		nodes[n.ID] = &s.Nodes[i]
	}
	own := w.levels(nodes, s.Account)
	sets := map[string]*policy.Set{} // by what is granted: many users have the same
	for i := range s.Principals {
		p := &s.Principals[i]
		refs := slices.Clone(p.Policies)
		for _, g := range p.Groups {
			if groups[g] != nil {
				refs = append(refs, groups[g].Policies...)
			}
		}
		key := fmt.Sprintf("%q", refs)
		if sets[key] == nil {
			a := policy.Attachments{Control: own, Management: w.management()}
			w.grant(&a, refs)
			set, err := policy.NewSet(a)
			if err != nil {
				return nil, err
			}
			sets[key] = set
		}
		w.principals = append(w.principals, policy.Case{Name: p.ARN, Principal: policy.Principal{Kind: kindOf(p), ARN: p.ARN}, Set: sets[key]})
		w.kinds = append(w.kinds, p)
	}
	return w, w.addMembers(nodes)
}

func kindOf(p *cloud.Principal) policy.PrincipalKind {
	switch {
	case p.ServiceLinked():
		return policy.ServiceLinkedRole
	case p.Kind == cloud.Role:
		return policy.Role
	}
	return policy.User
}

func (w *world) parse(key, name, text string) {
	d, err := policy.Parse(name, []byte(text))
	if err == nil && d.Valid() {
		w.docs[key] = []*policy.Document{d}
	}
}

func (w *world) grant(a *policy.Attachments, refs []cloud.PolicyRef) {
	for _, r := range refs {
		docs := w.docs[r.Type+"/"+r.Name]
		if r.ResourceGroup == "" {
			a.Identity = append(a.Identity, docs...)
		} else {
			a.ResourceGroup = append(a.ResourceGroup, docs...)
		}
	}
}

// levels are the control policies from a member up to Root.
func (w *world) levels(nodes map[string]*cloud.Node, id string) (out []policy.ControlLevel) {
	if w.s.Directory == nil || !w.s.Directory.Control {
		return nil
	}
	for n := nodes[id]; n != nil && len(out) <= 12; n = nodes[n.Parent] {
		l := policy.ControlLevel{Name: n.Kind + " " + label(n.ID, n.Name)}
		for _, p := range n.Policies {
			l.Documents = append(l.Documents, w.docs[p]...)
		}
		out = append(out, l)
	}
	return out
}

// addMembers makes a caller for each member account.
func (w *world) addMembers(nodes map[string]*cloud.Node) error {
	for i := range w.s.Nodes {
		n := &w.s.Nodes[i]
		if n.Kind != "account" || n.ID == w.s.Account || n.ID == w.s.Directory.Management {
			continue
		}
		c, err := w.node(nodes, n)
		if err != nil {
			return err
		}
		w.members = append(w.members, c)
	}
	return nil
}

// node makes a caller for a node of the directory: a user with every RAM
// permission, so that only control policies can stop it.
func (w *world) node(nodes map[string]*cloud.Node, n *cloud.Node) (policy.Case, error) {
	full, err := policy.Parse("AdministratorAccess", []byte(policy.Full))
	if err != nil {
		return policy.Case{}, err
	}
	set, err := policy.NewSet(policy.Attachments{Control: w.levels(nodes, n.ID), Identity: []*policy.Document{full}})
	name := "acs:ram::" + n.ID + ":user/*"
	if n.Kind != "account" {
		name = n.ID
	}
	return policy.Case{Name: name, Principal: policy.Principal{Kind: policy.User, ARN: name}, Set: set}, err
}

// unseen adds to a reason that control policies were not seen.
func (w *world) unseen(reason finding.Text) *finding.Text {
	if w.Unseen {
		reason.EN += "; control policies could not be read from this account and are not counted"
		reason.ZH += "；本账号无法读取管控策略，未计入"
	}
	return &reason
}

// allowedBy finds the statement that allows a request.
func allowedBy(d *policy.Diagnostic) *policy.Statement {
	var asked []bool
	for _, s := range d.Steps() {
		asked = append(asked, s.Skip == policy.Asked && s.Layer != policy.LayerControl)
	}
	for _, r := range d.Reasons() {
		if r.Step < len(asked) && asked[r.Step] && r.Statement.Effect == policy.Allow && r.Match == policy.Yes {
			return r.Statement
		}
	}
	return nil
}

// attachCommand is how a principal is put under the denials.
func attachCommand(arns []string, account string) string {
	words := []string{"assay", "policy", "attach", "--scope", "user"}
	for _, a := range arns[:min(len(arns), 10)] {
		words = append(words, "--target", target(a, account))
	}
	return command(words...)
}

// target is an ARN as policy attach names it: user/alice.
func target(arn, account string) string {
	prefix := fmt.Sprintf("acs:ram::%s:", account)
	if len(arn) > len(prefix) && arn[:len(prefix)] == prefix {
		return arn[len(prefix):]
	}
	return arn
}

// scenarios are those of the baseline whose ID begins with one of some words.
func scenarios(words ...string) (out []policy.Scenario) {
	for _, s := range policy.Baseline() {
		if s.Caller == policy.ByUser && s.Want == policy.Denied && s.Closable() && slices.ContainsFunc(words, func(w string) bool { return len(s.ID) > len(w) && s.ID[:len(w)] == w }) {
			out = append(out, s)
		}
	}
	return out
}
