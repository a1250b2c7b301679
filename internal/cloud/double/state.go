package double

import "time"

// A State is everything the double knows. It is plain data: a test writes it
// as a literal, assay double seeds it, JSON stores it. The server works on it
// in place, under its own lock (Server.View reads it safely).
type State struct {
	Accounts  []*Account
	Directory *Directory     // nil: no Resource Directory
	Home      string         // region of calls that name none; "" means cn-hangzhou
	Regions   []RegionInfo   // what DescribeRegions lists
	Events    []*Event       // what ActionTrail remembers, newest last
	Public    []*Image       // images of Alibaba Cloud and the community, in every region
	Sessions  []*AccessKey   // issued by AssumeRole
	Counts    map[string]int // calls answered, by "product:Action"
}

// RegionInfo is one region.
type RegionInfo struct{ RegionID, LocalName string }

// An Account is one Alibaba Cloud account.
type Account struct {
	ID       string // 16 digits
	Name     string
	Keys     []*AccessKey
	Users    []*User
	Groups   []*Group
	Roles    []*Role
	Policies []*Policy // custom policies; the system's are built in
	Regions  map[string]*Region
	Shares   []*Share
}

// An AccessKey is a credential of a principal: of a user, of the account
// itself (User ""), or, with Token, of a role's session.
type AccessKey struct {
	ID, Secret string
	Account    string `json:",omitempty"` // filled in by New for keys of accounts
	User       string
	Inactive   bool
	Token      string
	Role       string
	Session    string
	Policy     string // session policy
	Expires    time.Time
	Created    time.Time
}

// A User is a RAM user; Policies are the names of what is attached to it:
// "custom/NAME" or "system/NAME", with "@rg-…" behind it where it is attached
// for one resource group only.
type User struct {
	Name, ID, DisplayName, Comments string
	Created                         time.Time
	Groups                          []string
	Policies                        []string
}

// A Group is a RAM user group.
type Group struct {
	Name, Comments string
	Created        time.Time
	Policies       []string
}

// A Role is a RAM role.
type Role struct {
	Name, ID, Description string
	Trust                 string // policy document
	MaxSession            int    // seconds; 0 means 3600
	ServiceLinked         bool
	Created               time.Time
	Policies              []string
}

// A Policy is a custom policy, or a control policy.
type Policy struct {
	Name, ID, Description string
	Created, Updated      time.Time
	Versions              []*PolicyVersion
	Default               string // "v1"
	Scope                 string // EffectScope of a control policy
}

// A PolicyVersion is one text of a policy.
type PolicyVersion struct {
	ID       string // "v1"
	Document string
	Created  time.Time
}

// A Directory is a Resource Directory.
type Directory struct {
	ID, Master   string // Master is the management account
	Root         string // id of the Root folder
	Status       string // of control policies: "Enabled", "Disabled", "PendingEnable"
	Folders      []*Folder
	Members      []*Member
	Policies     []*Policy           // custom control policies
	Attachments  map[string][]string // target (folder, member) → policy ids
	PendingPolls int                 // how often GetControlPolicyEnablementStatus still says Pending…
}

// A Folder is a node below Root.
type Folder struct {
	ID, Name, Parent string
	Created          time.Time
}

// A Member is an account in a folder.
type Member struct {
	Account, DisplayName, Folder string
	Joined                       time.Time
}

// A Region holds what an account has in one region. All slices are in the
// order in which they are listed.
type Region struct {
	Images         []*Image
	Snapshots      []*Snapshot
	Instances      []*Instance
	KeyPairs       []*KeyPair
	Templates      []*Template
	Provisioning   []*Provisioning
	Tasks          []*Task
	ScalingGroups  []*ScalingGroup
	ScalingConfigs []*ScalingConfig
	Invocations    []*Invocation
	EncryptDisks   bool // disks are encrypted by default
}

// A Tag is a tag.
type Tag struct{ Key, Value string }

// An Image is a custom, system or community image.
type Image struct {
	ID, Name, Description, Family string
	Owner                         string // account; "" of the system's
	Alias                         string // "self" is computed; "system", "marketplace" or "others"
	OSType, Platform, OSName      string
	Size                          int
	Status                        string // "" means Available
	Copied, Community             bool
	LoginAsNonRoot                bool
	Created                       time.Time
	Tags                          []Tag
	SharedWith                    []ImageShare
	ShareGroups                   []string
	Snapshot                      string // of the system disk
	Encrypted, ServiceKey         bool   // with the service key: cannot be shared
	Marketplace                   bool   // derived: cannot be shared or exported
	Detection                     string // DetectionOptions.Status; "" for none
}

