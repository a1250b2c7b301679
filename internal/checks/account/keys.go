package account

import (
	"fmt"
	"slices"

	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
)

const (
	// spread is how many instances one key pair may open before it is told:
	// whoever gets its private half enters all of them at once.
	spread = 20
	// wide is from where on that is no longer a small matter.
	wide = 100
	// keyDays is how old a key pair may grow.
	keyDays = 365
)

var keySpread = &Check{
	ID: "account/key/spread", Severity: finding.Low, Class: finding.Exposure, Rows: []string{"A4", "A7"},
	Doc: check.Doc{
		Title:  t("One key pair on many instances", "同一密钥对绑定过多实例"),
		Why:    t("Whoever gets its private half enters all of them at once", "获得其私钥的人可以同时登录所有实例"),
		Remedy: t("Use a key pair for each application or team; change it with assay fix", "按应用或团队使用不同密钥对，用 assay fix 更换"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		used := uses(p.Subject)
		for _, k := range p.Subject.KeyPairs {
			is := used[k.Region+"/"+k.Name]
			if len(is) <= spread {
				continue
			}
			f := finding.Finding{Where: at(p.Subject, "ecs", k.Region, "keypair/"+k.Name),
				Title: t(fmt.Sprintf("Key pair %s in %s opens %s", k.Name, k.Region, count(len(is), "instance")), fmt.Sprintf("%s 的密钥对 %s 可登录 %d 台实例", k.Region, k.Name, len(is))),
				Fix: fix(t("Spread the instances over several key pairs", "将实例分散到多个密钥对"), consoleKeys,
					repair(k.Region, is[0].ID))}
			if len(is) > wide {
				f.Severity = finding.Medium
			}
			for _, i := range is[:min(len(is), maxPlaces)] {
				f.Places = append(f.Places, at(p.Subject, "ecs", i.Region, "instance/"+i.ID))
			}
			p.Report(f)
		}
		return p.Context.Err()
	},
}

func uses(s *cloud.Snapshot) map[string][]cloud.Instance {
	used := map[string][]cloud.Instance{}
	for _, i := range s.Instances {
		if i.KeyPair != "" {
			k := i.Region + "/" + i.KeyPair
			used[k] = append(used[k], i)
		}
	}
	return used
}

var keyAge = &Check{
	ID: "account/key/age", Severity: finding.Low, Class: finding.Exposure, Rows: []string{"A4", "A7"},
	Doc: check.Doc{
		Title:  t("Key pairs that were never renewed", "长期未更换的密钥对"),
		Why:    t("The older a key, the more people and backups have held it", "密钥越旧，接触过它的人和备份越多"),
		Remedy: t("Change it with assay fix; delete those that open nothing", "用 assay fix 更换；删除未使用的密钥对"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		used := uses(p.Subject)
		now, ok := cloud.When(p.Subject.Taken)
		if !ok {
			return nil
		}
		for _, k := range p.Subject.KeyPairs {
			made, ok := cloud.When(k.Created)
			if !ok {
				continue
			}
			days := int(now.Sub(made).Hours() / 24)
			if days <= keyDays {
				continue
			}
			is := used[k.Region+"/"+k.Name]
			f := finding.Finding{Where: at(p.Subject, "ecs", k.Region, "keypair/"+k.Name),
				Title: t(fmt.Sprintf("Key pair %s in %s is %d days old and opens %s", k.Name, k.Region, days, count(len(is), "instance")),
					fmt.Sprintf("%s 的密钥对 %s 已使用 %d 天，可登录 %d 台实例", k.Region, k.Name, days, len(is)))}
			if len(is) == 0 {
				f.Fix = fix(t("Delete it: no instance uses it", "没有实例使用，可删除"), consoleKeys, command("aliyun", "ecs", "DeleteKeyPairs", "--RegionId", k.Region, "--KeyPairNames", `["`+k.Name+`"]`))
			} else {
				f.Fix = fix(t("Give the instances a new key", "为实例更换密钥"), consoleKeys, repair(k.Region, is[0].ID))
			}
			p.Report(f)
		}
		return p.Context.Err()
	},
}

var inspectImages = &Check{
	ID: "account/machine/inspect", Severity: finding.Low, Class: finding.PresetAccount, Rows: []string{"A2", "A6"},
	Doc: check.Doc{
		Title: t("Custom images in use, whose keys and users come with every instance", "正在使用的自定义镜像：其中的公钥和用户会进入每台实例"),
		Why: t("Authorized keys and further users in an image reach every instance, whatever the request says: no policy and no audit of the account sees them",
			"镜像中的授权公钥和其他用户会随每台实例带入，与请求参数无关：策略和账号审计都看不到"),
		Remedy: t("Inspect each image with assay inspect, clean it with assay clean", "用 assay inspect 检查每个镜像，用 assay clean 清理"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		running := map[string]int{}
		for _, i := range p.Subject.Instances {
			running[i.Region+"/"+i.Image]++
		}
		var used []cloud.Image
		for _, im := range p.Subject.Images {
			if im.InUse || running[im.Region+"/"+im.ID] > 0 {
				used = append(used, im)
			}
		}
		if len(used) == 0 {
			return p.Context.Err()
		}
		slices.SortStableFunc(used, func(a, b cloud.Image) int { return running[b.Region+"/"+b.ID] - running[a.Region+"/"+a.ID] })
		first := used[0]
		f := finding.Finding{Where: finding.Where{Path: p.Subject.ARN("ecs", "*", "image/*")},
			Title: t(fmt.Sprintf("%s %s in use: only an inspection shows which keys and users come with it; most instances run %s in %s", count(len(used), "custom image"), verb(len(used), "is", "are"), label(first.ID, first.Name), first.Region),
				fmt.Sprintf("%d 个自定义镜像正在使用：只有检查镜像才能知道其中的公钥和用户；使用最多的是 %s 的 %s", len(used), first.Region, label(first.ID, first.Name))),
			Fix: fix(t("Inspect an instance of each", "检查每个镜像的实例"), finding.Text{}, command("assay", "inspect", "ecs://"+first.Region+"/INSTANCE"))}
		for _, im := range used[:min(len(used), maxPlaces)] {
			f.Places = append(f.Places, at(p.Subject, "ecs", im.Region, "image/"+im.ID))
		}
		p.Report(f)
		return p.Context.Err()
	},
}

var managementAccount = &Check{
	ID: "account/exposure/management-account", Severity: finding.Medium, Class: finding.Exposure, Rows: []string{"A8", "B15", "B16"},
	Doc: check.Doc{
		Title:  t("Custom images in the management account", "管理账号中的自定义镜像"),
		Why:    t("Control policies do not reach the management account: nothing that is bound in the directory keeps these images from being shared or exported", "管控策略对管理账号不生效：资源目录中绑定的策略无法阻止这些镜像被共享或导出"),
		Remedy: t("Keep images in a member account; grant the users of the management account the denials as RAM policy", "将镜像放在成员账号中；向管理账号的用户授予同样的 RAM 禁止策略"), Since: "0.2",
	},
	Run: func(p *Pass) error {
		s := p.Subject
		if s.Directory == nil || s.Directory.Management != s.Account || len(s.Images) == 0 {
			return p.Context.Err()
		}
		f := finding.Finding{Where: finding.Where{Path: s.ARN("ecs", "*", "image/*")},
			Title: t(fmt.Sprintf("The management account %s holds %s", s.Account, count(len(s.Images), "custom image")), fmt.Sprintf("管理账号 %s 中有 %d 个自定义镜像", s.Account, len(s.Images))),
			Fix: fix(t("Move them to a member, and grant the denials here as RAM policy", "迁移到成员账号，并在此授予 RAM 禁止策略"), finding.Text{},
				command("assay", "policy", "attach", "--scope", "user", "--target", "group/NAME"))}
		for _, im := range s.Images[:min(len(s.Images), maxPlaces)] {
			f.Places = append(f.Places, at(s, "ecs", im.Region, "image/"+im.ID))
		}
		p.Report(f)
		return p.Context.Err()
	},
}
