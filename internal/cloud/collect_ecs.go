package cloud

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Members of answers are named as the API reference of ECS (2014-05-26), Auto
// Scaling (2014-08-28) and Resource Sharing (2020-01-10) names them.

func (k *collector) images(region string) {
	type device struct{ Encrypted flexBool }
	type answer struct {
		ImageId, ImageName, CreationTime, OSType, Usage string
		IsPublic, IsSelfShared                          flexBool
		DiskDeviceMappings                              struct{ DiskDeviceMapping []device }
	}
	var shared []Image
	err := each(k, images, region, in(region, "ImageOwnerAlias", "self", "Status", "Creating,Waiting,Available,UnAvailable,Deprecated"), func(a answer) error {
		i := Image{ID: a.ImageId, Region: region, Name: a.ImageName, Created: a.CreationTime, OS: k.intern(a.OSType), Public: bool(a.IsPublic),
			Shared: bool(a.IsSelfShared), InUse: a.Usage != "" && a.Usage != "none", Encrypted: len(a.DiskDeviceMappings.DiskDeviceMapping) > 0}
		for _, d := range a.DiskDeviceMappings.DiskDeviceMapping {
			i.Encrypted = i.Encrypted && bool(d.Encrypted)
		}
		if i.Shared {
			shared = append(shared, i)
			return nil
		}
		add(k, &k.s.Images, i)
		return nil
	})
	k.failed(images, region, err)
	for _, i := range shared {
		k.sharedWith(&i)
		add(k, &k.s.Images, i)
	}
}

// sharedWith asks whom an image is shared with.
func (k *collector) sharedWith(i *Image) {
	params := in(i.Region, "ImageId", i.ID)
	err := each(k, imageAccounts, i.Region, params, func(a struct {
		AliyunId   flexText
		SharedTime string
	}) error {
		i.Accounts = append(i.Accounts, Share{Account: string(a.AliyunId), Since: a.SharedTime})
		return nil
	})
	k.failed(imageAccounts, i.Region, err)
	if err != nil {
		return
	}
	err = each(k, imageGroups, i.Region, params, func(g struct{ Group string }) error {
		i.Groups = append(i.Groups, g.Group)
		return nil
	})
	k.failed(imageGroups, i.Region, err)
}

// tags are the tags of a resource; older answers say TagKey, newer ones Key.
type tags struct {
	Tag []struct{ TagKey, TagValue, Key, Value string }
}

func (t tags) get(key string) (string, bool) {
	for _, x := range t.Tag {
		if x.TagKey == key || x.Key == key {
			return x.TagValue + x.Value, true
		}
	}
	return "", false
}

func (k *collector) snapshots(region string) {
	err := each(k, snapshots, region, in(region), func(a struct {
		SnapshotId, CreationTime, KMSKeyId string
		Encrypted                          flexBool
		Tags                               tags
	}) error {
		d := DiskSnapshot{ID: a.SnapshotId, Region: region, Created: a.CreationTime, Encrypted: bool(a.Encrypted), Key: k.intern(a.KMSKeyId)}
		_, d.Shared = a.Tags.get("acs:ecs:isShared")
		d.From, _ = a.Tags.get("acs:ecs:sharedFrom")
		add(k, &k.s.Snapshots, d)
		return nil
	})
	k.failed(snapshots, region, err)
}

func (k *collector) instances(region string) {
	err := each(k, instances, region, in(region), func(a struct{ InstanceId, InstanceName, ImageId, KeyPairName, OSType, CreationTime string }) error {
		add(k, &k.s.Instances, Instance{ID: a.InstanceId, Region: region, Name: a.InstanceName, Image: k.intern(a.ImageId),
			KeyPair: k.intern(a.KeyPairName), OS: k.intern(a.OSType), Created: a.CreationTime})
		return nil
	})
	k.failed(instances, region, err)
}

func (k *collector) templates(region string) {
	var list []LaunchTemplate
	err := each(k, templates, region, in(region), func(a struct {
		LaunchTemplateId, LaunchTemplateName, CreatedBy string
		DefaultVersionNumber, LatestVersionNumber       flexInt
	}) error {
		list = append(list, LaunchTemplate{ID: a.LaunchTemplateId, Region: region, Name: a.LaunchTemplateName, By: a.CreatedBy,
			Default: int64(a.DefaultVersionNumber), Latest: int64(a.LatestVersionNumber)})
		return nil
	})
	k.failed(templates, region, err)
	for _, t := range list {
		err := each(k, templateVersions, region, in(region, "LaunchTemplateId", t.ID), func(a struct {
			VersionNumber      flexInt
			LaunchTemplateData struct {
				ImageId, KeyPairName string
				PasswordInherit      flexBool
			}
		}) error {
			v := TemplateVersion{Number: int64(a.VersionNumber), Image: k.intern(a.LaunchTemplateData.ImageId),
				KeyPair: k.intern(a.LaunchTemplateData.KeyPairName), Inherit: bool(a.LaunchTemplateData.PasswordInherit)}
			if v.Inherit || v.Number == t.Default || v.Number == t.Latest {
				t.Versions = append(t.Versions, v)
			}
			return nil
		})
		k.failed(templateVersions, region, err)
		add(k, &k.s.Templates, t)
	}
}

