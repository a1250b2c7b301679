package account

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
	"assay/internal/need"
	"assay/policy"
)

const me = "1000000000000001"

const (
	admin  = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	readER = `{"Version":"1","Statement":[{"Effect":"Allow","Action":["ecs:Describe*","ecs:List*"],"Resource":"*"}]}`
)

// base is an account in which nothing is wrong.
func base() *cloud.Snapshot {
	return &cloud.Snapshot{Account: me, Taken: "2026-11-22T08:00:00Z", Regions: []string{"cn-beijing", "cn-hangzhou"},
		Encryption: []cloud.Encryption{{Region: "cn-hangzhou", Default: true}},
		Images:     []cloud.Image{{ID: "m-ok", Region: "cn-hangzhou", OS: "linux", Encrypted: true}},
		Snapshots:  []cloud.DiskSnapshot{{ID: "s-ok", Region: "cn-hangzhou"}},
		Shares:     []cloud.ResourceShare{{ID: "rs-net", Region: "cn-hangzhou", Resources: []cloud.ShareEntity{{ID: "vsw-1", Type: "VSwitch"}}, Targets: []cloud.ShareEntity{{ID: "222", Type: "Account"}}}},
		Templates:  []cloud.LaunchTemplate{{ID: "lt-ok", Region: "cn-hangzhou", Default: 1, Latest: 1, Versions: []cloud.TemplateVersion{{Number: 1, Image: "m-ok", KeyPair: "k"}}}},
		Scaling:    []cloud.ScalingConfiguration{{ID: "asc-ok", Region: "cn-hangzhou", State: "Active", KeyPair: "k"}},
		Groups:     []cloud.ProvisioningGroup{{ID: "apg-ok", Region: "cn-hangzhou", Template: "lt-ok", Version: "1"}, {ID: "apg-alone", Region: "cn-hangzhou"}},
		KeyPairs:   []cloud.KeyPair{{Name: "k", Region: "cn-hangzhou", Created: "2026-06-01T00:00Z"}, {Name: "odd", Region: "cn-hangzhou", Created: "long ago"}},
		Tasks:      []cloud.Task{{ID: "t-1", Region: "cn-hangzhou", Action: "ExportImage", Status: "Failed", Resource: "m-ok"}},
		Policies:   []cloud.Policy{{Name: "reader", Type: "Custom", Document: readER}},
		Principals: []cloud.Principal{{Kind: cloud.User, Name: "viewer", ARN: "acs:ram::" + me + ":user/viewer", Policies: []cloud.PolicyRef{{Type: "Custom", Name: "reader"}}},
			{Kind: cloud.User, Name: "nobody", ARN: "acs:ram::" + me + ":user/nobody"}},
		Events: []cloud.Event{
			{ID: "e1", Name: "ExportImage", Region: "cn-hangzhou", Error: "Forbidden.RAM", User: "viewer", Params: map[string]string{"ImageId": "m-ok"}},
			{ID: "e2", Name: "ModifyImageSharePermission", Region: "cn-hangzhou", User: "viewer", Params: map[string]string{"ImageId": "m-ok", "RemoveAccount.1": "222"}},
			{ID: "e3", Name: "CreateResourceShare", Region: "cn-hangzhou", User: "viewer", Params: map[string]string{"Resources.1.ResourceType": "VSwitch"}},
			{ID: "e4", Name: "ReInitDisk", Region: "cn-hangzhou", User: "viewer", Params: map[string]string{"DiskId": "d-1", "hasKeyPairName": "true"}},
			{ID: "e5", Name: "UpdateResourceShare", Region: "cn-hangzhou", UserType: "root-account"},
		}}
}

func grant(s *cloud.Snapshot, kind, name, doc string, refs ...cloud.PolicyRef) {
	s.Policies = append(s.Policies, cloud.Policy{Name: "p-" + name, Type: "Custom", Document: doc})
	s.Principals = append(s.Principals, cloud.Principal{Kind: kind, Name: name, ARN: "acs:ram::" + me + ":" + kind + "/" + name, Policies: append(refs, cloud.PolicyRef{Type: "Custom", Name: "p-" + name})})
}

