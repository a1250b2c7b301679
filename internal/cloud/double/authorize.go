package double

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"assay/policy"
)

// system are the documents of the system policies that the double has. The
// real ones are longer; these decide the same for the APIs that it serves.
var system = map[string]string{
	"AdministratorAccess":       `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
	"ReadOnlyAccess":            `{"Version":"1","Statement":[{"Effect":"Allow","Action":["*:Describe*","*:List*","*:Get*","*:Lookup*","*:Check*"],"Resource":"*"}]}`,
	"AliyunECSFullAccess":       `{"Version":"1","Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}`,
	"AliyunECSReadOnlyAccess":   `{"Version":"1","Statement":[{"Effect":"Allow","Action":"ecs:Describe*","Resource":"*"}]}`,
	"AliyunRAMFullAccess":       `{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:*","Resource":"*"}]}`,
	"AliyunRAMReadOnlyAccess":   `{"Version":"1","Statement":[{"Effect":"Allow","Action":["ram:Get*","ram:List*"],"Resource":"*"}]}`,
	"AliyunSTSAssumeRoleAccess": `{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`,
}

// fullAccess is the control policy that is attached everywhere at first.
const fullAccess = "FullAliyunAccess"

// authorize asks the policy engine about every resource of a call.
func (c *call) authorize(act action) *fail {
	if act.open {
		return nil
	}
	set, err := policy.NewSet(c.attachments(c.key))
	if err != nil {
		return refuse(500, "InternalError", err.Error())
	}
	targets := []target{{}}
	if act.targets != nil {
		targets = act.targets(c)
	}
	for _, t := range targets {
		if f := c.decide(set, c.product+":"+c.action, t); f != nil {
			return f
		}
	}
	return nil
}

// decide asks about one resource.
func (c *call) decide(set *policy.Set, name string, t target) *fail {
	req := policy.Request{Action: name, Resource: t.resource, Principal: c.principal(c.key), Context: map[string][]string{
		"acs:SourceIp": {"127.0.0.1"}, "acs:SecureTransport": {"false"}, "acs:CurrentTime": {stamp(c.now)},
	}}
	maps.Copy(req.Context, t.keys)
	decision, d := policy.Evaluate(set, &req)
	if decision == policy.Allowed {
		return nil
	}
	return c.denied(&req, &d)
}

// principal is the caller as policies see it: a role's session is its role.
func (c *call) principal(k *AccessKey) policy.Principal {
	switch {
	case k.Role != "":
		kind := policy.Role
		if r := c.s.state.account(k.Account).role(k.Role); r != nil && r.ServiceLinked {
			kind = policy.ServiceLinkedRole
		}
		return policy.Principal{Kind: kind, ARN: "acs:ram::" + k.Account + ":role/" + k.Role}
	case k.User != "":
		return policy.Principal{Kind: policy.User, ARN: "acs:ram::" + k.Account + ":user/" + k.User}
	}
	return policy.Principal{Kind: policy.Root, ARN: "acs:ram::" + k.Account + ":root"}
}

// attachments are all policies that a caller's request meets. Everything that
// the double holds counts as being in every resource group.
func (c *call) attachments(k *AccessKey) policy.Attachments {
	acct := c.s.state.account(k.Account)
	var out policy.Attachments
	add := func(refs []string, entity string) {
		for _, ref := range refs {
			ref, group, _ := strings.Cut(ref, "@")
			d := acct.document(ref, entity)
			switch {
			case d == nil:
			case group != "":
				out.ResourceGroup = append(out.ResourceGroup, d)
			default:
				out.Identity = append(out.Identity, d)
			}
		}
	}
	if u := acct.user(k.User); u != nil && k.Role == "" {
		add(u.Policies, "RamUser")
		for _, g := range u.Groups {
			if g := acct.group(g); g != nil {
				add(g.Policies, "RamGroup")
			}
		}
	}
	if r := acct.role(k.Role); r != nil {
		add(r.Policies, "RamRole")
	}
	if k.Policy != "" {
		out.Session = []*policy.Document{parsed(label{kind: "Session", id: "session policy"}, k.Policy)}
	}
	out.Control, out.Management = c.s.state.Directory.levels(k.Account)
	return out
}

// A label is what a diagnosis tells of a policy; it travels in the document's
// name.
type label struct{ kind, id, version, scope, entity string }

func (l label) String() string {
	return strings.Join([]string{l.kind, l.id, l.version, l.scope, l.entity}, "|")
}

func parsed(l label, text string) *policy.Document {
	d, err := policy.Parse(l.String(), []byte(text))
	if err != nil {
		d = &policy.Document{Name: l.String(), Problems: []*policy.Problem{{Level: policy.Error}}}
	}
	return d
}

// document finds what is attached under "custom/NAME" or "system/NAME". A
// system policy that the double does not have allows and denies nothing.
func (a *Account) document(ref, entity string) *policy.Document {
	kind, name, _ := strings.Cut(ref, "/")
	l := label{id: name, scope: "Account", entity: entity}
	if kind == "system" {
		if text, ok := system[name]; ok {
			l.kind, l.version = "System", "v1"
			return parsed(l, text)
		}
		return nil
	}
	p := a.policy(name)
	if p == nil {
		return nil
	}
	l.kind, l.version = "Custom", p.Default
	return parsed(l, p.text())
}

// text is the default version of a policy.
func (p *Policy) text() string {
	for _, v := range p.Versions {
		if v.ID == p.Default {
			return v.Document
		}
	}
	return ""
}

// levels are the control policies from a member up to Root.
func (d *Directory) levels(account string) (out []policy.ControlLevel, management bool) {
	if d == nil || d.Status != "Enabled" {
		return nil, false
	}
	if d.Master == account {
		return nil, true
	}
	i := slices.IndexFunc(d.Members, func(m *Member) bool { return m.Account == account })
	if i < 0 {
		return nil, false
	}
	out = append(out, policy.ControlLevel{Name: "member " + account, Documents: d.documents(account)})
	for id, n := d.Members[i].Folder, 0; id != d.Root && n < 6; n++ { // folders nest five deep
		out = append(out, policy.ControlLevel{Name: "folder " + id, Documents: d.documents(id)})
		f := d.folder(id)
		if f == nil {
			break
		}
		id = f.Parent
	}
	return append(out, policy.ControlLevel{Name: "Root", Documents: d.documents(d.Root)}), false
}

func (d *Directory) documents(target string) (out []*policy.Document) {
	scope := "Folder"
	if d.folder(target) == nil && target != d.Root {
		scope = "Account"
	}
	for _, id := range d.Attachments[target] {
		l := label{kind: "Custom", id: id, version: "v1", scope: scope, entity: "ResourceDirectoryTarget"}
		if id == fullAccess {
			l.kind = "System"
			out = append(out, parsed(l, system["AdministratorAccess"]))
		} else if p := d.policy(id); p != nil {
			out = append(out, parsed(l, p.text()))
		}
	}
	return out
}

// layers are the service's names for the places where policies are bound.
var layers = map[policy.Layer]string{
	policy.LayerControl: "ControlPolicy", policy.LayerSession: "SessionPolicy", policy.LayerIdentity: "AccountLevelIdentityBasedPolicy",
	policy.LayerResourceGroup: "ResourceGroupLevelIdentityBasedPolicy", policy.LayerResource: "AssumeRolePolicy",
}

// denied is the 403 of a decision: the first layer that allows nothing, or
// that may not, and its statements.
func (c *call) denied(req *policy.Request, d *policy.Diagnostic) *fail {
	at, explicit, layer := -1, false, "AccountLevelIdentityBasedPolicy"
	for i, s := range d.Steps() {
		if s.Skip == policy.Asked && s.Outcomes != policy.Allows && (at < 0 || !explicit && s.Outcomes&policy.ExplicitDeny != 0) {
			at, layer, explicit = i, layers[s.Layer], s.Outcomes&policy.ExplicitDeny != 0
		}
	}
	matched := []obj{}
	for _, r := range d.Reasons() {
		if r.Step != at || r.Statement.Effect != policy.Deny {
			continue
		}
		f := strings.Split(r.Statement.Document().Name, "|")
		matched = append(matched, obj{"PolicyType": f[0], "PolicyIdentifier": f[1], "PolicyVersion": f[2], "AttachedScope": f[3],
			"AttachedEntityType": f[4], "Effect": "Deny"})
	}
	kind := map[bool]string{true: "ExplicitDeny", false: "ImplicitDeny"}[explicit]
	conditions := []obj{}
	for _, k := range slices.Sorted(maps.Keys(req.Context)) {
		conditions = append(conditions, obj{"ConditionKey": k, "ConditionValues": req.Context[k]})
	}
	who := c.identity()
	resource := req.Resource
	if resource == "" {
		resource = "*"
	}
	text, _ := json.Marshal(obj{"AuthAction": req.Action, "AuthResource": resource, "AuthConditions": conditions, "ExplicitDeny": explicit,
		"NoPermissionPolicyType": layer, "MatchedPolicies": matched, "AuthPrincipal": who}) // plain data
	f := refuse(403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
	if c.product == "ecs" {
		f = refuse(403, "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM.")
	}
	f.detail = obj{"AuthAction": req.Action, "NoPermissionType": kind, "PolicyType": layer,
		"EncodedDiagnosticMessage": diagnosticPrefix + base64.StdEncoding.EncodeToString(text)}
	maps.Copy(f.detail, who)
	return f
}

// diagnosticPrefix marks what DecodeDiagnosticMessage of the double takes. The
// service's own messages are sealed; ours only look so.
const diagnosticPrefix = "AQEAAAAA"

func (c *call) identity() obj {
	kind, name := "SubUser", c.key.User
	switch {
	case c.key.Role != "":
		kind, name = "AssumedRoleUser", c.key.Role+":"+c.key.Session
	case name == "":
		kind, name = "RootUser", c.key.Account
	default:
		if u := c.acct.user(name); u != nil {
			name = u.ID
		}
	}
	return obj{"AuthPrincipalType": kind, "AuthPrincipalDisplayName": name, "AuthPrincipalOwnerId": c.key.Account}
}
