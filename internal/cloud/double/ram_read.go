package double

import (
	"maps"
	"slices"
	"strings"
)

// ramReads are the calls of RAM that change nothing.
func ramReads() map[string]action {
	one := func(kind, param string) func(*call) []target {
		return func(c *call) []target { return []target{{resource: c.ramARN(kind, c.str(param))}} }
	}
	all := func(kind string) func(*call) []target {
		return func(c *call) []target { return []target{{resource: c.ramARN(kind, "*")}} }
	}
	return map[string]action{
		"ram:ListUsers":             {run: listUsers, targets: all("user")},
		"ram:ListGroups":            {run: listGroups, targets: all("group")},
		"ram:ListRoles":             {run: listRoles, targets: all("role")},
		"ram:ListPolicies":          {run: listPolicies, targets: all("policy")},
		"ram:ListUsersForGroup":     {run: listUsersForGroup, targets: one("group", "GroupName")},
		"ram:ListGroupsForUser":     {run: listGroupsForUser, targets: one("user", "UserName")},
		"ram:ListPoliciesForUser":   {run: listPoliciesFor, targets: one("user", "UserName")},
		"ram:ListPoliciesForGroup":  {run: listPoliciesFor, targets: one("group", "GroupName")},
		"ram:ListPoliciesForRole":   {run: listPoliciesFor, targets: one("role", "RoleName")},
		"ram:ListEntitiesForPolicy": {run: listEntitiesForPolicy, targets: one("policy", "PolicyName")},
		"ram:ListPolicyVersions":    {run: listPolicyVersions, targets: one("policy", "PolicyName")},
		"ram:ListAccessKeys":        {run: listAccessKeys, targets: one("user", "UserName")},
		"ram:GetUser":               {run: getUser, targets: one("user", "UserName")},
		"ram:GetGroup":              {run: getGroup, targets: one("group", "GroupName")},
		"ram:GetRole":               {run: getRole, targets: one("role", "RoleName")},
		"ram:GetPolicy":             {run: getPolicy, targets: one("policy", "PolicyName")},
		"ram:GetPolicyVersion":      {run: getPolicyVersion, targets: one("policy", "PolicyName")},

		"ram:DecodeDiagnosticMessage": {run: decodeDiagnosticMessage},
	}
}

func (c *call) ramARN(kind, name string) string {
	if name == "" {
		name = "*"
	}
	return "acs:ram:*:" + c.acct.ID + ":" + kind + "/" + name
}

// absent is RAM's answer about something that is not there.
func absent(kind, name string) *fail {
	return refuse(404, "EntityNotExist."+kind, "The "+strings.ToLower(kind)+" does not exist: "+name+".")
}

func (u *User) describe() obj {
	return obj{"UserName": u.Name, "UserId": u.ID, "DisplayName": u.DisplayName, "Comments": u.Comments, "CreateDate": stamp(u.Created), "UpdateDate": stamp(u.Created)}
}

func (g *Group) describe() obj {
	return obj{"GroupName": g.Name, "Comments": g.Comments, "CreateDate": stamp(g.Created), "UpdateDate": stamp(g.Created)}
}

func (r *Role) describe(account string) obj {
	longest := r.MaxSession
	if longest == 0 {
		longest = 3600
	}
	return obj{"RoleName": r.Name, "RoleId": r.ID, "Arn": "acs:ram::" + account + ":role/" + r.Name, "Description": r.Description,
		"MaxSessionDuration": longest, "CreateDate": stamp(r.Created), "UpdateDate": stamp(r.Created)}
}

func listUsers(c *call) (obj, *fail) {
	out := obj{}
	from, to, f := marked(c, len(c.acct.Users), out)
	if f != nil {
		return nil, f
	}
	out["Users"] = obj{"User": some(c.acct.Users, from, to, (*User).describe)}
	return out, nil
}

func listGroups(c *call) (obj, *fail) {
	out := obj{}
	from, to, f := marked(c, len(c.acct.Groups), out)
	if f != nil {
		return nil, f
	}
	out["Groups"] = obj{"Group": some(c.acct.Groups, from, to, (*Group).describe)}
	return out, nil
}

func listRoles(c *call) (obj, *fail) {
	out := obj{}
	from, to, f := marked(c, len(c.acct.Roles), out)
	if f != nil {
		return nil, f
	}
	out["Roles"] = obj{"Role": some(c.acct.Roles, from, to, func(r *Role) obj { return r.describe(c.acct.ID) })}
	return out, nil
}