func instances(n int, i cloud.Instance) (out []cloud.Instance) {
	for range n {
		out = append(out, i)
	}
	return out
}

func event(name string, kv ...string) cloud.Event {
	e := cloud.Event{ID: "x", Name: name, Region: "cn-hangzhou", Time: "2026-11-01T00:00:00Z", User: "bob", UserType: "ram-user", Source: "203.0.113.7", Params: map[string]string{}}
	for i := 0; i < len(kv); i += 2 {
		e.Params[kv[i]] = kv[i+1]
	}
	return e
}

func directory(s *cloud.Snapshot, management string, policies ...string) {
	s.Directory = &cloud.Directory{ID: "rd-1", Management: management, Root: "r-1", Control: true, Readable: true}
	s.Nodes = []cloud.Node{{ID: "r-1", Kind: "root", Policies: append([]string{"Full"}, policies...)}, {ID: "fd-1", Kind: "folder", Parent: "r-1", Policies: []string{"Full"}},
		{ID: me, Kind: "account", Parent: "fd-1", Policies: []string{"Full"}}, {ID: "333", Kind: "account", Parent: "fd-1", Policies: []string{"Full"}}}
	s.ControlDocs = []cloud.ControlPolicy{{ID: "Full", Name: "FullAliyunAccess", Type: "System", Document: policy.Full}}
}

