package double

import (
	"slices"

	"assay/policy"
)

// directoryWrites are the calls of the Resource Directory that change
// something.
func directoryWrites() map[string]action {
	w := func(run func(*call, *Directory) (obj, *fail)) action { return action{run: managed(run), write: true} }
	return map[string]action{
		"resourcemanager:CreateControlPolicy":  w(createControlPolicy),
		"resourcemanager:UpdateControlPolicy":  w(updateControlPolicy),
		"resourcemanager:DeleteControlPolicy":  w(deleteControlPolicy),
		"resourcemanager:AttachControlPolicy":  w(attachControlPolicy),
		"resourcemanager:DetachControlPolicy":  w(detachControlPolicy),
		"resourcemanager:EnableControlPolicy":  w(enableControlPolicy),
		"resourcemanager:DisableControlPolicy": w(disableControlPolicy),
	}
}

func createControlPolicy(c *call, d *Directory) (obj, *fail) {
	switch s := c.str("EffectScope"); {
	case s != "RAM" && s != "All":
		return nil, invalid("EffectScope", s)
	case !policyName.MatchString(c.str("PolicyName")):
		return nil, refuse(400, "InvalidParameter.PolicyName", "The specified PolicyName is invalid.")
	case find(d.Policies, func(p *Policy) bool { return p.Name == c.str("PolicyName") }) != nil:
		return nil, refuse(409, "EntityAlreadyExists.ControlPolicy", "The access control policy already exists.")
	}
	if f := grammar(c.str("PolicyDocument"), policy.LimitControl); f != nil {
		return nil, f
	}
	p := &Policy{ID: c.newID("cp"), Name: c.str("PolicyName"), Description: c.str("Description"), Scope: c.str("EffectScope"), Created: c.now, Updated: c.now,
		Default: "v1", Versions: []*PolicyVersion{{ID: "v1", Document: c.str("PolicyDocument"), Created: c.now}}}
	d.Policies = append(d.Policies, p)
	return obj{"ControlPolicy": d.control(p.ID, false)}, nil
}

// ours finds a custom control policy.
func (c *call) ours(d *Directory) (*Policy, *fail) {
	id := c.str("PolicyId")
	if id == fullAccess {
		return nil, refuse(409, "InvalidOperation.SystemControlPolicy", "A system access control policy cannot be changed.")
	}
	if p := d.policy(id); p != nil {
		return p, nil
	}
	return nil, noControl()
}

func updateControlPolicy(c *call, d *Directory) (obj, *fail) {
	p, f := c.ours(d)
	if f != nil {
		return nil, f
	}
	if text := c.str("NewPolicyDocument"); text != "" {
		if f := grammar(text, policy.LimitControl); f != nil {
			return nil, f
		}
		p.Versions[0].Document = text
	}
	if n := c.str("NewPolicyName"); n != "" {
		p.Name = n
	}
	if n, ok := c.p["NewDescription"]; ok {
		p.Description = n
	}
	p.Updated = c.now
	return obj{"ControlPolicy": d.control(p.ID, false)}, nil
}

func deleteControlPolicy(c *call, d *Directory) (obj, *fail) {
	p, f := c.ours(d)
	switch {
	case f != nil:
		return nil, f
	case d.attachedTo(p.ID) > 0:
		return nil, refuse(409, "DeleteConflict.ControlPolicy.Attachment", "The access control policy is still attached.")
	}
	d.Policies = slices.DeleteFunc(d.Policies, func(o *Policy) bool { return o == p })
	return obj{}, nil
}

// bound checks policy and target of an attachment.
func (c *call) bound(d *Directory) (id, target string, f *fail) {
	id, target = c.str("PolicyId"), c.str("TargetId")
	switch {
	case d.Status != "Enabled":
		return "", "", refuse(409, "ControlPolicy.NotEnabled", "The access control policy feature is not enabled.")
	case d.control(id, false) == nil:
		return "", "", noControl()
	}
	return id, target, d.target(target)
}

func attachControlPolicy(c *call, d *Directory) (obj, *fail) {
	id, target, f := c.bound(d)
	switch {
	case f != nil:
		return nil, f
	case slices.Contains(d.Attachments[target], id):
		return nil, refuse(409, "EntityAlreadyExists.ControlPolicyAttachment", "The access control policy is attached to the target already.")
	case len(d.Attachments[target]) >= policy.LimitAttachments:
		return nil, refuse(409, "LimitExceeded.ControlPolicyAttachment", "The target has the maximum number of access control policies.")
	}
	if d.Attachments == nil {
		d.Attachments = map[string][]string{}
	}
	d.Attachments[target] = append(d.Attachments[target], id)
	return obj{}, nil
}

func detachControlPolicy(c *call, d *Directory) (obj, *fail) {
	id, target, f := c.bound(d)
	if f != nil {
		return nil, f
	}
	i := slices.Index(d.Attachments[target], id)
	switch {
	case i < 0:
		return nil, refuse(404, "EntityNotExists.ControlPolicyAttachment", "The access control policy is not attached to the target.")
	case len(d.Attachments[target]) == 1:
		return nil, refuse(409, "InvalidOperation.LastControlPolicy", "A target must keep at least one access control policy.")
	}
	d.Attachments[target] = slices.Delete(d.Attachments[target], i, i+1)
	return obj{}, nil
}

// enableControlPolicy attaches FullAliyunAccess everywhere, and takes a while.
func enableControlPolicy(_ *call, d *Directory) (obj, *fail) {
	if d.Status == "Enabled" {
		return obj{"EnablementStatus": d.Status}, nil
	}
	d.Status = "PendingEnable"
	d.Attachments = map[string][]string{d.Root: {fullAccess}}
	for _, f := range d.Folders {
		d.Attachments[f.ID] = []string{fullAccess}
	}
	for _, m := range d.Members {
		d.Attachments[m.Account] = []string{fullAccess}
	}
	return obj{"EnablementStatus": d.Status}, nil
}

func disableControlPolicy(_ *call, d *Directory) (obj, *fail) {
	if d.Status == "Enabled" {
		d.Status = "PendingDisable"
	}
	return obj{"EnablementStatus": d.Status}, nil
}
