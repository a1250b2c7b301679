// Asks a double through the official SDKs for Node.js: the typed ones, which
// sign with ACS3-HMAC-SHA256, and pop-core, which signs the old way. They share
// no code with assay, nor with each other's signing. Every answer and every
// error body is looked at.
//
//   node main.cjs 127.0.0.1:8080 ADMIN-SECRET BUILDER-ID BUILDER-SECRET
"use strict";
const ecs = require("@alicloud/ecs20140526");
const ram = require("@alicloud/ram20150501");
const sts = require("@alicloud/sts20150401");
const { RPCClient } = require("@alicloud/pop-core");
const openapi = require("@alicloud/openapi-core").$OpenApiUtil;

const [endpoint, adminSecret, builderID, builderSecret] = process.argv.slice(2);
let asked = 0, wrong = 0;

function check(what, ok, seen) {
  asked++;
  if (!ok) { wrong++; console.log("WRONG", what, JSON.stringify(seen)); }
}

function config(id, secret, token) {
  return { accessKeyId: id, accessKeySecret: secret, securityToken: token, endpoint, protocol: "http", regionId: "cn-hangzhou" };
}
const make = (SDK, ...login) => new SDK.default(new openapi.Config(config(...login)));
const old = (version, id, secret) => new RPCClient({ accessKeyId: id, accessKeySecret: secret, endpoint: "http://" + endpoint, apiVersion: version });

// refused wants an error with this code, and the members of an error body.
async function refused(what, code, call, more) {
  try {
    await call();
    check(what, false, "answered");
  } catch (e) {
    const body = e.data || {};
    const got = e.code || body.Code;
    const id = e.requestId || body.RequestId || (body.data && body.data.RequestId) || (body.requestId);
    check(what, got === code && !!id && (!more || more(e, body)), { got, id, message: e.message, body });
  }
}

