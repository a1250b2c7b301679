// Oldsdk asks a double everything through the old official SDK, which signs
// the old way and shares no code with assay, and decodes every answer into the
// SDK's structures without tolerating a member that they do not know.
//
//	assay double --listen 127.0.0.1:8080 &
//	cd internal/cloud/double/testdata/oldsdk && go run . 127.0.0.1:8080 ADMIN-SECRET MANAGEMENT-SECRET
//
// It is a module of its own because the SDK has 175 MB. It changes the
// double's state: start a fresh one for every run.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/actiontrail"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ess"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ram"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/resourcemanager"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/resourcesharing"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
)

const (
	member = "1000000000000001"
	other  = "1000000000000009"
	deny   = `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:ExportImage","Resource":"*"}]}`
)

// A client asks as one user and counts what went wrong.
type client struct {
	*sdk.Client
	endpoint string
	asked    int
	bad      int
}

func login(endpoint, id, secret string) *client {
	c, err := sdk.NewClientWithOptions("cn-hangzhou", sdk.NewConfig(), credentials.NewAccessKeyCredential(id, secret))
	if err != nil {
		panic(err)
	}
	return &client{Client: c, endpoint: endpoint}
}

// ask sends a request and decodes strictly.
func (c *client) ask(q requests.AcsRequest, a responses.AcsResponse) {
	c.asked++
	q.SetDomain(c.endpoint)
	q.SetScheme("http")
	err := c.DoAction(q, a)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(a.GetHttpContentBytes()))
		d.DisallowUnknownFields()
		err = d.Decode(reflect.New(reflect.TypeOf(a).Elem()).Interface())
	}
	if err != nil {
		c.bad++
		fmt.Println(q.GetActionName(), err)
	}
}

// with fills in a request.
func with[T any](q T, set func(T)) T {
	set(q)
	return q
}

func instances(c *client) {
	c.ask(ecs.CreateDescribeRegionsRequest(), ecs.CreateDescribeRegionsResponse())
	c.ask(ecs.CreateDescribeSnapshotsRequest(), ecs.CreateDescribeSnapshotsResponse())
	c.ask(ecs.CreateDescribeInstancesRequest(), ecs.CreateDescribeInstancesResponse())
	c.ask(ecs.CreateDescribeInstanceStatusRequest(), ecs.CreateDescribeInstanceStatusResponse())
	c.ask(ecs.CreateDescribeKeyPairsRequest(), ecs.CreateDescribeKeyPairsResponse())
	c.ask(ecs.CreateDescribeLaunchTemplatesRequest(), ecs.CreateDescribeLaunchTemplatesResponse())
	c.ask(with(ecs.CreateDescribeLaunchTemplateVersionsRequest(), func(q *ecs.DescribeLaunchTemplateVersionsRequest) { q.LaunchTemplateId = "lt-careless001" }),
		ecs.CreateDescribeLaunchTemplateVersionsResponse())
	c.ask(ecs.CreateDescribeAutoProvisioningGroupsRequest(), ecs.CreateDescribeAutoProvisioningGroupsResponse())
	c.ask(with(ecs.CreateDescribeAutoProvisioningGroupInstancesRequest(), func(q *ecs.DescribeAutoProvisioningGroupInstancesRequest) {
		q.AutoProvisioningGroupId = "apg-careless001"
	}), ecs.CreateDescribeAutoProvisioningGroupInstancesResponse())
	c.ask(ecs.CreateDescribeTasksRequest(), ecs.CreateDescribeTasksResponse())
	c.ask(ecs.CreateDescribeDiskEncryptionByDefaultStatusRequest(), ecs.CreateDescribeDiskEncryptionByDefaultStatusResponse())
	c.ask(with(ecs.CreateDescribeUserDataRequest(), func(q *ecs.DescribeUserDataRequest) { q.InstanceId = "i-careless001" }), ecs.CreateDescribeUserDataResponse())
	c.ask(with(ecs.CreateRunInstancesRequest(), func(q *ecs.RunInstancesRequest) { q.ImageId, q.InstanceType = "m-careless001", "ecs.g7.large" }), ecs.CreateRunInstancesResponse())
	c.ask(with(ecs.CreateAttachKeyPairRequest(), func(q *ecs.AttachKeyPairRequest) { q.KeyPairName, q.InstanceIds = "ops", `["i-careless001"]` }), ecs.CreateAttachKeyPairResponse())
	c.ask(with(ecs.CreateDetachKeyPairRequest(), func(q *ecs.DetachKeyPairRequest) { q.KeyPairName, q.InstanceIds = "ops", `["i-careless001"]` }), ecs.CreateDetachKeyPairResponse())
	c.ask(with(ecs.CreateCreateKeyPairRequest(), func(q *ecs.CreateKeyPairRequest) { q.KeyPairName = "fresh" }), ecs.CreateCreateKeyPairResponse())
	c.ask(with(ecs.CreateRebootInstancesRequest(), func(q *ecs.RebootInstancesRequest) { q.InstanceId = &[]string{"i-careless001"} }), ecs.CreateRebootInstancesResponse())
	c.ask(with(ecs.CreateRebootInstanceRequest(), func(q *ecs.RebootInstanceRequest) { q.InstanceId = "i-careless001" }), ecs.CreateRebootInstanceResponse())
	c.ask(with(ecs.CreateModifyInstanceAttributeRequest(), func(q *ecs.ModifyInstanceAttributeRequest) {
		q.InstanceId, q.Password = "i-careless001", "Correct-Horse-9"
	}), ecs.CreateModifyInstanceAttributeResponse())
	c.ask(ecs.CreateDescribeCloudAssistantStatusRequest(), ecs.CreateDescribeCloudAssistantStatusResponse())
	c.ask(with(ecs.CreateRunCommandRequest(), func(q *ecs.RunCommandRequest) {
		q.Type, q.CommandContent, q.InstanceId = "RunShellScript", "id", &[]string{"i-careless001", "i-careless002"}
	}), ecs.CreateRunCommandResponse())
	c.ask(ecs.CreateDescribeInvocationResultsRequest(), ecs.CreateDescribeInvocationResultsResponse())
	c.ask(ess.CreateDescribeScalingGroupsRequest(), ess.CreateDescribeScalingGroupsResponse())
	c.ask(ess.CreateDescribeScalingConfigurationsRequest(), ess.CreateDescribeScalingConfigurationsResponse())
}

