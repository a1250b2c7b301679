package cloud

import (
	"strings"
	"time"

	"assay/finding"
)

// A Snapshot is an account at one moment: everything that the account checks
// judge, and what could not be read. It is plain data and holds no secret: a
// launch template's user data, a key pair's private half and passwords are
// never read. Lists are in order of region and ID. It is not changed after
// Collect or Load, and safe for use by several goroutines.
type Snapshot struct {
	Format    int      `json:"format"`  // see Load
	Account   string   `json:"account"` // number of the account
	Caller    string   `json:"caller"`  // ARN of who asked
	Taken     string   `json:"taken"`   // RFC 3339, UTC
	Regions   []string `json:"regions"`
	TrailDays int      `json:"trail_days"` // how far back ActionTrail was asked; 0 for not at all
	Calls     int      `json:"calls"`      // API calls that it took

	Directory *Directory `json:"directory,omitempty"` // nil: the account is in no Resource Directory, or it could not be read

	Images      []Image                `json:"images"`
	Snapshots   []DiskSnapshot         `json:"snapshots"`
	Shares      []ResourceShare        `json:"shares"`
	Tasks       []Task                 `json:"tasks"`
	Templates   []LaunchTemplate       `json:"templates"`
	Scaling     []ScalingConfiguration `json:"scaling"`
	Groups      []ProvisioningGroup    `json:"provisioning_groups"`
	Instances   []Instance             `json:"instances"`
	KeyPairs    []KeyPair              `json:"key_pairs"`
	Encryption  []Encryption           `json:"encryption"`
	Policies    []Policy               `json:"policies"`
	Principals  []Principal            `json:"principals"`
	Events      []Event                `json:"events"`
	Nodes       []Node                 `json:"nodes"`
	ControlDocs []ControlPolicy        `json:"control_policies"`
	Gaps        []finding.Gap          `json:"gaps"`
}

// ARN names a resource of this account: acs:ecs:cn-hangzhou:123:image/m-1.
func (s *Snapshot) ARN(product, region, rest string) string {
	return "acs:" + product + ":" + region + ":" + s.Account + ":" + rest
}

// An Image is a custom image of this account (DescribeImages, owner self).
type Image struct {
	ID        string   `json:"id"`
	Region    string   `json:"region"`
	Name      string   `json:"name,omitempty"`
	Created   string   `json:"created,omitempty"`
	OS        string   `json:"os,omitempty"` // "linux", "windows"
	Public    bool     `json:"public,omitempty"`
	Shared    bool     `json:"shared,omitempty"` // IsSelfShared
	Encrypted bool     `json:"encrypted,omitempty"`
	InUse     bool     `json:"in_use,omitempty"`
	Accounts  []Share  `json:"accounts,omitempty"` // whom it is shared with
	Groups    []string `json:"groups,omitempty"`   // share groups
}

// A Share is one account that an image is shared with.
type Share struct {
	Account string `json:"account"`
	Since   string `json:"since,omitempty"`
}

// A DiskSnapshot is a snapshot of a disk.
type DiskSnapshot struct {
	ID        string `json:"id"`
	Region    string `json:"region"`
	Created   string `json:"created,omitempty"`
	Encrypted bool   `json:"encrypted,omitempty"`
	Key       string `json:"key,omitempty"`    // KMS key
	Shared    bool   `json:"shared,omitempty"` // carries the service's tag acs:ecs:isShared
	From      string `json:"from,omitempty"`   // account that shares it with this one (tag acs:ecs:sharedFrom)
}

// A ResourceShare is a share of Resource Sharing that this account owns.
type ResourceShare struct {
	ID        string        `json:"id"`
	Region    string        `json:"region"`
	Name      string        `json:"name,omitempty"`
	Status    string        `json:"status,omitempty"`
	Created   string        `json:"created,omitempty"`
	External  bool          `json:"external,omitempty"` // AllowExternalTargets
	Resources []ShareEntity `json:"resources,omitempty"`
	Targets   []ShareEntity `json:"targets,omitempty"`
}

// A ShareEntity is what is shared, or whom it is shared with.
type ShareEntity struct {
	ID       string `json:"id"`
	Type     string `json:"type,omitempty"` // "Snapshot", "Image", "VSwitch"; "Account", "Folder", …
	Since    string `json:"since,omitempty"`
	External bool   `json:"external,omitempty"` // a target outside the organisation
}

// A Task is an asynchronous export (DescribeTasks, TaskAction ExportImage).
type Task struct {
	ID       string `json:"id"`
	Region   string `json:"region"`
	Action   string `json:"action"`
	Status   string `json:"status,omitempty"`
	Created  string `json:"created,omitempty"`
	Resource string `json:"resource,omitempty"`
}

// A LaunchTemplate with the versions that matter: default, latest, and every
// other one that hands on the image's password.
type LaunchTemplate struct {
	ID       string            `json:"id"`
	Region   string            `json:"region"`
	Name     string            `json:"name,omitempty"`
	Default  int64             `json:"default,omitempty"`
	Latest   int64             `json:"latest,omitempty"`
	By       string            `json:"by,omitempty"`
	Versions []TemplateVersion `json:"versions,omitempty"`
}

