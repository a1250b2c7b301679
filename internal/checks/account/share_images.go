package account

import (
	"fmt"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
)

// whyShare is the harm of every share.
var whyShare = t("The other account can start instances from it and read every file on it. Taking the share back does not take back a copy (CopyImage)",
	"对方账号可以用它创建实例并读取其中的所有文件；取消共享无法收回已复制的副本（CopyImage）")

var sharedImages = &Check{
	ID: "account/share/images", Severity: finding.High, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:      t("Custom images shared with other accounts", "共享给其他账号的自定义镜像"),
		Why:        whyShare,
		Remedy:     t("Remove accounts that do not need it; inspect the image with assay inspect; deny further shares with assay policy attach", "移除不需要的账号；用 assay inspect 检查镜像；用 assay policy attach 禁止继续共享"),
		References: []string{"https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-modifyimagesharepermission"},
		Since:      "0.2",
	},
	Run: func(p *Pass) error {
		for i := range p.Subject.Images {
			if im := &p.Subject.Images[i]; len(im.Accounts) > 0 || im.Shared && len(im.Groups) == 0 {
				p.Report(sharedImage(p.Subject, im))
			}
		}
		return p.Context.Err()
	},
}

func sharedImage(s *cloud.Snapshot, im *cloud.Image) finding.Finding {
	f := finding.Finding{Where: at(s, "ecs", im.Region, "image/"+im.ID)}
	if len(im.Accounts) == 0 {
		f.Title = finding.Tf("Image %s in %s is shared; with whom could not be read", "%[2]s 的镜像 %[1]s 已共享，共享对象无法读取", label(im.ID, im.Name), im.Region)
		f.Fix = fix(t("See whom it is shared with", "查看共享对象"), consoleImages, command("aliyun", "ecs", "DescribeImageSharePermission", "--RegionId", im.Region, "--ImageId", im.ID))
		return f
	}
	var names, en, zh, foreign []string
	for _, a := range im.Accounts {
		names = append(names, a.Account)
		if outside(s, a.Account) {
			foreign = append(foreign, a.Account)
		}
		if a.Since == "" {
			en, zh = append(en, a.Account), append(zh, a.Account)
			continue
		}
		en = append(en, fmt.Sprintf("%s (since %s)", a.Account, day(a.Since)))
		zh = append(zh, fmt.Sprintf("%s（%s 起）", a.Account, day(a.Since)))
	}
	slices.Sort(names)
	f.Anchor = strings.Join(names, " ")
	f.Title = finding.Text{EN: fmt.Sprintf("Image %s in %s is shared with %s", label(im.ID, im.Name), im.Region, some(en, 5).EN),
		ZH: fmt.Sprintf("%s 的镜像 %s 已共享给 %s", im.Region, label(im.ID, im.Name), some(zh, 5).ZH)}
	if len(foreign) > 0 {
		f.Severity = finding.Critical
		x := some(foreign, 5)
		f.Reason = &finding.Text{EN: "Outside the organisation: " + x.EN, ZH: "组织外账号：" + x.ZH}
	}
	f.Fix = fix(t("Take the share back", "取消共享"), consoleImages, unshare(im, names)...)
	return f
}

func unshare(im *cloud.Image, accounts []string) []string {
	return commands([]string{"aliyun", "ecs", "ModifyImageSharePermission", "--RegionId", im.Region, "--ImageId", im.ID}, 10, accounts,
		func(i int, a string) []string { return []string{fmt.Sprintf("--RemoveAccount.%d", i), a} })
}

var publicImages = &Check{
	ID: "account/share/public-images", Severity: finding.Critical, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:      t("Custom images published to everyone", "公开发布的自定义镜像（社区镜像）"),
		Why:        t("Every account of the cloud can find the image, start it and read every file on it", "任何阿里云账号都能找到该镜像、用它创建实例并读取其中的所有文件"),
		Remedy:     t("Take it out of the community images; treat every credential on it as known", "取消发布社区镜像，并将其中的所有凭证视为已泄露"),
		References: []string{"https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-modifyimagesharepermission"},
		Since:      "0.2",
	},
	Run: func(p *Pass) error {
		for _, im := range p.Subject.Images {
			if im.Public {
				p.Report(finding.Finding{Where: at(p.Subject, "ecs", im.Region, "image/"+im.ID),
					Title: finding.Tf("Image %s in %s is public", "%[2]s 的镜像 %[1]s 已公开", label(im.ID, im.Name), im.Region),
					Fix:   fix(t("Make it private", "取消公开"), consoleImages, command("aliyun", "ecs", "ModifyImageSharePermission", "--RegionId", im.Region, "--ImageId", im.ID, "--IsPublic", "false"))})
			}
		}
		return p.Context.Err()
	},
}

