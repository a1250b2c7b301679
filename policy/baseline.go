package policy

// A Caller says under whose identity a request of a scenario arrives. It
// decides which policies meet it.
type Caller int

// The callers.
const (
	ByUser          Caller = iota // the RAM user or role whom the policies are bound to
	ByOtherRole                   // a role that works for the user: a ROS stack's, an OOS template's
	ByServiceLinked               // a service-linked role
	ByRoot                        // the root user of a member account
	ByManagement                  // anyone in the directory's management account
	ByNobody                      // there is no request that a policy could deny
)

// A Scenario is one way to the harm that the two documents describe, and what
// a safe account answers to it.
type Scenario struct {
	ID       string // "share/image"
	Title    Text
	Rows     []string
	Severity string // "critical", "high", "medium", "low": when it is open
	Caller   Caller
	Want     Decision // Denied; Allowed for work that must stay possible
	// Published says that the documents' own policies deny it.
	Published bool
	Requests  []Request // each must get the wanted decision
	// Why says what happens when it is open, and what is known about it.
	Why Text
	// Watch is the check of the account that watches what no policy can close;
	// "" where a policy can.
	Watch string
	// Assumed says which part of this rests on no documentation.
	Assumed Text
}

// Closable reports whether some policy can bring about the wanted decision.
func (s *Scenario) Closable() bool { return s.Watch == "" }

const (
	keyInherit  = "ecs:PasswordInherit"
	keyType     = "resourcesharing:RequestedResourceType"
	keyARN      = "resourcesharing:ResourceArn"
	keyTarget   = "resourcesharing:Target"
	keyExternal = "resourcesharing:RequestedAllowExternalTargets"
)

func calls(actions ...string) (out []Request) {
	for _, a := range actions {
		out = append(out, Request{Action: a})
	}
	return out
}

func call(action string, kv ...string) Request {
	r := Request{Action: action, Context: map[string][]string{}}
	for i := 0; i < len(kv); i += 2 {
		r.Context[kv[i]] = append(r.Context[kv[i]], kv[i+1])
	}
	return r
}

func unknown(r Request, key string, why Text) Request {
	r.Unknown = map[string]Text{key: why}
	return r
}

// Baseline lists every scenario: the documents' own first, then each other
// path to the same harm, then what no policy can close.
func Baseline() []Scenario {
	return append(append(published(), wider()...), beyond()...)
}

var (
	rowsLaunch = []string{"A4", "A5", "A8", "A9"}
	rowsShare  = []string{"B14", "B15"}

	whyInherit = tf("An instance made this way starts with the password that lies in the image: whoever knows it can log in.",
		"以此方式创建的实例沿用镜像中的密码：知道该密码的人都能登录。")
	whyExport = tf("A copy of the disk, with everything on it, lands in a bucket and from there anywhere.", "磁盘的完整副本会进入 OSS，随后可流向任何地方。")
	whyShare  = tf("Another account gets the disk's content. Taking the share back does not take back a copy.", "其他账号会得到磁盘内容；取消共享无法收回已有的副本。")
)

