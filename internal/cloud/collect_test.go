package cloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/finding"
	"assay/internal/cloud"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// answers are recorded answers, by "product:Action" and, if that varies, by a
// parameter: "ecs:DescribeImages cn-hangzhou 2". What is not there is {}.
type answers map[string]string

func (a answers) Call(_ context.Context, r cloud.Request) (json.RawMessage, error) {
	name := r.Product + ":" + r.Action
	page := r.Params["PageNumber"] + r.Params["NextToken"] + r.Params["Marker"]
	for _, extra := range []string{r.Params["ParentFolderId"], r.Params["PolicyType"], r.Params["AssociationType"], r.Params["LookupAttribute.1.Value"], ""} {
		for _, key := range []string{name + " " + r.Region + " " + extra + " " + page, name + " " + r.Region + " " + extra, name + " " + extra, name} {
			text, ok := a[strings.Join(strings.Fields(key), " ")]
			if !ok {
				continue
			}
			if code, denied := strings.CutPrefix(text, "!"); denied {
				return nil, &cloud.Error{Product: r.Product, Action: r.Action, Region: r.Region, Status: 403, Code: code, Message: "no", Denied: strings.HasPrefix(code, "Forbidden")}
			}
			return json.RawMessage(text), nil
		}
	}
	return json.RawMessage("{}"), nil
}