func images(c *client) {
	c.ask(ecs.CreateDescribeImagesRequest(), ecs.CreateDescribeImagesResponse())
	c.ask(with(ecs.CreateDescribeImageSharePermissionRequest(), func(q *ecs.DescribeImageSharePermissionRequest) { q.ImageId = "m-careless001" }),
		ecs.CreateDescribeImageSharePermissionResponse())
	c.ask(with(ecs.CreateExportImageRequest(), func(q *ecs.ExportImageRequest) { q.ImageId, q.OSSBucket = "m-careless001", "b" }), ecs.CreateExportImageResponse())
	c.ask(with(ecs.CreateCreateImageRequest(), func(q *ecs.CreateImageRequest) { q.InstanceId = "i-careless001" }), ecs.CreateCreateImageResponse())
	c.ask(with(ecs.CreateModifyImageAttributeRequest(), func(q *ecs.ModifyImageAttributeRequest) { q.ImageId, q.Description = "m-careless001", "x" }), ecs.CreateModifyImageAttributeResponse())
	c.ask(with(ecs.CreateModifyImageSharePermissionRequest(), func(q *ecs.ModifyImageSharePermissionRequest) {
		q.ImageId, q.RemoveAccount = "m-careless001", &[]string{other}
	}), ecs.CreateModifyImageSharePermissionResponse())
	self := func(q *resourcesharing.ListResourceSharesRequest) { q.ResourceOwner = "Self" }
	c.ask(with(resourcesharing.CreateListResourceSharesRequest(), self), resourcesharing.CreateListResourceSharesResponse())
	for _, kind := range []string{"Resource", "Target"} {
		c.ask(with(resourcesharing.CreateListResourceShareAssociationsRequest(), func(q *resourcesharing.ListResourceShareAssociationsRequest) { q.AssociationType = kind }),
			resourcesharing.CreateListResourceShareAssociationsResponse())
	}
	c.ask(with(resourcesharing.CreateListSharedResourcesRequest(), func(q *resourcesharing.ListSharedResourcesRequest) { q.ResourceOwner = "Self" }),
		resourcesharing.CreateListSharedResourcesResponse())
	c.ask(with(resourcesharing.CreateListSharedTargetsRequest(), func(q *resourcesharing.ListSharedTargetsRequest) { q.ResourceOwner = "Self" }),
		resourcesharing.CreateListSharedTargetsResponse())
	c.ask(with(resourcesharing.CreateCreateResourceShareRequest(), func(q *resourcesharing.CreateResourceShareRequest) { q.ResourceShareName = "x" }),
		resourcesharing.CreateCreateResourceShareResponse())
	c.ask(with(resourcesharing.CreateDisassociateResourceShareRequest(), func(q *resourcesharing.DisassociateResourceShareRequest) {
		q.ResourceShareId, q.Targets = "rs-careless001", &[]string{other}
	}), resourcesharing.CreateDisassociateResourceShareResponse())
	c.ask(with(actiontrail.CreateLookupEventsRequest(), func(q *actiontrail.LookupEventsRequest) { q.StartTime = "2026-01-01T00:00:00Z" }), actiontrail.CreateLookupEventsResponse())
}

