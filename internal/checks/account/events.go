package account

import (
	"fmt"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
)

// recorded makes the Run of a check of recorded calls: those that succeeded
// and that keep accepts, one finding for all calls of the same name by the same
// user on the same thing.
func recorded(keep func(*cloud.Event) bool, tell func(s *cloud.Snapshot, es []cloud.Event) finding.Finding) func(p *Pass) error {
	return func(p *Pass) error {
		groups := map[string][]cloud.Event{}
		var order []string
		for i := range p.Subject.Events {
			e := &p.Subject.Events[i]
			if e.Error != "" || !keep(e) {
				continue
			}
			k := strings.Join([]string{e.Name, e.Region, e.UserType, e.User, thing(e)}, "\x00")
			if groups[k] == nil {
				order = append(order, k)
			}
			groups[k] = append(groups[k], *e)
		}
		for _, k := range order {
			es := groups[k]
			f := tell(p.Subject, es)
			f.Anchor = k
			f.Where.User = es[0].User
			p.Report(f)
		}
		return p.Context.Err()
	}
}

// thing is what a call was about: the image, the snapshot, the share, or the
// call itself when it says nothing.
func thing(e *cloud.Event) string {
	for _, k := range []string{"ImageId", "SnapshotId", "ResourceShareId", "ResourceShareName", "DiskId", "InstanceId"} {
		if v := e.Params[k]; v != "" {
			return v
		}
	}
	if len(e.Resource) > 0 {
		return e.Resource[0]
	}
	return e.ID
}

// by says who made the last of some calls, when, and from where.
func by(es []cloud.Event) finding.Text {
	last := es[len(es)-1]
	who := last.User
	if last.UserType == "root-account" {
		who = "root"
	}
	if who == "" {
		who = "?"
	}
	en, zh := fmt.Sprintf("by %s on %s", who, day(last.Time)), fmt.Sprintf("由 %s 于 %s", who, day(last.Time))
	if last.Source != "" {
		en, zh = en+" from "+last.Source, zh+"（来自 "+last.Source+"）"
	}
	if len(es) > 1 {
		en, zh = en+fmt.Sprintf(", %d times", len(es)), zh+fmt.Sprintf("，共 %d 次", len(es))
	}
	return t(en, zh)
}

// eventPlace is the ARN of what a call was about, or of the call.
func eventPlace(s *cloud.Snapshot, e *cloud.Event) finding.Where {
	switch {
	case e.Params["ImageId"] != "":
		return at(s, "ecs", e.Region, "image/"+e.Params["ImageId"])
	case e.Params["SnapshotId"] != "":
		return at(s, "ecs", e.Region, "snapshot/"+e.Params["SnapshotId"])
	case e.Params["ResourceShareId"] != "":
		return at(s, "resourcesharing", e.Region, "resourceshare/"+e.Params["ResourceShareId"])
	case len(e.Resource) > 0:
		return at(s, "ecs", e.Region, e.Resource[0])
	}
	return at(s, "actiontrail", e.Region, "event/"+e.Name)
}

func named(names ...string) func(*cloud.Event) bool {
	return func(e *cloud.Event) bool { return slices.Contains(names, e.Name) }
}

// lookup is the command that shows the calls of one name.
func lookup(e *cloud.Event) string {
	return command("aliyun", "actiontrail", "LookupEvents", "--region", e.Region, "--LookupAttribute.1.Key", "EventName", "--LookupAttribute.1.Value", e.Name)
}

var launches = &Check{
	ID: "account/inherit/launches", Severity: finding.High, Class: finding.PresetAccount, Rows: inheritRows,
	Doc: check.Doc{
		Title: t("Launches that handed on the image's password", "使用镜像预设密码创建的实例（操作审计记录）"), Why: whyInherit,
		Remedy: t("Repair the instances with assay fix; deny PasswordInherit with assay policy attach", "用 assay fix 修复实例；用 assay policy attach 禁止 PasswordInherit"), Since: "0.2",
	},
	Run: recorded(func(e *cloud.Event) bool { return strings.EqualFold(e.Params["PasswordInherit"], "true") }, launched),
}

