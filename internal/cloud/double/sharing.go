package double

import (
	"slices"
	"strconv"
	"strings"
)

// sharing are the calls of Resource Sharing.
func sharing() map[string]action {
	return map[string]action{
		"resourcesharing:ListResourceShares":            {run: listResourceShares},
		"resourcesharing:ListResourceShareAssociations": {run: listResourceShareAssociations},
		"resourcesharing:ListSharedResources":           {run: listSharedResources},
		"resourcesharing:ListSharedTargets":             {run: listSharedTargets},
		"resourcesharing:CreateResourceShare":           {run: createResourceShare, targets: shareKeys, write: true},
		"resourcesharing:AssociateResourceShare":        {run: associateResourceShare, targets: shareKeys, write: true},
		"resourcesharing:DisassociateResourceShare":     {run: disassociateResourceShare, targets: shareKeys, write: true},
		"resourcesharing:UpdateResourceShare":           {run: updateResourceShare, targets: shareKeys, write: true},
		"resourcesharing:DeleteResourceShare":           {run: deleteResourceShare, write: true},
	}
}

// shareKeys are the condition keys of a share. No documentation says that the
// type is sent for resources that are named by ARN, so it is not.
func shareKeys(c *call) []target {
	keys := map[string][]string{}
	for _, r := range c.resources() {
		keys["resourcesharing:ResourceArn"] = append(keys["resourcesharing:ResourceArn"], c.shareARN(r))
	}
	for i := 1; c.str("Resources."+strconv.Itoa(i)+".ResourceType") != ""; i++ {
		keys["resourcesharing:RequestedResourceType"] = append(keys["resourcesharing:RequestedResourceType"], c.str("Resources."+strconv.Itoa(i)+".ResourceType"))
	}
	if t := c.list("Targets"); len(t) > 0 {
		keys["resourcesharing:Target"] = t
	}
	if v := c.str("AllowExternalTargets"); v != "" {
		keys["resourcesharing:RequestedAllowExternalTargets"] = []string{strings.ToLower(v)}
	}
	return []target{{keys: keys}}
}

func (c *call) shareARN(r SharedResource) string {
	service := "ecs"
	if r.Type == "VSwitch" {
		service = "vpc"
	}
	return "acs:" + service + ":" + c.region + ":" + c.acct.ID + ":" + strings.ToLower(r.Type) + "/" + r.ID
}

// resources reads Resources.N and ResourceArns.N.
func (c *call) resources() (out []SharedResource) {
	for i := 1; ; i++ {
		p := "Resources." + strconv.Itoa(i)
		id, ok := c.p[p+".ResourceId"]
		if !ok {
			break
		}
		out = append(out, SharedResource{ID: id, Type: c.str(p + ".ResourceType"), Since: c.now})
	}
	kinds := map[string]string{"snapshot": "Snapshot", "image": "Image", "vswitch": "VSwitch"}
	for _, arn := range c.list("ResourceArns") {
		if f := strings.SplitN(arn, ":", 5); len(f) == 5 {
			kind, id, _ := strings.Cut(f[4], "/")
			out = append(out, SharedResource{ID: id, Type: kinds[kind], Since: c.now})
		}
	}
	return out
}

func (s *Share) describe(owner string) obj {
	return obj{"ResourceShareId": s.ID, "ResourceShareName": s.Name, "ResourceShareOwner": owner, "ResourceShareStatus": "Active",
		"AllowExternalTargets": s.AllowExternal, "CreateTime": stamp(s.Created), "UpdateTime": stamp(s.Created), "ResourceGroupId": ""}
}

// a seen share is a share and whose it is.
type seen struct {
	owner string
	*Share
}

// shares lists the shares of a region, of the caller's account ("Self") or of
// others that serve it ("OtherAccounts").
func (c *call) shares(owner string) (out []seen, f *fail) {
	ids := c.list("ResourceShareIds")
	for _, a := range c.s.state.Accounts {
		for _, s := range a.Shares {
			switch {
			case s.Region != c.region, ids != nil && !slices.Contains(ids, s.ID):
			case owner == "Self" && a == c.acct, owner == "OtherAccounts" && a != c.acct && s.serves(c.acct.ID):
				out = append(out, seen{a.ID, s})
			}
		}
	}
	if owner != "Self" && owner != "OtherAccounts" {
		return nil, invalid("ResourceOwner", owner)
	}
	return out, nil
}

