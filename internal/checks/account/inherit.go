package account

import (
	"fmt"
	"slices"
	"strings"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
)

var (
	whyInherit    = t("Every instance made this way starts with the password that lies in the image: whoever knows it can log in", "以此方式创建的实例都沿用镜像中的密码：知道该密码的人都能登录")
	remedyInherit = t("Bind a key pair (Linux) or set a strong password of its own (Windows); never PasswordInherit", "绑定密钥对（Linux）或设置独立的强密码（Windows），不使用 PasswordInherit")
	inheritRows   = []string{"A4", "A5"}
)

var launchTemplates = &Check{
	ID: "account/inherit/launch-templates", Severity: finding.High, Class: finding.PresetAccount, Rows: inheritRows,
	Doc: check.Doc{
		Title: t("Launch templates that hand on the image's password", "沿用镜像预设密码的实例启动模板"), Why: whyInherit, Remedy: remedyInherit, Since: "0.2",
		References: []string{"https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-createlaunchtemplateversion"},
	},
	Run: func(p *Pass) error {
		for i := range p.Subject.Templates {
			l := &p.Subject.Templates[i]
			for _, v := range l.Versions {
				if v.Inherit {
					p.Report(templateFinding(p.Subject, l, v))
				}
			}
		}
		return p.Context.Err()
	},
}

func templateFinding(s *cloud.Snapshot, l *cloud.LaunchTemplate, v cloud.TemplateVersion) finding.Finding {
	kind := t("an older version, which a launch can still name", "旧版本，创建实例时仍可指定")
	f := finding.Finding{Where: at(s, "ecs", l.Region, "launchtemplate/"+l.ID), Anchor: fmt.Sprint("v", v.Number), Severity: finding.Medium}
	clean := slices.IndexFunc(l.Versions, func(x cloud.TemplateVersion) bool { return !x.Inherit })
	region := []string{"--RegionId", l.Region, "--LaunchTemplateId", l.ID}
	commands := []string{command(slices.Concat([]string{"aliyun", "ecs", "DeleteLaunchTemplateVersion"}, region, []string{"--DeleteVersion.1", fmt.Sprint(v.Number)})...)}
	switch {
	case v.Number == l.Default:
		kind, f.Severity = t("the default version", "默认版本"), finding.High
		better := "VERSION"
		if clean >= 0 {
			better = fmt.Sprint(l.Versions[clean].Number)
		} else {
			commands = append([]string{command(slices.Concat([]string{"aliyun", "ecs", "CreateLaunchTemplateVersion"}, region,
				[]string{"--ImageId", v.Image, "--PasswordInherit", "false", "--KeyPairName", "KEYPAIR"})...)}, commands...)
		}
		set := command(slices.Concat([]string{"aliyun", "ecs", "ModifyLaunchTemplateDefaultVersion"}, region, []string{"--DefaultVersionNumber", better})...)
		commands = slices.Insert(commands, len(commands)-1, set)
	case v.Number == l.Latest:
		kind, f.Severity = t("the latest version", "最新版本"), finding.High
	}
	f.Title = finding.Text{EN: fmt.Sprintf("Launch template %s in %s, version %d (%s), has PasswordInherit=true", l.Label(), l.Region, v.Number, kind.EN),
		ZH: fmt.Sprintf("%s 的启动模板 %s 版本 %d（%s）设置了 PasswordInherit=true", l.Region, l.Label(), v.Number, kind.ZH)}
	f.Fix = fix(t("Make a version without it the default, and delete this one", "将不含该参数的版本设为默认，并删除此版本"), consoleTemplates, commands...)
	return f
}

var scalingConfigurations = &Check{
	ID: "account/inherit/scaling-configurations", Severity: finding.High, Class: finding.PresetAccount, Rows: inheritRows,
	Doc: check.Doc{
		Title: t("Scaling configurations that hand on the image's password", "沿用镜像预设密码的伸缩配置"),
		Why:   t("Auto Scaling launches through a service-linked role, which no control policy reaches: every new instance starts with the image's password", "弹性伸缩通过服务关联角色创建实例，管控策略对其不生效：每台新实例都沿用镜像密码"),
		Remedy: t("Change the configuration: bind a key pair (Linux) or set a password of its own (Windows)",
			"修改伸缩配置：绑定密钥对（Linux）或设置独立密码（Windows）"), Since: "0.2",
		References: []string{"https://www.alibabacloud.com/help/en/auto-scaling/developer-reference/api-ess-2014-08-28-modifyscalingconfiguration"},
	},
	Run: func(p *Pass) error {
		for _, c := range p.Subject.Scaling {
			if !c.Inherit {
				continue
			}
			f := finding.Finding{Where: at(p.Subject, "ess", c.Region, "scalingconfiguration/"+c.ID),
				Title: finding.Tf("Scaling configuration %s in %s (group %s, image %s) has PasswordInherit=true", "%[2]s 的伸缩配置 %[1]s（伸缩组 %[3]s，镜像 %[4]s）设置了 PasswordInherit=true", label(c.ID, c.Name), c.Region, c.Group, c.Image),
				Fix: fix(t("Give it a key pair instead", "改为绑定密钥对"), consoleScaling,
					command("aliyun", "ess", "ModifyScalingConfiguration", "--region", c.Region, "--ScalingConfigurationId", c.ID, "--PasswordInherit", "false", "--KeyPairName", "KEYPAIR"))}
			if c.State == "Inactive" {
				f.Severity = finding.Medium
				f.Reason = &finding.Text{EN: "It is not active now", ZH: "当前未启用"}
			}
			p.Report(f)
		}
		return p.Context.Err()
	},
}

