package cloud

// The reads of an audit. Page sizes are the most that the reference of each
// API allows.
var (
	callerIdentity = API{Product: "sts", Action: "GetCallerIdentity", Free: true}

	regions          = API{Product: "ecs", Action: "DescribeRegions", Items: "Regions"}
	images           = API{Product: "ecs", Action: "DescribeImages", Paging: ByNumber, Size: 100, Items: "Images"}
	imageAccounts    = API{Product: "ecs", Action: "DescribeImageSharePermission", Paging: ByNumber, Size: 100, Items: "Accounts"}
	imageGroups      = API{Product: "ecs", Action: "DescribeImageSharePermission", Size: 100, Items: "ShareGroups"}
	snapshots        = API{Product: "ecs", Action: "DescribeSnapshots", Paging: ByToken, Size: 100, Items: "Snapshots"}
	instances        = API{Product: "ecs", Action: "DescribeInstances", Paging: ByToken, Size: 100, Items: "Instances"}
	keyPairs         = API{Product: "ecs", Action: "DescribeKeyPairs", Paging: ByNumber, Size: 50, Items: "KeyPairs"}
	templates        = API{Product: "ecs", Action: "DescribeLaunchTemplates", Paging: ByNumber, Size: 50, Items: "LaunchTemplateSets"}
	templateVersions = API{Product: "ecs", Action: "DescribeLaunchTemplateVersions", Paging: ByNumber, Size: 50, Items: "LaunchTemplateVersionSets"}
	provisioning     = API{Product: "ecs", Action: "DescribeAutoProvisioningGroups", Paging: ByNumber, Size: 100, Items: "AutoProvisioningGroups"}
	tasks            = API{Product: "ecs", Action: "DescribeTasks", Paging: ByNumber, Size: 100, Items: "TaskSet"}
	diskEncryption   = API{Product: "ecs", Action: "DescribeDiskEncryptionByDefaultStatus"}
	scaling          = API{Product: "ess", Action: "DescribeScalingConfigurations", Paging: ByNumber, Size: 50, Items: "ScalingConfigurations"}

	shares            = API{Product: "resourcesharing", Action: "ListResourceShares", Paging: ByToken, Size: 100, Items: "ResourceShares"}
	shareAssociations = API{Product: "resourcesharing", Action: "ListResourceShareAssociations", Paging: ByToken, Size: 100, Items: "ResourceShareAssociations"}

	users            = API{Product: "ram", Action: "ListUsers", Paging: ByMarker, Size: 1000, Items: "Users"}
	groups           = API{Product: "ram", Action: "ListGroups", Paging: ByMarker, Size: 1000, Items: "Groups"}
	groupUsers       = API{Product: "ram", Action: "ListUsersForGroup", Paging: ByMarker, Size: 1000, Items: "Users"}
	roles            = API{Product: "ram", Action: "ListRoles", Paging: ByMarker, Size: 1000, Items: "Roles"}
	policies         = API{Product: "ram", Action: "ListPolicies", Paging: ByMarker, Size: 1000, Items: "Policies"}
	getPolicy        = API{Product: "ram", Action: "GetPolicy"}
	policyEntities   = API{Product: "ram", Action: "ListEntitiesForPolicy"}
	groupAttachments = API{Product: "resourcemanager", Action: "ListPolicyAttachments", Paging: ByNumber, Size: 100, Items: "PolicyAttachments"}

	getDirectory  = API{Product: "resourcemanager", Action: "GetResourceDirectory"}
	folders       = API{Product: "resourcemanager", Action: "ListFoldersForParent", Paging: ByNumber, Size: 100, Items: "Folders"}
	members       = API{Product: "resourcemanager", Action: "ListAccountsForParent", Paging: ByNumber, Size: 100, Items: "Accounts"}
	controls      = API{Product: "resourcemanager", Action: "ListControlPolicies", Paging: ByNumber, Size: 100, Items: "ControlPolicies"}
	getControl    = API{Product: "resourcemanager", Action: "GetControlPolicy"}
	controlTarget = API{Product: "resourcemanager", Action: "ListTargetAttachmentsForControlPolicy", Paging: ByNumber, Size: 100, Items: "TargetAttachments"}

	lookupEvents = API{Product: "actiontrail", Action: "LookupEvents", Paging: ByToken, Size: 50, Items: "Events"}
)

// DescribeInstances lists instances, for who works with some of them.
var DescribeInstances = instances

// Reads lists every call that Collect makes.
func Reads() []API {
	return []API{callerIdentity, regions, images, imageAccounts, snapshots, instances, keyPairs, templates, templateVersions, provisioning,
		tasks, diskEncryption, scaling, shares, shareAssociations, users, groups, groupUsers, roles, policies, getPolicy, policyEntities,
		groupAttachments, getDirectory, folders, members, controls, getControl, controlTarget, lookupEvents}
}

// trailEvents are the calls that are looked up in ActionTrail, and whether
// only those that hand on a password are kept: ordinary launches are many.
var trailEvents = []struct {
	name   string
	launch bool
}{
	{"ExportImage", false}, {"ExportSnapshot", false}, {"ModifyImageSharePermission", false}, {"ModifyImageShareGroupPermission", false},
	{"CreateResourceShare", false}, {"AssociateResourceShare", false}, {"UpdateResourceShare", false}, {"CreateImagePipeline", false},
	{"RunInstances", true}, {"CreateInstance", true}, {"ReplaceSystemDisk", true}, {"ReInitDisk", false},
	{"CreateDiskReplicaPair", false}, {"CreateReplicationJob", false},
}
