package iac

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"assay/finding"
	"assay/internal/report"
	"assay/policy"
)

// MaxBytes bounds a file; a plan of a thousand resources has some megabytes.
const MaxBytes = 32 << 20

// maxNesting bounds brackets within brackets: the parsers of the languages
// recurse.
const maxNesting = 200

// A Result is what one file says.
type Result struct {
	Kind     string // "terraform", "terraform-plan", "ros", "policy"; "" when it is none of these
	Findings []finding.Finding
	Problems []*policy.Problem // of policy documents inside
	Unknown  []Unknown
	Err      error // why the file was not read to its end
}

// An Unknown is a value that matters and is not in the file.
type Unknown struct {
	Line int
	What string
}

// Scan reads one file. What it is, its name and its first keys tell.
func Scan(name string, text []byte) (out Result) {
	if len(text) > MaxBytes {
		return Result{Err: fmt.Errorf("%d bytes, %d is the most that is read", len(text), MaxBytes)}
	}
	if line, deep := nesting(text); deep {
		return Result{Err: fmt.Errorf("line %d: brackets nested more than %d deep", line, maxNesting)}
	}
	lower := strings.ToLower(name)
	var rs []resource
	switch {
	case !utf8.Valid(text):
		out.Err = errors.New("not valid UTF-8")
	case strings.HasSuffix(lower, ".tf"), strings.HasSuffix(lower, ".tofu"):
		out.Kind = "terraform"
		rs, out.Err = readHCL(name, text)
	case strings.HasSuffix(lower, ".tf.json"):
		out.Kind = "terraform"
		rs, out.Err = readTerraformJSON(text)
	default:
		rs = out.byContent(name, text)
	}
	s := &scan{name: name, out: &out}
	for _, r := range rs {
		s.resource(r)
	}
	return out
}

// byContent reads JSON and YAML by what their top level holds.
func (out *Result) byContent(name string, text []byte) (rs []resource) {
	var top map[string]json.RawMessage
	isJSON := json.Unmarshal(text, &top) == nil
	switch {
	case isJSON && top["planned_values"] != nil, isJSON && top["resource_changes"] != nil:
		out.Kind = "terraform-plan"
		rs, out.Err = readPlan(text)
	case strings.Contains(string(text), "ROSTemplateFormatVersion"):
		out.Kind = "ros"
		rs, out.Err = readROS(text)
	case isJSON && top["Statement"] != nil, !isJSON && strings.HasSuffix(strings.ToLower(name), ".json") && strings.Contains(string(text), `"Statement"`):
		out.Kind = "policy"
		docs, err := policy.ParseAll(name, text)
		if err != nil {
			out.Problems = append(out.Problems, err)
		}
		for _, d := range docs {
			out.Problems = append(out.Problems, policy.Lint(d, "")...)
		}
	}
	return rs
}