var provisioningGroups = &Check{
	ID: "account/inherit/auto-provisioning-groups", Severity: finding.High, Class: finding.PresetAccount, Rows: inheritRows,
	Doc: check.Doc{
		Title: t("Auto provisioning groups whose template hands on the image's password", "所用启动模板沿用镜像预设密码的弹性供应组"), Why: whyInherit,
		Remedy: t("Correct the template version, or make the group anew from another", "修改启动模板版本，或使用其他版本重新创建弹性供应组"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		for _, g := range p.Subject.Groups {
			i := slices.IndexFunc(p.Subject.Templates, func(l cloud.LaunchTemplate) bool { return l.ID == g.Template && l.Region == g.Region })
			if i < 0 || g.State == "deleted" {
				continue
			}
			v, ok := p.Subject.Templates[i].Version(g.Version)
			if !ok || !v.Inherit {
				continue
			}
			p.Report(finding.Finding{Where: at(p.Subject, "ecs", g.Region, "autoprovisioninggroup/"+g.ID),
				Title: finding.Tf("Auto provisioning group %s in %s launches from %s version %d, which has PasswordInherit=true",
					"%[2]s 的弹性供应组 %[1]s 使用启动模板 %[3]s 版本 %[4]d，其中设置了 PasswordInherit=true", label(g.ID, g.Name), g.Region, p.Subject.Templates[i].Label(), v.Number),
				Fix: fix(t("End the group and make it anew from a clean version", "删除该组并用干净的版本重新创建"), t("ECS console > Instances & Images > Auto Provisioning", "ECS 控制台 > 实例与镜像 > 弹性供应"),
					command("aliyun", "ecs", "DeleteAutoProvisioningGroup", "--RegionId", g.Region, "--AutoProvisioningGroupId", g.ID, "--TerminateInstances", "false"))})
		}
		return p.Context.Err()
	},
}

var noKeyPair = &Check{
	ID: "account/inherit/no-key-pair", Severity: finding.Medium, Class: finding.PresetAccount, Rows: []string{"A4", "A7"},
	Doc: check.Doc{
		Title: t("Linux instances from custom images without a key pair", "未绑定密钥对、由自定义镜像创建的 Linux 实例"),
		Why: t("Without a key pair an instance was given a password, or kept the image's: the service does not say which (DescribeInstances has no PasswordInherit). Who knows the image's password may be able to log in",
			"没有密钥对的实例要么设置了密码，要么沿用镜像密码，而服务不提供该信息（DescribeInstances 没有 PasswordInherit）：知道镜像密码的人可能可以登录"),
		Remedy: t("assay fix gives each instance a key of its own and proves that the old credentials are refused", "用 assay fix 为每台实例绑定新密钥，并证明旧凭证已失效"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		own := map[string]string{}
		for _, im := range p.Subject.Images {
			own[im.Region+"/"+im.ID] = im.Name
		}
		byImage := map[string][]cloud.Instance{}
		var keys []string
		for _, i := range p.Subject.Instances {
			k := i.Region + "/" + i.Image
			_, mine := own[k]
			if !mine && !strings.HasPrefix(i.Image, "m-") || i.KeyPair != "" || i.OS == "windows" {
				continue // public images have names, not IDs that begin with m-
			}
			if byImage[k] == nil {
				keys = append(keys, k)
			}
			byImage[k] = append(byImage[k], i)
		}
		slices.Sort(keys)
		for _, k := range keys {
			f := keyless(p.Subject, byImage[k], own[k])
			if _, mine := own[k]; !mine {
				f.Reason = &finding.Text{EN: "The image is not among this account's: it is another account's (shared or community), from the Marketplace, or deleted", ZH: "该镜像不属于本账号：来自其他账号（共享或社区镜像）、云市场，或已删除"}
			}
			p.Report(f)
		}
		return p.Context.Err()
	},
}

func keyless(s *cloud.Snapshot, is []cloud.Instance, name string) finding.Finding {
	var ws []finding.Where
	for _, i := range is[:min(len(is), maxPlaces)] {
		ws = append(ws, at(s, "ecs", i.Region, "instance/"+i.ID))
	}
	first := is[0]
	return finding.Finding{Where: at(s, "ecs", first.Region, "image/"+first.Image), Places: ws,
		Title: t(fmt.Sprintf("%s in %s from image %s %s no key pair", count(len(is), "Linux instance"), first.Region, label(first.Image, name), verb(len(is), "has", "have")),
			fmt.Sprintf("%s 有 %d 台由镜像 %s 创建的 Linux 实例未绑定密钥对", first.Region, len(is), label(first.Image, name))),
		Fix: fix(t("Give each a new key, and prove that the old is refused", "为每台实例绑定新密钥，并证明旧凭证失效"), consoleKeys,
			repair(first.Region, first.ID),
			command("aliyun", "ecs", "AttachKeyPair", "--RegionId", first.Region, "--KeyPairName", "KEYPAIR", "--InstanceIds", `["`+first.ID+`"]`))}
}
