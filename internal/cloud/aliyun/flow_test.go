package aliyun_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"assay/internal/cloud"
	"assay/internal/cloud/aliyun"
	"assay/internal/cloud/double"
)

// Every API of the table is asked once, as the one who may, and answered. The
// few that need something else first are refused for exactly that reason.
func TestEveryAction(t *testing.T) {
	state := double.Careless(time.Now())
	s, endpoint := start(t, double.Options{State: state})
	admin := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin"), Attempts: 1})
	governor := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleManagement"), Attempts: 1})
	expected := map[string]string{
		"ram:CreatePolicy": "EntityAlreadyExists.Policy", "ram:DeletePolicy": "DeleteConflict.Policy.User", "ram:DeletePolicyVersion": "DeleteConflict.Policy.Version",
		"ram:AttachPolicyToGroup": "EntityAlreadyExists.Group.Policy", "ecs:ImportKeyPair": "KeyPair.AlreadyExist", "ecs:CreateKeyPair": "KeyPair.AlreadyExist",
		"resourcemanager:AttachControlPolicy": "EntityAlreadyExists.ControlPolicyAttachment", "resourcemanager:DetachControlPolicy": "InvalidOperation.LastControlPolicy",
		"resourcemanager:UpdateControlPolicy": "InvalidOperation.SystemControlPolicy", "resourcemanager:DeleteControlPolicy": "InvalidOperation.SystemControlPolicy",
	}
	for _, a := range aliyun.Table() {
		name := a.Product + ":" + a.Action
		c := admin
		if a.Product == "resourcemanager" {
			c = governor
		}
		params := sample(a)
		if strings.HasPrefix(a.Action, "CreateResourceShare") {
			params["AllowExternalTargets"] = "true"
		}
		var args []string
		for k, v := range params {
			args = append(args, k, v)
		}
		if code := expected[name]; code != "" {
			refused(t, code, c, a.Product, a.Action, args...)
			continue
		}
		call(t, c, a.Product, a.Action, args...)
	}
	s.View(func(st *double.State) {
		for _, a := range aliyun.Table() {
			if n := st.Counts[a.Product+":"+a.Action]; n != 1 {
				t.Errorf("%s:%s was asked %d times", a.Product, a.Action, n)
			}
		}
	})
}

