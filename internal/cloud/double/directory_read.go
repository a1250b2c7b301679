package double

import (
	"slices"
	"strconv"
	"strings"
)

// directoryReads are the calls of the Resource Directory that change nothing.
func directoryReads() map[string]action {
	return map[string]action{
		"resourcemanager:GetResourceDirectory":                  {run: getResourceDirectory},
		"resourcemanager:GetFolder":                             {run: managed(getFolder)},
		"resourcemanager:GetAccount":                            {run: managed(getAccount)},
		"resourcemanager:ListFoldersForParent":                  {run: managed(listFoldersForParent)},
		"resourcemanager:ListAccounts":                          {run: managed(listAccounts)},
		"resourcemanager:ListAccountsForParent":                 {run: managed(listAccountsForParent)},
		"resourcemanager:ListAncestors":                         {run: managed(listAncestors)},
		"resourcemanager:ListControlPolicies":                   {run: managed(listControlPolicies)},
		"resourcemanager:GetControlPolicy":                      {run: managed(getControlPolicy)},
		"resourcemanager:GetControlPolicyEnablementStatus":      {run: managed(getControlPolicyEnablementStatus)},
		"resourcemanager:ListControlPolicyAttachmentsForTarget": {run: managed(listControlPolicyAttachmentsForTarget)},
		"resourcemanager:ListTargetAttachmentsForControlPolicy": {run: managed(listTargetAttachmentsForControlPolicy)},
		"resourcemanager:ListPolicyAttachments":                 {run: listPolicyAttachments},
	}
}

func noDirectory() *fail {
	return refuse(404, "EntityNotExists.ResourceDirectory", "The resource directory for the account is not enabled. You can enable a resource directory in the console.")
}

// managed lets only the management account do something.
func managed(run func(*call, *Directory) (obj, *fail)) func(*call) (obj, *fail) {
	return func(c *call) (obj, *fail) {
		d := c.s.state.Directory
		switch {
		case d == nil || d.Master != c.acct.ID && d.member(c.acct.ID) == nil:
			return nil, noDirectory()
		case d.Master != c.acct.ID:
			return nil, refuse(409, "InvalidOperation.ResourceDirectory.NotMaster", "Only the management account of the resource directory can do this.")
		}
		return run(c, d)
	}
}

// getResourceDirectory answers members too.
func getResourceDirectory(c *call) (obj, *fail) {
	d := c.s.state.Directory
	if d == nil || d.Master != c.acct.ID && d.member(c.acct.ID) == nil {
		return nil, noDirectory()
	}
	name := ""
	if a := c.s.state.account(d.Master); a != nil {
		name = a.Name
	}
	return obj{"ResourceDirectory": obj{"ResourceDirectoryId": d.ID, "MasterAccountId": d.Master, "MasterAccountName": name, "RootFolderId": d.Root,
		"ControlPolicyStatus": d.Status, "ScpStatus": d.Status, "CreateTime": "2025-01-01T00:00:00Z", "MemberDeletionStatus": "Disabled", "IdentityInformation": ""}}, nil
}

// folderPath is the path from the directory to a folder: rd-…/r-…/fd-….
func (d *Directory) folderPath(id string) string {
	path := []string{}
	for n := 0; id != d.Root && n < 6; n++ {
		path = append(path, id)
		f := d.folder(id)
		if f == nil {
			break
		}
		id = f.Parent
	}
	path = append(path, d.Root, d.ID)
	slices.Reverse(path)
	return strings.Join(path, "/")
}

func (f *Folder) describe(d *Directory) obj {
	return obj{"FolderId": f.ID, "FolderName": f.Name, "ParentFolderId": f.Parent, "CreateTime": stamp(f.Created), "ResourceDirectoryPath": d.folderPath(f.ID)}
}

// rootFolder is Root as a folder.
func (d *Directory) rootFolder() *Folder { return &Folder{ID: d.Root, Name: "root"} }

func noFolder() *fail {
	return refuse(404, "EntityNotExists.Folder", "The specified folder does not exist.")
}

func getFolder(c *call, d *Directory) (obj, *fail) {
	f := d.folder(c.str("FolderId"))
	if c.str("FolderId") == d.Root {
		f = d.rootFolder()
	}
	if f == nil {
		return nil, noFolder()
	}
	return obj{"Folder": f.describe(d)}, nil
}

