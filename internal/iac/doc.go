// Package iac looks into infrastructure code for what the policies about
// images forbid: passwords inherited from images, exports, shares, and policy
// documents that do not do what they say.
//
// In: the text of one file: Terraform configuration, a Terraform plan as JSON,
// a ROS template, a policy document. Out: findings with lines; what depends on
// values that are not in the file. May touch: nothing. Never: opens files,
// fetches modules, runs anything. Next room: the verb ScanCode.
package iac