// summary is a policy in a list. A ref is "custom/NAME" or "system/NAME".
func (c *call) summary(ref string) obj {
	kind, name, _ := strings.Cut(ref, "/")
	if kind == "system" {
		return obj{"PolicyName": name, "PolicyType": "System", "Description": "", "DefaultVersion": "v1", "CreateDate": "2015-04-28T08:00:00Z",
			"UpdateDate": "2015-04-28T08:00:00Z", "AttachmentCount": c.attachedTo(ref)}
	}
	p := c.acct.policy(name)
	if p == nil {
		return obj{"PolicyName": name, "PolicyType": "Custom"}
	}
	return obj{"PolicyName": name, "PolicyType": "Custom", "Description": p.Description, "DefaultVersion": p.Default, "CreateDate": stamp(p.Created),
		"UpdateDate": stamp(p.Updated), "AttachmentCount": c.attachedTo(ref)}
}

func (c *call) attachedTo(ref string) (n int) {
	for _, u := range c.acct.Users {
		n += count(u.Policies, ref)
	}
	for _, g := range c.acct.Groups {
		n += count(g.Policies, ref)
	}
	for _, r := range c.acct.Roles {
		n += count(r.Policies, ref)
	}
	return n
}

// count counts the attachments of a policy, those to a resource group too.
func count(list []string, ref string) int {
	return len(filter(list, func(r string) bool { r, _, _ = strings.Cut(r, "@"); return r == ref }))
}

func listPolicies(c *call) (obj, *fail) {
	var refs []string
	for _, n := range slices.Sorted(maps.Keys(system)) {
		refs = append(refs, "system/"+n)
	}
	for _, p := range c.acct.Policies {
		refs = append(refs, "custom/"+p.Name)
	}
	refs = filter(refs, func(ref string) bool {
		return c.str("PolicyType") == "" || strings.HasPrefix(ref, strings.ToLower(c.str("PolicyType"))+"/")
	})
	out := obj{}
	from, to, f := marked(c, len(refs), out)
	if f != nil {
		return nil, f
	}
	out["Policies"] = obj{"Policy": some(refs, from, to, c.summary)}
	return out, nil
}

func listUsersForGroup(c *call) (obj, *fail) {
	g := c.str("GroupName")
	if c.acct.group(g) == nil {
		return nil, absent("Group", g)
	}
	list := filter(c.acct.Users, func(u *User) bool { return slices.Contains(u.Groups, g) })
	out := obj{}
	from, to, f := marked(c, len(list), out)
	if f != nil {
		return nil, f
	}
	out["Users"] = obj{"User": some(list, from, to, func(u *User) obj {
		return obj{"UserName": u.Name, "DisplayName": u.DisplayName, "JoinDate": stamp(u.Created)}
	})}
	return out, nil
}

func listGroupsForUser(c *call) (obj, *fail) {
	u := c.acct.user(c.str("UserName"))
	if u == nil {
		return nil, absent("User", c.str("UserName"))
	}
	return obj{"Groups": obj{"Group": some(u.Groups, 0, len(u.Groups), func(g string) obj {
		return obj{"GroupName": g, "JoinDate": stamp(u.Created)}
	})}}, nil
}

// holder finds the principal that a call names, and where its policies are.
func (c *call) holder() (policies *[]string, kind, name string, f *fail) {
	switch {
	case c.str("UserName") != "":
		kind, name = "User", c.str("UserName")
		if u := c.acct.user(name); u != nil {
			policies = &u.Policies
		}
	case c.str("GroupName") != "":
		kind, name = "Group", c.str("GroupName")
		if g := c.acct.group(name); g != nil {
			policies = &g.Policies
		}
	case c.str("RoleName") != "":
		kind, name = "Role", c.str("RoleName")
		if r := c.acct.role(name); r != nil {
			policies = &r.Policies
		}
	default:
		return nil, "", "", missing("UserName")
	}
	if policies == nil {
		return nil, kind, name, absent(kind, name)
	}
	return policies, kind, name, nil
}

func listPoliciesFor(c *call) (obj, *fail) {
	refs, _, _, f := c.holder()
	if f != nil {
		return nil, f
	}
	whole := filter(*refs, func(ref string) bool { return !strings.Contains(ref, "@") }) // Resource Management tells the others
	return obj{"Policies": obj{"Policy": some(whole, 0, len(whole), func(ref string) obj {
		o := c.summary(ref)
		delete(o, "AttachmentCount")
		o["AttachDate"] = "2026-01-01T00:00:00Z"
		return o
	})}}, nil
}