// published are the denials of the two documents.
func published() []Scenario {
	launch := func(id, action, en, zh string) Scenario {
		return Scenario{ID: id, Title: Text{en, zh}, Rows: rowsLaunch, Severity: "high", Want: Denied, Published: true,
			Requests: []Request{call(action, keyInherit, "true")}, Why: whyInherit}
	}
	share := func(id, severity, en, zh string, why Text, rs ...Request) Scenario {
		return Scenario{ID: id, Title: Text{en, zh}, Rows: rowsShare, Severity: severity, Want: Denied, Published: true, Requests: rs, Why: why}
	}
	return []Scenario{
		launch("inherit/run-instances", "ecs:RunInstances", "RunInstances with the image's password", "RunInstances 使用镜像预设密码"),
		launch("inherit/create-instance", "ecs:CreateInstance", "CreateInstance with the image's password", "CreateInstance 使用镜像预设密码"),
		launch("inherit/replace-system-disk", "ecs:ReplaceSystemDisk", "ReplaceSystemDisk with the image's password", "ReplaceSystemDisk 使用镜像预设密码"),
		share("export/image", "high", "An image is exported to a bucket", "导出镜像到 OSS", whyExport, calls("ecs:ExportImage")...),
		share("share/image", "critical", "An image is shared with an account, or published to all", "将镜像共享给其他账号，或公开发布", whyShare, calls("ecs:ModifyImageSharePermission")...),
		share("share/create", "high", "A resource share of a snapshot or an image is made", "创建包含快照或镜像的资源共享", whyShare,
			call("resourcesharing:CreateResourceShare", keyType, "Snapshot"), call("resourcesharing:CreateResourceShare", keyType, "Image")),
		share("share/associate", "high", "A snapshot or an image is added to a resource share", "将快照或镜像加入资源共享", whyShare,
			call("resourcesharing:AssociateResourceShare", keyType, "Snapshot"), call("resourcesharing:AssociateResourceShare", keyType, "Image")),
	}
}