// recorded are answers in the shapes of the API reference: old ones that wrap
// lists, new ones that do not, numbers and booleans written as strings.
var recorded = answers{
	"sts:GetCallerIdentity":                   `{"AccountId":"1000000000000001","Arn":"acs:ram::1000000000000001:user/audit","IdentityType":"RAMUser"}`,
	"ecs:DescribeRegions":                     `{"Regions":{"Region":[{"RegionId":"cn-hangzhou"},{"RegionId":"cn-beijing"}]}}`,
	"ecs:DescribeImages cn-hangzhou":          `{"TotalCount":101,"PageNumber":1,"Images":{"Image":[{"ImageId":"m-1","ImageName":"web","IsSelfShared":"True","OSType":"linux","Usage":"instance","DiskDeviceMappings":{"DiskDeviceMapping":[{"Encrypted":true},{"Encrypted":"false"}]}}` + strings.Repeat(`,{"ImageId":"m-x"}`, 99) + `]}}`,
	"ecs:DescribeImages cn-hangzhou 2":        `{"TotalCount":"101","PageNumber":2,"Images":{"Image":[{"ImageId":"m-2","IsPublic":true,"DiskDeviceMappings":{"DiskDeviceMapping":[{"Encrypted":true}]}}]}}`,
	"ecs:DescribeImages cn-beijing":           `!Forbidden.RAM`,
	"ecs:DescribeImageSharePermission":        `{"Accounts":{"Account":[{"AliyunId":"222","SharedTime":"2026-01-02T03:04Z"},{"AliyunId":333}]},"ShareGroups":{"ShareGroup":[{"Group":"g1"}]},"TotalCount":2}`,
	"ecs:DescribeSnapshots cn-hangzhou":       `{"NextToken":"t2","Snapshots":{"Snapshot":[{"SnapshotId":"s-1","Encrypted":true,"KMSKeyId":"k","Tags":{"Tag":[{"TagKey":"acs:ecs:isShared","TagValue":"true"}]}}]}}`,
	"ecs:DescribeSnapshots cn-hangzhou t2":    `{"NextToken":"","Snapshots":{"Snapshot":[{"SnapshotId":"s-2","Tags":{"Tag":[{"Key":"acs:ecs:sharedFrom","Value":"999"}]}}]}}`,
	"ecs:DescribeInstances cn-hangzhou":       `{"Instances":{"Instance":[{"InstanceId":"i-1","ImageId":"m-1","KeyPairName":"","OSType":"linux"}]}}`,
	"ecs:DescribeKeyPairs cn-hangzhou":        `{"TotalCount":1,"KeyPairs":{"KeyPair":[{"KeyPairName":"ops","KeyPairFingerPrint":"ab","CreationTime":"2020-01-01T00:00Z"}]}}`,
	"ecs:DescribeLaunchTemplates cn-hangzhou": `{"TotalCount":1,"LaunchTemplateSets":{"LaunchTemplateSet":[{"LaunchTemplateId":"lt-1","LaunchTemplateName":"web","DefaultVersionNumber":2,"LatestVersionNumber":3}]}}`,
	"ecs:DescribeLaunchTemplateVersions": `{"TotalCount":4,"LaunchTemplateVersionSets":{"LaunchTemplateVersionSet":[{"VersionNumber":0,"LaunchTemplateData":{}},
		{"VersionNumber":1,"LaunchTemplateData":{"PasswordInherit":true}},{"VersionNumber":2,"LaunchTemplateData":{"ImageId":"m-1","KeyPairName":"ops"}},{"VersionNumber":3,"LaunchTemplateData":{"PasswordInherit":false}}]}}`,
	"ecs:DescribeAutoProvisioningGroups cn-hangzhou":                     `{"AutoProvisioningGroups":{"AutoProvisioningGroup":[{"AutoProvisioningGroupId":"apg-1","LaunchTemplateId":"lt-1","LaunchTemplateVersion":"1","State":"active"}]}}`,
	"ecs:DescribeTasks cn-hangzhou":                                      `{"TaskSet":{"Task":[{"TaskId":"t-1","TaskAction":"ExportImage","TaskStatus":"Finished","ResourceId":"m-1"}]}}`,
	"ecs:DescribeDiskEncryptionByDefaultStatus":                          `{"Encrypted":true}`,
	"ess:DescribeScalingConfigurations cn-hangzhou":                      `{"ScalingConfigurations":[{"ScalingConfigurationId":"asc-1","PasswordInherit":true,"LifecycleState":"Active","ImageId":"m-1"}]}`,
	"resourcesharing:ListResourceShares cn-hangzhou":                     `{"ResourceShares":[{"ResourceShareId":"rs-1","ResourceShareName":"x","AllowExternalTargets":true},{"ResourceShareId":"rs-2","ResourceShareStatus":"Deleted"}]}`,
	"resourcesharing:ListResourceShareAssociations cn-hangzhou Resource": `{"ResourceShareAssociations":[{"ResourceShareId":"rs-1","EntityId":"s-1","EntityType":"Snapshot"},{"ResourceShareId":"rs-1","EntityId":"s-9","EntityType":"Snapshot","AssociationStatus":"Disassociated"},{"ResourceShareId":"rs-other","EntityId":"s-8"}]}`,
	"resourcesharing:ListResourceShareAssociations cn-hangzhou Target":   `{"ResourceShareAssociations":{"ResourceShareAssociation":[{"ResourceShareId":"rs-1","EntityId":"222","EntityType":"Account","External":true,"CreateTime":"2026-03-04T00:00:00.000Z"}]}}`,
	"ram:ListUsers":             `{"IsTruncated":true,"Marker":"m2","Users":{"User":[{"UserName":"alice"}]}}`,
	"ram:ListUsers m2":          `{"IsTruncated":false,"Users":{"User":[{"UserName":"bob"}]}}`,
	"ram:ListGroups":            `{"Groups":{"Group":[{"GroupName":"ops"}]}}`,
	"ram:ListUsersForGroup":     `{"Users":{"User":[{"UserName":"bob"},{"UserName":"ghost"}]}}`,
	"ram:ListRoles":             `{"Roles":{"Role":[{"RoleName":"Deploy","Arn":"acs:ram::1000000000000001:role/deploy"},{"RoleName":"AliyunServiceRoleForAutoScaling"}]}}`,
	"ram:ListPolicies":          `{"Policies":{"Policy":[{"PolicyName":"p1","PolicyType":"Custom","AttachmentCount":2},{"PolicyName":"unused","PolicyType":"Custom","AttachmentCount":0}]}}`,
	"ram:GetPolicy":             `{"Policy":{"PolicyName":"p1"},"DefaultPolicyVersion":{"VersionId":"v3","PolicyDocument":"{}"}}`,
	"ram:ListEntitiesForPolicy": `{"Users":{"User":[{"UserName":"alice"}]},"Groups":{"Group":[{"GroupName":"ops"}]},"Roles":{"Role":[{"RoleName":"Deploy"}]}}`,
	"resourcemanager:ListPolicyAttachments": `{"TotalCount":2,"PolicyAttachments":{"PolicyAttachment":[{"PolicyName":"p2","PolicyType":"Custom","PrincipalName":"bob@1000000000000001.onaliyun.com","PrincipalType":"IMSUser","ResourceGroupId":"rg-1"},
		{"PolicyName":"p1","PolicyType":"Custom","PrincipalName":"alice@1000000000000001.onaliyun.com","PrincipalType":"IMSUser","ResourceGroupId":"1000000000000001"}]}}`,
	"resourcemanager:GetResourceDirectory":                  `{"ResourceDirectory":{"ResourceDirectoryId":"rd-1","MasterAccountId":"1000000000000001","RootFolderId":"r-1","ScpStatus":"Enabled"}}`,
	"resourcemanager:ListFoldersForParent r-1":              `{"TotalCount":2,"Folders":{"Folder":[{"FolderId":"fd-1","FolderName":"prod"},{"FolderId":"r-1","FolderName":"loop"}]}}`,
	"resourcemanager:ListFoldersForParent fd-1":             `{"TotalCount":1,"Folders":{"Folder":[{"FolderId":"fd-1","FolderName":"itself"}]}}`,
	"resourcemanager:ListAccountsForParent fd-1":            `{"TotalCount":1,"Accounts":{"Account":[{"AccountId":"333","DisplayName":"web"}]}}`,
	"resourcemanager:ListControlPolicies System":            `{"TotalCount":1,"ControlPolicies":{"ControlPolicy":[{"PolicyId":"FullAliyunAccess","PolicyName":"FullAliyunAccess","PolicyType":"System"}]}}`,
	"resourcemanager:ListTargetAttachmentsForControlPolicy": `{"TotalCount":2,"TargetAttachments":{"TargetAttachment":[{"TargetId":"r-1"},{"TargetId":"333"}]}}`,
	"resourcemanager:GetControlPolicy":                      `{"ControlPolicy":{"PolicyDocument":"{}"}}`,
	"actiontrail:LookupEvents cn-hangzhou RunInstances": `{"Events":[{"eventId":"e1","eventName":"RunInstances","eventTime":"2026-11-01T00:00:00Z","userIdentity":{"type":"ram-user","userName":"bob"},"requestParameters":{"PasswordInherit":true,"Password":"S3cret!","ImageId":"m-1","UserData":"c2VjcmV0"},"referencedResources":{"ACS::ECS::Instance":["i-1"]}},
		{"eventId":"e2","eventName":"RunInstances","requestParameters":{"ImageId":"m-1"}},
		{"eventId":"e3","eventName":"RunInstances","requestParameterJson":"{\"PasswordInherit\":\"true\"}","requestParameters":"{}","resourceName":"i-2;i-3"}]}`,
	"actiontrail:LookupEvents cn-hangzhou ExportImage": `{"Events":[{"eventId":"e4","eventName":"ExportImage","errorCode":"Forbidden.RAM","requestParameters":{"ImageId":"m-1","OSSBucket":"b"}}]}`,
}