// An ImageShare is one account that may use an image.
type ImageShare struct {
	Account string
	Since   time.Time
}

// A Snapshot is a snapshot of a disk.
type Snapshot struct {
	ID, Name, Disk, DiskType string
	Size                     int
	Encrypted                bool
	Created                  time.Time
	Tags                     []Tag
}

// An Instance is a running machine. Password and PublicKey are what opens it.
type Instance struct {
	ID, Name, Image, Type, Zone string
	Status                      string // "" means Running
	OSType, OSName              string
	KeyPair                     string
	PublicIP, PrivateIP         string
	Role                        string
	Created                     time.Time
	Tags                        []Tag
	UserData                    string // base64
	Assistant                   string // version of Cloud Assistant; "" means none
	PasswordSet                 bool   // by ModifyInstanceAttribute; the text is not kept
	PendingKeyPair              bool   // takes effect with the next reboot
	Boots                       int
	LoginAsNonRoot              bool
	PasswordInherit             bool // how it was created; no API tells
}

// A KeyPair is an SSH key pair.
type KeyPair struct {
	Name, Fingerprint, PublicKey string
	Created                      time.Time
	Tags                         []Tag
}

// A Template is a launch template with its versions.
type Template struct {
	ID, Name, CreatedBy string
	Default             int
	Created             time.Time
	Versions            []*TemplateVersion
	Tags                []Tag
}

// A TemplateVersion is one version of a launch template.
type TemplateVersion struct {
	Number          int
	Description     string
	Image, KeyPair  string
	PasswordInherit bool
	InstanceType    string
	UserData        string
	Role            string
	HTTPTokens      string
	Created         time.Time
}

// A Provisioning is an auto provisioning group. With Template "" it launches
// from an inline configuration, of which no API tells.
type Provisioning struct {
	ID, Name                  string
	Template, TemplateVersion string
	Status, State             string
	Created                   time.Time
	Instances                 []string
}

// A Task is an asynchronous task, such as an export.
type Task struct {
	ID, Action, Status, Resource string
	Created, Finished            time.Time
	Polls                        int // how often DescribeTasks still says Processing
}

// A ScalingGroup is a group of Auto Scaling.
type ScalingGroup struct {
	ID, Name, Config, Template, TemplateVersion string
	State                                       string // "" means Active
	Min, Max, Desired                           int
	Created                                     time.Time
}

// A ScalingConfig is a scaling configuration.
type ScalingConfig struct {
	ID, Name, Group, Image, KeyPair, InstanceType string
	PasswordInherit                               bool
	LoginAsNonRoot                                bool
	UserData, Role                                string
	Inactive                                      bool
	Created                                       time.Time
}

// A Share is a resource share of the Resource Sharing service, in one region.
type Share struct {
	ID, Name, Region string
	AllowExternal    bool
	Resources        []SharedResource
	Targets          []SharedTarget
	Created          time.Time
}

// A SharedResource is one resource in a share.
type SharedResource struct {
	ID, Type string // "Snapshot", "Image", "VSwitch"
	Since    time.Time
}

// A SharedTarget is one account, folder or directory that a share serves.
type SharedTarget struct {
	ID       string
	External bool
	Since    time.Time
}

// An Event is what ActionTrail remembers of one call.
type Event struct {
	ID, Name, Service, Source, Region string
	Time                              time.Time
	Account, User, UserType, IP       string
	RW                                string // "Write", "Read"
	Error                             string
	Params                            map[string]string
	ResourceType, Resource            string
}

// An Invocation is one run of a command on instances.
type Invocation struct {
	ID, Command string
	Created     time.Time
	Encoding    string
	Username    string
	Results     []*InvocationResult
}

// An InvocationResult is what one instance answered.
type InvocationResult struct {
	Instance      string
	Polls         int // how often it is still Running when asked
	Exit          int
	Output        string // at most 24 KiB
	Dropped       int
	Code, Info    string // why it did not run
	Start, Finish time.Time
}

func (s *State) account(id string) *Account {
	for _, a := range s.Accounts {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// region returns what an account has in a region, empty if it has nothing.
func (a *Account) region(id string) *Region {
	r := a.Regions[id]
	if r == nil {
		r = &Region{}
		if a.Regions == nil {
			a.Regions = map[string]*Region{}
		}
		a.Regions[id] = r
	}
	return r
}
