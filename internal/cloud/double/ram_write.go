package double

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"assay/policy"
)

// ramWrites are the calls of RAM that change something.
func ramWrites() map[string]action {
	one := func(c *call) []target { return []target{{resource: c.ramARN("policy", c.str("PolicyName"))}} }
	both := func(c *call) []target {
		ts := one(c)
		for kind, param := range map[string]string{"user": "UserName", "group": "GroupName", "role": "RoleName"} {
			if c.str(param) != "" {
				ts = append(ts, target{resource: c.ramARN(kind, c.str(param))})
			}
		}
		return ts
	}
	out := map[string]action{
		"ram:CreatePolicy":            {run: createPolicy, targets: one, write: true},
		"ram:DeletePolicy":            {run: deletePolicy, targets: one, write: true},
		"ram:CreatePolicyVersion":     {run: createPolicyVersion, targets: one, write: true},
		"ram:DeletePolicyVersion":     {run: deletePolicyVersion, targets: one, write: true},
		"ram:SetDefaultPolicyVersion": {run: setDefaultPolicyVersion, targets: one, write: true},
	}
	for _, kind := range []string{"User", "Group", "Role"} {
		out["ram:AttachPolicyTo"+kind] = action{run: attachPolicy, targets: both, write: true}
		out["ram:DetachPolicyFrom"+kind] = action{run: detachPolicy, targets: both, write: true}
	}
	return out
}

