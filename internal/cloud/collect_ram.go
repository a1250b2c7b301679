package cloud

import (
	"encoding/json"
	"strings"
)

// Members of answers are named as the API references of RAM (2015-05-01) and
// Resource Management (2020-03-31) name them.

// principals reads users, groups, roles, and the policies attached to them.
func (k *collector) principals() {
	byName := map[string]*Principal{} // by kind and name
	var list []*Principal
	put := func(p *Principal) {
		byName[p.Kind+"/"+p.Name] = p
		list = append(list, p)
	}
	k.failed(users, "", each(k, users, "", nil, func(a struct{ UserName string }) error {
		put(&Principal{Kind: User, Name: a.UserName, ARN: k.s.ARN("ram", "", "user/"+a.UserName)})
		return nil
	}))
	k.failed(roles, "", each(k, roles, "", nil, func(a struct{ RoleName, Arn string }) error {
		arn := a.Arn
		if arn == "" {
			arn = k.s.ARN("ram", "", "role/"+strings.ToLower(a.RoleName))
		}
		put(&Principal{Kind: Role, Name: a.RoleName, ARN: arn})
		return nil
	}))
	k.failed(groups, "", each(k, groups, "", nil, func(a struct{ GroupName string }) error {
		put(&Principal{Kind: Group, Name: a.GroupName, ARN: k.s.ARN("ram", "", "group/"+a.GroupName)})
		return nil
	}))
	for _, g := range list {
		if g.Kind != Group {
			continue
		}
		k.failed(groupUsers, "", each(k, groupUsers, "", map[string]string{"GroupName": g.Name}, func(a struct{ UserName string }) error {
			if u := byName[User+"/"+a.UserName]; u != nil {
				u.Groups = append(u.Groups, g.Name)
			}
			return nil
		}))
	}
	k.attachments(byName)
	for _, p := range list {
		add(k, &k.s.Principals, *p)
	}
}

// attachments reads who has which policy: per policy, because policies that
// are attached are fewer than principals.
func (k *collector) attachments(byName map[string]*Principal) {
	fetched := map[PolicyRef]bool{}
	k.failed(policies, "", each(k, policies, "", nil, func(a struct {
		PolicyName, PolicyType string
		AttachmentCount        flexInt
	}) error {
		ref := PolicyRef{Type: a.PolicyType, Name: a.PolicyName}
		if a.AttachmentCount == 0 || fetched[ref] {
			return nil
		}
		fetched[ref] = true
		k.policy(ref)
		k.entities(ref, byName)
		return nil
	}))
	// Attachments to a resource group are told here only; those to the whole
	// account, which were read above, name the account's number as the group.
	k.failed(groupAttachments, "", each(k, groupAttachments, "", nil, func(a struct {
		PolicyName, PolicyType, PrincipalName, PrincipalType, ResourceGroupId string
	}) error {
		if a.ResourceGroupId == "" || a.ResourceGroupId == k.s.Account {
			return nil
		}
		p := byName[principalKind[a.PrincipalType]+"/"+bareName(a.PrincipalName)]
		if p == nil {
			return nil
		}
		ref := PolicyRef{Type: a.PolicyType, Name: a.PolicyName}
		if !fetched[ref] {
			fetched[ref] = true
			k.policy(ref)
		}
		ref.ResourceGroup = a.ResourceGroupId
		p.Policies = append(p.Policies, ref)
		return nil
	}))
}

// principalKind translates PrincipalType of Resource Management.
var principalKind = map[string]string{"IMSUser": User, "IMSGroup": Group, "ServiceRole": Role}

// bareName cuts the domain off a principal's name:
// alice@123.onaliyun.com, admins@group.123.onaliyun.com.
func bareName(s string) string {
	name, _, _ := strings.Cut(s, "@")
	return name
}

// policy reads a policy's document in its default version.
func (k *collector) policy(ref PolicyRef) {
	var a struct {
		DefaultPolicyVersion struct{ VersionId, PolicyDocument string }
	}
	err := getPolicy.Get(k.ctx, k.c, "", map[string]string{"PolicyName": ref.Name, "PolicyType": ref.Type}, &a)
	k.failed(getPolicy, "", err)
	if err == nil {
		add(k, &k.s.Policies, Policy{Name: ref.Name, Type: ref.Type, Version: a.DefaultPolicyVersion.VersionId, Document: a.DefaultPolicyVersion.PolicyDocument})
	}
}

