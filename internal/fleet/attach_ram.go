package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"assay/finding"
	"assay/internal/cloud"
	"assay/policy"
)

// description marks what assay made.
const description = "Denies inherited passwords, exports and shares of images. Made by assay policy attach."

// maxVersions is how many versions of a policy RAM keeps.
const maxVersions = 5

// ramBinder binds custom RAM policies to users, groups and roles, for the whole
// account.
type ramBinder struct{ c cloud.Caller }

// principal splits "user/alice"; kind is "User", "Group" or "Role", as the
// actions are named.
func principal(target string) (kind, name string, ok bool) {
	k, name, found := strings.Cut(target, "/")
	kinds := map[string]string{"user": "User", "group": "Group", "role": "Role"}
	return kinds[k], name, found && kinds[k] != "" && name != ""
}

// ready looks whether each principal is there.
func (r *ramBinder) ready(ctx context.Context, b Binding) error {
	for _, t := range b.Targets {
		kind, name, ok := principal(t)
		if !ok {
			return fmt.Errorf("%q is no principal: write user/NAME, group/NAME or role/NAME", t)
		}
		if err := call(ctx, r.c, "ram", "Get"+kind, map[string]string{kind + "Name": name}, nil); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return nil
}

type ramPolicy struct {
	Policy               struct{ DefaultVersion string }
	DefaultPolicyVersion struct{ VersionId, PolicyDocument string }
}

func custom(name string, kv ...string) map[string]string {
	m := map[string]string{"PolicyName": name}
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

func (r *ramBinder) get(ctx context.Context, name string) (p ramPolicy, found bool, err error) {
	err = call(ctx, r.c, "ram", "GetPolicy", custom(name, "PolicyType", "Custom"), &p)
	if gone(err) {
		return p, false, nil
	}
	return p, err == nil, err
}

func (r *ramBinder) family(ctx context.Context, base string) (names []string, err error) {
	list := cloud.API{Product: "ram", Action: "ListPolicies", Paging: cloud.ByMarker, Size: 1000, Items: "Policies"}
	err = list.Each(ctx, r.c, "", map[string]string{"PolicyType": "Custom"}, func(b json.RawMessage) error {
		var p struct{ PolicyName string }
		if err := json.Unmarshal(b, &p); err != nil {
			return err
		}
		if stem(p.PolicyName) == base {
			names = append(names, p.PolicyName)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

func (r *ramBinder) text(ctx context.Context, name string) (string, error) {
	p, _, err := r.get(ctx, name)
	return p.DefaultPolicyVersion.PolicyDocument, err
}

func (r *ramBinder) bound(ctx context.Context, name string) (map[string]bool, error) {
	var a struct {
		Users  struct{ User []struct{ UserName string } }
		Groups struct{ Group []struct{ GroupName string } }
		Roles  struct{ Role []struct{ RoleName string } }
	}
	err := call(ctx, r.c, "ram", "ListEntitiesForPolicy", custom(name, "PolicyType", "Custom"), &a)
	if gone(err) {
		return nil, nil
	}
	have := map[string]bool{}
	for _, u := range a.Users.User {
		have["user/"+u.UserName] = true
	}
	for _, g := range a.Groups.Group {
		have["group/"+g.GroupName] = true
	}
	for _, x := range a.Roles.Role {
		have["role/"+x.RoleName] = true
	}
	return have, err
}

func (r *ramBinder) policy(ctx context.Context, w policy.Written) ([]*BindStep, error) {
	old, found, err := r.get(ctx, w.Name)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return []*BindStep{{Title: finding.Tf("create the RAM policy %s (%d characters)", "创建 RAM 策略 %s（%d 个字符）", w.Name, w.Size),
			do: func(ctx context.Context) error {
				return call(ctx, r.c, "ram", "CreatePolicy", custom(w.Name, "PolicyDocument", w.Text, "Description", description), nil)
			},
			undo: func(ctx context.Context) error { return call(ctx, r.c, "ram", "DeletePolicy", custom(w.Name), nil) },
		}}, nil
	case sameJSON(old.DefaultPolicyVersion.PolicyDocument, w.Text):
		return nil, nil
	}
	return r.newVersion(ctx, w, old.DefaultPolicyVersion.VersionId)
}

// newVersion gives an existing policy another text. Its oldest version goes
// first where RAM would keep no further one: that cannot be taken back, and
// changes nothing that is in force.
func (r *ramBinder) newVersion(ctx context.Context, w policy.Written, old string) (steps []*BindStep, err error) {
	all, err := r.versions(ctx, w.Name)
	if err != nil {
		return nil, err
	}
	if len(all) >= maxVersions {
		oldest := all[slices.IndexFunc(all, func(v string) bool { return v != old })]
		steps = append(steps, &BindStep{Title: finding.Tf("delete version %s of %s, the oldest that is not in force", "删除 %[2]s 的版本 %[1]s（最早的非默认版本）", oldest, w.Name),
			do: func(ctx context.Context) error {
				return call(ctx, r.c, "ram", "DeletePolicyVersion", custom(w.Name, "VersionId", oldest), nil)
			},
			undo: func(context.Context) error { return nil }})
	}
	made := ""
	return append(steps, &BindStep{Title: finding.Tf("give the RAM policy %s a new default version (%d characters; now %s)", "为 RAM 策略 %s 创建新的默认版本（%d 个字符；当前为 %s）", w.Name, w.Size, old),
		do: func(ctx context.Context) error {
			var a struct{ PolicyVersion struct{ VersionId string } }
			err := call(ctx, r.c, "ram", "CreatePolicyVersion", custom(w.Name, "PolicyDocument", w.Text, "SetAsDefault", "true"), &a)
			made = a.PolicyVersion.VersionId
			return err
		},
		undo: func(ctx context.Context) error {
			if err := call(ctx, r.c, "ram", "SetDefaultPolicyVersion", custom(w.Name, "VersionId", old), nil); err != nil || made == "" {
				return err
			}
			return call(ctx, r.c, "ram", "DeletePolicyVersion", custom(w.Name, "VersionId", made), nil)
		}}), nil
}

// versions lists a policy's versions, oldest first.
func (r *ramBinder) versions(ctx context.Context, name string) ([]string, error) {
	var a struct {
		PolicyVersions struct {
			PolicyVersion []struct{ VersionId string }
		}
	}
	err := call(ctx, r.c, "ram", "ListPolicyVersions", custom(name, "PolicyType", "Custom"), &a)
	var out []string
	for _, v := range a.PolicyVersions.PolicyVersion {
		out = append(out, v.VersionId)
	}
	slices.SortFunc(out, func(x, y string) int { // v9 before v10
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
	return out, err
}

func (r *ramBinder) grant(verb, name, target string) func(context.Context) error {
	return func(ctx context.Context) error {
		kind, who, _ := principal(target) // ready refused what is none
		prep := "To"
		if verb == "Detach" {
			prep = "From"
		}
		return call(ctx, r.c, "ram", verb+"Policy"+prep+kind, custom(name, "PolicyType", "Custom", kind+"Name", who), nil)
	}
}

func (r *ramBinder) attach(name, target string) *BindStep {
	return &BindStep{Title: finding.Tf("grant %s to %s", "将 %s 授予 %s", name, target), do: r.grant("Attach", name, target), undo: r.grant("Detach", name, target)}
}

func (r *ramBinder) detach(name, target string) *BindStep {
	return &BindStep{Title: finding.Tf("revoke %s from %s", "从 %[2]s 撤销 %[1]s", name, target), do: r.grant("Detach", name, target), undo: r.grant("Attach", name, target)}
}

func (r *ramBinder) remove(ctx context.Context, name string) (*BindStep, error) {
	old, _, err := r.get(ctx, name)
	if err != nil {
		return nil, err
	}
	all, err := r.versions(ctx, name)
	if err != nil {
		return nil, err
	}
	return &BindStep{Title: finding.Tf("delete the RAM policy %s", "删除 RAM 策略 %s", name),
		do: func(ctx context.Context) error {
			for _, v := range all {
				if v == old.DefaultPolicyVersion.VersionId {
					continue
				}
				if err := call(ctx, r.c, "ram", "DeletePolicyVersion", custom(name, "VersionId", v), nil); err != nil && !gone(err) {
					return err
				}
			}
			return call(ctx, r.c, "ram", "DeletePolicy", custom(name), nil)
		},
		undo: func(ctx context.Context) error {
			if _, found, err := r.get(ctx, name); err != nil || found {
				return err
			}
			return call(ctx, r.c, "ram", "CreatePolicy", custom(name, "PolicyDocument", old.DefaultPolicyVersion.PolicyDocument, "Description", description), nil)
		}}, nil
}