// An image is shared, seen by the other account, and taken back.
func TestImageShare(t *testing.T) {
	s, c := careless(t, "DoubleAdmin")
	call(t, c, "ecs", "ModifyImageSharePermission", "ImageId", "m-careless004", "AddAccount.1", double.OutsideAccount)
	got := call(t, c, "ecs", "DescribeImageSharePermission", "ImageId", "m-careless004")
	list := got["Accounts"].(map[string]any)["Account"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["AliyunId"] != double.OutsideAccount {
		t.Fatalf("%v", got)
	}
	refused(t, "DryRunOperation", c, "ecs", "ModifyImageSharePermission", "ImageId", "m-careless004", "RemoveAccount.1", double.OutsideAccount, "DryRun", "true")
	call(t, c, "ecs", "ModifyImageSharePermission", "ImageId", "m-careless004", "RemoveAccount.1", double.OutsideAccount)
	s.View(func(st *double.State) {
		for _, i := range st.Accounts[0].Regions["cn-hangzhou"].Images {
			if i.ID == "m-careless004" && len(i.SharedWith) != 0 {
				t.Errorf("still shared with %v", i.SharedWith)
			}
		}
		if e := st.Events[len(st.Events)-1]; e.Name != "ModifyImageSharePermission" || e.User != "admin" || e.Params["RemoveAccount.1"] != double.OutsideAccount {
			t.Errorf("ActionTrail remembers %+v", e)
		}
	})
	refused(t, "InvalidImageId.NotFound", c, "ecs", "ModifyImageSharePermission", "ImageId", "m-none", "AddAccount.1", "1")
}

// An export is a task that ends.
func TestExportEnds(t *testing.T) {
	_, c := careless(t, "DoubleAdmin")
	id := call(t, c, "ecs", "ExportImage", "ImageId", "m-careless001", "OSSBucket", "b")["TaskId"].(string)
	var seen []string
	for range 3 {
		task := call(t, c, "ecs", "DescribeTasks", "TaskIds", id)["TaskSet"].(map[string]any)["Task"].([]any)[0].(map[string]any)
		seen = append(seen, task["TaskStatus"].(string))
	}
	if strings.Join(seen, " ") != "Processing Finished Finished" {
		t.Error(seen)
	}
}

// A control policy on a member's account denies what its administrator may do,
// and the denial names the policy.
func TestControlPolicyDenies(t *testing.T) {
	state := double.Careless(time.Now())
	_, endpoint := start(t, double.Options{State: state})
	admin := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin")})
	governor := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleManagement")})
	launch := []string{"ImageId", "m-careless001", "InstanceType", "ecs.g7.large", "PasswordInherit", "true", "DryRun", "true"}
	refused(t, "DryRunOperation", admin, "ecs", "RunInstances", launch...)

	deny := `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:RunInstances","Resource":"*","Condition":{"Bool":{"ecs:PasswordInherit":["true"]}}}]}`
	made := call(t, governor, "resourcemanager", "CreateControlPolicy", "PolicyName", "no-inherit", "EffectScope", "RAM", "PolicyDocument", deny)
	id := made["ControlPolicy"].(map[string]any)["PolicyId"].(string)
	call(t, governor, "resourcemanager", "AttachControlPolicy", "PolicyId", id, "TargetId", "fd-careless001")

	e := refused(t, "Forbidden.RAM", admin, "ecs", "RunInstances", launch...)
	if !e.Denied || e.Status != 403 || e.DenyType != "ExplicitDeny" || e.PolicyType != "ControlPolicy" || e.Diagnostic == "" || e.Hint.EN == "" || e.Hint.ZH == "" {
		t.Fatalf("%+v", e)
	}
	got := call(t, admin, "ram", "DecodeDiagnosticMessage", "EncodedDiagnosticMessage", e.Diagnostic)
	text, _ := json.Marshal(got)
	for _, want := range []string{`"PolicyIdentifier":"` + id + `"`, `"AttachedScope":"Folder"`, `"AuthAction":"ecs:RunInstances"`, `"ConditionKey":"ecs:PasswordInherit"`, `"ExplicitDeny":true`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	refused(t, "DryRunOperation", admin, "ecs", "RunInstances", "ImageId", "m-careless001", "InstanceType", "ecs.g7.large", "DryRun", "true")
	call(t, governor, "resourcemanager", "DetachControlPolicy", "PolicyId", id, "TargetId", "fd-careless001")
	refused(t, "DryRunOperation", admin, "ecs", "RunInstances", launch...)
}

// A RAM policy is made, attached to a group, versioned, and taken away.
func TestPolicyLife(t *testing.T) {
	state := double.Careless(time.Now())
	_, endpoint := start(t, double.Options{State: state})
	admin := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin")})
	builder := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleBuilder")})
	export := []string{"ImageId", "m-careless001", "OSSBucket", "b", "DryRun", "true"}
	refused(t, "DryRunOperation", builder, "ecs", "ExportImage", export...)
	none := `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:DeleteSnapshot","Resource":"*"}]}`
	deny := `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:ExportImage","Resource":"*"}]}`
	call(t, admin, "ram", "CreatePolicy", "PolicyName", "no-export", "PolicyDocument", none)
	call(t, admin, "ram", "AttachPolicyToGroup", "PolicyName", "no-export", "PolicyType", "Custom", "GroupName", "builders")
	refused(t, "EntityAlreadyExists.Group.Policy", admin, "ram", "AttachPolicyToGroup", "PolicyName", "no-export", "PolicyType", "Custom", "GroupName", "builders")
	call(t, admin, "ram", "CreatePolicyVersion", "PolicyName", "no-export", "PolicyDocument", deny, "SetAsDefault", "true")
	if e := refused(t, "Forbidden.RAM", builder, "ecs", "ExportImage", export...); e.PolicyType != "AccountLevelIdentityBasedPolicy" || e.DenyType != "ExplicitDeny" {
		t.Errorf("%+v", e)
	}
	call(t, admin, "ram", "SetDefaultPolicyVersion", "PolicyName", "no-export", "VersionId", "v1")
	refused(t, "DryRunOperation", builder, "ecs", "ExportImage", export...)
	call(t, admin, "ram", "DeletePolicyVersion", "PolicyName", "no-export", "VersionId", "v2")
	call(t, admin, "ram", "DetachPolicyFromGroup", "PolicyName", "no-export", "PolicyType", "Custom", "GroupName", "builders")
	call(t, admin, "ram", "DeletePolicy", "PolicyName", "no-export")
	refused(t, "EntityNotExist.Policy", admin, "ram", "GetPolicy", "PolicyName", "no-export", "PolicyType", "Custom")
	refused(t, "MalformedPolicyDocument", admin, "ram", "CreatePolicy", "PolicyName", "x", "PolicyDocument", `{"Version":"1","Statement":[{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{"BoolIfExists":{"k":"v"}}}]}`)
	if e := refused(t, "NoPermission", builder, "ram", "ListUsers"); e.DenyType != "ImplicitDeny" {
		t.Errorf("%+v", e)
	}
}

// AssumeRole needs both sides; its session obeys the session policy.
func TestAssumeRole(t *testing.T) {
	state := double.Careless(time.Now())
	_, endpoint := start(t, double.Options{State: state})
	admin := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin")})
	builder := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleBuilder")})
	role := "acs:ram::" + double.CarelessAccount + ":role/image-pipeline"
	refused(t, "NoPermission", builder, "sts", "AssumeRole", "RoleArn", role, "RoleSessionName", "s")
	got := call(t, admin, "sts", "AssumeRole", "RoleArn", role, "RoleSessionName", "s", "Policy", allow)
	k := got["Credentials"].(map[string]any)
	key := &aliyun.Key{ID: k["AccessKeyId"].(string), Secret: k["AccessKeySecret"].(string), Token: k["SecurityToken"].(string)}
	session := client(t, aliyun.Options{Endpoint: endpoint, Key: key})
	if id := call(t, session, "sts", "GetCallerIdentity"); id["Arn"] != "acs:ram::"+double.CarelessAccount+":assumed-role/image-pipeline/s" {
		t.Errorf("%v", id)
	}
	call(t, session, "ecs", "DescribeImages")
	if e := refused(t, "Forbidden.RAM", session, "ecs", "ExportImage", "ImageId", "m-careless001", "OSSBucket", "b"); e.PolicyType != "SessionPolicy" {
		t.Errorf("%+v", e)
	}
	key.Token = ""
	refused(t, "MissingSecurityToken", client(t, aliyun.Options{Endpoint: endpoint, Key: key}), "sts", "GetCallerIdentity")
}

// The chain of a repair: key in, reboot, command, its output.
func TestRepair(t *testing.T) {
	var ran []double.Command
	state := double.Careless(time.Now())
	s, endpoint := start(t, double.Options{State: state, Command: func(c double.Command) double.Output {
		ran = append(ran, c)
		return double.Output{Exit: 3, Text: strings.Repeat("x", 30<<10), Polls: 1}
	}})
	c := client(t, aliyun.Options{Endpoint: endpoint, Key: login(t, "DoubleAdmin")})
	call(t, c, "ecs", "ImportKeyPair", "KeyPairName", "new", "PublicKeyBody", publicKey)
	got := call(t, c, "ecs", "AttachKeyPair", "KeyPairName", "new", "InstanceIds", `["i-careless001","i-careless003"]`)
	if got["FailCount"] != "1" {
		t.Errorf("a Windows instance took a key pair: %v", got)
	}
	call(t, c, "ecs", "RebootInstance", "InstanceId", "i-careless001")
	text := "echo {{word}}"
	got = call(t, c, "ecs", "RunCommand", "Type", "RunShellScript", "InstanceId.1", "i-careless001", "ContentEncoding", "Base64", "EnableParameter", "true",
		"Parameters", `{"word":"hello"}`, "CommandContent", base64.StdEncoding.EncodeToString([]byte(text)))
	if len(ran) != 1 || ran[0].Content != "echo hello" || ran[0].Username != "root" {
		t.Fatalf("%+v", ran)
	}
	id := got["InvokeId"].(string)
	result := func() map[string]any {
		return call(t, c, "ecs", "DescribeInvocationResults", "InvokeId", id)["Invocation"].(map[string]any)["InvocationResults"].(map[string]any)["InvocationResult"].([]any)[0].(map[string]any)
	}
	if r := result(); r["InvocationStatus"] != "Running" || r["Output"] != "" {
		t.Errorf("%v", r)
	}
	r := result()
	out, _ := base64.StdEncoding.DecodeString(r["Output"].(string))
	if r["InvocationStatus"] != "Failed" || r["ExitCode"] != 3.0 || len(out) != 24<<10 || r["Dropped"] != float64(6<<10) {
		t.Errorf("%v: %d bytes, dropped %v", r["InvocationStatus"], len(out), r["Dropped"])
	}
	// One unfit instance fails the whole call.
	refused(t, "InvalidInstanceStatus.NotRunning", c, "ecs", "RunCommand", "Type", "RunShellScript", "InstanceId.1", "i-careless001", "InstanceId.2", "i-careless004", "CommandContent", "id")
	s.View(func(st *double.State) {
		i := st.Accounts[0].Regions["cn-hangzhou"].Instances[0]
		if i.KeyPair != "new" || i.Boots != 1 || i.PendingKeyPair {
			t.Errorf("%+v", i)
		}
	})
}

// What another account sees of shares, and how a share is taken back.
func TestResourceShare(t *testing.T) {
	s, c := careless(t, "DoubleAdmin")
	list := func(r cloud.Request) int {
		n := 0
		a := cloud.API{Product: r.Product, Action: r.Action, Paging: cloud.ByToken, Size: 100, Items: strings.TrimPrefix(r.Action, "List")}
		if err := a.Each(t.Context(), c, r.Region, r.Params, func(json.RawMessage) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	mine := cloud.Request{Product: "resourcesharing", Action: "ListSharedResources", Params: map[string]string{"ResourceOwner": "Self", "ResourceType": "Snapshot"}}
	if list(mine) != 1 {
		t.Fatal("the shared snapshot is not listed")
	}
	refused(t, "InvalidParameter.Targets.ExternalNotAllowed", c, "resourcesharing", "AssociateResourceShare", "ResourceShareId", "rs-careless002", "Targets.1", double.OutsideAccount)
	call(t, c, "resourcesharing", "DisassociateResourceShare", "ResourceShareId", "rs-careless001", "Resources.1.ResourceId", "s-careless001", "Resources.1.ResourceType", "Snapshot")
	if list(mine) != 0 {
		t.Error("the snapshot is still shared")
	}
	mine.Region = "cn-beijing"
	if list(mine) != 0 {
		t.Error("a share of another region")
	}
	s.View(func(st *double.State) {
		st.Accounts[0].Policies[0].Versions[0].Document = `{"Version":"1","Statement":[{"Effect":"Deny","Action":"resourcesharing:*","Resource":"*","Condition":{"StringEquals":{"resourcesharing:RequestedResourceType":["Snapshot","Image"]}}}]}`
		st.Accounts[0].Users[0].Policies = append(st.Accounts[0].Users[0].Policies, "custom/no-delete")
	})
	refused(t, "NoPermission", c, "resourcesharing", "AssociateResourceShare", "ResourceShareId", "rs-careless001", "Resources.1.ResourceId", "s-careless001", "Resources.1.ResourceType", "Snapshot")
	call(t, c, "resourcesharing", "AssociateResourceShare", "ResourceShareId", "rs-careless001", "Targets.1", double.ManagementAccount)
}
