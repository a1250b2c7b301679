package double

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// launch are the resource and keys of RunInstances and CreateInstance. The
// keys come of the parameters alone: no documentation says that a launch
// template's values are sent, so the double does not send them.
func launch(c *call) []target {
	return []target{{keys: c.launchKeys()}}
}

func replace(c *call) []target {
	ts := c.arns("instance", c.str("InstanceId"))
	ts[0].keys = c.launchKeys()
	return ts
}

func (c *call) launchKeys() map[string][]string {
	keys := map[string][]string{"ecs:PasswordCustomized": {strconv.FormatBool(c.str("Password") != "")}}
	if v := c.str("PasswordInherit"); v != "" {
		keys["ecs:PasswordInherit"] = []string{strings.ToLower(v)}
	}
	if v := c.str("ImageOptions.LoginAsNonRoot"); v != "" {
		keys["ecs:LoginAsNonRoot"] = []string{strings.ToLower(v)}
	}
	if v := c.str("InstanceType"); v != "" {
		keys["ecs:InstanceType"] = []string{v}
	}
	return keys
}

// a plan is what a launch would make.
type plan struct {
	image, keyPair, kind, role, userData string
	inherit                              bool
}

// plan reads the parameters of a launch; a launch template fills what is left
// out.
func (c *call) plan() (*plan, *fail) {
	p := &plan{image: c.str("ImageId"), keyPair: c.str("KeyPairName"), kind: c.str("InstanceType"), role: c.str("RamRoleName"),
		userData: c.str("UserData"), inherit: c.flag("PasswordInherit")}
	if id, name := c.str("LaunchTemplateId"), c.str("LaunchTemplateName"); id != "" || name != "" {
		t := find(c.here().Templates, func(t *Template) bool { return t.ID == id || id == "" && t.Name == name })
		if t == nil {
			return nil, refuse(404, "InvalidLaunchTemplate.NotFound", "The specified LaunchTemplate is not found.")
		}
		n := c.num("LaunchTemplateVersion", t.Default)
		v := find(t.Versions, func(v *TemplateVersion) bool { return v.Number == n })
		if v == nil {
			return nil, refuse(404, "InvalidLaunchTemplateVersion.NotFound", "The specified LaunchTemplateVersion is not found.")
		}
		for _, s := range []struct {
			to   *string
			from string
		}{{&p.image, v.Image}, {&p.keyPair, v.KeyPair}, {&p.kind, v.InstanceType}, {&p.role, v.Role}, {&p.userData, v.UserData}} {
			if *s.to == "" {
				*s.to = s.from
			}
		}
		p.inherit = p.inherit || c.str("PasswordInherit") == "" && v.PasswordInherit
	}
	images, _ := c.visible()
	switch {
	case p.image == "":
		return nil, refuse(400, "MissingParameter", `The input parameter "ImageId" that is mandatory for processing this request is not supplied.`)
	case p.kind == "":
		return nil, refuse(400, "MissingParameter", `The input parameter "InstanceType" that is mandatory for processing this request is not supplied.`)
	case find(images, func(i *Image) bool { return i.ID == p.image }) == nil:
		return nil, noImage()
	case p.keyPair != "" && c.here().keyPair(p.keyPair) == nil:
		return nil, noKeyPair()
	case p.inherit && c.str("Password") != "":
		return nil, refuse(400, "InvalidParameter.Conflict", "Password and PasswordInherit cannot be given together.")
	}
	return p, nil
}

// launched makes one instance of a plan.
func (c *call) launched(p *plan, status string) *Instance {
	images, _ := c.visible()
	of := find(images, func(i *Image) bool { return i.ID == p.image })
	i := &Instance{ID: c.newID("i"), Name: c.str("InstanceName"), Image: p.image, Type: p.kind, Zone: c.region + "-b", Status: status, OSType: of.OSType, OSName: of.OSName,
		KeyPair: p.keyPair, Role: p.role, Created: c.now, Tags: c.tags(), UserData: p.userData, Assistant: "2.2.3.800", PasswordInherit: p.inherit,
		PasswordSet: c.str("Password") != "", LoginAsNonRoot: c.flag("ImageOptions.LoginAsNonRoot")}
	if of.OSType == "windows" {
		i.KeyPair = "" // ignored there
	}
	i.PrivateIP = fmt.Sprintf("10.%d.%d.%d", c.s.ids>>16&255, c.s.ids>>8&255, c.s.ids&255)
	c.here().Instances = append(c.here().Instances, i)
	return i
}

