package iac

import (
	"assay/finding"
	"assay/internal/report"
)

const documentation = "https://www.alibabacloud.com/help/en/ecs/user-guide/"

var (
	checkInherit = report.Check{ID: "policy/code-inherit", Severity: "high", Class: finding.Policy, Rows: []string{"A4", "A5"},
		Title:      finding.T("Code that starts instances with the image's password", "代码使用镜像预设密码创建实例"),
		Why:        finding.T("Whoever knows the password in the image can log in to every instance made this way. A deny policy makes this code fail when it runs.", "知道镜像密码的人可以登录以此创建的所有实例。禁止策略会使此代码运行失败。"),
		Remedy:     finding.T("Remove password_inherit. Give Linux instances a key pair, Windows instances a password of their own.", "请删除 password_inherit。Linux 实例使用密钥对，Windows 实例使用独立密码。"),
		References: []string{documentation + "avoid-using-default-login-credentials-in-images"}}
	checkExport = report.Check{ID: "policy/code-export", Severity: "high", Class: finding.Policy, Rows: []string{"B14"},
		Title:      finding.T("Code that exports an image", "代码导出镜像"),
		Why:        finding.T("A copy of the disk, with everything on it, lands in a bucket and from there anywhere.", "磁盘的完整副本会进入 OSS，随后可流向任何地方。"),
		Remedy:     finding.T("Remove the resource. Where an export is meant, let one exempt role do it from an image that assay certified.", "请删除该资源。确需导出时，由豁免角色从经 assay 认证的镜像导出。"),
		References: []string{documentation + "avoid-images-and-snapshots-from-accidentally-revealing-sensitive-information-1"}}
	checkShare = report.Check{ID: "policy/code-share", Severity: "high", Class: finding.Policy, Rows: []string{"B14", "B16"},
		Title:      finding.T("Code that shares an image or a snapshot", "代码共享镜像或快照"),
		Why:        finding.T("Another account gets the disk's content. Taking the share back does not take back a copy.", "其他账号会得到磁盘内容；取消共享无法收回已有的副本。"),
		Remedy:     finding.T("Remove the share. Where it is meant, share an image that assay certified, inside the organisation only.", "请移除共享。确需共享时，仅在组织内共享经 assay 认证的镜像。"),
		References: []string{documentation + "avoid-images-and-snapshots-from-accidentally-revealing-sensitive-information-1"}}
)

// Checks describes what Scan can find.
func Checks() []report.Check { return []report.Check{checkInherit, checkExport, checkShare} }