var shareGroups = &Check{
	ID: "account/share/groups", Severity: finding.High, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:  t("Custom images shared with share groups", "共享给共享组的自定义镜像"),
		Why:    t("Who belongs to a share group is decided elsewhere: the image reaches accounts that its owner does not see", "共享组成员由他处决定：镜像会到达所有者看不到的账号"),
		Remedy: t("Remove the group; share with named accounts only, or not at all", "移除共享组；仅共享给指定账号，或不共享"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		for _, im := range p.Subject.Images {
			if len(im.Groups) == 0 {
				continue
			}
			remove := commands([]string{"aliyun", "ecs", "ModifyImageShareGroupPermission", "--RegionId", im.Region, "--ImageId", im.ID}, 10, im.Groups,
				func(i int, g string) []string { return []string{fmt.Sprintf("--RemoveGroup.%d", i), g} })
			x := some(im.Groups, 5)
			p.Report(finding.Finding{Where: at(p.Subject, "ecs", im.Region, "image/"+im.ID), Anchor: strings.Join(im.Groups, " "),
				Title: finding.Text{EN: fmt.Sprintf("Image %s in %s is shared with the share group %s", label(im.ID, im.Name), im.Region, x.EN),
					ZH: fmt.Sprintf("%s 的镜像 %s 已共享给共享组 %s", im.Region, label(im.ID, im.Name), x.ZH)},
				Fix: fix(t("Remove the group", "移除共享组"), consoleImages, remove...)})
		}
		return p.Context.Err()
	},
}

var unencryptedImages = &Check{
	ID: "account/share/unencrypted-images", Severity: finding.Low, Class: finding.Exposure, Rows: []string{"B14", "B16"},
	Doc: check.Doc{
		Title:  t("Custom images without encryption, which nothing keeps from being shared", "未加密的自定义镜像：没有任何机制阻止共享"),
		Why:    t("An image encrypted with the service key cannot be shared, exported or published at all, whatever a policy says. An unencrypted one relies on policies alone", "使用服务密钥加密的镜像无论策略如何都不能共享、导出或公开；未加密镜像只能依赖策略"),
		Remedy: t("Turn on encryption by default for the region (service key), and copy the images that stay with encryption", "为地域开启云盘默认加密（服务密钥），并以加密方式复制需要保留的镜像"),
		Since:  "0.2",
	},
	Run: func(p *Pass) error {
		byRegion := map[string][]finding.Where{}
		for _, im := range p.Subject.Images {
			if !im.Encrypted {
				byRegion[im.Region] = append(byRegion[im.Region], at(p.Subject, "ecs", im.Region, "image/"+im.ID))
			}
		}
		for _, r := range p.Subject.Regions {
			ws := byRegion[r]
			if len(ws) == 0 {
				continue
			}
			f := finding.Finding{Anchor: r, Title: t(fmt.Sprintf("%s in %s %s not encrypted", count(len(ws), "custom image"), r, verb(len(ws), "is", "are")), fmt.Sprintf("%s 有 %d 个自定义镜像未加密", r, len(ws))),
				Fix: fix(t("Encrypt new disks by default", "开启云盘默认加密"), t("ECS console > Storage & Snapshots > Disks > Account-level encryption", "ECS 控制台 > 存储与快照 > 云盘 > 默认加密"),
					command("aliyun", "ecs", "EnableDiskEncryptionByDefault", "--RegionId", r))}
			if slices.ContainsFunc(p.Subject.Encryption, func(e cloud.Encryption) bool { return e.Region == r && e.Default }) {
				f.Fix = fix(t("Copy them with encryption", "以加密方式复制"), consoleImages, command("aliyun", "ecs", "CopyImage", "--RegionId", r, "--DestinationRegionId", r, "--ImageId", "IMAGE", "--Encrypted", "true"))
			}
			f.Where = finding.Where{Volume: r, Path: p.Subject.ARN("ecs", r, "image/*")}
			f.Places = ws[:min(len(ws), maxPlaces)]
			p.Report(f)
		}
		return p.Context.Err()
	},
}