func runInstances(c *call) (obj, *fail) {
	p, f := c.plan()
	if f != nil {
		return nil, f
	}
	n := c.num("Amount", 1)
	if n < 1 || n > 100 {
		return nil, invalid("Amount", c.str("Amount"))
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	ids := []string{}
	for range n {
		ids = append(ids, c.launched(p, "Running").ID)
	}
	return obj{"InstanceIdSets": obj{"InstanceIdSet": ids}, "OrderId": "", "TradePrice": 0.1}, nil
}

func createInstance(c *call) (obj, *fail) {
	p, f := c.plan()
	if f == nil {
		f = c.dryRun()
	}
	if f != nil {
		return nil, f
	}
	return obj{"InstanceId": c.launched(p, "Stopped").ID, "OrderId": "", "TradePrice": 0.1}, nil
}

func replaceSystemDisk(c *call) (obj, *fail) {
	i := c.here().instance(c.str("InstanceId"))
	images, _ := c.visible()
	of := find(images, func(m *Image) bool { return m.ID == c.str("ImageId") })
	switch {
	case i == nil:
		return nil, noInstance(c.str("InstanceId"))
	case i.status() != "Stopped":
		return nil, wrongStatus()
	case of == nil:
		return nil, noImage()
	}
	i.Image, i.OSType, i.OSName, i.PasswordInherit = of.ID, of.OSType, of.OSName, c.flag("PasswordInherit")
	if k := c.str("KeyPairName"); k != "" {
		i.KeyPair = k
	}
	return obj{"DiskId": c.newID("d")}, nil
}

func wrongStatus() *fail {
	return refuse(403, "IncorrectInstanceStatus", "The current status of the resource does not support this operation.")
}

func rebootInstance(c *call) (obj, *fail) {
	i := c.here().instance(c.str("InstanceId"))
	switch {
	case i == nil:
		return nil, noInstance(c.str("InstanceId"))
	case i.status() != "Running":
		return nil, wrongStatus()
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	i.reboot()
	return obj{}, nil
}

func (i *Instance) reboot() {
	i.Boots++
	i.PendingKeyPair = false
}

// rebootInstances with BatchOptimization SuccessFirst tells the result of each
// instance; otherwise one instance that cannot be restarted fails all.
func rebootInstances(c *call) (obj, *fail) {
	ids := c.list("InstanceId")
	if len(ids) > 100 {
		return nil, invalid("InstanceId", "more than 100")
	}
	each := c.str("BatchOptimization") == "SuccessFirst"
	for _, id := range ids {
		switch i := c.here().instance(id); {
		case i == nil:
			return nil, noInstance(id)
		case i.status() != "Running" && !each:
			return nil, wrongStatus()
		}
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	return obj{"InstanceResponses": obj{"InstanceResponse": some(ids, 0, len(ids), func(id string) obj {
		i := c.here().instance(id)
		if i.status() != "Running" {
			f := wrongStatus()
			return obj{"InstanceId": id, "Code": f.code, "Message": f.message, "PreviousStatus": i.status(), "CurrentStatus": i.status()}
		}
		i.reboot()
		return obj{"InstanceId": id, "Code": "200", "Message": "success", "PreviousStatus": "Running", "CurrentStatus": "Stopping"}
	})}}, nil
}

func startInstance(c *call) (obj, *fail) { return c.turn("Stopped", "Running") }
func stopInstance(c *call) (obj, *fail)  { return c.turn("Running", "Stopped") }

func (c *call) turn(from, to string) (obj, *fail) {
	i := c.here().instance(c.str("InstanceId"))
	switch {
	case i == nil:
		return nil, noInstance(c.str("InstanceId"))
	case i.status() != from:
		return nil, wrongStatus()
	}
	if f := c.dryRun(); f != nil {
		return nil, f
	}
	i.Status = to
	if to == "Running" {
		i.reboot()
	}
	return obj{}, nil
}

func modifyInstanceAttribute(c *call) (obj, *fail) {
	i := c.here().instance(c.str("InstanceId"))
	if i == nil {
		return nil, noInstance(c.str("InstanceId"))
	}
	if p := c.str("Password"); p != "" {
		if !strong(p) || i.OSType == "windows" && p[0] == '/' {
			return nil, refuse(400, "InvalidPassword.Malformed", "The specified parameter \"Password\" is not valid.")
		}
		i.PasswordSet = true
	}
	if n := c.str("InstanceName"); n != "" {
		i.Name = n
	}
	if u, ok := c.p["UserData"]; ok {
		i.UserData = u
	}
	return obj{}, nil
}

// strong is the service's rule: 8 to 30 characters of at least three classes.
func strong(p string) bool {
	classes := []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "()`~!@#$%^&*-_+=|{}[]:;'<>,.?/"}
	n := 0
	for _, set := range classes {
		if strings.ContainsAny(p, set) {
			n++
		}
	}
	return len(p) >= 8 && len(p) <= 30 && n >= 3 && strings.Trim(p, strings.Join(classes, "")) == ""
}

func noKeyPair() *fail {
	return refuse(404, "InvalidKeyPair.NotFound", "The specified KeyPairName does not exist.")
}

// attachKeyPair binds a pair; it opens the instance with its next start.
func attachKeyPair(c *call) (obj, *fail) {
	if c.here().keyPair(c.str("KeyPairName")) == nil {
		return nil, noKeyPair()
	}
	return c.bind(func(i *Instance) string {
		if i.OSType == "windows" {
			return "InvalidInstance.OSType"
		}
		i.KeyPair, i.PendingKeyPair = c.str("KeyPairName"), i.status() == "Running"
		return ""
	})
}

func detachKeyPair(c *call) (obj, *fail) {
	return c.bind(func(i *Instance) string {
		if i.KeyPair != c.str("KeyPairName") {
			return "InvalidKeyPair.NotAttached"
		}
		i.KeyPair, i.PendingKeyPair = "", i.status() == "Running"
		return ""
	})
}

// bind does one thing to the instances of a call and tells the result of each.
func (c *call) bind(do func(*Instance) (code string)) (obj, *fail) {
	ids, f := c.array("InstanceIds")
	if f != nil {
		return nil, f
	}
	if len(ids) == 0 || len(ids) > 50 {
		return nil, invalid("InstanceIds", c.str("InstanceIds"))
	}
	for _, id := range ids {
		if c.here().instance(id) == nil {
			return nil, noInstance(id)
		}
	}
	bad := 0
	results := some(ids, 0, len(ids), func(id string) obj {
		if code := do(c.here().instance(id)); code != "" {
			bad++
			return obj{"InstanceId": id, "Success": "false", "Code": code, "Message": "The instance does not support this operation."}
		}
		return obj{"InstanceId": id, "Success": "true", "Code": "200", "Message": "successful"}
	})
	return obj{"KeyPairName": c.str("KeyPairName"), "TotalCount": strconv.Itoa(len(ids)), "FailCount": strconv.Itoa(bad), "Results": obj{"Result": results}}, nil
}

// newPair files a key pair under a name that is free.
func (c *call) newPair(k *KeyPair) *fail {
	if c.here().keyPair(k.Name) != nil {
		return refuse(400, "KeyPair.AlreadyExist", "The key pair already exist.")
	}
	c.here().KeyPairs = append(c.here().KeyPairs, k)
	return nil
}

func deleteKeyPairs(c *call) (obj, *fail) {
	names, f := c.array("KeyPairNames")
	if f != nil {
		return nil, f
	}
	c.here().KeyPairs = slices.DeleteFunc(c.here().KeyPairs, func(k *KeyPair) bool { return slices.Contains(names, k.Name) })
	return obj{}, nil
}
