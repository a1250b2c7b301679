package double

import (
	"slices"
	"strconv"
	"strings"
)

// ecsReads are the calls of ECS that change nothing.
func ecsReads() map[string]action {
	image := func(c *call) []target { return c.arns("image", c.str("ImageId")) }
	instances := func(c *call) []target { ids, _ := c.array("InstanceIds"); return c.arns("instance", ids...) }
	listed := func(c *call) []target { return c.arns("instance", c.list("InstanceId")...) }
	all := func(kind string) func(*call) []target {
		return func(c *call) []target { return c.arns(kind) }
	}
	return map[string]action{
		"ecs:DescribeRegions":                        {run: describeRegions},
		"ecs:DescribeImages":                         {run: describeImages, targets: all("image")},
		"ecs:DescribeImageSharePermission":           {run: describeImageSharePermission, targets: image},
		"ecs:DescribeSnapshots":                      {run: describeSnapshots, targets: all("snapshot")},
		"ecs:DescribeInstances":                      {run: describeInstances, targets: instances},
		"ecs:DescribeInstanceStatus":                 {run: describeInstanceStatus, targets: listed},
		"ecs:DescribeKeyPairs":                       {run: describeKeyPairs, targets: all("keypair")},
		"ecs:DescribeLaunchTemplates":                {run: describeLaunchTemplates, targets: all("launchtemplate")},
		"ecs:DescribeLaunchTemplateVersions":         {run: describeLaunchTemplateVersions, targets: all("launchtemplate")},
		"ecs:DescribeAutoProvisioningGroups":         {run: describeAutoProvisioningGroups, targets: all("autoprovisioninggroup")},
		"ecs:DescribeAutoProvisioningGroupInstances": {run: describeAutoProvisioningGroupInstances, targets: all("autoprovisioninggroup")},
		"ecs:DescribeTasks":                          {run: describeTasks, targets: all("task")},
		"ecs:DescribeDiskEncryptionByDefaultStatus":  {run: describeDiskEncryption},
		"ecs:DescribeUserData":                       {run: describeUserData, targets: func(c *call) []target { return c.arns("instance", c.str("InstanceId")) }},
	}
}

// arns are the resources that a call of ECS is checked with; none named means
// all of a kind.
func (c *call) arns(kind string, ids ...string) []target {
	if len(ids) == 0 {
		ids = []string{"*"}
	}
	var out []target
	for _, id := range ids {
		out = append(out, target{resource: "acs:ecs:" + c.region + ":" + c.acct.ID + ":" + kind + "/" + id})
	}
	return out
}

func describeRegions(c *call) (obj, *fail) {
	regions := c.s.state.Regions
	return obj{"Regions": obj{"Region": some(regions, 0, len(regions), func(r RegionInfo) obj {
		return obj{"RegionId": r.RegionID, "LocalName": r.LocalName, "RegionEndpoint": "ecs." + r.RegionID + ".aliyuncs.com", "Status": "available"}
	})}}, nil
}

func describeDiskEncryption(c *call) (obj, *fail) {
	return obj{"Encrypted": c.here().EncryptDisks}, nil
}

// visible lists every image that the caller's account can use in a region,
// with the alias under which it sees it.
func (c *call) visible() (images []*Image, alias map[*Image]string) {
	alias = map[*Image]string{}
	for _, i := range c.here().Images {
		alias[i] = "self"
		images = append(images, i)
	}
	for _, a := range c.s.state.Accounts {
		if a == c.acct || a.Regions[c.region] == nil {
			continue
		}
		for _, i := range a.Regions[c.region].Images {
			if i.Community || slices.ContainsFunc(i.SharedWith, func(s ImageShare) bool { return s.Account == c.acct.ID }) {
				alias[i] = "others"
				images = append(images, i)
			}
		}
	}
	for _, i := range c.s.state.Public {
		alias[i] = i.Alias
		images = append(images, i)
	}
	return images, alias
}