// nesting finds the line where brackets are nested too deep. Brackets in
// strings count too: code that trips over this is no code for people.
func nesting(text []byte) (line int, deep bool) {
	depth := 0
	line = 1
	for _, c := range text {
		switch c {
		case '\n':
			line++
		case '(', '[', '{':
			if depth++; depth > maxNesting {
				return line, true
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return line, false
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string: cannot fail
	return string(b)
}

// scan applies the rules to one file's resources.
type scan struct {
	name string
	out  *Result
}

func (s *scan) finding(k report.Check, severity finding.Severity, r resource, line int, title finding.Text, fix finding.Text) {
	f := finding.Finding{Check: k.ID, Severity: severity, Title: title, Rows: k.Rows, Class: finding.Policy,
		Where: finding.Where{Path: s.name, Line: max(line, 1)}, Anchor: r.kind + "." + r.name, Fix: &finding.Fix{Title: fix}}
	advice := finding.Text{EN: "→ " + fix.EN, ZH: "→ " + fix.ZH}
	f.Reason = &advice
	f.Identify()
	s.out.Findings = append(s.out.Findings, f)
}

func (s *scan) unknown(line int, format string, args ...any) {
	s.out.Unknown = append(s.out.Unknown, Unknown{line, fmt.Sprintf("line %d: ", line) + fmt.Sprintf(format, args...)})
}

// resource applies every rule to one resource.
func (s *scan) resource(r resource) {
	label := r.kind + "." + r.name
	r.attrs.all([]string{"password_inherit", "PasswordInherit"}, func(v value) {
		switch {
		case !v.known:
			s.unknown(v.line, "%s takes password_inherit from a value that is not in this file", label)
		case strings.EqualFold(v.text, "true"):
			s.finding(checkInherit, finding.High, r, v.line, finding.Tf("%s starts instances with the image's password", "%s 使用镜像预设密码创建实例", label),
				finding.T("Remove it; give a key pair (Linux) or a password of its own (Windows)", "请删除；改用密钥对（Linux）或独立密码（Windows）"))
		}
	})
	switch r.kind {
	case "alicloud_image_export", "alicloud_ecs_image_export":
		s.finding(checkExport, finding.High, r, r.line, finding.Tf("%s exports an image to a bucket", "%s 将镜像导出到 OSS", label), finding.T("Remove it, or let the one exempt pipeline do it", "请删除，或交由豁免的流水线执行"))
	case "alicloud_image_share_permission", "ALIYUN::ECS::ImageSharePermission":
		s.imageShare(r, label)
	case "alicloud_resource_manager_shared_resource", "ALIYUN::ResourceManager::ResourceShare", "ALIYUN::ResourceManager::ResourceShareAssociation":
		s.shared(r, label)
	case "alicloud_resource_manager_shared_target":
		s.finding(checkShare, finding.Low, r, r.line, finding.Tf("%s adds a target to a resource share: whatever the share holds goes there", "%s 向资源共享添加目标：共享中的所有内容都会对其开放", label),
			finding.T("Check that the share holds no snapshot and no image", "请确认该共享不包含快照或镜像"))
	}
	r.attrs.all([]string{"allow_external_targets", "AllowExternalTargets"}, func(v value) {
		if v.known && strings.EqualFold(v.text, "true") {
			s.finding(checkShare, finding.Medium, r, v.line, finding.Tf("%s shares with accounts outside the organisation", "%s 对组织外账号共享", label), finding.T("Set it to false", "请设为 false"))
		}
	})
	s.documents(r)
}

func (s *scan) imageShare(r resource, label string) {
	severity, title := finding.High, finding.Tf("%s shares an image with another account", "%s 将镜像共享给其他账号", label)
	if v, ok := r.attrs.get("IsPublic"); ok && strings.EqualFold(v.text, "true") {
		severity, title = finding.Critical, finding.Tf("%s publishes an image to every account", "%s 将镜像公开给所有账号", label)
	}
	s.finding(checkShare, severity, r, r.line, title, finding.T("Remove it; hand over a certified clean image instead (assay certify)", "请删除；改为交付经认证的干净镜像（assay certify）"))
}

func (s *scan) shared(r resource, label string) {
	r.attrs.all([]string{"resource_type", "ResourceType"}, func(v value) {
		switch {
		case !v.known:
			s.unknown(v.line, "%s takes its resource type from a value that is not in this file", label)
		case strings.EqualFold(v.text, "snapshot"), strings.EqualFold(v.text, "image"):
			s.finding(checkShare, finding.High, r, v.line, finding.Tf("%s shares a %s", "%s 共享了 %s", label, v.text), finding.T("Remove it from the share", "请从资源共享中移除"))
		}
	})
}

// policyUses are the resources that hold policy documents, with the attribute
// and what the document is for.
var policyUses = []struct {
	kind, attr string
	use        policy.Use
}{
	{"alicloud_ram_policy", "policy_document", policy.AsIdentity}, {"alicloud_ram_policy", "document", policy.AsIdentity},
	{"alicloud_resource_manager_policy", "policy_document", policy.AsIdentity},
	{"alicloud_resource_manager_control_policy", "policy_document", policy.AsControl},
	{"alicloud_ram_role", "document", ""}, {"alicloud_ram_role", "assume_role_policy_document", ""},
	{"ALIYUN::RAM::ManagedPolicy", "PolicyDocument", policy.AsIdentity}, {"ALIYUN::RAM::ManagedPolicy", "PolicyDocumentUnchecked", policy.AsIdentity},
	{"ALIYUN::ResourceManager::ControlPolicy", "PolicyDocument", policy.AsControl},
}

// documents lints the policies inside a resource.
func (s *scan) documents(r resource) {
	for _, u := range policyUses {
		v, ok := r.attrs.get(u.attr)
		if u.kind != r.kind || !ok {
			continue
		}
		text := v.text
		if !v.textual {
			var b strings.Builder
			if v.keys == nil || !v.json(&b) {
				s.unknown(v.line, "the policy of %s.%s is built from values that are not in this file", r.kind, r.name)
				continue
			}
			text = b.String()
		}
		docs, err := policy.ParseAll(s.name, []byte(text))
		var problems []*policy.Problem
		if err != nil {
			problems = append(problems, err)
		}
		for _, d := range docs {
			problems = append(problems, policy.Lint(d, u.use)...)
		}
		for _, p := range problems {
			if v.doc > 0 {
				p.Pos.Line += v.doc - 1
			} else {
				p.Pos = policy.Pos{Line: max(v.line, 1), Column: 1}
			}
			s.out.Problems = append(s.out.Problems, p)
		}
	}
}