func (s *Share) serves(account string) bool {
	return slices.ContainsFunc(s.Targets, func(t SharedTarget) bool { return t.ID == account })
}

func listResourceShares(c *call) (obj, *fail) {
	list, f := c.shares(c.str("ResourceOwner"))
	if f != nil {
		return nil, f
	}
	list = filter(list, func(s seen) bool {
		return (c.str("ResourceShareName") == "" || s.Name == c.str("ResourceShareName")) && (c.str("ResourceShareStatus") == "" || c.str("ResourceShareStatus") == "Active")
	})
	out := obj{}
	from, to, f := tokened(c, len(list), 20, 100, out)
	if f != nil {
		return nil, f
	}
	out["ResourceShares"] = some(list, from, to, func(s seen) obj { return s.describe(s.owner) })
	return out, nil
}

// association is one resource or one target of a share.
func (s *Share) association(entity, kind, what string, external bool, since string) obj {
	return obj{"ResourceShareId": s.ID, "ResourceShareName": s.Name, "EntityId": entity, "EntityType": kind, "AssociationType": what, "AssociationStatus": "Associated",
		"AssociationStatusMessage": "", "External": external, "CreateTime": since, "UpdateTime": since, "AssociationFailedDetails": []obj{}}
}

func (s *Share) resourceAssociations() []obj {
	return some(s.Resources, 0, len(s.Resources), func(r SharedResource) obj { return s.association(r.ID, r.Type, "Resource", false, stamp(r.Since)) })
}

func (s *Share) targetAssociations() []obj {
	return some(s.Targets, 0, len(s.Targets), func(t SharedTarget) obj {
		return s.association(t.ID, targetKind(t.ID), "Target", t.External, stamp(t.Since))
	})
}

func targetKind(id string) string {
	switch {
	case strings.HasPrefix(id, "rd-"):
		return "ResourceDirectory"
	case strings.HasPrefix(id, "fd-"), strings.HasPrefix(id, "r-"):
		return "Folder"
	}
	return "Account"
}

func listResourceShareAssociations(c *call) (obj, *fail) {
	list, _ := c.shares("Self")
	var all []obj
	for _, s := range list {
		switch c.str("AssociationType") {
		case "Resource":
			all = append(all, s.resourceAssociations()...)
		case "Target":
			all = append(all, s.targetAssociations()...)
		default:
			return nil, invalid("AssociationType", c.str("AssociationType"))
		}
	}
	all = filter(all, func(o obj) bool {
		return (c.str("ResourceId") == "" || o["EntityId"] == c.str("ResourceId")) && (c.str("Target") == "" || o["EntityId"] == c.str("Target"))
	})
	return c.listed("ResourceShareAssociations", all)
}

func (c *call) listed(name string, all []obj) (obj, *fail) {
	out := obj{}
	from, to, f := tokened(c, len(all), 20, 100, out)
	if f != nil {
		return nil, f
	}
	out[name] = some(all, from, to, func(o obj) obj { return o })
	return out, nil
}

func listSharedResources(c *call) (obj, *fail) {
	list, f := c.shares(c.str("ResourceOwner"))
	if f != nil {
		return nil, f
	}
	ids := c.list("ResourceIds")
	var all []obj
	for _, s := range list {
		for _, r := range s.Resources {
			if (c.str("ResourceType") == "" || r.Type == c.str("ResourceType")) && (ids == nil || slices.Contains(ids, r.ID)) && (c.str("Target") == "" || s.serves(c.str("Target"))) {
				all = append(all, obj{"ResourceId": r.ID, "ResourceType": r.Type, "ResourceShareId": s.ID, "ResourceStatus": "Available", "ResourceStatusMessage": "",
					"CreateTime": stamp(r.Since), "UpdateTime": stamp(r.Since)})
			}
		}
	}
	return c.listed("SharedResources", all)
}

