package double

import (
	"fmt"
	"time"
)

// Account numbers of the seeds. They follow the form of real ones; 16 digits
// that begin with 1000 are not given out.
const (
	CarelessAccount   = "1000000000000001" // a member, where everything went wrong
	ManagementAccount = "1000000000000002" // of the directory
	OutsideAccount    = "1000000000000009" // some other company
)

// Keys of the seeds. They open a double and nothing else.
var (
	careless = []*AccessKey{
		{ID: "DoubleAdmin", Secret: secret(1), User: "admin"},
		{ID: "DoubleAuditor", Secret: secret(2), User: "auditor"},
		{ID: "DoubleBuilder", Secret: secret(3), User: "builder"},
	}
	management = []*AccessKey{{ID: "DoubleManagement", Secret: secret(4), User: "governor"}}
)

// A Login is a credential of a seed, for people.
type Login struct{ ID, Secret, Account, Who string }

// Logins lists the credentials of Careless and Large.
func Logins() []Login {
	return []Login{
		{careless[0].ID, careless[0].Secret, CarelessAccount, "user admin (AdministratorAccess)"},
		{careless[1].ID, careless[1].Secret, CarelessAccount, "user auditor (ReadOnlyAccess)"},
		{careless[2].ID, careless[2].Secret, CarelessAccount, "user builder (AliyunECSFullAccess, through group builders)"},
		{management[0].ID, management[0].Secret, ManagementAccount, "user governor (AdministratorAccess)"},
	}
}

// copies of keys, so that two states do not share any.
func copies(keys []*AccessKey) (out []*AccessKey) {
	for _, k := range keys {
		c := *k
		out = append(out, &c)
	}
	return out
}

// Careless is a company in which everything went wrong that an audit looks
// for: images and snapshots given away, exports, passwords that come with the
// image, and no policy against any of it. now is the time at which it is seen.
func Careless(now time.Time) *State {
	day := func(n int) time.Time { return now.AddDate(0, 0, -n).Truncate(time.Second).UTC() }
	prod := people(day(400))
	prod.Regions = map[string]*Region{"cn-hangzhou": hangzhou(day), "cn-beijing": beijing(day)}
	prod.Shares = []*Share{
		{ID: "rs-careless001", Name: "for-the-contractor", Region: "cn-hangzhou", AllowExternal: true, Created: day(60),
			Resources: []SharedResource{{"s-careless001", "Snapshot", day(60)}}, Targets: []SharedTarget{{OutsideAccount, true, day(60)}}},
		{ID: "rs-careless002", Name: "network", Region: "cn-hangzhou", Created: day(90),
			Resources: []SharedResource{{"vsw-careless001", "VSwitch", day(90)}}, Targets: []SharedTarget{{"fd-careless001", false, day(90)}}},
	}
	boss := &Account{ID: ManagementAccount, Name: "careless-group", Keys: copies(management),
		Users: []*User{{Name: "governor", ID: "200000000000000021", Created: day(500), Policies: []string{"system/AdministratorAccess"}}}}
	outside := &Account{ID: OutsideAccount, Name: "somebody-else", Regions: map[string]*Region{"cn-hangzhou": {Images: []*Image{
		{ID: "m-outside001", Name: "free-lamp-stack", Owner: OutsideAccount, OSType: "linux", Platform: "CentOS", OSName: "CentOS  7.9 64 bit", Size: 40, Community: true, Created: day(700)}}}}}
	return &State{
		Accounts:  []*Account{prod, boss, outside},
		Directory: directory(day),
		Regions:   []RegionInfo{{"cn-hangzhou", "华东1（杭州）"}, {"cn-beijing", "华北2（北京）"}, {"ap-southeast-1", "新加坡"}},
		Public: []*Image{
			{ID: "aliyun_3_x64_20G_alibase_20260101.vhd", Name: "aliyun_3_x64_20G_alibase_20260101.vhd", Alias: "system", OSType: "linux", Platform: "Aliyun", OSName: "Alibaba Cloud Linux  3.2104 LTS 64 bit", Size: 20, LoginAsNonRoot: true, Created: day(300)},
			{ID: "win2022_21H2_x64_dtc_zh-cn_40G_alibase_20260101.vhd", Name: "win2022_21H2_x64_dtc_zh-cn_40G_alibase_20260101.vhd", Alias: "system", OSType: "windows", Platform: "Windows Server 2022", OSName: "Windows Server  2022 Datacenter 64 bit", Size: 40, Created: day(300)},
		},
		Events: events(day),
	}
}