func describeImages(c *call) (obj, *fail) {
	images, alias := c.visible()
	want, name, status, id := c.str("ImageOwnerAlias"), c.str("ImageName"), c.str("Status"), c.str("ImageId")
	family, snapshot, system := c.str("ImageFamily"), c.str("SnapshotId"), c.str("OSType")
	ids, tags := strings.Split(id, ","), c.tags()
	images = filter(images, func(i *Image) bool {
		switch {
		case id != "":
			return slices.Contains(ids, i.ID)
		case want != "" && alias[i] != want,
			name != "" && i.Name != name,
			family != "" && i.Family != family,
			snapshot != "" && i.Snapshot != snapshot,
			system != "" && i.OSType != system:
			return false
		case alias[i] == "others" && i.Community != c.flag("IsPublic"):
			return false
		case status == "" && i.status() != "Available", status != "" && !slices.Contains(strings.Split(status, ","), i.status()):
			return false
		}
		return tagged(i.Tags, tags)
	})
	out := obj{"RegionId": c.region}
	from, to, f := numbered(c, len(images), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["Images"] = obj{"Image": some(images, from, to, func(i *Image) obj { return i.describe(alias[i]) })}
	return out, c.dryRun()
}

func (i *Image) status() string {
	if i.Status == "" {
		return "Available"
	}
	return i.Status
}

// describe is an element of DescribeImages' Images.Image.
func (i *Image) describe(alias string) obj {
	shared := "" // a text, unlike its neighbours; empty for images of others
	if alias == "self" {
		shared = map[bool]string{true: "True", false: "False"}[len(i.SharedWith) > 0 || len(i.ShareGroups) > 0]
	}
	owner, _ := strconv.ParseInt(i.Owner, 10, 64)
	disk := obj{"Device": "/dev/xvda", "Type": "system", "Size": strconv.Itoa(i.Size), "SnapshotId": i.Snapshot, "Format": "", "Encrypted": i.Encrypted || i.ServiceKey}
	out := obj{"ImageId": i.ID, "ImageName": i.Name, "Description": i.Description, "ImageFamily": i.Family, "ImageOwnerAlias": alias, "ImageOwnerId": owner,
		"OSType": i.OSType, "Platform": i.Platform, "OSName": i.OSName, "OSNameEn": i.OSName, "Architecture": "x86_64", "Size": i.Size, "Status": i.status(),
		"Progress": "100%", "Usage": "none", "IsCopied": i.Copied, "IsSelfShared": shared, "IsPublic": i.Community, "IsSubscribed": i.Marketplace,
		"IsSupportCloudinit": true, "IsSupportIoOptimized": true, "LoginAsNonRootSupported": i.LoginAsNonRoot, "CreationTime": stamp(i.Created),
		"ProductCode": "", "BootMode": "BIOS", "ResourceGroupId": "", "ImageVersion": "", "Tags": tagSet(i.Tags),
		"DiskDeviceMappings": obj{"DiskDeviceMapping": []obj{disk}}, "Features": obj{"NvmeSupport": "supported"}}
	if i.Detection != "" {
		out["DetectionOptions"] = obj{"Status": i.Detection, "Items": obj{"Item": []obj{}}}
	}
	return out
}

// tagSet is the nested list in which ECS tells tags.
func tagSet(ts []Tag) obj {
	return obj{"Tag": some(ts, 0, len(ts), func(t Tag) obj { return obj{"TagKey": t.Key, "TagValue": t.Value, "Key": t.Key, "Value": t.Value} })}
}

func describeImageSharePermission(c *call) (obj, *fail) {
	i := c.here().image(c.str("ImageId"))
	if i == nil {
		return nil, noImage()
	}
	out := obj{"ImageId": i.ID, "RegionId": c.region, "ShareGroups": obj{"ShareGroup": some(i.ShareGroups, 0, len(i.ShareGroups), func(g string) obj { return obj{"Group": g} })}}
	from, to, f := numbered(c, len(i.SharedWith), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["Accounts"] = obj{"Account": some(i.SharedWith, from, to, func(s ImageShare) obj {
		return obj{"AliyunId": s.Account, "SharedTime": stamp(s.Since)}
	})}
	return out, nil
}

func noImage() *fail {
	return refuse(404, "InvalidImageId.NotFound", "The specified ImageId does not exist.")
}

func describeSnapshots(c *call) (obj, *fail) {
	ids, f := c.array("SnapshotIds")
	if f != nil {
		return nil, f
	}
	tags, name, disk, encrypted := c.tags(), c.str("SnapshotName"), c.str("DiskId"), c.str("Encrypted")
	list := filter(c.here().Snapshots, func(s *Snapshot) bool { // 50,000 of them, for every page
		return (ids == nil || slices.Contains(ids, s.ID)) && tagged(s.Tags, tags) && (name == "" || s.Name == name) &&
			(disk == "" || s.Disk == disk) && (encrypted == "" || s.Encrypted == strings.EqualFold(encrypted, "true"))
	})
	out := obj{}
	from, to, f := either(c, len(list), 100, out)
	if f != nil {
		return nil, f
	}
	out["Snapshots"] = obj{"Snapshot": some(list, from, to, func(s *Snapshot) obj {
		return obj{"SnapshotId": s.ID, "SnapshotName": s.Name, "Description": "", "SourceDiskId": s.Disk, "SourceDiskType": s.DiskType,
			"SourceDiskSize": strconv.Itoa(s.Size), "Encrypted": s.Encrypted, "Status": "accomplished", "Progress": "100%", "Usage": "none",
			"CreationTime": stamp(s.Created), "LastModifiedTime": stamp(s.Created), "Category": "standard", "SnapshotType": "user", "Available": true,
			"RegionId": c.region, "ResourceGroupId": "", "ProductCode": "", "RetentionDays": 0, "InstantAccess": false, "Tags": tagSet(s.Tags)}
	})}
	return out, c.dryRun()
}