// wider are the further paths that a policy can close.
func wider() []Scenario {
	byARN := tf("no documentation says whether the type is sent when a share names its resources by ARN", "没有文档说明以 ARN 指定资源时是否会传递资源类型")
	noRow := tf("the service's table of permissions has no row for it: the action's name is taken from the API", "服务的权限表中没有此操作：操作名取自 API")
	otherKeys := tf("another service than ECS: keys of ecs: cannot apply; no condition key is documented", "非 ECS 服务：ecs：条件键不适用，且没有文档记载的条件键")
	sc := func(id, severity string, rows []string, en, zh string, why, assumed Text, rs ...Request) Scenario {
		return Scenario{ID: id, Title: Text{en, zh}, Rows: rows, Severity: severity, Want: Denied, Requests: rs, Why: why, Assumed: assumed}
	}
	arn := func(action, res string) Request {
		return unknown(call(action, keyARN, "acs:ecs:cn-hangzhou:123456789012:"+res), keyType, byARN)
	}
	list := []Scenario{
		sc("inherit/launch-template", "medium", rowsLaunch, "A launch template that hands on the image's password", "启动模板沿用镜像预设密码", whyInherit, Text{}, calls("ecs:CreateLaunchTemplate", "ecs:CreateLaunchTemplateVersion")...),
		sc("inherit/auto-provisioning-group", "medium", rowsLaunch, "An auto provisioning group that hands on the image's password", "弹性供应组沿用镜像预设密码", whyInherit, Text{}, calls("ecs:CreateAutoProvisioningGroup")...),
		sc("inherit/scaling-configuration", "medium", rowsLaunch, "A scaling configuration that hands on the image's password", "伸缩配置沿用镜像预设密码", whyInherit,
			tf("no condition key was found for these two actions", "未找到这两个操作的条件键"), calls("ess:CreateScalingConfiguration", "ess:ModifyScalingConfiguration")...),
		sc("inherit/ens", "medium", rowsLaunch, "An edge (ENS) instance with the image's password", "边缘节点（ENS）实例使用镜像预设密码", whyInherit, otherKeys, calls("ens:RunInstances", "ens:CreateInstance")...),
		sc("inherit/rds-custom", "medium", rowsLaunch, "An RDS Custom instance with the image's password", "RDS Custom 实例使用镜像预设密码", whyInherit, otherKeys, calls("rds:RunRCInstances")...),
		sc("inherit/mybase", "low", rowsLaunch, "A MyBase host with the image's password", "MyBase 主机使用镜像预设密码", whyInherit, otherKeys, calls("cddc:CreateMyBase")...),
		sc("export/snapshot", "high", rowsShare, "A snapshot is exported to a bucket", "导出快照到 OSS", whyExport, noRow, calls("ecs:ExportSnapshot")...),
		sc("export/ens", "medium", rowsShare, "An edge (ENS) image is exported", "导出边缘节点（ENS）镜像", whyExport, noRow, calls("ens:ExportImage")...),
		sc("share/image-group", "high", rowsShare, "An image is shared with a share group", "将镜像共享给共享组", whyShare, noRow, calls("ecs:ModifyImageShareGroupPermission")...),
		sc("share/image-pipeline", "high", rowsShare, "An image pipeline builds an image and shares it (AddAccount)", "镜像流水线构建并共享镜像（AddAccount）", whyShare, Text{}, calls("ecs:CreateImagePipeline", "ecs:StartImagePipelineExecution")...),
		sc("share/create-by-arn", "high", rowsShare, "A resource share names the snapshot or image by its ARN", "资源共享以 ARN 指定快照或镜像", whyShare, byARN,
			arn("resourcesharing:CreateResourceShare", "snapshot/s-1"), arn("resourcesharing:CreateResourceShare", "image/m-1"),
			arn("resourcesharing:AssociateResourceShare", "snapshot/s-1"), arn("resourcesharing:AssociateResourceShare", "image/m-1")),
		sc("share/add-target", "high", rowsShare, "A target is added to a share that holds a snapshot already", "向已包含快照的资源共享添加目标", whyShare,
			tf("the request names no resource, so no resource type is sent with it", "请求中没有资源，因此不会传递资源类型"), call("resourcesharing:AssociateResourceShare", keyTarget, "123456789012")),
		sc("share/outside", "high", rowsShare, "A resource share is opened to accounts outside the organisation", "资源共享对组织外账号开放", whyShare, Text{},
			call("resourcesharing:UpdateResourceShare", keyExternal, "true"), call("resourcesharing:CreateResourceShare", keyExternal, "true")),
		sc("share/ens", "medium", rowsShare, "An edge (ENS) image is shared", "共享边缘节点（ENS）镜像", whyShare, noRow, calls("ens:ModifyImageSharePermission", "ens:ShareAICImage")...),
		sc("share/compute-nest", "medium", rowsShare, "An image goes to customers as a Compute Nest artifact", "镜像作为计算巢部署物交付给客户", whyShare,
			tf("that an image artifact carries the disk's content is inferred from the API", "镜像部署物包含磁盘内容是根据 API 推断的"),
			calls("computenestsupplier:CreateArtifact", "computenestsupplier:ReleaseArtifact", "computenestsupplier:AddServiceSharedAccounts")...),
	}
	for _, x := range []struct {
		id, en, zh string
		rows       []string
		why        Text
		r          Request
	}{
		{"role/ros-inherit", "A ROS stack launches with the image's password under its own role", "ROS 资源栈以自身角色使用镜像预设密码创建实例", rowsLaunch, whyInherit, call("ecs:RunInstances", keyInherit, "true")},
		{"role/ros-share", "A ROS stack shares an image under its own role", "ROS 资源栈以自身角色共享镜像", rowsShare, whyShare, call("ecs:ModifyImageSharePermission")},
		{"role/oos-export", "An OOS template exports an image under its own role", "OOS 模板以自身角色导出镜像", rowsShare, whyExport, call("ecs:ExportImage")},
	} {
		s := sc(x.id, "high", x.rows, x.en, x.zh, x.why, Text{}, x.r)
		s.Caller = ByOtherRole
		list = append(list, s)
	}
	return append(list, Scenario{ID: "keep/launch", Title: tf("A launch with its own key pair or password stays possible", "使用独立密钥对或密码创建实例仍可进行"), Rows: rowsLaunch, Severity: "medium",
		Want: Allowed, Requests: []Request{call("ecs:RunInstances", keyInherit, "false"), call("ecs:RunInstances")}, Published: true,
		Why: tf("A guardrail that stops ordinary work is soon taken down.", "妨碍正常工作的防护很快会被拆除。")})
}