func people(since time.Time) *Account {
	return &Account{ID: CarelessAccount, Name: "careless-prod", Keys: copies(careless),
		Users: []*User{
			{Name: "admin", ID: "200000000000000011", DisplayName: "Admin", Created: since, Policies: []string{"system/AdministratorAccess"}},
			{Name: "auditor", ID: "200000000000000012", DisplayName: "Auditor", Created: since, Policies: []string{"system/ReadOnlyAccess"}},
			{Name: "builder", ID: "200000000000000013", DisplayName: "Builder", Created: since, Groups: []string{"builders"}},
		},
		Groups: []*Group{{Name: "builders", Created: since, Policies: []string{"system/AliyunECSFullAccess", "custom/no-delete"}}},
		Roles: []*Role{
			{Name: "image-pipeline", ID: "300000000000000011", Created: since, Policies: []string{"system/AliyunECSFullAccess"},
				Trust: `{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::` + CarelessAccount + `:root"]}}]}`},
			{Name: "AliyunServiceRoleForAutoScaling", ID: "300000000000000012", Created: since, ServiceLinked: true, Policies: []string{"system/AliyunECSFullAccess"},
				Trust: `{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["ess.aliyuncs.com"]}}]}`},
		},
		Policies: []*Policy{{Name: "no-delete", Description: "nobody deletes instances", Created: since, Updated: since, Default: "v1",
			Versions: []*PolicyVersion{{ID: "v1", Created: since, Document: `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:DeleteInstance","Resource":"*"}]}`}}}},
	}
}

func directory(day func(int) time.Time) *Directory {
	return &Directory{ID: "rd-careless", Master: ManagementAccount, Root: "r-careless", Status: "Enabled",
		Folders: []*Folder{{"fd-careless001", "prod", "r-careless", day(500)}, {"fd-careless002", "lab", "r-careless", day(500)}},
		Members: []*Member{{CarelessAccount, "careless-prod", "fd-careless001", day(400)}},
		Attachments: map[string][]string{"r-careless": {fullAccess}, "fd-careless001": {fullAccess}, "fd-careless002": {fullAccess},
			CarelessAccount: {fullAccess}},
	}
}

