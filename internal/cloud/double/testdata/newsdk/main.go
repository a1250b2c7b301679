// Newsdk asks a double through the official typed SDKs for Go, which sign with
// ACS3-HMAC-SHA256 (STS: the old way) and put every parameter into the URL.
//
//	go run . 127.0.0.1:8080 ADMIN-SECRET BUILDER-ID BUILDER-SECRET
//
// It is a module of its own: assay itself needs none of these. It changes the
// double's state: start a fresh one for every run.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	ecs "github.com/alibabacloud-go/ecs-20140526/v4/client"
	ram "github.com/alibabacloud-go/ram-20150501/v2/client"
	sts "github.com/alibabacloud-go/sts-20150401/v2/client"
	"github.com/alibabacloud-go/tea/tea"
)

const deny = `{"Version":"1","Statement":[{"Effect":"Deny","Action":"ecs:ModifyImageSharePermission","Resource":"*"}]}`

var asked, wrong int

func check(what string, ok bool, seen any) {
	if asked++; !ok {
		wrong++
		fmt.Printf("WRONG %s: %v\n", what, seen)
	}
}

// refused wants an error with this code and status, and the members of an error
// body.
func refused(what, code string, status int, err error, words ...string) {
	var e *tea.SDKError
	ok := errors.As(err, &e) && tea.StringValue(e.Code) == code && tea.IntValue(e.StatusCode) == status
	for _, w := range append(words, "RequestId", "Recommend") {
		ok = ok && strings.Contains(tea.StringValue(e.Data)+fmt.Sprint(e.AccessDeniedDetail), w)
	}
	check(what, ok, err)
}

func config(endpoint, id, secret, token string) *openapi.Config {
	c := &openapi.Config{AccessKeyId: &id, AccessKeySecret: &secret, Endpoint: &endpoint, Protocol: tea.String("HTTP"), RegionId: tea.String("cn-hangzhou")}
	if token != "" {
		c.SecurityToken = &token
	}
	return c
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: newsdk ENDPOINT ADMIN-SECRET BUILDER-ID BUILDER-SECRET")
		os.Exit(2)
	}
	at := os.Args[1]
	e := must(ecs.NewClient(config(at, "DoubleAdmin", os.Args[2], "")))
	images(e)
	policies(must(ram.NewClient(config(at, "DoubleAdmin", os.Args[2], ""))))
	b := must(ecs.NewClient(config(at, os.Args[3], os.Args[4], "")))
	_, err := b.ModifyImageSharePermission(&ecs.ModifyImageSharePermissionRequest{RegionId: tea.String("cn-hangzhou"), ImageId: tea.String("m-careless004"), AddAccount: []*string{tea.String("1")}})
	refused("a denied call", "Forbidden.RAM", 403, err, "ExplicitDeny", "EncodedDiagnosticMessage", "ecs:ModifyImageSharePermission")
	roles(at, must(sts.NewClient(config(at, "DoubleAdmin", os.Args[2], ""))))
	_, err = must(ecs.NewClient(config(at, "DoubleAdmin", "wrong", ""))).DescribeImages(&ecs.DescribeImagesRequest{RegionId: tea.String("cn-hangzhou")})
	refused("a wrong secret", "SignatureDoesNotMatch", 400, err)
	_, err = must(ecs.NewClient(config(at, "nobody", "x", ""))).DescribeImages(&ecs.DescribeImagesRequest{RegionId: tea.String("cn-hangzhou")})
	refused("no such key", "InvalidAccessKeyId.NotFound", 404, err)
	fmt.Printf("%d checks, %d wrong\n", asked, wrong)
	if wrong > 0 {
		os.Exit(1)
	}
}

func images(e *ecs.Client) {
	got, err := e.DescribeImages(&ecs.DescribeImagesRequest{RegionId: tea.String("cn-hangzhou"), ImageOwnerAlias: tea.String("self"), PageSize: tea.Int32(100)})
	check("DescribeImages", err == nil && len(got.Body.Images.Image) == int(tea.Int32Value(got.Body.TotalCount)) && len(got.Body.Images.Image) > 0, err)
	share := func(image string, add ...string) error { // this version of the SDK has no DryRun here
		_, err := e.ModifyImageSharePermission(&ecs.ModifyImageSharePermissionRequest{RegionId: tea.String("cn-hangzhou"), ImageId: &image, AddAccount: tea.StringSlice(add)})
		return err
	}
	err = share("m-careless004", "1000000000000009")
	check("ModifyImageSharePermission", err == nil, err)
	seen, err := e.DescribeImageSharePermission(&ecs.DescribeImageSharePermissionRequest{RegionId: tea.String("cn-hangzhou"), ImageId: tea.String("m-careless004")})
	check("DescribeImageSharePermission", err == nil && tea.StringValue(seen.Body.Accounts.Account[0].AliyunId) == "1000000000000009", err)
	refused("an image that does not exist", "InvalidImageId.NotFound", 404, share("m-none", "1"))
	_, err = e.RunInstances(&ecs.RunInstancesRequest{RegionId: tea.String("cn-hangzhou"), ImageId: tea.String("m-careless001"), InstanceType: tea.String("ecs.g7.large"), DryRun: tea.Bool(true)})
	refused("RunInstances, dry", "DryRunOperation", 400, err)
}

func policies(r *ram.Client) {
	create := &ram.CreatePolicyRequest{PolicyName: tea.String("go-deny"), PolicyDocument: tea.String(deny)}
	made, err := r.CreatePolicy(create)
	check("CreatePolicy", err == nil && tea.StringValue(made.Body.Policy.PolicyType) == "Custom", err)
	_, err = r.CreatePolicy(create)
	refused("CreatePolicy again", "EntityAlreadyExists.Policy", 409, err)
	_, err = r.AttachPolicyToUser(&ram.AttachPolicyToUserRequest{PolicyName: tea.String("go-deny"), PolicyType: tea.String("Custom"), UserName: tea.String("builder")})
	check("AttachPolicyToUser", err == nil, err)
	_, err = r.AttachPolicyToUser(&ram.AttachPolicyToUserRequest{PolicyName: tea.String("go-deny"), PolicyType: tea.String("Custom"), UserName: tea.String("nobody-here")})
	refused("AttachPolicyToUser to nobody", "EntityNotExist.User", 404, err)
	_, err = r.CreatePolicy(&ram.CreatePolicyRequest{PolicyName: tea.String("bad"), PolicyDocument: tea.String("{")})
	check("a broken document", err != nil, err)
}

func roles(at string, s *sts.Client) {
	who, err := s.GetCallerIdentity()
	check("GetCallerIdentity", err == nil && strings.HasSuffix(tea.StringValue(who.Body.Arn), ":user/admin"), err)
	got, err := s.AssumeRole(&sts.AssumeRoleRequest{RoleArn: tea.String("acs:ram::1000000000000001:role/image-pipeline"), RoleSessionName: tea.String("go")})
	if check("AssumeRole", err == nil, err); err != nil {
		return
	}
	k := got.Body.Credentials
	as, err := must(sts.NewClient(config(at, *k.AccessKeyId, *k.AccessKeySecret, *k.SecurityToken))).GetCallerIdentity()
	check("as the role", err == nil && strings.Contains(tea.StringValue(as.Body.Arn), ":assumed-role/image-pipeline/go"), err)
	_, err = must(sts.NewClient(config(at, *k.AccessKeyId, *k.AccessKeySecret, "wrong"))).GetCallerIdentity()
	check("another's token", err != nil, err)
}