func collect(t *testing.T, c cloud.Caller, o cloud.Options) *cloud.Snapshot {
	t.Helper()
	o.Now = now
	s, err := cloud.Collect(context.Background(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCollect(t *testing.T) {
	s := collect(t, recorded, cloud.Options{TrailDays: 400})
	js := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	for _, x := range []struct {
		name string
		got  any
		want string
	}{
		{"who", []any{s.Account, s.Regions, s.TrailDays, s.Taken}, `["1000000000000001",["cn-beijing","cn-hangzhou"],90,"2026-11-22T08:00:00Z"]`},
		{"shared image", s.Images[0], `{"id":"m-1","region":"cn-hangzhou","name":"web","os":"linux","shared":true,"in_use":true,"accounts":[{"account":"222","since":"2026-01-02T03:04Z"},{"account":"333"}],"groups":["g1"]}`},
		{"public image", s.Images[1], `{"id":"m-2","region":"cn-hangzhou","public":true,"encrypted":true}`},
		{"snapshots", s.Snapshots, `[{"id":"s-1","region":"cn-hangzhou","encrypted":true,"key":"k","shared":true},{"id":"s-2","region":"cn-hangzhou","from":"999"}]`},
		{"templates", s.Templates, `[{"id":"lt-1","region":"cn-hangzhou","name":"web","default":2,"latest":3,"versions":[{"number":1,"inherit":true},{"number":2,"image":"m-1","key_pair":"ops"},{"number":3}]}]`},
		{"groups", s.Groups, `[{"id":"apg-1","region":"cn-hangzhou","template":"lt-1","version":"1","state":"active"}]`},
		{"scaling", s.Scaling, `[{"id":"asc-1","region":"cn-hangzhou","image":"m-1","state":"Active","inherit":true}]`},
		{"shares", s.Shares, `[{"id":"rs-1","region":"cn-hangzhou","name":"x","external":true,"resources":[{"id":"s-1","type":"Snapshot"}],"targets":[{"id":"222","type":"Account","since":"2026-03-04T00:00:00.000Z","external":true}]}]`},
		{"tasks", s.Tasks, `[{"id":"t-1","region":"cn-hangzhou","action":"ExportImage","status":"Finished","resource":"m-1"}]`},
		{"principals", s.Principals, `[{"kind":"group","name":"ops","arn":"acs:ram::1000000000000001:group/ops","policies":[{"type":"Custom","name":"p1"}]},` +
			`{"kind":"role","name":"AliyunServiceRoleForAutoScaling","arn":"acs:ram::1000000000000001:role/aliyunserviceroleforautoscaling"},` +
			`{"kind":"role","name":"Deploy","arn":"acs:ram::1000000000000001:role/deploy","policies":[{"type":"Custom","name":"p1"}]},` +
			`{"kind":"user","name":"alice","arn":"acs:ram::1000000000000001:user/alice","policies":[{"type":"Custom","name":"p1"}]},` +
			`{"kind":"user","name":"bob","arn":"acs:ram::1000000000000001:user/bob","groups":["ops"],"policies":[{"type":"Custom","name":"p2","resource_group":"rg-1"}]}]`},
		{"policies", s.Policies, `[{"name":"p1","type":"Custom","version":"v3","document":"{}"},{"name":"p2","type":"Custom","version":"v3","document":"{}"}]`},
		{"directory", s.Directory, `{"id":"rd-1","management":"1000000000000001","root":"r-1","control":true,"readable":true}`},
		{"nodes", s.Nodes, `[{"id":"333","kind":"account","name":"web","parent":"fd-1","policies":["FullAliyunAccess"]},{"id":"fd-1","kind":"folder","name":"prod","parent":"r-1"},{"id":"r-1","kind":"root","name":"Root","policies":["FullAliyunAccess"]}]`},
	} {
		if got := js(x.got); got != x.want {
			t.Errorf("%s:\n got %s\nwant %s", x.name, got, x.want)
		}
	}
	if len(s.Images) != 101 || len(s.Encryption) != 2 {
		t.Errorf("%d images, %d regions with an encryption status", len(s.Images), len(s.Encryption))
	}
	events := js(s.Events)
	if len(s.Events) != 3 || !strings.Contains(events, `"hasPassword":"true"`) || !strings.Contains(events, `"i-2","i-3"`) {
		t.Errorf("events: %s", events)
	}
	var saved bytes.Buffer
	if err := s.Save(&saved); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(saved.String(), "S3cret") || strings.Contains(saved.String(), "c2VjcmV0") {
		t.Error("a secret of a request is kept")
	}
	if len(s.Gaps) != 1 || s.Gaps[0].Where != (finding.Where{Volume: "cn-beijing", Path: "ecs:DescribeImages"}) || !strings.Contains(s.Gaps[0].Detail, "the permission ecs:DescribeImages is missing") {
		t.Errorf("gaps: %+v", s.Gaps)
	}
}

// TestOrder: however the answers arrive, the snapshot is the same.
func TestOrder(t *testing.T) {
	a, b := collect(t, recorded, cloud.Options{Parallel: 1, TrailDays: 1}), collect(t, recorded, cloud.Options{Parallel: 32, TrailDays: 1})
	if !reflect.DeepEqual(a, b) {
		t.Error("two runs differ")
	}
}

// TestEverythingRefused: each refusal is one gap, whatever the number of
// regions, and the rest is read.
func TestEverythingRefused(t *testing.T) {
	for _, api := range cloud.Reads() {
		name := api.Product + ":" + api.Action
		if name == "sts:GetCallerIdentity" || name == "ecs:DescribeRegions" {
			continue
		}
		denied := answers{}
		for k, v := range recorded {
			if k != name && !strings.HasPrefix(k, name+" ") && k != "ecs:DescribeImages cn-beijing" {
				denied[k] = v
			}
		}
		denied[name] = "!Forbidden.RAM"
		s := collect(t, denied, cloud.Options{TrailDays: 1})
		if len(s.Gaps) != 1 || s.Gaps[0].Where.Path != name {
			t.Errorf("%s refused: gaps %+v", name, s.Gaps)
		}
		if s.Gaps[0].ID == "" || s.Gaps[0].Title.ZH == "" {
			t.Errorf("%s: %+v", name, s.Gaps[0])
		}
	}
}

func TestNothingWithoutAnAccount(t *testing.T) {
	for _, name := range []string{"sts:GetCallerIdentity", "ecs:DescribeRegions"} {
		_, err := cloud.Collect(context.Background(), answers{"sts:GetCallerIdentity": recorded["sts:GetCallerIdentity"], name: "!InvalidAccessKeyId.NotFound"}, cloud.Options{Now: now})
		var e *cloud.Error
		if !errors.As(err, &e) {
			t.Errorf("%s refused: %v", name, err)
		}
	}
	if _, err := cloud.Collect(context.Background(), answers{}, cloud.Options{Now: now}); err == nil {
		t.Error("an answer without an account must be an error")
	}
}

// TestHostileAnswers: lists without end, tokens that come back, answers of
// other shapes. Each is a gap, none a hang or a panic.
func TestHostileAnswers(t *testing.T) {
	for name, text := range map[string]string{
		"a token that loops":          `{"NextToken":"again","Snapshots":{"Snapshot":[{"SnapshotId":"s-1"}]}}`,
		"no object":                   `[]`,
		"truncated":                   `{"Snapshots":{"Snapshot":[`,
		"a list that is none":         `{"Snapshots":{"Snapshot":"x"}}`,
		"an entry of another shape":   `{"Snapshots":{"Snapshot":[{"SnapshotId":{"deep":[1]}}]}}`,
		"a boolean that is none":      `{"Snapshots":{"Snapshot":[{"Encrypted":"perhaps"}]}}`,
		"a count that is no number":   `{"TotalCount":"many","Snapshots":{"Snapshot":[]}}`,
		"a list where text should be": `{"NextToken":[],"Snapshots":{"Snapshot":[]}}`,
	} {
		a := answers{"sts:GetCallerIdentity": recorded["sts:GetCallerIdentity"], "ecs:DescribeSnapshots": text}
		s := collect(t, a, cloud.Options{Regions: []string{"cn-hangzhou"}})
		if len(s.Gaps) != 1 || s.Gaps[0].Where.Path != "ecs:DescribeSnapshots" {
			t.Errorf("%s: gaps %+v", name, s.Gaps)
		}
	}
	n := 0
	endless := cloud.CallerFunc(func(_ context.Context, r cloud.Request) (json.RawMessage, error) {
		if r.Action == "GetCallerIdentity" {
			return json.RawMessage(recorded["sts:GetCallerIdentity"]), nil
		}
		if r.Action != "DescribeSnapshots" {
			return json.RawMessage(`{}`), nil
		}
		n++
		return json.RawMessage(fmt.Sprintf(`{"NextToken":"%d","Snapshots":{"Snapshot":[]}}`, n)), nil
	})
	if s := collect(t, endless, cloud.Options{Regions: []string{"cn-hangzhou"}, Parallel: 1}); len(s.Gaps) != 1 || !strings.Contains(s.Gaps[0].Detail, "no end after 0 entries") {
		t.Errorf("an endless list: %+v", s.Gaps)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var once sync.Once
	c := cloud.CallerFunc(func(ctx context.Context, r cloud.Request) (json.RawMessage, error) {
		if r.Action == "DescribeSnapshots" {
			once.Do(cancel)
			return nil, ctx.Err()
		}
		return recorded.Call(ctx, r)
	})
	if s, err := cloud.Collect(ctx, c, cloud.Options{Now: now}); s != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", s, err)
	}
}

func TestProgressEnds(t *testing.T) {
	last, of := 0, 0
	collect(t, recorded, cloud.Options{Progress: func(done, total int) {
		if done != last+1 {
			t.Errorf("%d after %d", done, last)
		}
		last, of = done, total
	}})
	if last == 0 || last != of {
		t.Errorf("%d of %d", last, of)
	}
}

func TestSaveLoad(t *testing.T) {
	s := collect(t, recorded, cloud.Options{TrailDays: 7})
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		t.Fatal(err)
	}
	got, err := cloud.Load(bytes.NewReader(b.Bytes()))
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Fatalf("%v\n got %+v\nwant %+v", err, got, s)
	}
	var whole cloud.Snapshot // any JSON reader reads it
	if err := json.Unmarshal(b.Bytes(), &whole); err != nil || !reflect.DeepEqual(&whole, s) {
		t.Errorf("as one document: %v", err)
	}
	text := b.String()
	for name, bad := range map[string]string{
		"cut in the middle":  text[:len(text)/2],
		"cut before the end": strings.TrimSuffix(strings.TrimSpace(text), "}"),
		"another format":     strings.Replace(text, `"format": 1`, `"format": 2`, 1),
		"an unknown member":  strings.Replace(text, `"images"`, `"pictures"`, 1),
		"a member twice":     strings.Replace(text, `"images"`, `"snapshots"`, 1),
		"a member missing":   strings.Replace(text, `"calls": `, `"caller": `, 1),
		"no account":         strings.Replace(text, `"account": "1000000000000001"`, `"account": ""`, 1),
		"another shape":      strings.Replace(text, `"images": [`, `"images": 3, "x": [`, 1),
		"nothing":            "",
		"something else":     `{"config":{}}`,
	} {
		if bad == text {
			t.Fatalf("%s: the text was not changed", name)
		}
		if _, err := cloud.Load(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	s, err := cloud.Collect(context.Background(), recorded, cloud.Options{Now: now, TrailDays: 1})
	if err != nil {
		f.Fatal(err)
	}
	s.Images = s.Images[:2]
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := cloud.Load(bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := s.Save(&out); err != nil {
			t.Fatal(err)
		}
		again, err := cloud.Load(&out)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(s)
		if c, _ := json.Marshal(again); !bytes.Equal(a, c) {
			t.Errorf("saved and loaded differ:\n%s\n%s", a, c)
		}
	})
}

// FuzzAnswers feeds one text as the answer to every call.
func FuzzAnswers(f *testing.F) {
	for _, text := range recorded {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		calls := 0
		c := cloud.CallerFunc(func(_ context.Context, r cloud.Request) (json.RawMessage, error) {
			if calls++; calls > 2000 {
				return nil, errors.New("enough")
			}
			if r.Action == "GetCallerIdentity" {
				return json.RawMessage(recorded["sts:GetCallerIdentity"]), nil
			}
			return text, nil
		})
		if _, err := cloud.Collect(context.Background(), c, cloud.Options{Regions: []string{"r"}, Now: now, TrailDays: 1, Parallel: 1}); err != nil {
			t.Fatal(err)
		}
	})
}