func listSharedTargets(c *call) (obj, *fail) {
	list, f := c.shares(c.str("ResourceOwner"))
	if f != nil {
		return nil, f
	}
	want := c.list("Targets")
	var all []obj
	for _, s := range list {
		for _, t := range s.Targets {
			if (want == nil || slices.Contains(want, t.ID)) && (c.str("ResourceId") == "" || slices.ContainsFunc(s.Resources, func(r SharedResource) bool { return r.ID == c.str("ResourceId") })) {
				all = append(all, obj{"TargetId": t.ID, "ResourceShareId": s.ID, "External": t.External, "CreateTime": stamp(t.Since), "UpdateTime": stamp(t.Since)})
			}
		}
	}
	return c.listed("SharedTargets", all)
}

// external reports whether a target lies outside the caller's directory.
func (c *call) external(target string) bool {
	d := c.s.state.Directory
	return targetKind(target) == "Account" && (d == nil || d.Master != target && d.member(target) == nil)
}

// widen adds what a call names to a share.
func (c *call) widen(s *Share) *fail {
	resources, targets := c.resources(), c.list("Targets")
	if len(resources) > 5 || len(targets) > 5 {
		return refuse(400, "InvalidParameter.Resources", "At most five resources and five targets are taken by one call.")
	}
	for _, t := range targets {
		if c.external(t) && !s.AllowExternal {
			return refuse(403, "InvalidParameter.Targets.ExternalNotAllowed", "The resource share does not allow targets outside the resource directory.")
		}
	}
	for _, t := range targets {
		s.Targets = append(s.Targets, SharedTarget{t, c.external(t), c.now})
	}
	s.Resources = append(s.Resources, resources...)
	return nil
}

func createResourceShare(c *call) (obj, *fail) {
	s := &Share{ID: c.newID("rs"), Name: c.str("ResourceShareName"), Region: c.region, AllowExternal: c.flag("AllowExternalTargets"), Created: c.now}
	if f := c.widen(s); f != nil {
		return nil, f
	}
	c.acct.Shares = append(c.acct.Shares, s)
	return obj{"ResourceShare": s.describe(c.acct.ID)}, nil
}

func (c *call) share() (*Share, *fail) {
	if s := find(c.acct.Shares, func(s *Share) bool { return s.ID == c.str("ResourceShareId") && s.Region == c.region }); s != nil {
		return s, nil
	}
	return nil, refuse(404, "EntityNotExists.ResourceShare", "The specified resource share does not exist.")
}

func associateResourceShare(c *call) (obj, *fail) {
	s, f := c.share()
	if f == nil {
		f = c.widen(s)
	}
	if f != nil {
		return nil, f
	}
	return obj{"ResourceShareAssociations": append(s.resourceAssociations(), s.targetAssociations()...)}, nil
}

func disassociateResourceShare(c *call) (obj, *fail) {
	s, f := c.share()
	if f != nil {
		return nil, f
	}
	gone := []obj{}
	for _, r := range c.resources() {
		s.Resources = slices.DeleteFunc(s.Resources, func(o SharedResource) bool { return o.ID == r.ID })
		gone = append(gone, s.association(r.ID, r.Type, "Resource", false, stamp(c.now)))
	}
	for _, t := range c.list("Targets") {
		s.Targets = slices.DeleteFunc(s.Targets, func(o SharedTarget) bool { return o.ID == t })
		gone = append(gone, s.association(t, targetKind(t), "Target", c.external(t), stamp(c.now)))
	}
	for _, o := range gone {
		o["AssociationStatus"] = "Disassociating"
	}
	return obj{"ResourceShareAssociations": gone}, nil
}

func updateResourceShare(c *call) (obj, *fail) {
	s, f := c.share()
	if f != nil {
		return nil, f
	}
	if n := c.str("ResourceShareName"); n != "" {
		s.Name = n
	}
	if c.str("AllowExternalTargets") != "" {
		s.AllowExternal = c.flag("AllowExternalTargets")
	}
	return obj{"ResourceShare": s.describe(c.acct.ID)}, nil
}

func deleteResourceShare(c *call) (obj, *fail) {
	s, f := c.share()
	if f != nil {
		return nil, f
	}
	c.acct.Shares = slices.DeleteFunc(c.acct.Shares, func(o *Share) bool { return o == s })
	return obj{}, nil
}