// things are, for each check, snapshots in which it must speak: what they
// change, the severity, and words of the title and the commands.
var things = []struct {
	check  *Check
	change func(*cloud.Snapshot)
	sev    finding.Severity
	words  string // in the English title, then in the commands: "a|b"
}{
	{sharedImages, func(s *cloud.Snapshot) {
		s.Images[0].Shared, s.Images[0].Accounts = true, []cloud.Share{{Account: "222", Since: "2026-01-02T03:04Z"}}
	}, finding.High, "shared with 222 (since 2026-01-02)|--RemoveAccount.1 222"},
	{sharedImages, func(s *cloud.Snapshot) {
		directory(s, "999")
		s.Images[0].Accounts = []cloud.Share{{Account: "222"}, {Account: "333"}}
	}, finding.Critical, "222, 333|--RemoveAccount.2 333"},
	{sharedImages, func(s *cloud.Snapshot) { s.Images[0].Shared = true }, finding.High, "could not be read|DescribeImageSharePermission"},
	{publicImages, func(s *cloud.Snapshot) { s.Images[0].Public = true }, finding.Critical, "is public|--IsPublic false"},
	{shareGroups, func(s *cloud.Snapshot) { s.Images[0].Groups = []string{"g1"} }, finding.High, "share group g1|--RemoveGroup.1 g1"},
	{unencryptedImages, func(s *cloud.Snapshot) { s.Images[0].Encrypted = false }, finding.Low, "1 custom image in cn-hangzhou is not encrypted|CopyImage"},
	{unencryptedImages, func(s *cloud.Snapshot) { s.Images[0].Encrypted, s.Encryption = false, nil }, finding.Low, "not encrypted|EnableDiskEncryptionByDefault"},
	{resourceShares, func(s *cloud.Snapshot) {
		s.Shares[0].Resources = append(s.Shares[0].Resources, cloud.ShareEntity{ID: "s-ok", Type: "Snapshot"})
	}, finding.High, "gives s-ok to 222|--Resources.1.ResourceId s-ok"},
	{resourceShares, func(s *cloud.Snapshot) {
		s.Shares[0].Resources[0] = cloud.ShareEntity{ID: "m-ok", Type: "Image"}
		s.Shares[0].Targets[0].External = true
	}, finding.Critical, "gives m-ok to 222|Disassociate"},
	{resourceShares, func(s *cloud.Snapshot) {
		s.Shares[0].Resources[0].Type, s.Shares[0].Targets = "Snapshot", nil
	}, finding.Medium, "for nobody yet|Disassociate"},
	{externalTargets, func(s *cloud.Snapshot) { s.Shares[0].External = true }, finding.Low, "outside the organisation|--AllowExternalTargets false"},
	{externalTargets, func(s *cloud.Snapshot) { s.Shares[0].External, s.Shares[0].Resources[0].Type = true, "Image" }, finding.High, "outside|false"},
	{sharedSnapshots, func(s *cloud.Snapshot) { s.Snapshots[0].Shared = true }, finding.High, "s-ok in cn-hangzhou is shared|--ResourceId s-ok"},
	{shareHistory, func(s *cloud.Snapshot) {
		s.Events = append(s.Events, event("ModifyImageSharePermission", "ImageId", "m-ok", "AddAccount.1", "222"))
	}, finding.Medium, "by bob on 2026-11-01 from 203.0.113.7, to 222|LookupEvents"},
	{shareHistory, func(s *cloud.Snapshot) {
		s.Events = append(s.Events, event("AssociateResourceShare", "ResourceShareId", "rs-1", "Resources.1.ResourceType", "Snapshot"))
	}, finding.Medium, "AssociateResourceShare on rs-1|LookupEvents"},
	{exports, func(s *cloud.Snapshot) {
		s.Events = append(s.Events, event("ExportImage", "ImageId", "m-ok", "OSSBucket", "bkt"), event("ExportImage", "ImageId", "m-ok", "OSSBucket", "bkt"))
	}, finding.High, "m-ok was exported from cn-hangzhou, by bob on 2026-11-01 from 203.0.113.7, 2 times, to the bucket bkt|oss://bkt"},
	{exports, func(s *cloud.Snapshot) { s.Tasks[0].Status, s.Tasks[0].Resource = "Finished", "m-gone" }, finding.High, "m-gone: export task t-1|DescribeTaskAttribute"},
	{rootCalls, func(s *cloud.Snapshot) {
		e := event("ExportImage", "ImageId", "m-ok")
		e.UserType = "root-account"
		s.Events = append(s.Events, e)
	}, finding.Medium, "by root|LookupEvents"},
	{replication, func(s *cloud.Snapshot) {
		s.Events = append(s.Events, event("CreateDiskReplicaPair", "DiskId", "d-9"))
	}, finding.Low, "CreateDiskReplicaPair on d-9|LookupEvents"},
	{managementAccount, func(s *cloud.Snapshot) { directory(s, me) }, finding.Medium, "holds 1 custom image|policy attach"},
	{launches, func(s *cloud.Snapshot) {
		e := event("RunInstances", "ImageId", "m-ok", "PasswordInherit", "true")
		e.Resource = []string{"i-1", "i-2"}
		s.Events = append(s.Events, e)
	}, finding.High, "PasswordInherit=true in cn-hangzhou, by bob on 2026-11-01 from 203.0.113.7: i-1, i-2|assay fix ecs://cn-hangzhou/i-1"},
	{reinitDisk, func(s *cloud.Snapshot) { s.Events = append(s.Events, event("ReInitDisk", "DiskId", "d-2")) }, finding.Low, "ReInitDisk on d-2|LookupEvents"},
	{launchTemplates, func(s *cloud.Snapshot) { s.Templates[0].Versions[0].Inherit = true }, finding.High, "version 1 (the default version), has PasswordInherit=true|CreateLaunchTemplateVersion"},
	{launchTemplates, func(s *cloud.Snapshot) {
		s.Templates[0].Latest, s.Templates[0].Versions = 9, append(s.Templates[0].Versions, cloud.TemplateVersion{Number: 5, Inherit: true})
	}, finding.Medium, "version 5 (an older|--DeleteVersion.1 5"},
	{scalingConfigurations, func(s *cloud.Snapshot) { s.Scaling[0].Inherit = true }, finding.High, "asc-ok in cn-hangzhou|--PasswordInherit false"},
	{scalingConfigurations, func(s *cloud.Snapshot) { s.Scaling[0].Inherit, s.Scaling[0].State = true, "Inactive" }, finding.Medium, "asc-ok|--KeyPairName"},
	{provisioningGroups, func(s *cloud.Snapshot) { s.Templates[0].Versions[0].Inherit = true }, finding.High, "apg-ok in cn-hangzhou launches from lt-ok version 1|DeleteAutoProvisioningGroup"},
	{noKeyPair, func(s *cloud.Snapshot) {
		s.Instances = instances(3, cloud.Instance{ID: "i-1", Region: "cn-hangzhou", Image: "m-ok", OS: "linux"})
	}, finding.Medium, "3 Linux instances in cn-hangzhou from image m-ok have no key pair|AttachKeyPair"},
	{noKeyPair, func(s *cloud.Snapshot) {
		s.Instances = instances(1, cloud.Instance{ID: "i-1", Region: "cn-beijing", Image: "m-ok", OS: "linux"}) // an image of that name elsewhere
	}, finding.Medium, "1 Linux instance in cn-beijing from image m-ok has no key pair|AttachKeyPair"},
	{keySpread, func(s *cloud.Snapshot) {
		s.Instances = instances(spread+1, cloud.Instance{ID: "i-1", Region: "cn-hangzhou", KeyPair: "k"})
	}, finding.Low, "opens 21 instances|assay fix"},
	{keySpread, func(s *cloud.Snapshot) {
		s.Instances = instances(wide+1, cloud.Instance{ID: "i-1", Region: "cn-hangzhou", KeyPair: "k"})
	}, finding.Medium, "opens 101 instances|assay fix"},
	{keyAge, func(s *cloud.Snapshot) { s.KeyPairs[0].Created = "2024-11-22T08:00Z" }, finding.Low, "k in cn-hangzhou is 730 days old|DeleteKeyPairs"},
	{keyAge, func(s *cloud.Snapshot) {
		s.KeyPairs[0].Created, s.Instances = "2024-11-22T08:00Z", instances(1, cloud.Instance{ID: "i-7", Region: "cn-hangzhou", KeyPair: "k"})
	}, finding.Low, "opens 1 instance|assay fix ecs://cn-hangzhou/i-7"},
	{inspectImages, func(s *cloud.Snapshot) { s.Images[0].InUse = true }, finding.Low, "1 custom image is in use|assay inspect"},
	{canShare, func(s *cloud.Snapshot) { grant(s, cloud.User, "root2", admin) }, finding.Medium, "user/root2 may carry disks out: ExportImage|--target user/root2"},
	{canShare, func(s *cloud.Snapshot) { grant(s, cloud.Group, "ops", admin) }, finding.Medium, "group/ops may carry|--target group/ops"},
	{canShare, func(s *cloud.Snapshot) {
		grant(s, cloud.Group, "ops", admin)
		s.Principals = s.Principals[len(s.Principals)-1:]
		s.Principals = append(s.Principals, cloud.Principal{Kind: cloud.User, Name: "x", ARN: "acs:ram::" + me + ":user/x", Groups: []string{"ops"}})
	}, finding.Medium, "group/ops may carry|--target group/ops"},
	{openPaths, func(s *cloud.Snapshot) { grant(s, cloud.Role, "deploy", admin) }, finding.High, "Open: RunInstances with the image's password, for 1 of 3|--target role/deploy"},
	{openPaths, func(s *cloud.Snapshot) { directory(s, me) }, finding.High, "Open: RunInstances with the image's password, for 1 of 3|--scope enterprise --target r-1"},
	{policyDocuments, func(s *cloud.Snapshot) {
		s.Policies[0].Document = `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:RunInstances","Resource":"*","Condition":{"Bool":{"ecs:PasswordInherit":["yes"]}}}]}`
	}, finding.Medium, "Policy reader: |"},
}

