package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"assay/finding"
	"assay/internal/cloud"
	"assay/policy"
)

// controlBinder binds control policies to nodes of the Resource Directory.
type controlBinder struct {
	c   cloud.Caller
	ids map[string]string // name → ID
}

func (k *controlBinder) call(ctx context.Context, action string, out any, kv ...string) error {
	m := map[string]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return call(ctx, k.c, "resourcemanager", action, m, out)
}

// ready looks whether control policies are on, and whether each target has
// room for them.
func (k *controlBinder) ready(ctx context.Context, b Binding) error {
	var status struct{ EnablementStatus string }
	if err := k.call(ctx, "GetControlPolicyEnablementStatus", &status); err != nil {
		return err
	}
	if status.EnablementStatus != "Enabled" {
		return fmt.Errorf("control policies are not enabled in this Resource Directory (%s): enable them in the Resource Management console first", status.EnablementStatus)
	}
	for _, t := range b.Targets {
		var a struct {
			ControlPolicyAttachments struct{ ControlPolicyAttachment []struct{ PolicyName string } }
		}
		if err := k.call(ctx, "ListControlPolicyAttachmentsForTarget", &a, "TargetId", t); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		have := a.ControlPolicyAttachments.ControlPolicyAttachment
		more := 0
		for _, w := range b.Policies {
			if !slices.ContainsFunc(have, func(x struct{ PolicyName string }) bool { return x.PolicyName == w.Name }) {
				more++
			}
		}
		if len(have)+more > policy.LimitAttachments {
			return fmt.Errorf("%s has %d control policies, %d more are over the limit of %d: detach one, or choose a folder above it", t, len(have), more, policy.LimitAttachments)
		}
	}
	return nil
}

// list reads the custom control policies.
func (k *controlBinder) list(ctx context.Context, each func(id, name string)) error {
	all := cloud.API{Product: "resourcemanager", Action: "ListControlPolicies", Paging: cloud.ByNumber, Size: 100, Items: "ControlPolicies"}
	return all.Each(ctx, k.c, "", map[string]string{"PolicyType": "Custom"}, func(b json.RawMessage) error {
		var p struct{ PolicyId, PolicyName string }
		if err := json.Unmarshal(b, &p); err != nil {
			return err
		}
		each(p.PolicyId, p.PolicyName)
		return nil
	})
}

func (k *controlBinder) family(ctx context.Context, base string) (names []string, err error) {
	err = k.list(ctx, func(_, name string) {
		if stem(name) == base {
			names = append(names, name)
		}
	})
	slices.Sort(names)
	return names, err
}

// id finds a custom control policy by its name; "" if there is none.
func (k *controlBinder) id(ctx context.Context, name string) (string, error) {
	if id := k.ids[name]; id != "" {
		return id, nil
	}
	err := k.list(ctx, func(id, n string) {
		if n == name {
			k.ids[name] = id
		}
	})
	return k.ids[name], err
}

func (k *controlBinder) text(ctx context.Context, name string) (string, error) {
	id, err := k.id(ctx, name)
	if err != nil || id == "" {
		return "", err
	}
	var a struct {
		ControlPolicy struct{ PolicyDocument string }
	}
	err = k.call(ctx, "GetControlPolicy", &a, "PolicyId", id)
	return a.ControlPolicy.PolicyDocument, err
}

func (k *controlBinder) bound(ctx context.Context, name string) (map[string]bool, error) {
	id, err := k.id(ctx, name)
	if err != nil || id == "" {
		return nil, err
	}
	have := map[string]bool{}
	list := cloud.API{Product: "resourcemanager", Action: "ListTargetAttachmentsForControlPolicy", Paging: cloud.ByNumber, Size: 100, Items: "TargetAttachments"}
	err = list.Each(ctx, k.c, "", map[string]string{"PolicyId": id}, func(b json.RawMessage) error {
		var t struct{ TargetId string }
		if err := json.Unmarshal(b, &t); err != nil {
			return err
		}
		have[t.TargetId] = true
		return nil
	})
	return have, err
}

func (k *controlBinder) policy(ctx context.Context, w policy.Written) ([]*BindStep, error) {
	old, err := k.text(ctx, w.Name)
	switch {
	case err != nil:
		return nil, err
	case old == "":
		return []*BindStep{{Title: finding.Tf("create the control policy %s (%d characters)", "创建管控策略 %s（%d 个字符）", w.Name, w.Size),
			do: func(ctx context.Context) error {
				var a struct{ ControlPolicy struct{ PolicyId string } }
				err := k.call(ctx, "CreateControlPolicy", &a, "PolicyName", w.Name, "PolicyDocument", w.Text, "EffectScope", "RAM", "Description", description)
				k.ids[w.Name] = a.ControlPolicy.PolicyId
				return err
			},
			undo: func(ctx context.Context) error { return k.drop(ctx, w.Name) }}}, nil
	case sameJSON(old, w.Text):
		return nil, nil
	}
	change := func(text string) func(context.Context) error {
		return func(ctx context.Context) error {
			return k.call(ctx, "UpdateControlPolicy", nil, "PolicyId", k.ids[w.Name], "NewPolicyDocument", text)
		}
	}
	return []*BindStep{{Title: finding.Tf("give the control policy %s a new text (%d characters), in force at once wherever it is bound", "更新管控策略 %s 的内容（%d 个字符），对已绑定的节点立即生效", w.Name, w.Size),
		do: change(w.Text), undo: change(old)}}, nil
}

func (k *controlBinder) drop(ctx context.Context, name string) error {
	id, err := k.id(ctx, name)
	if err != nil || id == "" {
		return err
	}
	delete(k.ids, name)
	return k.call(ctx, "DeleteControlPolicy", nil, "PolicyId", id)
}

func (k *controlBinder) bindTo(verb, name, target string) func(context.Context) error {
	return func(ctx context.Context) error {
		id, err := k.id(ctx, name)
		if err != nil {
			return err
		}
		return k.call(ctx, verb+"ControlPolicy", nil, "PolicyId", id, "TargetId", target)
	}
}

func (k *controlBinder) attach(name, target string) *BindStep {
	return &BindStep{Title: finding.Tf("bind %s to %s", "将 %s 绑定到 %s", name, target), do: k.bindTo("Attach", name, target), undo: k.bindTo("Detach", name, target)}
}

func (k *controlBinder) detach(name, target string) *BindStep {
	return &BindStep{Title: finding.Tf("unbind %s from %s", "从 %[2]s 解绑 %[1]s", name, target), do: k.bindTo("Detach", name, target), undo: k.bindTo("Attach", name, target)}
}

func (k *controlBinder) remove(ctx context.Context, name string) (*BindStep, error) {
	old, err := k.text(ctx, name)
	if err != nil {
		return nil, err
	}
	return &BindStep{Title: finding.Tf("delete the control policy %s", "删除管控策略 %s", name),
		do: func(ctx context.Context) error { return k.drop(ctx, name) },
		undo: func(ctx context.Context) error {
			if id, err := k.id(ctx, name); err != nil || id != "" {
				return err
			}
			var a struct{ ControlPolicy struct{ PolicyId string } }
			err := k.call(ctx, "CreateControlPolicy", &a, "PolicyName", name, "PolicyDocument", old, "EffectScope", "RAM", "Description", description)
			k.ids[name] = a.ControlPolicy.PolicyId
			return err
		}}, nil
}