func launched(s *cloud.Snapshot, es []cloud.Event) finding.Finding {
	var ids []string
	for _, e := range es {
		for _, r := range e.Resource {
			if strings.HasPrefix(r, "i-") && !slices.Contains(ids, r) {
				ids = append(ids, r)
			}
		}
		if id := e.Params["InstanceId"]; id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	e, who := &es[len(es)-1], by(es)
	f := finding.Finding{Where: eventPlace(s, e)}
	var commands []string
	for _, id := range ids[:min(len(ids), maxPlaces)] {
		f.Places = append(f.Places, at(s, "ecs", e.Region, "instance/"+id))
		if len(commands) < 5 {
			commands = append(commands, repair(e.Region, id))
		}
	}
	x := some(ids, 5)
	f.Title = finding.Text{EN: fmt.Sprintf("%s with PasswordInherit=true in %s, %s: %s", e.Name, e.Region, who.EN, x.EN), ZH: fmt.Sprintf("%s 的 %s 使用了 PasswordInherit=true，%s：%s", e.Region, e.Name, who.ZH, x.ZH)}
	f.Fix = fix(t("Repair the instances", "修复这些实例"), consoleTrail, append(commands, lookup(e))...)
	return f
}

var reinitDisk = &Check{
	ID: "account/inherit/reinit-disk", Severity: finding.Low, Class: finding.PresetAccount, Rows: inheritRows,
	Doc: check.Doc{
		Title:  t("Disks that were reinitialised without a new credential", "重新初始化时未设置新凭证的云盘"),
		Why:    t("ReInitDisk brings the system disk back to the image; without Password or KeyPairName the image's credentials may be back. Which survive is not documented", "ReInitDisk 将系统盘恢复为镜像状态；不带 Password 或 KeyPairName 时镜像中的凭证可能恢复，哪些会保留没有文档说明"),
		Remedy: t("Inspect the instance, bind a new key pair", "检查该实例并绑定新的密钥对"), Since: "0.2",
	},
	Run: recorded(func(e *cloud.Event) bool {
		return e.Name == "ReInitDisk" && e.Params["hasPassword"] == "" && e.Params["hasKeyPairName"] == ""
	}, reinitialised),
}

var exports = &Check{
	ID: "account/exposure/exports", Severity: finding.High, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:  t("Images and snapshots that were exported", "已导出的镜像和快照"),
		Why:    t("A copy of the disk with everything on it lies in a bucket; who may read the bucket decides who reads the disk, and deleting the image does not delete it", "磁盘的完整副本位于 OSS 中：谁能读取该 Bucket 谁就能读取磁盘，删除镜像不会删除该副本"),
		Remedy: t("Find the object, check the bucket's policy and ACL, delete what is not needed; deny exports with assay policy attach", "找到该对象，检查 Bucket 策略和 ACL，删除不需要的文件；用 assay policy attach 禁止导出"), Since: "0.2",
		References: []string{"https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-exportimage"},
	},
	Run: func(p *Pass) error {
		if err := recorded(named("ExportImage", "ExportSnapshot"), exported)(p); err != nil {
			return err
		}
		return exportTasks(p)
	},
}

func exported(s *cloud.Snapshot, es []cloud.Event) finding.Finding {
	e, who := &es[len(es)-1], by(es)
	f := finding.Finding{Where: eventPlace(s, e)}
	bucket := e.Params["OSSBucket"]
	f.Title = finding.Text{EN: fmt.Sprintf("%s was exported from %s, %s", thing(e), e.Region, who.EN), ZH: fmt.Sprintf("%s 已从 %s 导出，%s", thing(e), e.Region, who.ZH)}
	commands := []string{lookup(e)}
	if bucket != "" {
		f.Title.EN += ", to the bucket " + bucket
		f.Title.ZH += "，目标 Bucket 为 " + bucket
		commands = append(commands, command("aliyun", "oss", "ls", "oss://"+bucket), command("aliyun", "oss", "bucket-policy", "--method", "get", "oss://"+bucket))
	}
	f.Fix = fix(t("Look who can read the bucket, delete the object", "检查谁能读取该 Bucket，删除该文件"), t("OSS console > Buckets", "OSS 控制台 > Bucket 列表"), commands...)
	return f
}

// exportTasks adds the export tasks of which no event tells.
func exportTasks(p *Pass) error {
	told := map[string]bool{}
	for _, e := range p.Subject.Events {
		if e.Name == "ExportImage" && e.Error == "" {
			told[e.Region+"/"+thing(&e)] = true
		}
	}
	for _, k := range p.Subject.Tasks {
		if k.Status == "Failed" || k.Status == "Cancelled" || told[k.Region+"/"+k.Resource] {
			continue
		}
		f := finding.Finding{Where: at(p.Subject, "ecs", k.Region, "task/"+k.ID),
			Title: finding.Tf("%s: export task %s in %s, %s on %s", "%[3]s 的导出任务 %[2]s（%[1]s，%[4]s，%[5]s）", label(k.Resource, ""), k.ID, k.Region, k.Status, day(k.Created)),
			Fix:   fix(t("See what was exported", "查看导出内容"), consoleImages, command("aliyun", "ecs", "DescribeTaskAttribute", "--RegionId", k.Region, "--TaskId", k.ID))}
		if k.Resource == "" {
			f.Title = finding.Tf("Export task %s in %s, %s on %s", "%[2]s 的导出任务 %[1]s（%[3]s，%[4]s）", k.ID, k.Region, k.Status, day(k.Created))
		}
		p.Report(f)
	}
	return nil
}

var shareHistory = &Check{
	ID: "account/share/history", Severity: finding.Medium, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title: t("Shares that were made, whether they still stand or not", "曾经进行的共享操作（无论是否仍有效）"), Why: whyShare,
		Remedy: t("Treat what was shared as read; rotate what lay on it", "将共享过的内容视为已被读取，更换其中的凭证"), Since: "0.2",
	},
	Run: recorded(shares, shared),
}