func play(t *testing.T, s *cloud.Snapshot, k *Check) (fs []finding.Finding, gaps []finding.Gap) {
	t.Helper()
	err := check.Run(context.Background(), s, []*Check{k}, check.Options{Report: func(f finding.Finding) { fs = append(fs, f) }, Gap: func(g finding.Gap) { gaps = append(gaps, g) }})
	if err != nil {
		t.Fatal(err)
	}
	return fs, gaps
}

func TestThings(t *testing.T) {
	tried := map[string]bool{}
	for _, x := range things {
		tried[x.check.ID] = true
		s := base()
		x.change(s)
		fs, gaps := play(t, s, x.check)
		title, commands, _ := strings.Cut(x.words, "|")
		var hit *finding.Finding
		for i, f := range fs {
			if strings.Contains(f.Title.EN, title) && strings.Contains(strings.Join(f.Fix.Commands, "\n"), commands) {
				hit = &fs[i]
			}
			if f.Where.Path == "" || f.Title.ZH == "" || f.Fix.Title.ZH == "" || strings.Contains(f.Title.EN+f.Title.ZH, "%!") || len(f.Rows) == 0 {
				t.Errorf("%s: incomplete: %+v", x.check.ID, f)
			}
		}
		switch {
		case len(gaps) > 0:
			t.Errorf("%s: gaps %+v", x.check.ID, gaps)
		case hit == nil:
			t.Errorf("%s: want %q, got %+v", x.check.ID, x.words, fs)
		case hit.Severity != x.sev:
			t.Errorf("%s: %s is %s, want %s", x.check.ID, hit.Title.EN, hit.Severity, x.sev)
		}
	}
	for _, k := range All {
		if !tried[k.ID] {
			t.Errorf("%s is never seen to speak", k.ID)
		}
	}
}

