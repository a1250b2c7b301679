package aliyun

import (
	"slices"
	"strings"
)

// An API is what assay knows of one API of the cloud.
type API struct {
	Product string // RAM code: "ecs"
	Version string // "2014-05-26"
	Action  string
	// Read says that the call changes nothing: it may be repeated whenever no
	// answer came. Again says the same of a write that comes to the same when
	// it is done twice.
	Read, Again bool
	Paging      Paging
	DryRun      bool   // knows the parameter DryRun
	Token       bool   // takes a ClientToken: repeating it does nothing twice
	Params      string // what assay sends, names separated by spaces, indices as N
	Permission  string // RAM action; "" is Product:Action, "-" none
}

// A Paging says how a listing is cut into pages.
type Paging struct {
	Style Style
	Items string // path of the list in an answer: "Images.Image"
	Most  int    // the largest page that the service gives
}

// A Style is a way to ask for pages.
type Style int

// The styles.
const (
	Whole  Style = iota // one answer holds all
	Number              // PageNumber, PageSize; TotalCount
	Token               // NextToken, MaxResults
	Marker              // Marker, MaxItems; IsTruncated
)

// versions are the API versions that assay speaks, by product.
var versions = map[string]string{
	"ecs": "2014-05-26", "ram": "2015-05-01", "sts": "2015-04-01", "resourcemanager": "2020-03-31",
	"resourcesharing": "2020-01-10", "ess": "2014-08-28", "actiontrail": "2020-07-06",
}

// Table lists every API that assay may call. Sources: the official API
// metadata (parameters), the SDK's structures (item paths), the services' RAM
// pages (permissions). A call of anything else is refused here.
func Table() []API {
	out := append(append(append(ecs(), ram()...), directory()...), others()...)
	for i := range out {
		a := &out[i]
		a.Version = versions[a.Product]
		if a.Permission == "" {
			a.Permission = a.Product + ":" + a.Action
		}
	}
	return out
}

func number(items string, most int) Paging { return Paging{Number, items, most} }
func token(items string, most int) Paging  { return Paging{Token, items, most} }
func marker(items string) Paging           { return Paging{Marker, items, 1000} }
func whole(items string) Paging            { return Paging{Whole, items, 0} }

func ecs() []API {
	read := func(action string, p Paging, params string) API {
		return API{Product: "ecs", Action: action, Read: true, Paging: p, Params: "RegionId " + params}
	}
	write := func(action, params string) API {
		return API{Product: "ecs", Action: action, Params: "RegionId " + params, DryRun: has(params, "DryRun"), Token: has(params, "ClientToken")}
	}
	again := func(action, params string) API {
		a := write(action, params)
		a.Again = true
		return a
	}
	regions := read("DescribeRegions", whole("Regions.Region"), "")
	regions.Params = "AcceptLanguage"
	return []API{
		regions,
		read("DescribeImages", number("Images.Image", 100), "ImageOwnerAlias ImageId IsPublic Status Tag.N.Key Tag.N.Value"),
		read("DescribeImageSharePermission", number("Accounts.Account", 100), "ImageId"),
		read("DescribeSnapshots", token("Snapshots.Snapshot", 100), "SnapshotIds Tag.N.Key Tag.N.Value"),
		read("DescribeInstances", token("Instances.Instance", 100), "InstanceIds ImageId Tag.N.Key Tag.N.Value"),
		read("DescribeInstanceStatus", number("InstanceStatuses.InstanceStatus", 50), "InstanceId.N"),
		read("DescribeKeyPairs", number("KeyPairs.KeyPair", 50), "KeyPairName IncludePublicKey"),
		read("DescribeLaunchTemplates", number("LaunchTemplateSets.LaunchTemplateSet", 50), ""),
		read("DescribeLaunchTemplateVersions", number("LaunchTemplateVersionSets.LaunchTemplateVersionSet", 50), "LaunchTemplateId LaunchTemplateVersion.N DefaultVersion"),
		read("DescribeAutoProvisioningGroups", number("AutoProvisioningGroups.AutoProvisioningGroup", 100), ""),
		read("DescribeAutoProvisioningGroupInstances", number("Instances.Instance", 100), "AutoProvisioningGroupId"),
		read("DescribeTasks", number("TaskSet.Task", 100), "TaskAction TaskIds TaskStatus"),
		read("DescribeDiskEncryptionByDefaultStatus", whole(""), ""),
		read("DescribeUserData", whole(""), "InstanceId"),
		read("DescribeCloudAssistantStatus", token("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus", 50), "InstanceId.N"),
		read("DescribeInvocationResults", token("Invocation.InvocationResults.InvocationResult", 50), "InvokeId InstanceId"),

		again("ModifyImageSharePermission", "ImageId AddAccount.N RemoveAccount.N IsPublic DryRun"),
		again("ModifyImageAttribute", "ImageId Description ImageName Status DryRun"),
		write("ExportImage", "ImageId OSSBucket OSSPrefix ImageFormat RoleName DryRun"),
		write("CreateImage", "ImageName InstanceId SnapshotId Description DetectionStrategy ClientToken DryRun"),
		write("RunInstances", "ImageId InstanceType KeyPairName PasswordInherit Password LaunchTemplateId SecurityGroupId VSwitchId InstanceName Amount ClientToken DryRun"),
		again("AttachKeyPair", "KeyPairName InstanceIds"),
		again("DetachKeyPair", "KeyPairName InstanceIds"),
		write("ImportKeyPair", "KeyPairName PublicKeyBody"),
		write("CreateKeyPair", "KeyPairName"),
		again("DeleteKeyPairs", "KeyPairNames"),
		{Product: "ecs", Action: "RebootInstance", Params: "InstanceId ForceStop DryRun", DryRun: true},
		write("RebootInstances", "InstanceId.N ForceReboot BatchOptimization DryRun"),
		{Product: "ecs", Action: "ModifyInstanceAttribute", Params: "InstanceId Password", Again: true},
		write("RunCommand", "Type CommandContent ContentEncoding InstanceId.N Timeout Username Name RepeatMode KeepCommand TerminationMode EnableParameter Parameters ClientToken"),
	}
}

