package double

import (
	"slices"
	"strconv"
	"strings"
)

func describeInstances(c *call) (obj, *fail) {
	ids, f := c.array("InstanceIds")
	if f != nil {
		return nil, f
	}
	if len(ids) > 100 {
		return nil, invalid("InstanceIds", "more than 100")
	}
	tags, image, pair, status := c.tags(), c.str("ImageId"), c.str("KeyPairName"), c.str("Status")
	list := filter(c.here().Instances, func(i *Instance) bool {
		return (ids == nil || slices.Contains(ids, i.ID)) && tagged(i.Tags, tags) && (image == "" || i.Image == image) &&
			(pair == "" || i.KeyPair == pair) && (status == "" || i.status() == status)
	})
	out := obj{}
	from, to, f := either(c, len(list), 100, out)
	if f != nil {
		return nil, f
	}
	out["Instances"] = obj{"Instance": some(list, from, to, func(i *Instance) obj { return i.describe(c.region) })}
	return out, c.dryRun()
}

func (i *Instance) status() string {
	if i.Status == "" {
		return "Running"
	}
	return i.Status
}

// describe is an element of DescribeInstances' Instances.Instance. How the
// instance got its password is not among it.
func (i *Instance) describe(region string) obj {
	ips := func(ip string) obj {
		if ip == "" {
			return obj{"IpAddress": []string{}}
		}
		return obj{"IpAddress": []string{ip}}
	}
	out := obj{"InstanceId": i.ID, "InstanceName": i.Name, "ImageId": i.Image, "InstanceType": i.Type, "ZoneId": i.Zone, "RegionId": region, "Status": i.status(),
		"OSType": i.OSType, "OSName": i.OSName, "OSNameEn": i.OSName, "HostName": i.Name, "CreationTime": minute(i.Created), "StartTime": minute(i.Created),
		"PublicIpAddress": ips(i.PublicIP), "InnerIpAddress": ips(""), "EipAddress": obj{"IpAddress": "", "AllocationId": "", "InternetChargeType": ""},
		"VpcAttributes":    obj{"PrivateIpAddress": ips(i.PrivateIP), "VpcId": "vpc-double", "VSwitchId": "vsw-double", "NatIpAddress": ""},
		"SecurityGroupIds": obj{"SecurityGroupId": []string{"sg-double"}}, "InstanceNetworkType": "vpc", "InstanceChargeType": "PostPaid",
		"ImageOptions": obj{"LoginAsNonRoot": i.LoginAsNonRoot}, "MetadataOptions": obj{"HttpEndpoint": "enabled", "HttpTokens": "optional"},
		"Tags": tagSet(i.Tags), "Cpu": 2, "Memory": 4096, "IoOptimized": true, "DeletionProtection": false, "SerialNumber": i.ID}
	if i.KeyPair != "" {
		out["KeyPairName"] = i.KeyPair
	}
	return out
}

func describeInstanceStatus(c *call) (obj, *fail) {
	ids := c.list("InstanceId")
	list := filter(c.here().Instances, func(i *Instance) bool { return ids == nil || slices.Contains(ids, i.ID) })
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 50, out)
	if f != nil {
		return nil, f
	}
	out["InstanceStatuses"] = obj{"InstanceStatus": some(list, from, to, func(i *Instance) obj {
		return obj{"InstanceId": i.ID, "Status": i.status()}
	})}
	return out, nil
}

func describeUserData(c *call) (obj, *fail) {
	i := c.here().instance(c.str("InstanceId"))
	if i == nil {
		return nil, noInstance(c.str("InstanceId"))
	}
	return obj{"InstanceId": i.ID, "RegionId": c.region, "UserData": i.UserData}, nil
}

func noInstance(id string) *fail {
	return refuse(404, "InvalidInstanceId.NotFound", "The specified InstanceId "+id+" does not exist.")
}

func describeKeyPairs(c *call) (obj, *fail) {
	tags := c.tags()
	list := filter(c.here().KeyPairs, func(k *KeyPair) bool {
		return like(k.Name, c.str("KeyPairName")) && tagged(k.Tags, tags) && (c.str("KeyPairFingerPrint") == "" || k.Fingerprint == c.str("KeyPairFingerPrint"))
	})
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 50, out)
	if f != nil {
		return nil, f
	}
	out["KeyPairs"] = obj{"KeyPair": some(list, from, to, func(k *KeyPair) obj {
		o := obj{"KeyPairName": k.Name, "KeyPairFingerPrint": k.Fingerprint, "CreationTime": stamp(k.Created), "ResourceGroupId": "", "Tags": tagSet(k.Tags)}
		if c.flag("IncludePublicKey") {
			o["PublicKey"] = k.PublicKey
		}
		return o
	})}
	return out, nil
}

// like is the search of names: "*" at either end stands for anything.
func like(name, pattern string) bool {
	rest, front := strings.CutPrefix(pattern, "*")
	rest, back := strings.CutSuffix(rest, "*")
	switch {
	case pattern == "":
		return true
	case front && back:
		return strings.Contains(name, rest)
	case front:
		return strings.HasSuffix(name, rest)
	case back:
		return strings.HasPrefix(name, rest)
	}
	return name == pattern
}