// TestDecoys holds every check silent over an account in which nothing is
// wrong, although there is something of every kind.
func TestDecoys(t *testing.T) {
	s := base()
	s.Shares[0].Resources = append(s.Shares[0].Resources, cloud.ShareEntity{ID: "rt-1", Type: "RouteTable"})
	s.Instances = append(instances(spread, cloud.Instance{ID: "i-1", Region: "cn-hangzhou", Image: "m-public", OS: "linux", KeyPair: "k"}),
		cloud.Instance{ID: "i-2", Region: "cn-hangzhou", Image: "ubuntu_22_04_x64.vhd", OS: "linux"},
		cloud.Instance{ID: "i-3", Region: "cn-hangzhou", Image: "m-else", OS: "windows"}, // key pairs do not apply
	)
	for _, k := range All {
		fs, gaps := play(t, s, k)
		if len(fs)+len(gaps) > 0 {
			t.Errorf("%s: %+v %+v", k.ID, fs, gaps)
		}
	}
}

func TestEmptySnapshot(t *testing.T) {
	for _, k := range All {
		if fs, gaps := play(t, &cloud.Snapshot{}, k); len(fs)+len(gaps) > 0 {
			t.Errorf("%s speaks of nothing: %+v %+v", k.ID, fs, gaps)
		}
	}
}

