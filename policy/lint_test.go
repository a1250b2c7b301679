package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/need"
)

func TestLint(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat(`{"Effect":"Deny","Action":"ecs:ExportImage","Resource":"*"},`, 40), ",")
	for _, c := range []struct {
		text string
		use  Use
		want string // code:advice, the advice in part
	}{
		{documentA, "", ""},
		{stmt("Deny", "ecs:ExportImages", ""), "", `unknown-action:write "ecs:ExportImage"`},
		{stmt("Deny", "esc:ExportImage", ""), "", `unknown-action:write "ecs:ExportImage"`},
		{stmt("Deny", "ecs:CreateResourceShare", ""), "", `unknown-action:write "resourcesharing:CreateResourceShare"`},
		{stmt("Deny", "ecs:Frobnicate", ""), "", "unknown-action:check its spelling"},
		{stmt("Deny", "ecs:Xport*", ""), "", "unknown-action:see the service's list"},
		{stmt("Deny", "ecs:exportimage", ""), "", `action-case:write "ecs:ExportImage"`},
		{stmt("Deny", "some:Thing", ""), "", ""},
		{stmt("Deny", "ecs:RunInstances", `{"Bool":{"ecs:passwordinherit":"true"}}`), "", `key-case:write "ecs:PasswordInherit"`},
		{stmt("Deny", "ecs:RunInstances", `{"Bool":{"ecs:PasswordInherit":"false"}}`), "", "bool-false:deny the harmful value"},
		{stmt("Deny", "ecs:RunInstances", `{"Bool":{"ecs:PasswordInherit":"yes"}}`), "", `value-type:write "true" or "false"`},
		{stmt("Deny", "ecs:RunInstances", `{"StringEquals":{"ecs:PasswordInherit":"true"}}`), "", "operator-type:write Bool"},
		{stmt("Deny", "ecs:RunInstances", `{"StringEquals":{"ecs:ImageOwnerId":"12*"}}`), "", "wildcard:write StringLike"},
		{stmt("Deny", "ecs:RunInstances", `{"StringNotEqualsIgnoreCase":{"ecs:ImageOwnerId":"12*"}}`), "", "wildcard:write StringNotLike"},
		{stmt("Deny", "ecs:RunInstances", `{"StringEquals":{"ecs:ImageOwnerId":"${x}"}}`), "", "variable:write the value itself"},
		{stmt("Deny", "ecs:RunInstances", `{"BoolIfExists":{"ecs:PasswordInherit":"true"}}`), "", "unknown-operator:write Bool"},
		{stmt("Deny", "ecs:RunInstances", `{"ForAnyValue:StringEquals":{"ecs:ImageOwnerId":"1"}}`), "", "unknown-operator:write StringEquals"},
		{stmt("Deny", "ecs:RunInstances", `{"Null":{"ecs:PasswordInherit":"true"}}`), "", "unknown-operator:RAM cannot ask"},
		{stmt("Deny", "ecs:RunInstances", `{"ArnNotLike":{"acs:PrincipalARN":"x"}}`), "", "unknown-operator:write StringNotLike"},
		{stmt("Deny", "resourcesharing:CreateResourceShare", `{"StringEquals":{"resourcesharing:RequestedResourceType":["snapshot"]}}`), "", `value-case:write "Snapshot"`},
		{`{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:RunInstances","Resource":"acs:ecs:*:*:instance/*"}]}`, "", `resource-scope:write "Resource": "*"`},
		{`{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:ExportImage","NotResource":"acs:ecs:*:*:image/*"}]}`, "", "not-resource:write Resource"},
		{documentB, "", "blocks-repair:exempt the repairing role"},
		{stmt("Deny", "ecs:ExportImage", ""), AsResourceGroup, "scope:grant this policy for the whole account"},
		{`{"Version":"1","Statement":[` + long + `]}`, AsControl, "size:split it"},
		{`{"Version":"1","Statement":[` + long + "," + long + `]}`, AsControl, "size:split it"},
		{`{"Version":"1","Statement":[` + long + "," + long + "," + long + `]}`, "", "size:split it"},
		{"{" + strings.Repeat(" ", 7000) + stmt("Deny", "ecs:ExportImage", "")[1:], "", "size:without white space it has"},
	} {
		var got []string
		ok := c.want == ""
		for _, p := range Lint(parse(t, "x.json", c.text), c.use) {
			got = append(got, p.Code+":"+p.Advice.EN)
			ok = ok || strings.HasPrefix(got[0], c.want)
			if p.Text.ZH == "" || p.Advice.ZH == "" || strings.Contains(p.Text.EN+p.Text.ZH+p.Advice.EN+p.Advice.ZH, "%!") {
				t.Errorf("%+v", p)
			}
		}
		if !ok || (len(got) > 0) != (c.want != "") || len(got) > 1 {
			t.Errorf("%.120s\n got %q\nwant %q", c.text, got, c.want)
		}
	}
}

// TestActionTable compares the table with the published metadata, where it is.
func TestActionTable(t *testing.T) {
	dir := need.Corpus(t, "api-metadata")
	for _, s := range complete {
		files, err := filepath.Glob(filepath.Join(dir, s, "[A-Z]*.json"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %v", s, err)
		}
		for _, f := range files {
			a := s + ":" + strings.TrimSuffix(filepath.Base(f), ".json")
			if k, ok := knownAction(actions(), a); !ok || k != a {
				t.Errorf("%s is missing", a)
			}
		}
	}
	// Whatever the baseline asks is known, and what has PasswordInherit there is in the baseline.
	asked := map[string]bool{}
	for _, s := range Baseline() {
		for _, r := range s.Requests {
			asked[r.Action] = true
			if _, ok := knownAction(actions(), r.Action); !ok {
				t.Errorf("%s asks the unknown %s", s.ID, r.Action)
			}
		}
	}
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(b), `"PasswordInherit"`) {
			if a := filepath.Base(filepath.Dir(name)) + ":" + strings.TrimSuffix(d.Name(), ".json"); !asked[a] {
				t.Errorf("%s takes PasswordInherit and is in no scenario", a)
			}
		}
		return err
	})
}
