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
	DryRun      bool   // knows the parameter DryRun
	Token       bool   // takes a ClientToken: repeating it does nothing twice
	Params      string // what assay sends, names separated by spaces, indices as N
	Permission  string // RAM action; "" is Product:Action, "-" none
}

// versions are the API versions that assay speaks, by product.
var versions = map[string]string{
	"ecs": "2014-05-26", "ram": "2015-05-01", "sts": "2015-04-01", "resourcemanager": "2020-03-31",
	"resourcesharing": "2020-01-10", "ess": "2014-08-28", "actiontrail": "2020-07-06",
}

// Table lists every API that assay may call. Sources: the official API
// metadata (parameters), the services' RAM pages (permissions). How a list is
// walked is package cloud's to know; the parameters of paging are in no entry. A call of anything else is refused here.
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

func ecs() []API {
	read := func(action, params string) API {
		return API{Product: "ecs", Action: action, Read: true, Params: "RegionId " + params}
	}
	write := func(action, params string) API {
		return API{Product: "ecs", Action: action, Params: "RegionId " + params, DryRun: has(params, "DryRun"), Token: has(params, "ClientToken")}
	}
	again := func(action, params string) API {
		a := write(action, params)
		a.Again = true
		return a
	}
	regions := read("DescribeRegions", "")
	regions.Params = "AcceptLanguage"
	return []API{
		regions,
		read("DescribeImages", "ImageOwnerAlias ImageId IsPublic Status Tag.N.Key Tag.N.Value"),
		read("DescribeImageSharePermission", "ImageId"),
		read("DescribeSnapshots", "SnapshotIds Tag.N.Key Tag.N.Value"),
		read("DescribeInstances", "InstanceIds ImageId Tag.N.Key Tag.N.Value"),
		read("DescribeInstanceStatus", "InstanceId.N"),
		read("DescribeKeyPairs", "KeyPairName IncludePublicKey"),
		read("DescribeLaunchTemplates", ""),
		read("DescribeLaunchTemplateVersions", "LaunchTemplateId LaunchTemplateVersion.N DefaultVersion"),
		read("DescribeAutoProvisioningGroups", ""),
		read("DescribeAutoProvisioningGroupInstances", "AutoProvisioningGroupId"),
		read("DescribeTasks", "TaskAction TaskIds TaskStatus"),
		read("DescribeDiskEncryptionByDefaultStatus", ""),
		read("DescribeUserData", "InstanceId"),
		read("DescribeCloudAssistantStatus", "InstanceId.N"),
		read("DescribeInvocationResults", "InvokeId InstanceId"),

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
	read := func(action, params string) API {
		return API{Product: "ram", Action: action, Read: true, Params: params}
	}
	write := func(action, params string) API { return API{Product: "ram", Action: action, Params: params} }
	return []API{
		read("ListUsers", ""),
		read("ListGroups", ""),
		read("ListRoles", ""),
		read("ListPolicies", "PolicyType"),
		read("ListUsersForGroup", "GroupName"),
		read("ListGroupsForUser", "UserName"),
		read("ListPoliciesForUser", "UserName"),
		read("ListPoliciesForGroup", "GroupName"),
		read("ListPoliciesForRole", "RoleName"),
		read("ListEntitiesForPolicy", "PolicyName PolicyType"),
		read("ListPolicyVersions", "PolicyName PolicyType"),
		read("ListAccessKeys", "UserName"),
		read("GetUser", "UserName"),
		read("GetGroup", "GroupName"),
		read("GetRole", "RoleName"),
		read("GetPolicy", "PolicyName PolicyType"),
		read("GetPolicyVersion", "PolicyName PolicyType VersionId"),
		read("DecodeDiagnosticMessage", "EncodedDiagnosticMessage"),
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
	read := func(action, params string) API {
		return API{Product: "resourcemanager", Action: action, Read: true, Params: params}
	}
	write := func(action, params string) API {
		return API{Product: "resourcemanager", Action: action, Params: params}
	}
	return []API{
		read("ListPolicyAttachments", "PolicyName PolicyType PrincipalName PrincipalType"),
		read("GetResourceDirectory", ""),
		read("GetFolder", "FolderId"),
		read("GetAccount", "AccountId"),
		read("ListFoldersForParent", "ParentFolderId"),
		read("ListAccounts", ""),
		read("ListAccountsForParent", "ParentFolderId"),
		read("ListAncestors", "ChildId"),
		read("ListControlPolicies", "PolicyType"),
		read("GetControlPolicy", "PolicyId"),
		read("GetControlPolicyEnablementStatus", ""),
		read("ListControlPolicyAttachmentsForTarget", "TargetId"),
		read("ListTargetAttachmentsForControlPolicy", "PolicyId"),
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
	sharing := func(action string, read bool, params string) API {
		return API{Product: "resourcesharing", Action: action, Read: read, Params: params}
	}
	return []API{
		{Product: "sts", Action: "GetCallerIdentity", Read: true, Permission: "-"},
		{Product: "sts", Action: "AssumeRole", Again: true, Params: "RoleArn RoleSessionName DurationSeconds Policy"},
		sharing("ListResourceShares", true, "ResourceOwner ResourceShareIds.N"),
		sharing("ListResourceShareAssociations", true, "AssociationType ResourceShareIds.N ResourceId"),
		sharing("ListSharedResources", true, "ResourceOwner ResourceType ResourceShareIds.N"),
		sharing("ListSharedTargets", true, "ResourceOwner ResourceShareIds.N"),
		sharing("CreateResourceShare", false, "ResourceShareName AllowExternalTargets Resources.N.ResourceId Resources.N.ResourceType Targets.N"),
		sharing("AssociateResourceShare", false, "ResourceShareId Resources.N.ResourceId Resources.N.ResourceType Targets.N"),
		sharing("DisassociateResourceShare", false, "ResourceShareId Resources.N.ResourceId Resources.N.ResourceType Targets.N"),
		sharing("UpdateResourceShare", false, "ResourceShareId ResourceShareName AllowExternalTargets"),
		sharing("DeleteResourceShare", false, "ResourceShareId"),
		{Product: "ess", Action: "DescribeScalingGroups", Read: true, Params: "RegionId ScalingGroupId.N"},
		{Product: "ess", Action: "DescribeScalingConfigurations", Read: true,
			Params: "RegionId ScalingGroupId ScalingConfigurationId.N"},
		{Product: "actiontrail", Action: "LookupEvents", Read: true,
			Params: "LookupAttribute.N.Key LookupAttribute.N.Value StartTime EndTime"},
	}
}

// has reports whether a list of names holds one.
func has(list, name string) bool {
	return slices.Contains(strings.Fields(list), name)
}
