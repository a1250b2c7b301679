package policy

import (
	_ "embed"
	"slices"
	"strings"
)

// actionList holds the actions of the services that a policy about images
// speaks of, one "service:Action" a line, from the cloud's published API
// metadata of April 2026.
//
//go:embed actions.txt
var actionList string

// complete are services of which the list holds every action of that
// metadata; of others it holds those that this package names itself.
var complete = []string{"actiontrail", "ecs", "ess", "ram", "resourcemanager", "resourcesharing", "sts"}

// actions is the table, sorted.
func actions() []string { return strings.Fields(actionList) }

// knownAction returns the documented spelling of an action.
func knownAction(table []string, name string) (string, bool) {
	for _, a := range table {
		if strings.EqualFold(a, name) {
			return a, true
		}
	}
	return "", false
}

// nearAction is the action most like an unknown one; "" when none is near, or
// the service is not one whose actions are all known.
func nearAction(table []string, name string) (near string, known bool) {
	service, _, _ := strings.Cut(strings.ToLower(name), ":")
	known = slices.Contains(complete, service)
	best := 1 << 30
	for _, a := range table {
		d := distance(strings.ToLower(name), strings.ToLower(a), 80)
		if d < best {
			best, near = d, a
		}
	}
	if best > max(2, len(name)/6) {
		near = ""
	}
	return near, known
}

// A conditionKey is a documented key and the type of its values.
type conditionKey struct {
	name   string
	typ    string   // "Boolean", "String", "IP", "Date"
	values []string // the known values, where a policy about images uses them
}

// conditionKeys are the documented keys that concern images, instances and
// shares, with the types of the service's pages. Some booleans are typed
// String there; StringEquals is what compares them.
var conditionKeys = []conditionKey{
	{"acs:CurrentTime", "Date", nil}, {"acs:SecureTransport", "Boolean", nil}, {"acs:SourceIp", "IP", nil}, {"acs:MFAPresent", "Boolean", nil},
	{"acs:PrincipalARN", "String", nil}, {"acs:PrincipalRDId", "String", nil}, {"acs:PrincipalRDPath", "String", nil},
	{"ecs:AssociatePublicIpAddress", "Boolean", nil}, {"ecs:CommandRunAs", "String", nil}, {"ecs:ImageOwnerId", "String", nil},
	{"ecs:ImagePlatform", "String", nil}, {"ecs:ImageSource", "String", nil}, {"ecs:InstanceType", "String", nil}, {"ecs:InstanceTypeFamily", "String", nil},
	{"ecs:IsDiskByokEncrypted", "String", nil}, {"ecs:IsDiskEncrypted", "String", nil}, {"ecs:IsSystemDiskByokEncrypted", "String", nil},
	{"ecs:IsSystemDiskEncrypted", "String", nil}, {"ecs:LoginAsNonRoot", "Boolean", nil}, {"ecs:NotSpecifySecurityGroupId", "Boolean", nil},
	{"ecs:PasswordCustomized", "Boolean", nil}, {"ecs:PasswordInherit", "Boolean", nil}, {"ecs:SecurityEnhancementStrategy", "String", nil},
	{"ecs:SecurityGroupIpProtocols", "String", nil}, {"ecs:SecurityGroupSourceCidrIps", "String", nil}, {"ecs:SecurityHardeningMode", "Boolean", nil},
	{"resourcesharing:RequestedResourceType", "String", []string{"Snapshot", "Image"}}, {"resourcesharing:ResourceArn", "String", nil},
	{"resourcesharing:Target", "String", nil}, {"resourcesharing:RequestedAllowExternalTargets", "Boolean", nil},
	{"vpc:CreateDefaultVpc", "Boolean", nil}, {"vpc:IsDefaultVSwitch", "Boolean", nil}, {"vpc:IsDefaultVpc", "Boolean", nil}, {"vpc:VPC", "String", nil},
}

func findKey(name string) *conditionKey {
	for i := range conditionKeys {
		if conditionKeys[i].name == name {
			return &conditionKeys[i]
		}
	}
	return nil
}

// nearKey is the documented key that a name means by its case or a slip.
func nearKey(name string) *conditionKey {
	var near *conditionKey
	best := 3
	for i := range conditionKeys {
		k := &conditionKeys[i]
		if strings.EqualFold(k.name, name) {
			return k
		}
		if d := distance(strings.ToLower(name), strings.ToLower(k.name), 80); d < best {
			best, near = d, k
		}
	}
	return near
}
