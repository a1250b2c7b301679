// Package assistant is remote.Shell over Cloud Assistant: RunCommand and
// DescribeInvocationResults of ECS.
//
// In: a cloud.Caller, region and instance. Out: a Shell. May touch: the cloud,
// through the Caller; a folder of its own on the instance while a long output
// is fetched. Never: prints a secret there: everybody who may call
// DescribeInvocationResults reads every output for a month. Next room: the
// verbs and fleet.
package assistant