func (m *Member) describe(d *Directory) obj {
	return obj{"AccountId": m.Account, "DisplayName": m.DisplayName, "FolderId": m.Folder, "Status": "CreateSuccess",
		"Type": "ResourceAccount", "JoinMethod": "created", "JoinTime": stamp(m.Joined), "ModifyTime": stamp(m.Joined), "ResourceDirectoryId": d.ID,
		"ResourceDirectoryPath": d.folderPath(m.Folder) + "/" + m.Account}
}

func getAccount(c *call, d *Directory) (obj, *fail) {
	m := d.member(c.str("AccountId"))
	if m == nil {
		return nil, refuse(404, "EntityNotExists.Account", "The specified account does not exist.")
	}
	o := m.describe(d)
	o["AccountName"] = m.DisplayName // the lists do not tell it
	return obj{"Account": o}, nil
}

func (c *call) parent(d *Directory) string {
	if p := c.str("ParentFolderId"); p != "" {
		return p
	}
	return d.Root
}

func listFoldersForParent(c *call, d *Directory) (obj, *fail) {
	list := filter(d.Folders, func(f *Folder) bool { return f.Parent == c.parent(d) })
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["Folders"] = obj{"Folder": some(list, from, to, func(f *Folder) obj { return f.describe(d) })}
	return out, nil
}

func listAccounts(c *call, d *Directory) (obj, *fail) { return c.members(d, d.Members) }

func listAccountsForParent(c *call, d *Directory) (obj, *fail) {
	return c.members(d, filter(d.Members, func(m *Member) bool { return m.Folder == c.parent(d) }))
}

func (c *call) members(d *Directory, list []*Member) (obj, *fail) {
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["Accounts"] = obj{"Account": some(list, from, to, func(m *Member) obj { return m.describe(d) })}
	return out, nil
}

// listAncestors lists what is above a folder or member, Root first.
func listAncestors(c *call, d *Directory) (obj, *fail) {
	id := c.str("ChildId")
	if m := d.member(id); m != nil {
		id = m.Folder
	} else if f := d.folder(id); f != nil {
		id = f.Parent
	} else {
		return nil, noFolder()
	}
	list := []*Folder{d.rootFolder()}
	for _, part := range strings.Split(d.folderPath(id), "/")[2:] {
		if f := d.folder(part); f != nil {
			list = append(list, f)
		}
	}
	return obj{"Folders": obj{"Folder": some(list, 0, len(list), func(f *Folder) obj { return f.describe(d) })}}, nil
}

// attachedTo counts the targets of a control policy.
func (d *Directory) attachedTo(id string) (n int) {
	for _, ids := range d.Attachments {
		if slices.Contains(ids, id) {
			n++
		}
	}
	return n
}

// control describes a control policy, the system's or one of ours.
func (d *Directory) control(id string, full bool) obj {
	o := obj{"PolicyId": id, "AttachmentCount": strconv.Itoa(d.attachedTo(id))}
	text := system["AdministratorAccess"]
	if id == fullAccess {
		o["PolicyName"], o["PolicyType"], o["EffectScope"], o["Description"] = fullAccess, "System", "RAM", "FullAliyunAccess"
		o["CreateDate"], o["UpdateDate"] = "2021-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
	} else {
		p := d.policy(id)
		if p == nil {
			return nil
		}
		o["PolicyName"], o["PolicyType"], o["EffectScope"], o["Description"] = p.Name, "Custom", p.Scope, p.Description
		o["CreateDate"], o["UpdateDate"] = stamp(p.Created), stamp(p.Updated)
		text = p.text()
	}
	if full {
		o["PolicyDocument"] = text
	}
	return o
}