// TestDenialsClose: what policy attach binds silences the checks of policies.
func TestDenialsClose(t *testing.T) {
	ws, err := policy.Write(policy.Strict, policy.ForUser, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := base()
	grant(s, cloud.User, "boss", admin)
	s.Policies = append(s.Policies, cloud.Policy{Name: "deny", Type: "Custom", Document: ws[0].Text})
	deny := cloud.PolicyRef{Type: "Custom", Name: "deny"}
	boss := &s.Principals[len(s.Principals)-1]
	for _, k := range []*Check{canShare, openPaths} {
		if fs, _ := play(t, s, k); len(fs) == 0 {
			t.Errorf("%s: silent without the denial", k.ID)
		}
	}
	own := boss.Policies
	boss.Policies = append([]cloud.PolicyRef{deny}, own...)
	for _, k := range []*Check{canShare, openPaths} {
		if fs, _ := play(t, s, k); len(fs) > 0 {
			t.Errorf("%s: speaks with the denial: %s", k.ID, fs[0].Title.EN)
		}
	}
	deny.ResourceGroup = "rg-1" // a denial in a resource group is not reached
	boss.Policies = append([]cloud.PolicyRef{deny}, own...)
	if fs, _ := play(t, s, canShare); len(fs) == 0 {
		t.Error("a denial bound to a resource group must not count where the account allows")
	}

	s = base()
	s.Policies, s.Principals = nil, nil
	directory(s, me, "deny")
	ws, _ = policy.Write(policy.Strict, policy.Enterprise, nil)
	s.ControlDocs = append(s.ControlDocs, cloud.ControlPolicy{ID: "deny", Name: "deny", Type: "Custom", Document: ws[0].Text})
	if fs, _ := play(t, s, openPaths); len(fs) > 0 {
		t.Errorf("control policies at Root must close the members' paths: %s", fs[0].Title.EN)
	}
	grant(s, cloud.User, "boss", admin) // of the management account: not reached
	if fs, _ := play(t, s, openPaths); len(fs) == 0 {
		t.Error("control policies must not count in the management account")
	}
	s.Directory.Control = false
	s.Principals = nil
	if fs, _ := play(t, s, openPaths); len(fs) == 0 {
		t.Error("control policies that are not enabled must not count")
	}
}

func TestUnreadPoliciesAreGaps(t *testing.T) {
	s := base()
	s.Principals[0].Policies = append(s.Principals[0].Policies, cloud.PolicyRef{Type: "Custom", Name: "lost"})
	s.Policies = append(s.Policies, cloud.Policy{Name: "odd", Type: "Custom", Document: "{"}, cloud.Policy{Name: "new", Type: "System", Document: `{"Version":"2","Statement":[]}`})
	if _, gaps := play(t, s, policyDocuments); len(gaps) != 3 {
		t.Errorf("want three gaps, got %+v", gaps)
	}
	if fs, gaps := play(t, s, openPaths); len(fs)+len(gaps) != 0 {
		t.Errorf("what is not understood must not stop the others: %+v %+v", fs, gaps)
	}
}

func TestRecipientsAreInTheID(t *testing.T) {
	id := func(accounts ...string) string {
		s := base()
		for _, a := range accounts {
			s.Images[0].Accounts = append(s.Images[0].Accounts, cloud.Share{Account: a})
		}
		fs, _ := play(t, s, sharedImages)
		return fs[0].ID
	}
	if id("1", "2") != id("2", "1") || id("1") == id("1", "2") {
		t.Error("a new recipient must be a new finding, another order must not")
	}
}

func TestCommandsQuoteNames(t *testing.T) {
	s := base()
	s.KeyPairs[0].Name, s.KeyPairs[0].Created = `k'; rm -rf "$HOME"`, "2020-01-01T00:00Z"
	fs, _ := play(t, s, keyAge)
	if c := fs[0].Fix.Commands[0]; !strings.HasSuffix(c, `'["k'\''; rm -rf "$HOME""]'`) {
		t.Error(c)
	}
}

func TestCatalogue(t *testing.T) {
	if err := check.Validate(All); err != nil {
		t.Error(err)
	}
	listed := map[string]bool{}
	for _, k := range All {
		listed[k.ID] = true
	}
	for _, s := range policy.Baseline() {
		if s.Watch != "" && !listed[s.Watch] {
			t.Errorf("the baseline's %s is watched by %s, which does not exist", s.ID, s.Watch)
		}
	}
	declared := 0
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				if v := s.(*ast.ValueSpec); len(v.Values) == 1 {
					if u, ok := v.Values[0].(*ast.UnaryExpr); ok {
						if c, ok := u.X.(*ast.CompositeLit); ok {
							if id, ok := c.Type.(*ast.Ident); ok && id.Name == "Check" {
								declared++
							}
						}
					}
				}
			}
		}
	}
	if declared != len(All) {
		t.Errorf("%d checks are declared, %d listed in All", declared, len(All))
	}
}

// TestManyPrincipals: an account with as many users as RAM allows is judged in
// seconds.
func TestManyPrincipals(t *testing.T) {
	s := base()
	grant(s, cloud.Group, "ops", admin)
	for i := range 5000 {
		name := fmt.Sprint("u", i)
		s.Principals = append(s.Principals, cloud.Principal{Kind: cloud.User, Name: name, ARN: "acs:ram::" + me + ":user/" + name, Groups: []string{"ops"}})
	}
	start := need.CPU()
	fs, _ := play(t, s, canShare)
	if len(fs) != 5001 {
		t.Errorf("%d findings", len(fs))
	}
	if fs, _ = play(t, s, openPaths); len(fs) == 0 || len(fs[0].Places) > maxPlaces {
		t.Errorf("%d findings", len(fs))
	}
	if d := need.CPU() - start; d > time.Minute {
		t.Errorf("it took %s", d)
	} else {
		t.Log(d)
	}
}
