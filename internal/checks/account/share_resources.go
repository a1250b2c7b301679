package account

import (
	"fmt"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
)

var resourceShares = &Check{
	ID: "account/share/resource-shares", Severity: finding.High, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:      t("Snapshots and images in resource shares", "资源共享中的快照和镜像"),
		Why:        t("Every target of the share can make disks of the snapshot and read them; a target that is added later, too", "共享的每个资源使用者都能用快照创建云盘并读取内容，之后新增的使用者也一样"),
		Remedy:     t("Take the snapshot or image out of the share; deny new ones with assay policy attach", "将快照或镜像移出共享；用 assay policy attach 禁止新增"),
		References: []string{"https://www.alibabacloud.com/help/en/resource-management/resource-sharing"},
		Since:      "0.2",
	},
	Run: func(p *Pass) error {
		for i := range p.Subject.Shares {
			s := &p.Subject.Shares[i]
			var held []cloud.ShareEntity
			for _, r := range s.Resources {
				if diskContent(r.Type) {
					held = append(held, r)
				}
			}
			if len(held) > 0 {
				p.Report(diskShare(p.Subject, s, held))
			}
		}
		return p.Context.Err()
	},
}

func diskShare(s *cloud.Snapshot, share *cloud.ResourceShare, held []cloud.ShareEntity) finding.Finding {
	var what, who, foreign, ids []string
	for _, r := range held {
		what = append(what, r.ID)
	}
	for _, x := range share.Targets {
		name := x.ID
		if x.Since != "" {
			name += " (" + day(x.Since) + ")"
		}
		who, ids = append(who, name), append(ids, x.ID)
		if x.External || outside(s, x.ID) && x.Type == "Account" {
			foreign = append(foreign, x.ID)
		}
	}
	slices.Sort(ids)
	f := finding.Finding{Where: at(s, "resourcesharing", share.Region, "resourceshare/"+share.ID),
		Anchor: strings.Join(slices.Concat(slices.Sorted(slices.Values(what)), ids), " ")}
	a, b := some(what, 4), some(who, 4)
	name := label(share.ID, share.Name)
	if len(who) == 0 {
		f.Severity = finding.Medium
		f.Title = finding.Text{EN: fmt.Sprintf("Resource share %s in %s holds %s, for nobody yet", name, share.Region, a.EN), ZH: fmt.Sprintf("%s 的资源共享 %s 包含 %s，尚无资源使用者", share.Region, name, a.ZH)}
	} else {
		f.Title = finding.Text{EN: fmt.Sprintf("Resource share %s in %s gives %s to %s", name, share.Region, a.EN, b.EN), ZH: fmt.Sprintf("%s 的资源共享 %s 将 %s 共享给 %s", share.Region, name, a.ZH, b.ZH)}
	}
	if len(foreign) > 0 {
		f.Severity = finding.Critical
		x := some(foreign, 5)
		f.Reason = &finding.Text{EN: "Outside the organisation: " + x.EN, ZH: "组织外账号：" + x.ZH}
	}
	for _, r := range held[:min(len(held), maxPlaces)] {
		f.Places = append(f.Places, at(s, "ecs", share.Region, strings.ToLower(r.Type)+"/"+r.ID))
	}
	f.Fix = fix(t("Take them out of the share", "移出资源共享"), consoleSharing, disassociate(share, held)...)
	return f
}

func disassociate(share *cloud.ResourceShare, held []cloud.ShareEntity) []string {
	return commands([]string{"aliyun", "resourcesharing", "DisassociateResourceShare", "--region", share.Region, "--ResourceShareId", share.ID}, 5, held[:min(len(held), maxPlaces)],
		func(i int, r cloud.ShareEntity) []string {
			return []string{fmt.Sprintf("--Resources.%d.ResourceId", i), r.ID, fmt.Sprintf("--Resources.%d.ResourceType", i), r.Type}
		})
}

var externalTargets = &Check{
	ID: "account/share/external-targets", Severity: finding.Low, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:  t("Resource shares that accept accounts outside the organisation", "允许共享给组织外账号的资源共享"),
		Why:    t("The next target of such a share can be any account of the cloud", "此类共享的下一个资源使用者可以是任何账号"),
		Remedy: t("Allow targets inside the Resource Directory only", "仅允许共享给资源目录内账号"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		for _, s := range p.Subject.Shares {
			if !s.External {
				continue
			}
			f := finding.Finding{Where: at(p.Subject, "resourcesharing", s.Region, "resourceshare/"+s.ID),
				Title: finding.Tf("Resource share %s in %s accepts targets outside the organisation", "%[2]s 的资源共享 %[1]s 允许共享给组织外账号", label(s.ID, s.Name), s.Region),
				Fix: fix(t("Close it to outside targets", "仅允许组织内账号"), consoleSharing,
					command("aliyun", "resourcesharing", "UpdateResourceShare", "--region", s.Region, "--ResourceShareId", s.ID, "--AllowExternalTargets", "false"))}
			if slices.ContainsFunc(s.Resources, func(r cloud.ShareEntity) bool { return diskContent(r.Type) }) {
				f.Severity = finding.High
				f.Reason = &finding.Text{EN: "It holds a snapshot or an image", ZH: "其中包含快照或镜像"}
			}
			p.Report(f)
		}
		return p.Context.Err()
	},
}

var sharedSnapshots = &Check{
	ID: "account/share/snapshots", Severity: finding.High, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:  t("Snapshots that the service marks as shared, in no share that could be read", "服务标记为已共享、但不在任何可读取的资源共享中的快照"),
		Why:    t("The tag acs:ecs:isShared says that another account can read the snapshot; the share that does it was not seen", "标签 acs:ecs:isShared 表示其他账号可以读取该快照，但未见到对应的资源共享"),
		Remedy: t("Find the share in the Resource Sharing console and take the snapshot out of it", "在资源共享控制台找到对应的共享并移出该快照"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		known := map[string]bool{}
		for _, s := range p.Subject.Shares {
			for _, r := range s.Resources {
				known[r.ID] = true
			}
		}
		for _, d := range p.Subject.Snapshots {
			if d.Shared && !known[d.ID] {
				p.Report(finding.Finding{Where: at(p.Subject, "ecs", d.Region, "snapshot/"+d.ID),
					Title: finding.Tf("Snapshot %s in %s is shared with someone", "%[2]s 的快照 %[1]s 已共享", d.ID, d.Region),
					Fix: fix(t("Find its share", "查找对应的共享"), consoleSharing,
						command("aliyun", "resourcesharing", "ListResourceShareAssociations", "--region", d.Region, "--AssociationType", "Resource", "--ResourceId", d.ID))})
			}
		}
		return p.Context.Err()
	},
}