func people(c *client) {
	c.ask(sts.CreateGetCallerIdentityRequest(), sts.CreateGetCallerIdentityResponse())
	c.ask(with(sts.CreateAssumeRoleRequest(), func(q *sts.AssumeRoleRequest) {
		q.RoleArn, q.RoleSessionName = "acs:ram::"+member+":role/image-pipeline", "s"
	}), sts.CreateAssumeRoleResponse())
	c.ask(ram.CreateListUsersRequest(), ram.CreateListUsersResponse())
	c.ask(ram.CreateListGroupsRequest(), ram.CreateListGroupsResponse())
	c.ask(ram.CreateListRolesRequest(), ram.CreateListRolesResponse())
	c.ask(ram.CreateListPoliciesRequest(), ram.CreateListPoliciesResponse())
	c.ask(ram.CreateListAccessKeysRequest(), ram.CreateListAccessKeysResponse())
	c.ask(with(ram.CreateListPoliciesForUserRequest(), func(q *ram.ListPoliciesForUserRequest) { q.UserName = "auditor" }), ram.CreateListPoliciesForUserResponse())
	c.ask(with(ram.CreateListPoliciesForGroupRequest(), func(q *ram.ListPoliciesForGroupRequest) { q.GroupName = "builders" }), ram.CreateListPoliciesForGroupResponse())
	c.ask(with(ram.CreateListPoliciesForRoleRequest(), func(q *ram.ListPoliciesForRoleRequest) { q.RoleName = "image-pipeline" }), ram.CreateListPoliciesForRoleResponse())
	c.ask(with(ram.CreateListGroupsForUserRequest(), func(q *ram.ListGroupsForUserRequest) { q.UserName = "builder" }), ram.CreateListGroupsForUserResponse())
	c.ask(with(ram.CreateListUsersForGroupRequest(), func(q *ram.ListUsersForGroupRequest) { q.GroupName = "builders" }), ram.CreateListUsersForGroupResponse())
	c.ask(with(ram.CreateListEntitiesForPolicyRequest(), func(q *ram.ListEntitiesForPolicyRequest) {
		q.PolicyName, q.PolicyType = "AliyunECSFullAccess", "System"
	}),
		ram.CreateListEntitiesForPolicyResponse())
	c.ask(with(ram.CreateGetUserRequest(), func(q *ram.GetUserRequest) { q.UserName = "builder" }), ram.CreateGetUserResponse())
	c.ask(with(ram.CreateGetGroupRequest(), func(q *ram.GetGroupRequest) { q.GroupName = "builders" }), ram.CreateGetGroupResponse())
	c.ask(with(ram.CreateGetRoleRequest(), func(q *ram.GetRoleRequest) { q.RoleName = "image-pipeline" }), ram.CreateGetRoleResponse())
	c.ask(with(ram.CreateCreatePolicyRequest(), func(q *ram.CreatePolicyRequest) { q.PolicyName, q.PolicyDocument = "mine", deny }), ram.CreateCreatePolicyResponse())
	c.ask(with(ram.CreateCreatePolicyVersionRequest(), func(q *ram.CreatePolicyVersionRequest) { q.PolicyName, q.PolicyDocument = "mine", deny }), ram.CreateCreatePolicyVersionResponse())
	c.ask(with(ram.CreateListPolicyVersionsRequest(), func(q *ram.ListPolicyVersionsRequest) { q.PolicyName, q.PolicyType = "mine", "Custom" }), ram.CreateListPolicyVersionsResponse())
	c.ask(with(ram.CreateGetPolicyRequest(), func(q *ram.GetPolicyRequest) { q.PolicyName, q.PolicyType = "mine", "Custom" }), ram.CreateGetPolicyResponse())
	c.ask(with(ram.CreateGetPolicyVersionRequest(), func(q *ram.GetPolicyVersionRequest) { q.PolicyName, q.PolicyType, q.VersionId = "mine", "Custom", "v2" }), ram.CreateGetPolicyVersionResponse())
	c.ask(with(ram.CreateSetDefaultPolicyVersionRequest(), func(q *ram.SetDefaultPolicyVersionRequest) { q.PolicyName, q.VersionId = "mine", "v2" }), ram.CreateSetDefaultPolicyVersionResponse())
	c.ask(with(ram.CreateAttachPolicyToUserRequest(), func(q *ram.AttachPolicyToUserRequest) {
		q.PolicyName, q.PolicyType, q.UserName = "mine", "Custom", "builder"
	}), ram.CreateAttachPolicyToUserResponse())
	c.ask(resourcemanager.CreateListPolicyAttachmentsRequest(), resourcemanager.CreateListPolicyAttachmentsResponse())
}

