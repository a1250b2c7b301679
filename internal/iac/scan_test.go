package iac

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestScan holds what is found in the samples, with its line, and that
// everything is said in both languages.
func TestScan(t *testing.T) {
	want := map[string]string{
		"main.tf":   "6 policy/code-inherit high,14 policy/code-export high,17 policy/code-share high,22 policy/code-share high,30 unknown-action,36 unknown-operator,?9",
		"ros.yaml":  "8 policy/code-inherit high,9 policy/code-share critical,17 policy/code-share medium,20 policy/code-share high,25 unknown-action",
		"plan.json": "2 policy/code-inherit high,4 policy/code-export high",
	}
	for name, w := range want {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := say(t, Scan(name, text)); got != w {
			t.Errorf("%s\n got %s\nwant %s", name, got, w)
		}
	}
}

func say(t *testing.T, r Result) string {
	t.Helper()
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%d %s %s", f.Where.Line, f.Check, f.Severity))
		if f.Title.EN == "" || f.Title.ZH == "" || f.Fix == nil || f.Fix.Title.ZH == "" || f.ID == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, p := range r.Problems {
		out = append(out, fmt.Sprintf("%d %s", p.Pos.Line, p.Code))
	}
	slices.SortFunc(out, func(a, b string) int {
		var x, y int
		_, _ = fmt.Sscan(a, &x)
		_, _ = fmt.Sscan(b, &y)
		return x - y
	})
	for _, u := range r.Unknown {
		out = append(out, fmt.Sprintf("?%d", u.Line))
	}
	if r.Err != nil {
		out = append(out, "ERR "+r.Err.Error())
	}
	return strings.Join(out, ",")
}

// TestForms are further ways to write the same.
func TestForms(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a.tf", "resource \"alicloud_instance\" \"a\" {\n  dynamic \"x\" {\n    content {\n      password_inherit = true\n    }\n  }\n}", "4 policy/code-inherit high"},
		{"a.tf", "resource \"alicloud_auto_provisioning_group\" \"a\" {\n  launch_configuration {\n    password_inherit = \"true\"\n  }\n}", "3 policy/code-inherit high"},
		{"a.tf", "resource \"alicloud_instance\" \"a\" {\n  password_inherit = module.x.y\n}", "?2"},
		{"a.tf.json", `{"resource":{"alicloud_instance":{"a":{"password_inherit":true}}}}`, "1 policy/code-inherit high"},
		{"t.json", `{"ROSTemplateFormatVersion":"2015-09-01","Resources":{"L":{"Type":"ALIYUN::ECS::LaunchTemplate","Properties":{"PasswordInherit":"true"}}}}`, "1 policy/code-inherit high"},
		{"t.yml", "ROSTemplateFormatVersion: x\nResources:\n  L:\n    Type: ALIYUN::ESS::ScalingConfiguration\n    Properties:\n      PasswordInherit: !GetAtt a.b", "?6"},
		{"t.yml", "ROSTemplateFormatVersion: x\nResources:\n  L:\n    Type: ALIYUN::ECS::Instance\n    Properties:\n      PasswordInherit:\n        Ref: P", "?7"},
		{"p.json", `{"Version":"1","Statement":[{"Effect":"deny","Action":"ecs:ExportImage","Resource":"*"}]}`, "1 effect"},
		{"p.json", "{\"Statement\": [\n // x\n]}", "2 comment"},
		{"package.json", `{"name":"x"}`, ""}, {"notes.yaml", "a: b", ""}, {"a.tf", "", ""},
		{"a.tf", "resource {", "ERR line 1"}, {"a.tf", "\xff", "ERR not valid"}, {"a.tf", strings.Repeat("(", 1e6), "ERR line 1: brackets"},
		{"t.yml", "ROSTemplateFormatVersion: [", "ERR yaml"}, {"plan.json", `{"format_version":"99.0","planned_values":{}}`, "ERR "},
		{"t.yml", "ROSTemplateFormatVersion: x\nResources:\n  L:\n    Type: ALIYUN::ECS::Instance\n    Properties:\n      A: &a [x,x,x,x,x,x,x,x,x]\n" + bomb(), "ERR more than"},
	} {
		got := say(t, Scan(c.name, []byte(c.text)))
		if got != c.want && !(strings.HasPrefix(c.want, "ERR") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%.100q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// bomb is a chain of aliases that would unfold to 9^9 values.
func bomb() string {
	var b strings.Builder
	for i := 1; i < 9; i++ {
		p, c := string(rune('a'+i-1)), string(rune('a'+i))
		fmt.Fprintf(&b, "      %s: &%s [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n", strings.ToUpper(c), c, p, p, p, p, p, p, p, p, p)
	}
	return b.String()
}

func FuzzScan(f *testing.F) {
	for _, n := range []string{"main.tf", "ros.yaml", "plan.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, n := range []string{"x.tf", "x.tf.json", "x.json"} {
			for _, x := range Scan(n, b).Findings {
				if x.Where.Line < 1 {
					t.Fatalf("%+v", x)
				}
			}
		}
	})
}