func describeLaunchTemplates(c *call) (obj, *fail) {
	ids, names := c.list("LaunchTemplateId"), c.list("LaunchTemplateName")
	list := filter(c.here().Templates, func(t *Template) bool {
		return (ids == nil || slices.Contains(ids, t.ID)) && (names == nil || slices.Contains(names, t.Name))
	})
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 50, out)
	if f != nil {
		return nil, f
	}
	out["LaunchTemplateSets"] = obj{"LaunchTemplateSet": some(list, from, to, func(t *Template) obj {
		return obj{"LaunchTemplateId": t.ID, "LaunchTemplateName": t.Name, "CreatedBy": t.CreatedBy, "CreateTime": stamp(t.Created), "ModifiedTime": stamp(t.Created),
			"DefaultVersionNumber": t.Default, "LatestVersionNumber": len(t.Versions), "ResourceGroupId": "", "Tags": tagSet(t.Tags)}
	})}
	return out, nil
}

func describeLaunchTemplateVersions(c *call) (obj, *fail) {
	id, name := c.str("LaunchTemplateId"), c.str("LaunchTemplateName")
	if id == "" && name == "" {
		return nil, refuse(400, "MissingParameter", `The input parameter "LaunchTemplateId" or "LaunchTemplateName" that is mandatory for processing this request is not supplied.`)
	}
	t := find(c.here().Templates, func(t *Template) bool { return t.ID == id || id == "" && t.Name == name })
	if t == nil {
		return nil, refuse(404, "InvalidLaunchTemplate.NotFound", "The specified LaunchTemplate is not found.")
	}
	numbers := c.list("LaunchTemplateVersion")
	list := filter(t.Versions, func(v *TemplateVersion) bool {
		return (numbers == nil || slices.Contains(numbers, strconv.Itoa(v.Number))) && (!c.flag("DefaultVersion") || v.Number == t.Default) &&
			v.Number >= c.num("MinVersion", 1) && v.Number <= c.num("MaxVersion", 1<<30)
	})
	slices.Reverse(list) // the newest first
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 50, out)
	if f != nil {
		return nil, f
	}
	out["LaunchTemplateVersionSets"] = obj{"LaunchTemplateVersionSet": some(list, from, to, func(v *TemplateVersion) obj {
		return obj{"LaunchTemplateId": t.ID, "LaunchTemplateName": t.Name, "VersionNumber": v.Number, "DefaultVersion": v.Number == t.Default,
			"VersionDescription": v.Description, "CreatedBy": t.CreatedBy, "CreateTime": stamp(v.Created), "ModifiedTime": stamp(v.Created),
			"LaunchTemplateData": obj{"ImageId": v.Image, "KeyPairName": v.KeyPair, "PasswordInherit": v.PasswordInherit, "InstanceType": v.InstanceType,
				"UserData": v.UserData, "RamRoleName": v.Role, "HttpTokens": v.HTTPTokens, "Tags": obj{"InstanceTag": []obj{}}}}
	})}
	return out, nil
}

func describeAutoProvisioningGroups(c *call) (obj, *fail) {
	ids := c.list("AutoProvisioningGroupId")
	list := filter(c.here().Provisioning, func(p *Provisioning) bool { return ids == nil || slices.Contains(ids, p.ID) })
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["AutoProvisioningGroups"] = obj{"AutoProvisioningGroup": some(list, from, to, func(p *Provisioning) obj {
		return obj{"AutoProvisioningGroupId": p.ID, "AutoProvisioningGroupName": p.Name, "LaunchTemplateId": p.Template, "LaunchTemplateVersion": p.TemplateVersion,
			"Status": p.Status, "State": p.State, "CreationTime": stamp(p.Created), "RegionId": c.region, "AutoProvisioningGroupType": "maintain",
			"LaunchTemplateConfigs": obj{"LaunchTemplateConfig": []obj{}}, "Tags": tagSet(nil)}
	})}
	return out, nil
}

func describeAutoProvisioningGroupInstances(c *call) (obj, *fail) {
	p := find(c.here().Provisioning, func(p *Provisioning) bool { return p.ID == c.str("AutoProvisioningGroupId") })
	if p == nil {
		return nil, refuse(404, "InvalidAutoProvisioningGroupId.NotFound", "The specified AutoProvisioningGroupId is not found.")
	}
	list := filter(c.here().Instances, func(i *Instance) bool { return slices.Contains(p.Instances, i.ID) })
	out := obj{}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["Instances"] = obj{"Instance": some(list, from, to, func(i *Instance) obj {
		return obj{"InstanceId": i.ID, "Status": i.status(), "InstanceType": i.Type, "OsType": i.OSType, "ZoneId": i.Zone, "RegionId": c.region,
			"CreationTime": stamp(i.Created), "CPU": 2, "Memory": 4096, "IoOptimized": true, "IsSpot": false, "NetworkType": "vpc"}
	})}
	return out, nil
}

func describeTasks(c *call) (obj, *fail) {
	list := filter(c.here().Tasks, func(t *Task) bool {
		return (c.str("TaskAction") == "" || t.Action == c.str("TaskAction")) && (c.str("TaskStatus") == "" || t.Status == c.str("TaskStatus")) &&
			(c.str("TaskIds") == "" || strings.Contains(","+c.str("TaskIds")+",", ","+t.ID+","))
	})
	out := obj{"RegionId": c.region}
	from, to, f := numbered(c, len(list), 10, 100, out)
	if f != nil {
		return nil, f
	}
	out["TaskSet"] = obj{"Task": some(list, from, to, func(t *Task) obj {
		switch {
		case t.Polls > 0:
			t.Polls--
		case t.Status == "Processing":
			t.Status, t.Finished = "Finished", c.now
		}
		return obj{"TaskId": t.ID, "TaskAction": t.Action, "TaskStatus": t.Status, "ResourceId": t.Resource, "SupportCancel": "false",
			"CreationTime": stamp(t.Created), "FinishedTime": stamp(t.Finished)}
	})}
	return out, nil
}