func directory(c *client) {
	c.ask(resourcemanager.CreateGetResourceDirectoryRequest(), resourcemanager.CreateGetResourceDirectoryResponse())
	c.ask(resourcemanager.CreateListFoldersForParentRequest(), resourcemanager.CreateListFoldersForParentResponse())
	c.ask(resourcemanager.CreateListAccountsRequest(), resourcemanager.CreateListAccountsResponse())
	c.ask(resourcemanager.CreateListAccountsForParentRequest(), resourcemanager.CreateListAccountsForParentResponse())
	c.ask(with(resourcemanager.CreateGetAccountRequest(), func(q *resourcemanager.GetAccountRequest) { q.AccountId = member }), resourcemanager.CreateGetAccountResponse())
	c.ask(with(resourcemanager.CreateListAncestorsRequest(), func(q *resourcemanager.ListAncestorsRequest) { q.ChildId = member }), resourcemanager.CreateListAncestorsResponse())
	c.ask(with(resourcemanager.CreateGetFolderRequest(), func(q *resourcemanager.GetFolderRequest) { q.FolderId = "fd-careless001" }), resourcemanager.CreateGetFolderResponse())
	made := resourcemanager.CreateCreateControlPolicyResponse()
	c.ask(with(resourcemanager.CreateCreateControlPolicyRequest(), func(q *resourcemanager.CreateControlPolicyRequest) {
		q.PolicyName, q.EffectScope, q.PolicyDocument = "deny", "RAM", deny
	}), made)
	id := made.ControlPolicy.PolicyId
	c.ask(with(resourcemanager.CreateAttachControlPolicyRequest(), func(q *resourcemanager.AttachControlPolicyRequest) { q.PolicyId, q.TargetId = id, member }),
		resourcemanager.CreateAttachControlPolicyResponse())
	c.ask(resourcemanager.CreateListControlPoliciesRequest(), resourcemanager.CreateListControlPoliciesResponse())
	c.ask(with(resourcemanager.CreateGetControlPolicyRequest(), func(q *resourcemanager.GetControlPolicyRequest) { q.PolicyId = id }), resourcemanager.CreateGetControlPolicyResponse())
	c.ask(with(resourcemanager.CreateListControlPolicyAttachmentsForTargetRequest(), func(q *resourcemanager.ListControlPolicyAttachmentsForTargetRequest) { q.TargetId = member }),
		resourcemanager.CreateListControlPolicyAttachmentsForTargetResponse())
	c.ask(with(resourcemanager.CreateListTargetAttachmentsForControlPolicyRequest(), func(q *resourcemanager.ListTargetAttachmentsForControlPolicyRequest) { q.PolicyId = "FullAliyunAccess" }),
		resourcemanager.CreateListTargetAttachmentsForControlPolicyResponse())
	c.ask(resourcemanager.CreateGetControlPolicyEnablementStatusRequest(), resourcemanager.CreateGetControlPolicyEnablementStatusResponse())
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: oldsdk ENDPOINT ADMIN-SECRET MANAGEMENT-SECRET")
		os.Exit(2)
	}
	admin, governor := login(os.Args[1], "DoubleAdmin", os.Args[2]), login(os.Args[1], "DoubleManagement", os.Args[3])
	instances(admin)
	images(admin)
	people(admin)
	directory(governor)
	fmt.Printf("%d calls, %d wrong\n", admin.asked+governor.asked, admin.bad+governor.bad)
	if admin.bad+governor.bad > 0 {
		os.Exit(1)
	}
}