// shares reports whether a recorded call gave a disk's content away, rather
// than took it back.
func shares(e *cloud.Event) bool {
	has := func(prefix string) bool {
		for k := range e.Params {
			if strings.HasPrefix(k, prefix) {
				return true
			}
		}
		return false
	}
	switch e.Name {
	case "ModifyImageSharePermission":
		return has("AddAccount") || strings.EqualFold(e.Params["IsPublic"], "true")
	case "ModifyImageShareGroupPermission":
		return has("AddGroup")
	case "CreateImagePipeline":
		return has("AddAccount")
	case "CreateResourceShare", "AssociateResourceShare":
		for k, v := range e.Params {
			if strings.HasPrefix(k, "Resources") && (strings.Contains(v, "Snapshot") || strings.Contains(v, "Image")) {
				return true
			}
		}
	}
	return false
}

func shared(s *cloud.Snapshot, es []cloud.Event) finding.Finding {
	e, who := &es[len(es)-1], by(es)
	var to []string
	for _, x := range es {
		for k, v := range x.Params {
			if (strings.HasPrefix(k, "AddAccount") || strings.HasPrefix(k, "Targets") || strings.HasPrefix(k, "AddGroup")) && !slices.Contains(to, v) {
				to = append(to, v)
			}
		}
	}
	slices.Sort(to)
	if strings.EqualFold(e.Params["IsPublic"], "true") {
		to = append(to, "*")
	}
	x := some(to, 5)
	return finding.Finding{Where: eventPlace(s, e),
		Title: finding.Text{EN: strings.TrimSuffix(fmt.Sprintf("%s on %s in %s, %s, to %s", e.Name, thing(e), e.Region, who.EN, x.EN), ", to "),
			ZH: strings.TrimSuffix(fmt.Sprintf("%s 的 %s（%s），%s，共享给 %s", e.Region, e.Name, thing(e), who.ZH, x.ZH), "，共享给 ")},
		Fix: fix(t("See the calls, and take back what still stands", "查看调用记录，并取消仍有效的共享"), consoleTrail, lookup(e))}
}

var rootCalls = &Check{
	ID: "account/exposure/root-calls", Severity: finding.Medium, Class: finding.Exposure, Rows: []string{"B14", "B15", "B16"},
	Doc: check.Doc{
		Title:  t("The account's root user exported, shared or launched with an inherited password", "主账号（root）导出、共享镜像或使用预设密码创建实例"),
		Why:    t("Neither RAM policies nor control policies reach the root user: nothing can deny these calls", "RAM 策略和管控策略对主账号均不生效：无法禁止这些调用"),
		Remedy: t("Do not work as root: delete its AccessKeys, turn on MFA, use RAM users and roles", "不要使用主账号操作：删除其 AccessKey，启用 MFA，使用 RAM 用户和角色"), Since: "0.2",
	},
	Run: recorded(func(e *cloud.Event) bool {
		return e.UserType == "root-account" && (shares(e) || strings.HasPrefix(e.Name, "Export") || strings.EqualFold(e.Params["PasswordInherit"], "true"))
	}, rootCall),
}

func rootCall(s *cloud.Snapshot, es []cloud.Event) finding.Finding {
	e, who := &es[len(es)-1], by(es)
	return finding.Finding{Where: eventPlace(s, e),
		Title: finding.Text{EN: fmt.Sprintf("%s on %s in %s, %s", e.Name, thing(e), e.Region, who.EN), ZH: fmt.Sprintf("%s 的 %s（%s），%s", e.Region, e.Name, thing(e), who.ZH)},
		Fix:   fix(t("Stop working as root", "停止使用主账号操作"), t("RAM console > Overview > Security check", "RAM 控制台 > 概览 > 安全检查"), lookup(e))}
}

var replication = &Check{
	ID: "account/exposure/replication", Severity: finding.Low, Class: finding.Exposure, Rows: []string{"B16"},
	Doc: check.Doc{
		Title:  t("Disks that are replicated or migrated elsewhere", "被复制或迁移到别处的云盘"),
		Why:    t("Replication and migration carry a disk's content away by their own means; a denial would end backups", "复制和迁移以各自方式转移磁盘内容；禁止会使备份失效"),
		Remedy: t("Check that the destination is yours", "确认目标属于本组织"), Since: "0.2",
	},
	Run: recorded(named("CreateDiskReplicaPair", "CreateReplicationJob"), replicated),
}

func reinitialised(s *cloud.Snapshot, es []cloud.Event) finding.Finding {
	f := rootCall(s, es)
	f.Fix = fix(t("Bind a new key pair", "绑定新的密钥对"), consoleKeys, lookup(&es[0]))
	return f
}

func replicated(s *cloud.Snapshot, es []cloud.Event) finding.Finding {
	f := rootCall(s, es)
	f.Fix = fix(t("Check where the copy goes", "检查副本去向"), consoleTrail, lookup(&es[0]))
	return f
}