func ram() []API {
	api := func(action string, read bool, p Paging, params string) API {
		return API{Product: "ram", Action: action, Read: read, Paging: p, Params: params}
	}
	read := func(action string, p Paging, params string) API { return api(action, true, p, params) }
	write := func(action, params string) API { return api(action, false, Paging{}, params) }
	return []API{
		read("ListUsers", marker("Users.User"), ""),
		read("ListGroups", marker("Groups.Group"), ""),
		read("ListRoles", marker("Roles.Role"), ""),
		read("ListPolicies", marker("Policies.Policy"), "PolicyType"),
		read("ListUsersForGroup", marker("Users.User"), "GroupName"),
		read("ListGroupsForUser", whole("Groups.Group"), "UserName"),
		read("ListPoliciesForUser", whole("Policies.Policy"), "UserName"),
		read("ListPoliciesForGroup", whole("Policies.Policy"), "GroupName"),
		read("ListPoliciesForRole", whole("Policies.Policy"), "RoleName"),
		read("ListEntitiesForPolicy", whole(""), "PolicyName PolicyType"),
		read("ListPolicyVersions", whole("PolicyVersions.PolicyVersion"), "PolicyName PolicyType"),
		read("ListAccessKeys", whole("AccessKeys.AccessKey"), "UserName"),
		read("GetUser", whole(""), "UserName"),
		read("GetGroup", whole(""), "GroupName"),
		read("GetRole", whole(""), "RoleName"),
		read("GetPolicy", whole(""), "PolicyName PolicyType"),
		read("GetPolicyVersion", whole(""), "PolicyName PolicyType VersionId"),
		read("DecodeDiagnosticMessage", whole(""), "EncodedDiagnosticMessage"),
		write("CreatePolicy", "PolicyName PolicyDocument Description"),
		write("DeletePolicy", "PolicyName"),
		write("CreatePolicyVersion", "PolicyName PolicyDocument SetAsDefault"),
		write("DeletePolicyVersion", "PolicyName VersionId"),
		write("SetDefaultPolicyVersion", "PolicyName VersionId"),
		write("AttachPolicyToUser", "PolicyName PolicyType UserName"),
		write("AttachPolicyToGroup", "PolicyName PolicyType GroupName"),
		write("AttachPolicyToRole", "PolicyName PolicyType RoleName"),
		write("DetachPolicyFromUser", "PolicyName PolicyType UserName"),
		write("DetachPolicyFromGroup", "PolicyName PolicyType GroupName"),
		write("DetachPolicyFromRole", "PolicyName PolicyType RoleName"),
	}
}