// beyond are paths that no policy can close. They are in the baseline so that
// nobody takes a matrix without them for safety.
func beyond() []Scenario {
	template := unknown(call("ecs:RunInstances"), keyInherit, tf("no documentation says whether the key carries the value of a launch template", "没有文档说明该条件键是否携带启动模板中的值"))
	sc := func(id, severity string, rows []string, c Caller, watch, en, zh string, why Text, rs ...Request) Scenario {
		return Scenario{ID: id, Title: Text{en, zh}, Rows: rows, Severity: severity, Caller: c, Want: Denied, Watch: watch, Requests: rs, Why: why}
	}
	return []Scenario{
		sc("beyond/existing-template", "medium", rowsLaunch, ByUser, "account/inherit/launch-templates", "A launch from a template that existed before", "使用已有启动模板创建实例",
			tf("Templates made before the denial keep their value, and no documentation says whether the launch is checked against it.", "禁止之前创建的模板保留原值，且没有文档说明创建时是否会检查该值。"), template),
		sc("beyond/scale-out", "medium", rowsLaunch, ByServiceLinked, "account/inherit/scaling-configurations", "Auto Scaling launches from a configuration that existed before", "弹性伸缩使用已有伸缩配置创建实例",
			tf("Auto Scaling acts through a service-linked role, which control policies do not reach.", "弹性伸缩使用服务关联角色，管控策略对其不生效。"), call("ecs:RunInstances", keyInherit, "true")),
		sc("beyond/root-user", "medium", rowsShare, ByRoot, "account/exposure/root-calls", "The root user of a member account", "成员账号的主账号（root）",
			tf("Neither RAM policies nor control policies reach the root user.", "RAM 策略和管控策略对主账号均不生效。"), call("ecs:ExportImage"), call("ecs:ModifyImageSharePermission")),
		sc("beyond/management-account", "medium", rowsShare, ByManagement, "account/exposure/management-account", "Anyone in the management account", "管理账号中的任何身份",
			tf("Control policies do not reach the management account: keep no images there, and grant its users the same denial as a RAM policy.", "管控策略对管理账号不生效：不要在其中保存镜像，并向其用户授予同样的 RAM 禁止策略。"), call("ecs:ExportImage"), call("ecs:ModifyImageSharePermission")),
		sc("beyond/reinit-disk", "low", rowsLaunch, ByUser, "account/inherit/reinit-disk", "ReInitDisk brings back the image's credentials", "ReInitDisk 恢复镜像中的凭证",
			tf("The call without a new password returns the disk to the image; no condition key tells it from ordinary use. Which credentials survive is not documented.", "不带新密码的调用会将磁盘恢复为镜像状态；没有条件键能区分正常使用。哪些凭证保留没有文档说明。"), call("ecs:ReInitDisk")),
		sc("beyond/keys-and-users", "high", []string{"A2", "A6"}, ByNobody, "account/machine/inspect", "Authorized keys and further users in the image", "镜像中的授权公钥和其他用户",
			tf("They come with every instance, whatever the request says: only inspecting and cleaning the image helps.", "无论请求参数如何，都会随实例带入：只有检查和清理镜像才有效。")),
		sc("beyond/bucket", "medium", rowsShare, ByNobody, "account/exposure/exports", "What lies exported in a bucket is shared from there", "已导出到 OSS 的内容再次共享",
			tf("Who may read the bucket is OSS's to say (bucket policy, ACL, signed URLs).", "访问权限由 OSS 决定（Bucket 策略、ACL、签名 URL）。")),
		sc("beyond/replication", "low", rowsShare, ByNobody, "account/exposure/replication", "Backup, replication and migration carry disks away", "备份、复制和迁移带走磁盘数据",
			tf("HBR, disk replication and SMC move data by their own means; a denial would end backups.", "云备份、云盘复制和 SMC 以各自方式转移数据；禁止会使备份失效。")),
	}
}