// A TemplateVersion is what one version would launch.
type TemplateVersion struct {
	Number  int64  `json:"number"`
	Image   string `json:"image,omitempty"`
	KeyPair string `json:"key_pair,omitempty"`
	Inherit bool   `json:"inherit,omitempty"` // PasswordInherit
}

// A ScalingConfiguration of Auto Scaling.
type ScalingConfiguration struct {
	ID      string `json:"id"`
	Region  string `json:"region"`
	Name    string `json:"name,omitempty"`
	Group   string `json:"group,omitempty"`
	Image   string `json:"image,omitempty"`
	KeyPair string `json:"key_pair,omitempty"`
	State   string `json:"state,omitempty"` // "Active", "Inactive"
	Inherit bool   `json:"inherit,omitempty"`
}

// A ProvisioningGroup is an auto provisioning group. The service does not tell
// its launch configuration, only the template.
type ProvisioningGroup struct {
	ID       string `json:"id"`
	Region   string `json:"region"`
	Name     string `json:"name,omitempty"`
	Template string `json:"template,omitempty"`
	Version  string `json:"version,omitempty"`
	State    string `json:"state,omitempty"`
}

// An Instance of ECS.
type Instance struct {
	ID      string `json:"id"`
	Region  string `json:"region"`
	Name    string `json:"name,omitempty"`
	Image   string `json:"image,omitempty"`
	KeyPair string `json:"key_pair,omitempty"`
	OS      string `json:"os,omitempty"` // "linux", "windows"
	Created string `json:"created,omitempty"`
}

// A KeyPair of ECS.
type KeyPair struct {
	Name        string `json:"name"`
	Region      string `json:"region"`
	Fingerprint string `json:"fingerprint,omitempty"` // the service's: MD5 of the public key
	Created     string `json:"created,omitempty"`
}

// Encryption says whether a region encrypts new disks by default.
type Encryption struct {
	Region  string `json:"region"`
	Default bool   `json:"default,omitempty"`
}

// A Policy is a RAM policy that is attached somewhere, in its default version.
type Policy struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // "Custom", "System"
	Version  string `json:"version,omitempty"`
	Document string `json:"document,omitempty"`
}

// A PolicyRef names a Policy.
type PolicyRef struct {
	Type          string `json:"type"`
	Name          string `json:"name"`
	ResourceGroup string `json:"resource_group,omitempty"` // "": the whole account
}

// The kinds of principals.
const (
	User  = "user"
	Group = "group"
	Role  = "role"
)

// A Principal is a RAM user, group or role with what is attached to itself.
type Principal struct {
	Kind     string      `json:"kind"`
	Name     string      `json:"name"`
	ARN      string      `json:"arn"`
	Groups   []string    `json:"groups,omitempty"` // of a user
	Policies []PolicyRef `json:"policies,omitempty"`
}

// A Directory is the Resource Directory that the account is in.
type Directory struct {
	ID         string `json:"id"`
	Management string `json:"management"` // number of the management account
	Root       string `json:"root,omitempty"`
	Control    bool   `json:"control,omitempty"` // control policies are enabled
	// Readable says that nodes and control policies could be read: only the
	// management account and delegated administrators can.
	Readable bool `json:"readable,omitempty"`
}

// A Node is Root, a folder or a member of the directory.
type Node struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"` // "root", "folder", "account"
	Name     string   `json:"name,omitempty"`
	Parent   string   `json:"parent,omitempty"`
	Policies []string `json:"policies,omitempty"` // IDs of control policies
}

// A ControlPolicy of the directory.
type ControlPolicy struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"type"`            // "System", "Custom"
	Scope    string `json:"scope,omitempty"` // EffectScope
	Document string `json:"document,omitempty"`
}

// An Event is one recorded call (ActionTrail, LookupEvents). Params hold only
// what the checks need; passwords are never among them.
type Event struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Region   string            `json:"region"`
	Time     string            `json:"time"`
	User     string            `json:"user,omitempty"`
	UserType string            `json:"user_type,omitempty"` // "root-account", "ram-user", "assumed-role", …
	Source   string            `json:"source,omitempty"`    // address that it came from
	Error    string            `json:"error,omitempty"`     // error code: the call was refused
	Resource []string          `json:"resource,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
}

// timeLayouts are how the APIs write times; ECS leaves out the seconds.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04Z", "2006-01-02T15:04:05.000Z", "2006-01-02 15:04:05", time.DateOnly}

// When reads a time of an answer.
func When(s string) (time.Time, bool) {
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// ServiceLinked reports whether a role is one that a service acts through:
// control policies do not reach it.
func (p *Principal) ServiceLinked() bool {
	return p.Kind == Role && strings.HasPrefix(strings.ToLower(p.Name), "aliyunservicerolefor")
}
