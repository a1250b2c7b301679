package double

import (
	"slices"
	"strings"
)

// ecsWrites are the calls of ECS that change something.
func ecsWrites() map[string]action {
	image := func(c *call) []target { return c.arns("image", c.str("ImageId")) }
	instance := func(c *call) []target { return c.arns("instance", c.str("InstanceId")) }
	several := func(c *call) []target { return c.arns("instance", c.list("InstanceId")...) }
	pair := func(c *call) []target { return c.arns("keypair", c.str("KeyPairName")) }
	attach := func(c *call) []target {
		ids, _ := c.array("InstanceIds")
		return append(c.arns("keypair", c.str("KeyPairName")), c.arns("instance", ids...)...)
	}
	return map[string]action{
		"ecs:ModifyImageSharePermission": {run: modifyImageSharePermission, targets: image, write: true},
		"ecs:ModifyImageAttribute":       {run: modifyImageAttribute, targets: image, write: true},
		"ecs:ExportImage":                {run: exportImage, targets: image, write: true},
		"ecs:CreateImage":                {run: createImage, targets: func(c *call) []target { return c.arns("image") }, write: true},
		"ecs:DeleteImage":                {run: deleteImage, targets: image, write: true},
		"ecs:RunInstances":               {run: runInstances, targets: launch, write: true},
		"ecs:CreateInstance":             {run: createInstance, targets: launch, write: true},
		"ecs:ReplaceSystemDisk":          {run: replaceSystemDisk, targets: replace, write: true},
		"ecs:AttachKeyPair":              {run: attachKeyPair, targets: attach, write: true},
		"ecs:DetachKeyPair":              {run: detachKeyPair, targets: attach, write: true},
		"ecs:ImportKeyPair":              {run: importKeyPair, targets: pair, write: true},
		"ecs:CreateKeyPair":              {run: createKeyPair, targets: pair, write: true},
		"ecs:DeleteKeyPairs":             {run: deleteKeyPairs, targets: func(c *call) []target { n, _ := c.array("KeyPairNames"); return c.arns("keypair", n...) }, write: true},
		"ecs:RebootInstance":             {run: rebootInstance, targets: instance, write: true},
		"ecs:RebootInstances":            {run: rebootInstances, targets: several, write: true},
		"ecs:StartInstance":              {run: startInstance, targets: instance, write: true},
		"ecs:StopInstance":               {run: stopInstance, targets: instance, write: true},
		"ecs:ModifyInstanceAttribute":    {run: modifyInstanceAttribute, targets: instance, write: true},
	}
}

// own finds an image of the caller's account that can be handed on.
func (c *call) own() (*Image, *fail) {
	i := c.here().image(c.str("ImageId"))
	switch {
	case i == nil:
		return nil, noImage()
	case i.status() != "Available":
		return nil, refuse(403, "IncorrectImageStatus", "The status of the specified image does not support this operation.")
	}
	return i, nil
}

// mostShares is the quota of accounts that one image is shared with; one call
// takes ten, and ignores what is beyond.
const (
	mostShares = 50
	onePass    = 10
)