func listControlPolicies(c *call, d *Directory) (obj, *fail) {
	var ids []string
	if c.str("PolicyType") != "Custom" {
		ids = append(ids, fullAccess)
	}
	if c.str("PolicyType") != "System" {
		for _, p := range d.Policies {
			ids = append(ids, p.ID)
		}
	}
	out := obj{}
	from, to, f := numbered(c, len(ids), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["ControlPolicies"] = obj{"ControlPolicy": some(ids, from, to, func(id string) obj { return d.control(id, false) })}
	return out, nil
}

func noControl() *fail {
	return refuse(404, "EntityNotExists.ControlPolicy", "The specified access control policy does not exist.")
}

func getControlPolicy(c *call, d *Directory) (obj, *fail) {
	o := d.control(c.str("PolicyId"), true)
	if o == nil {
		return nil, noControl()
	}
	return obj{"ControlPolicy": o}, nil
}

// getControlPolicyEnablementStatus: to switch control policies on takes a
// while, which is told in polls.
func getControlPolicyEnablementStatus(_ *call, d *Directory) (obj, *fail) {
	if d.PendingPolls > 0 {
		d.PendingPolls--
	} else {
		d.Status = strings.NewReplacer("PendingEnable", "Enabled", "PendingDisable", "Disabled").Replace(d.Status)
	}
	return obj{"EnablementStatus": d.Status}, nil
}

func listControlPolicyAttachmentsForTarget(c *call, d *Directory) (obj, *fail) {
	if f := d.target(c.str("TargetId")); f != nil {
		return nil, f
	}
	ids := d.Attachments[c.str("TargetId")]
	return obj{"ControlPolicyAttachments": obj{"ControlPolicyAttachment": some(ids, 0, len(ids), func(id string) obj {
		o := d.control(id, false)
		return obj{"PolicyId": id, "PolicyName": o["PolicyName"], "PolicyType": o["PolicyType"], "EffectScope": o["EffectScope"],
			"Description": o["Description"], "AttachDate": o["UpdateDate"]}
	})}}, nil
}

// target refuses what is neither Root nor folder nor member.
func (d *Directory) target(id string) *fail {
	if id == d.Root || d.folder(id) != nil || d.member(id) != nil {
		return nil
	}
	return refuse(404, "EntityNotExists.Target", "The specified target does not exist.")
}

func listTargetAttachmentsForControlPolicy(c *call, d *Directory) (obj, *fail) {
	id := c.str("PolicyId")
	if d.control(id, false) == nil {
		return nil, noControl()
	}
	type line struct{ id, name, kind string }
	list := []line{{d.Root, "root", "Root"}}
	for _, f := range d.Folders {
		list = append(list, line{f.ID, f.Name, "Folder"})
	}
	for _, m := range d.Members {
		list = append(list, line{m.Account, m.DisplayName, "Account"})
	}
	list = filter(list, func(l line) bool { return slices.Contains(d.Attachments[l.id], id) })
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["TargetAttachments"] = obj{"TargetAttachment": some(list, from, to, func(l line) obj {
		return obj{"TargetId": l.id, "TargetName": l.name, "TargetType": l.kind, "AttachDate": "2026-01-01T00:00:00Z"}
	})}
	return out, nil
}

// listPolicyAttachments tells RAM policies with the resource group for which
// they are attached; the whole account appears under its own number.
func listPolicyAttachments(c *call) (obj, *fail) {
	var list []obj
	add := func(refs []string, kind, name string) {
		for _, ref := range refs {
			ref, group, _ := strings.Cut(ref, "@")
			if group == "" {
				group = c.acct.ID
			}
			s := c.summary(ref)
			if w := c.str("ResourceGroupId"); (w == "" || w == group) && (c.str("PolicyName") == "" || c.str("PolicyName") == s["PolicyName"]) &&
				(c.str("PrincipalType") == "" || c.str("PrincipalType") == kind) && (c.str("PrincipalName") == "" || c.str("PrincipalName") == name) {
				list = append(list, obj{"PolicyName": s["PolicyName"], "PolicyType": s["PolicyType"], "Description": s["Description"], "PrincipalType": kind,
					"PrincipalName": name, "ResourceGroupId": group, "AttachDate": "2026-01-01T00:00:00Z"})
			}
		}
	}
	for _, u := range c.acct.Users {
		add(u.Policies, "IMSUser", u.Name+"@"+c.acct.ID+".onaliyun.com")
	}
	for _, g := range c.acct.Groups {
		add(g.Policies, "IMSGroup", g.Name+"@group."+c.acct.ID+".onaliyun.com")
	}
	for _, r := range c.acct.Roles {
		add(r.Policies, "ServiceRole", r.Name+"@role."+c.acct.ID+".onaliyunservice.com")
	}
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["PolicyAttachments"] = obj{"PolicyAttachment": some(list, from, to, func(o obj) obj { return o })}
	return out, nil
}