func directory() []API {
	api := func(action string, read bool, p Paging, params string) API {
		return API{Product: "resourcemanager", Action: action, Read: read, Paging: p, Params: params}
	}
	read := func(action string, p Paging, params string) API { return api(action, true, p, params) }
	write := func(action, params string) API { return api(action, false, Paging{}, params) }
	return []API{
		read("ListPolicyAttachments", number("PolicyAttachments.PolicyAttachment", 100), "PolicyName PolicyType PrincipalName PrincipalType"),
		read("GetResourceDirectory", whole(""), ""),
		read("GetFolder", whole(""), "FolderId"),
		read("GetAccount", whole(""), "AccountId"),
		read("ListFoldersForParent", number("Folders.Folder", 100), "ParentFolderId"),
		read("ListAccounts", number("Accounts.Account", 100), ""),
		read("ListAccountsForParent", number("Accounts.Account", 100), "ParentFolderId"),
		read("ListAncestors", whole("Folders.Folder"), "ChildId"),
		read("ListControlPolicies", number("ControlPolicies.ControlPolicy", 100), "PolicyType"),
		read("GetControlPolicy", whole(""), "PolicyId"),
		read("GetControlPolicyEnablementStatus", whole(""), ""),
		read("ListControlPolicyAttachmentsForTarget", whole("ControlPolicyAttachments.ControlPolicyAttachment"), "TargetId"),
		read("ListTargetAttachmentsForControlPolicy", number("TargetAttachments.TargetAttachment", 100), "PolicyId"),
		write("CreateControlPolicy", "PolicyName PolicyDocument EffectScope Description"),
		write("UpdateControlPolicy", "PolicyId NewPolicyName NewPolicyDocument NewDescription"),
		write("DeleteControlPolicy", "PolicyId"),
		write("AttachControlPolicy", "PolicyId TargetId"),
		write("DetachControlPolicy", "PolicyId TargetId"),
		write("EnableControlPolicy", ""),
		write("DisableControlPolicy", ""),
	}
}

func others() []API {
	sharing := func(action string, read bool, p Paging, params string) API {
		return API{Product: "resourcesharing", Action: action, Read: read, Paging: p, Params: params}
	}
	return []API{
		{Product: "sts", Action: "GetCallerIdentity", Read: true, Permission: "-"},
		{Product: "sts", Action: "AssumeRole", Again: true, Params: "RoleArn RoleSessionName DurationSeconds Policy"},
		sharing("ListResourceShares", true, token("ResourceShares", 100), "ResourceOwner ResourceShareIds.N"),
		sharing("ListResourceShareAssociations", true, token("ResourceShareAssociations", 100), "AssociationType ResourceShareIds.N ResourceId"),
		sharing("ListSharedResources", true, token("SharedResources", 100), "ResourceOwner ResourceType ResourceShareIds.N"),
		sharing("ListSharedTargets", true, token("SharedTargets", 100), "ResourceOwner ResourceShareIds.N"),
		sharing("CreateResourceShare", false, Paging{}, "ResourceShareName AllowExternalTargets Resources.N.ResourceId Resources.N.ResourceType Targets.N"),
		sharing("AssociateResourceShare", false, Paging{}, "ResourceShareId Resources.N.ResourceId Resources.N.ResourceType Targets.N"),
		sharing("DisassociateResourceShare", false, Paging{}, "ResourceShareId Resources.N.ResourceId Resources.N.ResourceType Targets.N"),
		sharing("UpdateResourceShare", false, Paging{}, "ResourceShareId ResourceShareName AllowExternalTargets"),
		sharing("DeleteResourceShare", false, Paging{}, "ResourceShareId"),
		{Product: "ess", Action: "DescribeScalingGroups", Read: true, Paging: number("ScalingGroups.ScalingGroup", 50), Params: "RegionId ScalingGroupId.N"},
		{Product: "ess", Action: "DescribeScalingConfigurations", Read: true, Paging: number("ScalingConfigurations.ScalingConfiguration", 50),
			Params: "RegionId ScalingGroupId ScalingConfigurationId.N"},
		{Product: "actiontrail", Action: "LookupEvents", Read: true, Paging: token("Events", 50),
			Params: "LookupAttribute.N.Key LookupAttribute.N.Value StartTime EndTime"},
	}
}

// has reports whether a list of names holds one.
func has(list, name string) bool {
	return slices.Contains(strings.Fields(list), name)
}
