package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Profile says how much the policies that assay writes deny.
type Profile string

// The profiles.
const (
	Documents Profile = "documents" // exactly what the two documents publish
	Strict    Profile = "strict"    // every path that a policy can close
)

// A Scope says to whom policies are bound.
type Scope string

// The scopes.
const (
	Enterprise Scope = "enterprise" // a control policy on nodes of a Resource Directory
	ForUser    Scope = "user"       // a RAM policy of users, groups and roles
)

// Limits of the service, in characters. Two pages disagree about control
// policies (4,096 and 2,048): what assay writes keeps the smaller one.
const (
	LimitIdentity    = 6144
	LimitControl     = 4096
	LimitControlSafe = 2048
	LimitAttachments = 10 // control policies on one node, the default one included
)

// A Written is a policy that assay wrote.
type Written struct {
	Name string
	Text string // JSON, formatted for people
	Size int    // characters minified: what counts for the limit
}

// A clause is a statement to write.
type clause struct {
	Action    []string                       `json:"Action"`
	Resource  string                         `json:"Resource"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
	Effect    string                         `json:"Effect"`

	strict bool // only in the strict profile
	exempt bool // approved principals may do it
}

func deny(actions ...string) clause {
	return clause{Action: actions, Resource: "*", Effect: "Deny"}
}

func (c clause) when(operator, key string, values ...string) clause {
	c.Condition = map[string]map[string][]string{operator: {key: values}}
	return c
}

func (c clause) more(exempt bool) clause {
	c.strict, c.exempt = true, exempt
	return c
}

// clauses are the denials. Keys stay in statements of their own: under one
// operator they would be AND.
func clauses() []clause {
	images := []string{"acs:ecs:*:*:snapshot/*", "acs:ecs:*:*:image/*"}
	return []clause{
		deny("ecs:RunInstances", "ecs:CreateInstance", "ecs:ReplaceSystemDisk").when("Bool", keyInherit, "true"),
		deny("ecs:ExportImage", "ecs:ModifyImageSharePermission"),
		deny("resourcesharing:CreateResourceShare", "resourcesharing:AssociateResourceShare").when("StringEquals", keyType, "Snapshot", "Image"),
		deny("ecs:ExportSnapshot", "ecs:ModifyImageShareGroupPermission", "ecs:CreateImagePipeline", "ecs:StartImagePipelineExecution",
			"ens:ExportImage", "ens:ModifyImageSharePermission", "ens:ShareAICImage",
			"computenestsupplier:CreateArtifact", "computenestsupplier:ReleaseArtifact", "computenestsupplier:AddServiceSharedAccounts").more(true),
		deny("resourcesharing:CreateResourceShare", "resourcesharing:AssociateResourceShare").when("StringLike", keyARN, images...).more(true),
		deny("resourcesharing:AssociateResourceShare").when("StringLike", keyTarget, "*").more(true),
		deny("resourcesharing:CreateResourceShare", "resourcesharing:UpdateResourceShare").when("Bool", keyExternal, "true").more(true),
		deny("ecs:CreateLaunchTemplate", "ecs:CreateLaunchTemplateVersion", "ecs:CreateAutoProvisioningGroup",
			"ess:CreateScalingConfiguration", "ess:ModifyScalingConfiguration",
			"ens:RunInstances", "ens:CreateInstance", "rds:RunRCInstances", "cddc:CreateMyBase").more(true),
	}
}

var validARN = regexp.MustCompile(`^acs:ram:[a-z0-9*-]*:[0-9*]+:(user|role|assumed-role)/[A-Za-z0-9._@/*?-]+$`)

// Write makes the policies of a profile for a scope. exempt are ARNs of
// principals who may do what strict denies to all others (the one who takes
// shares back, the one who makes launch templates); to launch with an image's
// password is exempt to nobody. Documents are as few as the limits allow.
func Write(p Profile, s Scope, exempt []string) ([]Written, error) {
	for _, a := range exempt {
		if !validARN.MatchString(a) {
			return nil, fmt.Errorf("%q is not the ARN of a user or role, such as acs:ram::123456789012:role/image-admin", a)
		}
	}
	limit := LimitIdentity
	if s == Enterprise {
		limit = LimitControlSafe
	}
	var docs [][]clause
	for _, c := range clauses() {
		if c.strict && p != Strict {
			continue
		}
		if p == Strict && len(exempt) > 0 && c.Condition[`Bool`][keyInherit] == nil {
			c = c.excepting(exempt)
		}
		last := len(docs) - 1
		if last < 0 || size(append(slices.Clone(docs[last]), c)) > limit {
			docs = append(docs, nil)
			last++
		}
		docs[last] = append(docs[last], c)
		if n := size(docs[last]); n > limit {
			return nil, fmt.Errorf("one statement alone has %d characters, %d is the limit: exempt fewer principals, or use * in their ARN", n, limit)
		}
	}
	var out []Written
	for i, d := range docs {
		w := Written{Name: "assay-images-" + string(p), Text: format(d), Size: size(d)}
		if len(docs) > 1 {
			w.Name += fmt.Sprintf("-%d", i+1)
		}
		out = append(out, w)
	}
	return out, nil
}

// excepting adds the exception that the service's documentation recommends.
func (c clause) excepting(arns []string) clause {
	with := map[string]map[string][]string{"StringNotLike": {principalKey: arns}}
	for op, keys := range c.Condition {
		with[op] = keys
	}
	c.Condition = with
	return c
}

type document struct {
	Version   string   `json:"Version"`
	Statement []clause `json:"Statement"`
}

// size is the length of the minified document.
func size(cs []clause) int {
	b, _ := json.Marshal(document{"1", cs}) // strings and lists only: cannot fail
	return len(b)
}

func format(cs []clause) string {
	b, _ := json.MarshalIndent(document{"1", cs}, "", "  ")
	return string(b)
}

// Breakage says what ordinary work a profile stops.
func Breakage(p Profile) []Text {
	out := []Text{
		tf("Launching with PasswordInherit=true is denied to everyone; Windows scaling groups use it lawfully: give them a password of their own (Password) instead.",
			"禁止所有人以 PasswordInherit=true 创建实例；Windows 伸缩组会合法使用它：请改为设置独立密码（Password）。"),
		tf("ModifyImageSharePermission both shares and un-shares: nobody can take a share back under this denial. Exempt the role that does (--profile strict --exempt ARN).",
			"ModifyImageSharePermission 同时用于共享和取消共享：禁止后无人能取消共享。请豁免负责此事的角色（--profile strict --exempt ARN）。"),
	}
	if p != Strict {
		return out
	}
	return append(out,
		tf("Launch templates, auto provisioning groups and scaling configurations have no condition key for the password: making them is denied, except to --exempt principals.",
			"启动模板、弹性供应组和伸缩配置没有密码相关的条件键：除 --exempt 身份外一律禁止创建。"),
		tf("Instances of ENS, RDS Custom and MyBase cannot be made, except by --exempt principals.", "除 --exempt 身份外，禁止创建 ENS、RDS Custom 和 MyBase 实例。"),
		tf("Adding a target to any resource share, also of a VPC, is denied, except to --exempt principals: the request does not say what the share holds.",
			"除 --exempt 身份外，禁止向任何资源共享（包括 VPC）添加目标：请求不说明共享中包含什么。"),
		tf("Sharing with accounts outside the organisation is denied for every type of resource, except to --exempt principals.", "除 --exempt 身份外，禁止向组织外账号共享任何类型的资源。"))
}

// Terraform writes policies as configuration of the alicloud provider.
func Terraform(ws []Written, s Scope) string {
	var b strings.Builder
	for _, w := range ws {
		id := strings.ReplaceAll(w.Name, "-", "_")
		if s == Enterprise {
			fmt.Fprintf(&b, "resource \"alicloud_resource_manager_control_policy\" %q {\n  control_policy_name = %q\n  effect_scope        = \"RAM\"\n  policy_document     = <<-EOT\n%s\n  EOT\n}\n\n", id, w.Name, indent(w.Text, "    "))
			fmt.Fprintf(&b, "resource \"alicloud_resource_manager_control_policy_attachment\" %q {\n  policy_id = alicloud_resource_manager_control_policy.%s.id\n  target_id = var.assay_target_id\n}\n\n", id, id)
		} else {
			fmt.Fprintf(&b, "resource \"alicloud_ram_policy\" %q {\n  policy_name     = %q\n  policy_document = <<-EOT\n%s\n  EOT\n}\n\n", id, w.Name, indent(w.Text, "    "))
			fmt.Fprintf(&b, "resource \"alicloud_ram_group_policy_attachment\" %q {\n  policy_name = alicloud_ram_policy.%s.policy_name\n  policy_type = \"Custom\"\n  group_name  = var.assay_group_name\n}\n\n", id, id)
		}
	}
	name, what := "assay_group_name", "RAM group that the denials are granted to"
	if s == Enterprise {
		name, what = "assay_target_id", "Root, folder or member that the denials are attached to"
	}
	fmt.Fprintf(&b, "variable %q {\n  type        = string\n  description = %q\n}\n", name, what)
	return b.String()
}

func indent(s, by string) string { return by + strings.ReplaceAll(s, "\n", "\n"+by) }

// ROS writes policies as a template of Resource Orchestration Service.
func ROS(ws []Written, s Scope) string {
	resources := map[string]any{}
	for i, w := range ws {
		kind, props := "ALIYUN::RAM::ManagedPolicy", map[string]any{"PolicyName": w.Name, "PolicyDocument": json.RawMessage(w.Text)}
		if s == Enterprise {
			var small strings.Builder
			_ = json.NewEncoder(&small).Encode(json.RawMessage(w.Text)) // a strings.Builder does not fail
			kind, props = "ALIYUN::ResourceManager::ControlPolicy", map[string]any{"ControlPolicyName": w.Name, "EffectScope": "RAM", "PolicyDocument": strings.TrimSpace(small.String())}
		}
		resources[fmt.Sprintf("DenyImages%d", i+1)] = map[string]any{"Type": kind, "Properties": props}
	}
	b, _ := json.MarshalIndent(map[string]any{"ROSTemplateFormatVersion": "2015-09-01", "Resources": resources}, "", "  ")
	return string(b) + "\n"
}