func modifyImageSharePermission(c *call) (obj, *fail) {
	i, f := c.own()
	if f != nil {
		return nil, f
	}
	add, remove := c.list("AddAccount"), c.list("RemoveAccount")
	add, remove = add[:min(len(add), onePass)], remove[:min(len(remove), onePass)]
	publish := c.flag("IsPublic")
	switch {
	case i.Marketplace && (len(add) > 0 || publish):
		return nil, refuse(403, "ImageNotSupportShare.MarketplaceImage", "An image that is made of a marketplace image cannot be shared.")
	case i.ServiceKey && (len(add) > 0 || publish):
		return nil, refuse(403, "ImageNotSupportShare.EncryptedByServiceKey", "An image that is encrypted with the service key cannot be shared.")
	case i.Encrypted && publish:
		return nil, refuse(403, "ImageNotSupportPublish.Encrypted", "An encrypted image cannot be published.")
	case i.Community && len(add) > 0:
		return nil, refuse(403, "ImageNotSupportShare.CommunityImage", "A community image cannot be shared.")
	}
	for _, a := range append(slices.Clone(add), remove...) {
		if a == "" || strings.Trim(a, "0123456789") != "" {
			return nil, refuse(404, "InvalidAccount.NotFound", "The specified Account does not yet exist.")
		}
	}
	if len(i.SharedWith)+len(add) > mostShares {
		return nil, refuse(403, "QuotaExceed.ImageShare", "The maximum number of accounts that an image is shared with is exceeded.")
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	for _, a := range add {
		if !slices.ContainsFunc(i.SharedWith, func(s ImageShare) bool { return s.Account == a }) {
			i.SharedWith = append(i.SharedWith, ImageShare{a, c.now})
		}
	}
	i.SharedWith = slices.DeleteFunc(i.SharedWith, func(s ImageShare) bool { return slices.Contains(remove, s.Account) })
	if c.str("IsPublic") != "" {
		i.Community = publish
	}
	return obj{}, nil
}

func modifyImageAttribute(c *call) (obj, *fail) {
	i := c.here().image(c.str("ImageId"))
	if i == nil {
		return nil, noImage()
	}
	if s := c.str("Status"); s != "" && s != "Available" && s != "Deprecated" {
		return nil, invalid("Status", s)
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	set := func(to *string, name string) {
		if v, ok := c.p[name]; ok {
			*to = v
		}
	}
	set(&i.Name, "ImageName")
	set(&i.Description, "Description")
	set(&i.Family, "ImageFamily")
	set(&i.Status, "Status")
	return obj{}, nil
}

func exportImage(c *call) (obj, *fail) {
	i, f := c.own()
	switch {
	case f != nil:
		return nil, f
	case i.Marketplace:
		return nil, refuse(403, "ImageNotSupportExport.MarketplaceImage", "An image that is made of a marketplace image cannot be exported.")
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	t := &Task{ID: c.newID("t"), Action: "ExportImage", Status: "Processing", Resource: i.ID, Created: c.now, Polls: 1}
	c.here().Tasks = append(c.here().Tasks, t)
	return obj{"TaskId": t.ID, "RegionId": c.region}, nil
}

func createImage(c *call) (obj, *fail) {
	id, snapshot := c.str("InstanceId"), c.str("SnapshotId")
	i := &Image{Name: c.str("ImageName"), Description: c.str("Description"), Family: c.str("ImageFamily"), Owner: c.acct.ID, OSType: "linux", Created: c.now, Tags: c.tags(), Size: 40}
	switch from := c.here().instance(id); {
	case id != "" && from == nil:
		return nil, noInstance(id)
	case id != "":
		i.OSType, i.OSName = from.OSType, from.OSName
	case snapshot == "":
		return nil, refuse(400, "MissingParameter", `The input parameter "SnapshotId" or "InstanceId" that is mandatory for processing this request is not supplied.`)
	case find(c.here().Snapshots, func(s *Snapshot) bool { return s.ID == snapshot }) == nil:
		return nil, refuse(404, "InvalidSnapshotId.NotFound", "The specified SnapshotId does not exist.")
	}
	if find(c.here().Images, func(o *Image) bool { return o.Name == i.Name && i.Name != "" }) != nil {
		return nil, refuse(400, "InvalidImageName.Duplicated", "The specified Image name has already been used.")
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	i.ID, i.Snapshot = c.newID("m"), snapshot
	if c.str("DetectionStrategy") != "" {
		i.Detection = "Finished"
	}
	c.here().Images = append(c.here().Images, i)
	return obj{"ImageId": i.ID}, nil
}

func deleteImage(c *call) (obj, *fail) {
	i := c.here().image(c.str("ImageId"))
	switch {
	case i == nil:
		return nil, noImage()
	case len(i.SharedWith) > 0 && !c.flag("Force"):
		return nil, refuse(403, "ImageIsShared", "The specified image is shared; take the shares back first.")
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	c.here().Images = slices.DeleteFunc(c.here().Images, func(o *Image) bool { return o == i })
	return obj{}, nil
}
