package aliyun_test

import (
	"encoding/base64"
	"strings"

	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

const allow = `{"Version":"1","Statement":[{"Effect":"Allow","Action":"ecs:Describe*","Resource":"*"}]}`

// values are sensible values for the parameters that APIs need, in the
// careless company.
var values = map[string]string{
	"ImageId": "m-careless004", "InstanceId": "i-careless001", "InstanceId.N": "i-careless001", "KeyPairName": "ops", "InstanceIds": `["i-careless001"]`,
	"KeyPairNames": `["nothing"]`, "OSSBucket": "bucket", "ImageName": "fresh", "PublicKeyBody": publicKey, "InstanceType": "ecs.g7.large",
	"LaunchTemplateId": "lt-careless001", "AutoProvisioningGroupId": "apg-careless001", "Password": "Correct-Horse-9", "Type": "RunShellScript",
	"CommandContent": base64.StdEncoding.EncodeToString([]byte("id")), "ContentEncoding": "Base64",
	"UserName": "auditor", "GroupName": "builders", "RoleName": "image-pipeline", "PolicyName": "no-delete", "PolicyType": "Custom", "PolicyDocument": allow,
	"VersionId": "v1", "EncodedDiagnosticMessage": "AQEAAAAA" + base64.StdEncoding.EncodeToString([]byte("{}")),
	"RoleArn": "acs:ram::" + double.CarelessAccount + ":role/image-pipeline", "RoleSessionName": "test",
	"FolderId": "fd-careless001", "AccountId": double.CarelessAccount, "ChildId": double.CarelessAccount, "PolicyId": "FullAliyunAccess", "TargetId": "fd-careless001",
	"EffectScope": "RAM", "ResourceOwner": "Self", "AssociationType": "Target", "ResourceShareName": "fresh", "ResourceShareId": "rs-careless001",
}

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG1vY2sga2V5IG9mIDMyIGJ5dGVzIGZvciB0ZXN0cy4u test"

// needed are the parameters without which a call is refused at once, though
// the metadata does not say so.
const needed = "InstanceIds KeyPairName UserName GroupName RoleName PolicyName PolicyType PolicyDocument VersionId EncodedDiagnosticMessage ImageId InstanceId InstanceId.N " +
	"InstanceType KeyPairNames LaunchTemplateId AutoProvisioningGroupId OSSBucket PublicKeyBody Type CommandContent ContentEncoding RoleArn RoleSessionName " +
	"FolderId AccountId ChildId PolicyId TargetId EffectScope ResourceOwner AssociationType ResourceShareName ResourceShareId ImageName"

// sample makes the parameters of a plain call of an API.
func sample(a aliyun.API) map[string]string {
	out := map[string]string{}
	for p := range strings.FieldsSeq(a.Params) {
		if v, ok := values[p]; ok && strings.Contains(" "+needed+" ", " "+p+" ") {
			out[strings.Replace(p, ".N", ".1", 1)] = v
		}
	}
	for _, unwanted := range map[string][]string{"DescribeImages": {"ImageId"}, "DescribeInstances": {"ImageId", "InstanceIds"}, "ListPolicies": {"PolicyType"},
		"RunInstances": {"LaunchTemplateId"}, "ListPolicyAttachments": {"PolicyName", "PolicyType"}, "ListAccessKeys": {"UserName"}, "ModifyImageAttribute": {"ImageName"}}[a.Action] {
		delete(out, unwanted)
	}
	return out
}