// entities reads whom a policy is attached to.
func (k *collector) entities(ref PolicyRef, byName map[string]*Principal) {
	var a struct{ Users, Groups, Roles json.RawMessage }
	err := policyEntities.Get(k.ctx, k.c, "", map[string]string{"PolicyName": ref.Name, "PolicyType": ref.Type}, &a)
	for _, x := range []struct {
		kind string
		list json.RawMessage
	}{{User, a.Users}, {Group, a.Groups}, {Role, a.Roles}} {
		items, bad := list(x.list)
		if err == nil {
			err = bad
		}
		for _, it := range items {
			var n struct{ UserName, GroupName, RoleName string }
			if bad := json.Unmarshal(it, &n); bad != nil && err == nil {
				err = bad
			}
			if p := byName[x.kind+"/"+n.UserName+n.GroupName+n.RoleName]; p != nil {
				p.Policies = append(p.Policies, ref)
			}
		}
	}
	k.failed(policyEntities, "", err)
}

// noDirectory are the codes of "there is no Resource Directory": no gap.
var noDirectory = map[string]bool{"ResourceDirectoryNotInUse": true, "EntityNotExists.ResourceDirectory": true, "EntityNotExist.ResourceDirectory": true}

// directory reads the Resource Directory: the tree and its control policies.
func (k *collector) directory() {
	var a struct {
		ResourceDirectory struct{ ResourceDirectoryId, MasterAccountId, RootFolderId, ScpStatus, ControlPolicyStatus string }
	}
	if err := getDirectory.Get(k.ctx, k.c, "", nil, &a); err != nil {
		if e, ok := asError(err); !ok || !noDirectory[e.Code] {
			k.failed(getDirectory, "", err)
		}
		return
	}
	r := a.ResourceDirectory
	if r.ResourceDirectoryId == "" {
		return
	}
	d := &Directory{ID: r.ResourceDirectoryId, Management: r.MasterAccountId, Root: r.RootFolderId,
		Control: r.ScpStatus == "Enabled" || r.ControlPolicyStatus == "Enabled"}
	k.mu.Lock()
	k.s.Directory = d
	k.mu.Unlock()
	nodes, ok := k.tree(d)
	if ok {
		ok = k.controls(nodes)
	}
	d.Readable = ok
	if ok {
		for _, n := range nodes {
			add(k, &k.s.Nodes, *n)
		}
	}
}

// maxFolders bounds the walk through folders; the service allows 100 on five
// levels.
const maxFolders = 5000

// tree walks from Root down.
func (k *collector) tree(d *Directory) (map[string]*Node, bool) {
	nodes := map[string]*Node{d.Root: {ID: d.Root, Kind: "root", Name: "Root"}}
	queue := []string{d.Root}
	for len(queue) > 0 && len(nodes) < maxFolders*100 {
		id := queue[0]
		queue = queue[1:]
		err := each(k, folders, "", map[string]string{"ParentFolderId": id}, func(a struct{ FolderId, FolderName string }) error {
			if nodes[a.FolderId] == nil && len(nodes) < maxFolders {
				nodes[a.FolderId] = &Node{ID: a.FolderId, Kind: "folder", Name: a.FolderName, Parent: id}
				queue = append(queue, a.FolderId)
			}
			return nil
		})
		if err != nil {
			k.failed(folders, "", err)
			return nil, false
		}
		err = each(k, members, "", map[string]string{"ParentFolderId": id}, func(a struct {
			AccountId   flexText
			DisplayName string
		}) error {
			nodes[string(a.AccountId)] = &Node{ID: string(a.AccountId), Kind: "account", Name: a.DisplayName, Parent: id}
			return nil
		})
		if err != nil {
			k.failed(members, "", err)
			return nil, false
		}
	}
	return nodes, true
}

// controls reads the control policies and what they are attached to.
func (k *collector) controls(nodes map[string]*Node) bool {
	var list []ControlPolicy
	for _, kind := range []string{"System", "Custom"} {
		err := each(k, controls, "", map[string]string{"PolicyType": kind}, func(a struct{ PolicyId, PolicyName, PolicyType, EffectScope string }) error {
			list = append(list, ControlPolicy{ID: a.PolicyId, Name: a.PolicyName, Type: a.PolicyType, Scope: a.EffectScope})
			return nil
		})
		if err != nil {
			k.failed(controls, "", err)
			return false
		}
	}
	for _, p := range list {
		attached := false
		err := each(k, controlTarget, "", map[string]string{"PolicyId": p.ID}, func(a struct{ TargetId flexText }) error {
			if n := nodes[string(a.TargetId)]; n != nil {
				n.Policies = append(n.Policies, p.ID)
				attached = true
			}
			return nil
		})
		if err != nil {
			k.failed(controlTarget, "", err)
			return false
		}
		if !attached {
			continue
		}
		var a struct {
			ControlPolicy struct{ PolicyDocument string }
		}
		if err := getControl.Get(k.ctx, k.c, "", map[string]string{"PolicyId": p.ID}, &a); err != nil {
			k.failed(getControl, "", err)
			return false
		}
		p.Document = a.ControlPolicy.PolicyDocument
		add(k, &k.s.ControlDocs, p)
	}
	return true
}