func hangzhou(day func(int) time.Time) *Region {
	me := CarelessAccount
	return &Region{
		Images: []*Image{
			{ID: "m-careless001", Name: "web-golden", Owner: me, OSType: "linux", Platform: "Ubuntu", OSName: "Ubuntu  22.04 64 bit", Size: 40, Created: day(120),
				SharedWith: []ImageShare{{OutsideAccount, day(100)}, {ManagementAccount, day(90)}}, Snapshot: "s-careless001"},
			{ID: "m-careless002", Name: "demo-for-all", Owner: me, OSType: "linux", Platform: "CentOS", OSName: "CentOS  7.9 64 bit", Size: 40, Created: day(200), Community: true},
			{ID: "m-careless003", Name: "db-golden", Owner: me, OSType: "linux", Platform: "Aliyun", OSName: "Alibaba Cloud Linux  3.2104 LTS 64 bit", Size: 100, Created: day(30), Encrypted: true},
			{ID: "m-careless004", Name: "win-golden", Owner: me, OSType: "windows", Platform: "Windows Server 2022", OSName: "Windows Server  2022 Datacenter 64 bit", Size: 60, Created: day(20)},
		},
		Snapshots: []*Snapshot{
			{ID: "s-careless001", Name: "web-golden", Disk: "d-careless001", DiskType: "system", Size: 40, Created: day(120), Tags: []Tag{{"acs:ecs:isShared", "true"}}},
			{ID: "s-careless002", Name: "nightly", Disk: "d-careless002", DiskType: "data", Size: 500, Created: day(1)},
		},
		Instances: []*Instance{
			{ID: "i-careless001", Name: "web-1", Image: "m-careless001", Type: "ecs.g7.large", Zone: "cn-hangzhou-b", OSType: "linux", OSName: "Ubuntu  22.04 64 bit",
				PublicIP: "203.0.113.10", PrivateIP: "10.0.0.10", Created: day(90), Assistant: "2.2.3.800", PasswordInherit: true},
			{ID: "i-careless002", Name: "web-2", Image: "m-careless001", Type: "ecs.g7.large", Zone: "cn-hangzhou-b", OSType: "linux", OSName: "Ubuntu  22.04 64 bit",
				PrivateIP: "10.0.0.11", Created: day(90), Assistant: "2.2.3.800", KeyPair: "ops"},
			{ID: "i-careless003", Name: "win-1", Image: "m-careless004", Type: "ecs.g7.xlarge", Zone: "cn-hangzhou-b", OSType: "windows", OSName: "Windows Server  2022 Datacenter 64 bit",
				PrivateIP: "10.0.0.12", Created: day(19), Assistant: "2.1.3.800"},
			{ID: "i-careless004", Name: "old", Image: "m-outside001", Type: "ecs.t5-lc1m1.small", Zone: "cn-hangzhou-b", OSType: "linux", OSName: "CentOS  7.9 64 bit",
				PrivateIP: "10.0.0.13", Created: day(300), Status: "Stopped"},
		},
		KeyPairs: []*KeyPair{{Name: "ops", Fingerprint: "89f0ba62ac7a5b0be6e2b1f9d0c1c0de", Created: day(300),
			PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVQb2xkIGRvdWJsZSBrZXkgZm9yIHRlc3RzIG9ubHk= ops"}},
		Templates: []*Template{{ID: "lt-careless001", Name: "web", CreatedBy: me, Default: 2, Created: day(150), Versions: []*TemplateVersion{
			{Number: 1, Image: "m-careless001", KeyPair: "ops", InstanceType: "ecs.g7.large", Created: day(150)},
			{Number: 2, Description: "quick fix", Image: "m-careless001", PasswordInherit: true, InstanceType: "ecs.g7.large", Created: day(80)},
		}}},
		Provisioning: []*Provisioning{{ID: "apg-careless001", Name: "burst", Template: "lt-careless001", TemplateVersion: "2", Status: "fulfilled", State: "active",
			Created: day(70), Instances: []string{"i-careless002"}}},
		Tasks:         []*Task{{ID: "t-careless001", Action: "ExportImage", Status: "Finished", Resource: "m-careless003", Created: day(3), Finished: day(3)}},
		ScalingGroups: []*ScalingGroup{{ID: "asg-careless001", Name: "web", Config: "asc-careless001", Min: 1, Max: 10, Desired: 2, Created: day(140)}},
		ScalingConfigs: []*ScalingConfig{{ID: "asc-careless001", Name: "web", Group: "asg-careless001", Image: "m-careless001", InstanceType: "ecs.g7.large",
			PasswordInherit: true, Created: day(140)}},
	}
}

func beijing(day func(int) time.Time) *Region {
	return &Region{
		Images: []*Image{{ID: "m-careless101", Name: "web-golden-bj", Owner: CarelessAccount, OSType: "linux", Platform: "Ubuntu", OSName: "Ubuntu  22.04 64 bit", Size: 40,
			Copied: true, Created: day(110), SharedWith: []ImageShare{{OutsideAccount, day(109)}}}},
		EncryptDisks: true,
	}
}

// events are what ActionTrail remembers of the last months.
func events(day func(int) time.Time) []*Event {
	e := func(n int, name, service, user, kind, resource string, ago int, params map[string]string) *Event {
		return &Event{ID: fmt.Sprintf("E-CARELESS-%03d", n), Name: name, Service: service, Source: service + ".aliyuncs.com", Region: "cn-hangzhou", Time: day(ago),
			Account: CarelessAccount, User: user, UserType: "ram-user", IP: "203.0.113.77", RW: "Write", ResourceType: kind, Resource: resource, Params: params}
	}
	return []*Event{
		e(1, "ModifyImageSharePermission", "Ecs", "builder", "ACS::ECS::Image", "m-careless001", 100, map[string]string{"ImageId": "m-careless001", "AddAccount.1": OutsideAccount}),
		e(2, "RunInstances", "Ecs", "builder", "ACS::ECS::Instance", "i-careless001", 90, map[string]string{"ImageId": "m-careless001", "PasswordInherit": "true"}),
		e(3, "CreateResourceShare", "ResourceSharing", "admin", "ACS::ResourceManager::ResourceShare", "rs-careless001", 60,
			map[string]string{"ResourceShareName": "for-the-contractor", "Resources.1.ResourceType": "Snapshot", "Targets.1": OutsideAccount, "AllowExternalTargets": "true"}),
		e(4, "ExportImage", "Ecs", "builder", "ACS::ECS::Image", "m-careless003", 3, map[string]string{"ImageId": "m-careless003", "OSSBucket": "careless-exports"}),
	}
}

// Large is Careless with so many further images, snapshots and instances in
// cn-hangzhou, to see how an audit copes.
func Large(now time.Time, images, snapshots, instances int) *State {
	s := Careless(now)
	r := s.Accounts[0].Regions["cn-hangzhou"]
	then := now.AddDate(0, -1, 0).UTC()
	for n := range images {
		r.Images = append(r.Images, &Image{ID: fmt.Sprintf("m-large%08d", n), Name: fmt.Sprintf("build-%d", n), Owner: CarelessAccount, OSType: "linux", Platform: "Ubuntu",
			OSName: "Ubuntu  22.04 64 bit", Size: 40, Created: then})
	}
	for n := range snapshots {
		r.Snapshots = append(r.Snapshots, &Snapshot{ID: fmt.Sprintf("s-large%08d", n), Name: "nightly", Disk: fmt.Sprintf("d-large%08d", n), DiskType: "system", Size: 40, Created: then})
	}
	for n := range instances {
		r.Instances = append(r.Instances, &Instance{ID: fmt.Sprintf("i-large%08d", n), Name: fmt.Sprintf("node-%d", n), Image: "m-careless003", Type: "ecs.g7.large", Zone: "cn-hangzhou-b",
			OSType: "linux", KeyPair: "ops", PrivateIP: fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255), Created: then, Assistant: "2.2.3.800"})
	}
	return s
}