async function main() {
  const E = make(ecs, "DoubleAdmin", adminSecret), R = make(ram, "DoubleAdmin", adminSecret), S = make(sts, "DoubleAdmin", adminSecret);
  const images = await E.describeImages(new ecs.DescribeImagesRequest({ regionId: "cn-hangzhou", imageOwnerAlias: "self", pageSize: 100 }));
  const list = images.body.images.image;
  check("DescribeImages", images.statusCode === 200 && list.some((i) => i.imageId === "m-careless001") && images.body.totalCount === list.length, images.body);
  const shared = await E.modifyImageSharePermission(new ecs.ModifyImageSharePermissionRequest({ regionId: "cn-hangzhou", imageId: "m-careless004", addAccount: ["1000000000000009"] }));
  check("ModifyImageSharePermission", !!shared.body.requestId, shared.body);
  const seen = await E.describeImageSharePermission(new ecs.DescribeImageSharePermissionRequest({ regionId: "cn-hangzhou", imageId: "m-careless004" }));
  check("DescribeImageSharePermission", seen.body.accounts.account.some((a) => a.aliyunId === "1000000000000009"), seen.body);
  await refused("a dry run that would work", "DryRunOperation", () => E.modifyImageSharePermission(new ecs.ModifyImageSharePermissionRequest({ regionId: "cn-hangzhou", imageId: "m-careless004", removeAccount: ["1000000000000009"], dryRun: true })));
  await refused("an image that does not exist", "InvalidImageId.NotFound", () => E.modifyImageSharePermission(new ecs.ModifyImageSharePermissionRequest({ regionId: "cn-hangzhou", imageId: "m-none", addAccount: ["1"] })),
    (e) => e.statusCode === 404);
  await refused("RunInstances, dry", "DryRunOperation", () => E.runInstances(new ecs.RunInstancesRequest({ regionId: "cn-hangzhou", imageId: "m-careless001", instanceType: "ecs.g7.large", dryRun: true })));

  const deny = JSON.stringify({ Version: "1", Statement: [{ Effect: "Deny", Action: "ecs:ModifyImageSharePermission", Resource: "*" }] });
  const made = await R.createPolicy(new ram.CreatePolicyRequest({ policyName: "node-deny", policyDocument: deny }));
  check("CreatePolicy", made.body.policy.policyName === "node-deny" && made.body.policy.policyType === "Custom", made.body);
  await refused("CreatePolicy again", "EntityAlreadyExists.Policy", () => R.createPolicy(new ram.CreatePolicyRequest({ policyName: "node-deny", policyDocument: deny })), (e) => e.statusCode === 409);
  await R.attachPolicyToUser(new ram.AttachPolicyToUserRequest({ policyName: "node-deny", policyType: "Custom", userName: "builder" }));
  const of = await R.listPoliciesForUser(new ram.ListPoliciesForUserRequest({ userName: "builder" }));
  check("AttachPolicyToUser", of.body.policies.policy.some((p) => p.policyName === "node-deny"), of.body);
  const B = make(ecs, builderID, builderSecret);
  await refused("a denied call", "Forbidden.RAM", () => B.modifyImageSharePermission(new ecs.ModifyImageSharePermissionRequest({ regionId: "cn-hangzhou", imageId: "m-careless004", addAccount: ["1"], dryRun: true })),
    (e) => e.statusCode === 403 && e.accessDeniedDetail && e.accessDeniedDetail.NoPermissionType === "ExplicitDeny" && !!e.accessDeniedDetail.EncodedDiagnosticMessage);

  const who = await S.getCallerIdentity();
  check("GetCallerIdentity", who.body.accountId === "1000000000000001" && who.body.arn.endsWith(":user/admin"), who.body);
  const role = await S.assumeRole(new sts.AssumeRoleRequest({ roleArn: "acs:ram::1000000000000001:role/image-pipeline", roleSessionName: "node" }));
  const k = role.body.credentials;
  check("AssumeRole", k.accessKeyId.startsWith("STS.") && Date.parse(k.expiration) > Date.now(), role.body);
  const as = await make(sts, k.accessKeyId, k.accessKeySecret, k.securityToken).getCallerIdentity();
  check("as the role", as.body.arn.includes(":assumed-role/image-pipeline/node"), as.body);
  await refused("a wrong secret", "SignatureDoesNotMatch", () => make(ecs, "DoubleAdmin", "wrong").describeImages(new ecs.DescribeImagesRequest({ regionId: "cn-hangzhou" })));
  await refused("no such key", "InvalidAccessKeyId.NotFound", () => make(ecs, "nobody", "x").describeImages(new ecs.DescribeImagesRequest({ regionId: "cn-hangzhou" })));

  const P = old("2014-05-26", "DoubleAdmin", adminSecret);
  for (const method of ["GET", "POST"]) {
    const got = await P.request("DescribeImages", { RegionId: "cn-hangzhou", ImageOwnerAlias: "self" }, { method });
    check("pop-core DescribeImages " + method, got.Images.Image.length > 0 && !!got.RequestId, got);
    await refused("pop-core missing parameter " + method, "MissingImageId", () => P.request("ModifyImageSharePermission", { RegionId: "cn-hangzhou" }, { method }),
      (e, b) => !!b.HostId && !!b.Recommend && !!b.Message && b.Code === "MissingImageId");
    await refused("pop-core unknown action " + method, "InvalidAction.NotFound", () => P.request("NoSuchAction", {}, { method }));
    await refused("pop-core wrong secret " + method, "SignatureDoesNotMatch", () => old("2014-05-26", "DoubleAdmin", "no").request("DescribeImages", { RegionId: "cn-hangzhou" }, { method }));
  }
  const PB = old("2014-05-26", builderID, builderSecret);
  await refused("pop-core denied", "Forbidden.RAM", () => PB.request("ModifyImageSharePermission", { RegionId: "cn-hangzhou", ImageId: "m-careless004", "AddAccount.1": "1" }, { method: "POST" }),
    (e, b) => b.AccessDeniedDetail && b.AccessDeniedDetail.AuthAction === "ecs:ModifyImageSharePermission" && b.AccessDeniedDetail.PolicyType !== "");
}

main().catch((e) => { wrong++; console.log("WRONG", e); }).finally(() => {
  console.log(`${asked} checks, ${wrong} wrong`);
  process.exitCode = wrong || asked < 20 ? 1 : 0;
});