var policyName = regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`)

// maxVersions is how many versions a policy keeps.
const maxVersions = 5

// grammar refuses what the service refuses: a document it cannot read, or one
// that is too long.
func grammar(text string, limit int) *fail {
	switch {
	case text == "":
		return missing("PolicyDocument")
	case utf8.RuneCountInString(text) > limit:
		return refuse(400, "InvalidParameter.PolicyDocument.Length", fmt.Sprintf("The length of PolicyDocument is over %d characters.", limit))
	}
	if d, err := policy.Parse("PolicyDocument", []byte(text)); err != nil || !d.Valid() {
		why := "it is no policy"
		if err == nil {
			for _, p := range d.Problems {
				if p.Level == policy.Error {
					why = p.Error()
					break
				}
			}
		}
		return refuse(400, "MalformedPolicyDocument", "The policy document is malformed: "+why+".")
	}
	return nil
}

func createPolicy(c *call) (obj, *fail) {
	name := c.str("PolicyName")
	if !policyName.MatchString(name) {
		return nil, refuse(400, "InvalidParameter.PolicyName.InvalidChars", "The parameter PolicyName is invalid.")
	}
	if f := grammar(c.str("PolicyDocument"), policy.LimitIdentity); f != nil {
		return nil, f
	}
	if _, taken := system[name]; taken || c.acct.policy(name) != nil {
		return nil, refuse(409, "EntityAlreadyExists.Policy", "The policy already exists: "+name+".")
	}
	p := &Policy{Name: name, Description: c.str("Description"), Created: c.now, Updated: c.now, Default: "v1",
		Versions: []*PolicyVersion{{ID: "v1", Document: c.str("PolicyDocument"), Created: c.now}}}
	c.acct.Policies = append(c.acct.Policies, p)
	o := c.summary("custom/" + name)
	delete(o, "AttachmentCount")
	delete(o, "UpdateDate")
	return obj{"Policy": o}, nil
}

// custom finds the custom policy that a call changes.
func (c *call) custom() (*Policy, *fail) {
	name := c.str("PolicyName")
	if name == "" {
		return nil, missing("PolicyName")
	}
	if p := c.acct.policy(name); p != nil {
		return p, nil
	}
	return nil, absent("Policy", name)
}

func deletePolicy(c *call) (obj, *fail) {
	p, f := c.custom()
	switch {
	case f != nil:
		return nil, f
	case c.attachedTo("custom/"+p.Name) > 0:
		return nil, refuse(409, "DeleteConflict.Policy.User", "The policy is still attached.")
	case len(p.Versions) > 1 && !c.flag("CascadingDelete"):
		return nil, refuse(409, "DeleteConflict.Policy.Version", "The policy has more than one version.")
	}
	c.acct.Policies = slices.DeleteFunc(c.acct.Policies, func(o *Policy) bool { return o == p })
	return obj{}, nil
}

func createPolicyVersion(c *call) (obj, *fail) {
	p, f := c.custom()
	if f == nil {
		f = grammar(c.str("PolicyDocument"), policy.LimitIdentity)
	}
	if f != nil {
		return nil, f
	}
	if len(p.Versions) >= maxVersions {
		oldest := slices.IndexFunc(p.Versions, func(v *PolicyVersion) bool { return v.ID != p.Default })
		if c.str("RotateStrategy") != "DeleteOldestNonDefaultVersionWhenLimitExceeded" {
			return nil, refuse(409, "LimitExceeded.Policy.Version", fmt.Sprintf("The policy has %d versions.", maxVersions))
		}
		p.Versions = slices.Delete(p.Versions, oldest, oldest+1)
	}
	last, _ := strconv.Atoi(strings.TrimPrefix(p.Versions[len(p.Versions)-1].ID, "v"))
	v := &PolicyVersion{ID: fmt.Sprintf("v%d", last+1), Document: c.str("PolicyDocument"), Created: c.now}
	p.Versions = append(p.Versions, v)
	if c.flag("SetAsDefault") {
		p.Default, p.Updated = v.ID, c.now
	}
	return obj{"PolicyVersion": v.describe(p.Default)}, nil
}

func deletePolicyVersion(c *call) (obj, *fail) {
	p, v, f := c.version()
	switch {
	case f != nil:
		return nil, f
	case v.ID == p.Default:
		return nil, refuse(409, "DeleteConflict.Policy.Version", "The default version of a policy cannot be deleted.")
	}
	p.Versions = slices.DeleteFunc(p.Versions, func(o *PolicyVersion) bool { return o == v })
	return obj{}, nil
}

func setDefaultPolicyVersion(c *call) (obj, *fail) {
	p, v, f := c.version()
	if f != nil {
		return nil, f
	}
	p.Default, p.Updated = v.ID, c.now
	return obj{}, nil
}

func (c *call) version() (*Policy, *PolicyVersion, *fail) {
	p, f := c.custom()
	if f != nil {
		return nil, nil, f
	}
	v := find(p.Versions, func(v *PolicyVersion) bool { return v.ID == c.str("VersionId") })
	if v == nil {
		return nil, nil, refuse(404, "EntityNotExist.Policy.Version", "The policy version does not exist: "+c.str("VersionId")+".")
	}
	return p, v, nil
}

func attachPolicy(c *call) (obj, *fail) {
	return c.attach(func(refs *[]string, ref, kind, name string) *fail {
		if slices.Contains(*refs, ref) {
			return refuse(409, "EntityAlreadyExists."+kind+".Policy", "The policy is attached to "+name+" already.")
		}
		*refs = append(*refs, ref)
		return nil
	})
}

func detachPolicy(c *call) (obj, *fail) {
	return c.attach(func(refs *[]string, ref, kind, name string) *fail {
		i := slices.Index(*refs, ref)
		if i < 0 {
			return refuse(404, "EntityNotExist."+kind+".Policy", "The policy is not attached to "+name+".")
		}
		*refs = slices.Delete(*refs, i, i+1)
		return nil
	})
}

func (c *call) attach(do func(refs *[]string, ref, kind, name string) *fail) (obj, *fail) {
	if c.str("PolicyType") == "" {
		return nil, missing("PolicyType")
	}
	ref, f := c.ref()
	if f != nil {
		return nil, f
	}
	if g := c.str("ResourceGroupId"); g != "" && g != c.acct.ID {
		ref += "@" + g
	}
	refs, kind, name, f := c.holder()
	if f == nil {
		f = do(refs, ref, kind, name)
	}
	if f != nil {
		return nil, f
	}
	return obj{}, nil
}

func decodeDiagnosticMessage(c *call) (obj, *fail) {
	text, ours := strings.CutPrefix(c.str("EncodedDiagnosticMessage"), diagnosticPrefix)
	raw, err := base64.StdEncoding.DecodeString(text)
	var o obj
	if err == nil {
		err = json.Unmarshal(raw, &o)
	}
	if !ours || err != nil {
		return nil, refuse(400, "InvalidParameter.EncodedDiagnosticMessage", "The parameter EncodedDiagnosticMessage is invalid.")
	}
	return obj{"DecodedDiagnosticMessage": o}, nil
}