// small reads the short lists of a region.
func (k *collector) small(region string) {
	k.failed(keyPairs, region, each(k, keyPairs, region, in(region), func(a struct{ KeyPairName, KeyPairFingerPrint, CreationTime string }) error {
		add(k, &k.s.KeyPairs, KeyPair{Name: a.KeyPairName, Region: region, Fingerprint: a.KeyPairFingerPrint, Created: a.CreationTime})
		return nil
	}))
	k.failed(provisioning, region, each(k, provisioning, region, in(region), func(a struct {
		AutoProvisioningGroupId, AutoProvisioningGroupName, LaunchTemplateId, State string
		LaunchTemplateVersion                                                       flexText
	}) error {
		add(k, &k.s.Groups, ProvisioningGroup{ID: a.AutoProvisioningGroupId, Region: region, Name: a.AutoProvisioningGroupName,
			Template: a.LaunchTemplateId, Version: string(a.LaunchTemplateVersion), State: a.State})
		return nil
	}))
	k.failed(tasks, region, each(k, tasks, region, in(region, "TaskAction", "ExportImage"), func(a struct{ TaskId, TaskAction, TaskStatus, CreationTime, ResourceId string }) error {
		add(k, &k.s.Tasks, Task{ID: a.TaskId, Region: region, Action: a.TaskAction, Status: a.TaskStatus, Created: a.CreationTime, Resource: a.ResourceId})
		return nil
	}))
	k.failed(scaling, region, each(k, scaling, region, in(region), func(a struct {
		ScalingConfigurationId, ScalingConfigurationName, ScalingGroupId, ImageId, KeyPairName, LifecycleState string
		PasswordInherit                                                                                        flexBool
	}) error {
		add(k, &k.s.Scaling, ScalingConfiguration{ID: a.ScalingConfigurationId, Region: region, Name: a.ScalingConfigurationName, Group: a.ScalingGroupId,
			Image: k.intern(a.ImageId), KeyPair: k.intern(a.KeyPairName), State: k.intern(a.LifecycleState), Inherit: bool(a.PasswordInherit)})
		return nil
	}))
	var status struct{ Encrypted flexBool }
	err := diskEncryption.Get(k.ctx, k.c, region, in(region), &status)
	if err == nil {
		add(k, &k.s.Encryption, Encryption{Region: region, Default: bool(status.Encrypted)})
	}
	k.failed(diskEncryption, region, err)
}

// shares reads what Resource Sharing shares out of a region. Shares without a
// disk's content are kept too: a later target is added to them.
func (k *collector) shares(region string) {
	byID := map[string]*ResourceShare{}
	var ids []string
	err := each(k, shares, region, map[string]string{"ResourceOwner": "Self"}, func(a struct {
		ResourceShareId, ResourceShareName, ResourceShareStatus, CreateTime string
		AllowExternalTargets                                                flexBool
	}) error {
		if a.ResourceShareStatus == "Deleted" {
			return nil
		}
		byID[a.ResourceShareId] = &ResourceShare{ID: a.ResourceShareId, Region: region, Name: a.ResourceShareName, Status: a.ResourceShareStatus,
			Created: a.CreateTime, External: bool(a.AllowExternalTargets)}
		ids = append(ids, a.ResourceShareId)
		return nil
	})
	k.failed(shares, region, err)
	if err == nil && len(ids) == 0 {
		return
	}
	for _, kind := range []string{"Resource", "Target"} {
		err := each(k, shareAssociations, region, map[string]string{"AssociationType": kind}, func(a struct {
			ResourceShareId, EntityId, EntityType, AssociationStatus, CreateTime string
			External                                                             flexBool
		}) error {
			s := byID[a.ResourceShareId]
			if s == nil || a.AssociationStatus == "Disassociated" {
				return nil
			}
			e := ShareEntity{ID: a.EntityId, Type: a.EntityType, Since: a.CreateTime, External: bool(a.External)}
			if kind == "Resource" {
				s.Resources = append(s.Resources, e)
			} else {
				s.Targets = append(s.Targets, e)
			}
			return nil
		})
		k.failed(shareAssociations, region, err)
	}
	for _, id := range ids {
		add(k, &k.s.Shares, *byID[id])
	}
}

// version reads the number of a template version; "" and "Default" and
// "Latest" name one by its place.
func (t *LaunchTemplate) version(v string) int64 {
	switch {
	case v == "" || strings.EqualFold(v, "Default"):
		return t.Default
	case strings.EqualFold(v, "Latest"):
		return t.Latest
	}
	n, _ := strconv.ParseInt(v, 10, 64) // what is no number is no version: 0
	return n
}

// Version finds what a version launches, if the snapshot holds it.
func (t *LaunchTemplate) Version(v string) (TemplateVersion, bool) {
	n := t.version(v)
	for _, x := range t.Versions {
		if x.Number == n {
			return x, true
		}
	}
	return TemplateVersion{}, false
}

// Label is how a person knows the template.
func (t *LaunchTemplate) Label() string {
	if t.Name == "" {
		return t.ID
	}
	return fmt.Sprintf("%s (%s)", t.ID, t.Name)
}

// AnyImage finds a custom image of a region, by the first caller who may list
// them; "" if there is none. Nil callers are passed over.
func AnyImage(ctx context.Context, callers []Caller, region string) (id string, err error) {
	for _, c := range callers {
		if c == nil {
			continue
		}
		var a struct {
			Images struct{ Image []struct{ ImageId string } }
		}
		params := in(region, "ImageOwnerAlias", "self", "PageSize", "1", "PageNumber", "1")
		if err = images.Get(ctx, c, region, params, &a); err == nil {
			if len(a.Images.Image) > 0 {
				id = a.Images.Image[0].ImageId
			}
			return id, nil
		}
	}
	return "", err
}