// ref reads PolicyType and PolicyName.
func (c *call) ref() (string, *fail) {
	name, kind := c.str("PolicyName"), c.str("PolicyType")
	if name == "" {
		return "", missing("PolicyName")
	}
	switch kind {
	case "System":
		if _, ok := system[name]; ok {
			return "system/" + name, nil
		}
	case "Custom", "":
		if c.acct.policy(name) != nil {
			return "custom/" + name, nil
		}
	default:
		return "", invalid("PolicyType", kind)
	}
	return "", absent("Policy", name)
}

func listEntitiesForPolicy(c *call) (obj, *fail) {
	ref, f := c.ref()
	if f != nil {
		return nil, f
	}
	users := filter(c.acct.Users, func(u *User) bool { return slices.Contains(u.Policies, ref) })
	groups := filter(c.acct.Groups, func(g *Group) bool { return slices.Contains(g.Policies, ref) })
	roles := filter(c.acct.Roles, func(r *Role) bool { return slices.Contains(r.Policies, ref) })
	with := func(o obj) obj { o["AttachDate"] = "2026-01-01T00:00:00Z"; return o }
	return obj{"Users": obj{"User": some(users, 0, len(users), func(u *User) obj { return with(u.describe()) })},
		"Groups": obj{"Group": some(groups, 0, len(groups), func(g *Group) obj { return with(g.describe()) })},
		"Roles":  obj{"Role": some(roles, 0, len(roles), func(r *Role) obj { return with(r.describe(c.acct.ID)) })}}, nil
}

// versions are a policy's texts; a system policy has one.
func (c *call) versions() (list []*PolicyVersion, current string, f *fail) {
	ref, f := c.ref()
	if f != nil {
		return nil, "", f
	}
	kind, name, _ := strings.Cut(ref, "/")
	if kind == "system" {
		return []*PolicyVersion{{ID: "v1", Document: system[name]}}, "v1", nil
	}
	p := c.acct.policy(name)
	return p.Versions, p.Default, nil
}

func (v *PolicyVersion) describe(current string) obj {
	return obj{"VersionId": v.ID, "IsDefaultVersion": v.ID == current, "PolicyDocument": v.Document, "CreateDate": stamp(v.Created)}
}

func listPolicyVersions(c *call) (obj, *fail) {
	list, current, f := c.versions()
	if f != nil {
		return nil, f
	}
	return obj{"PolicyVersions": obj{"PolicyVersion": some(list, 0, len(list), func(v *PolicyVersion) obj { return v.describe(current) })}}, nil
}

func getPolicy(c *call) (obj, *fail) {
	list, current, f := c.versions()
	if f != nil {
		return nil, f
	}
	ref, _ := c.ref()
	v := find(list, func(v *PolicyVersion) bool { return v.ID == current })
	return obj{"Policy": c.summary(ref), "DefaultPolicyVersion": v.describe(current)}, nil
}

func getPolicyVersion(c *call) (obj, *fail) {
	list, current, f := c.versions()
	if f != nil {
		return nil, f
	}
	v := find(list, func(v *PolicyVersion) bool { return v.ID == c.str("VersionId") })
	if v == nil {
		return nil, refuse(404, "EntityNotExist.Policy.Version", "The policy version does not exist: "+c.str("VersionId")+".")
	}
	return obj{"PolicyVersion": v.describe(current)}, nil
}

func getUser(c *call) (obj, *fail) {
	u := c.acct.user(c.str("UserName"))
	if u == nil {
		return nil, absent("User", c.str("UserName"))
	}
	return obj{"User": u.describe()}, nil
}

func getGroup(c *call) (obj, *fail) {
	g := c.acct.group(c.str("GroupName"))
	if g == nil {
		return nil, absent("Group", c.str("GroupName"))
	}
	return obj{"Group": g.describe()}, nil
}

func getRole(c *call) (obj, *fail) {
	r := c.acct.role(c.str("RoleName"))
	if r == nil {
		return nil, absent("Role", c.str("RoleName"))
	}
	o := r.describe(c.acct.ID)
	o["AssumeRolePolicyDocument"] = r.Trust
	return obj{"Role": o}, nil
}

// listAccessKeys lists a user's keys, or the caller's own.
func listAccessKeys(c *call) (obj, *fail) {
	name := c.str("UserName")
	if name == "" {
		name = c.key.User
	} else if c.acct.user(name) == nil {
		return nil, absent("User", name)
	}
	keys := filter(c.acct.Keys, func(k *AccessKey) bool { return k.User == name })
	return obj{"AccessKeys": obj{"AccessKey": some(keys, 0, len(keys), func(k *AccessKey) obj {
		return obj{"AccessKeyId": k.ID, "Status": map[bool]string{true: "Inactive", false: "Active"}[k.Inactive], "CreateDate": stamp(k.Created)}
	})}}, nil
}
