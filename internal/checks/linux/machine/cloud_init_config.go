package machine

import (
	"path"

	"assay/check"
	"assay/finding"
	"assay/internal/checks/credfile"
)

var cloudInitConfig = &Check{
	ID:       "linux/machine/cloud-init-config",
	Severity: finding.High,
	Class:    finding.PresetAccount,
	Rows:     []string{"A1", "A2", "B1"},
	Covers:   []string{"IDN-014", "IDN-015"},
	Doc: check.Doc{
		Title:  t("Passwords and keys that cloud-init would set on every instance", "cloud-init 会在每个实例上设置的密码和密钥"),
		Why:    t("A password or key in cloud.cfg.d or in a seed comes back at each first boot, even after it was removed from the system", "cloud.cfg.d 或 seed 中的密码、公钥会在每次首次启动时重新写入，即使已从系统中删除"),
		Remedy: t("Remove the entries; keep the datasource_list with AliYun", "删除这些配置项；保留包含 AliYun 的 datasource_list"),
		Since:  "0.1",
	},
	Run: func(p *Pass) error {
		seeds := "/var/lib/cloud/seed/**"
		for _, m := range credfile.Targets(p.Subject, "/etc/cloud/cloud.cfg", "/etc/cloud/cloud.cfg.d/*.cfg", seeds, "/root/user-data", "/autoinstall.yaml", "/var/log/installer/autoinstall-user-data") {
			b, ok := credfile.Read(p, m)
			if !ok {
				continue
			}
			isSeed := credfile.Under(m.Path, "/var/lib/cloud/seed")
			var all []found
			if isSeed {
				all = inUserData(p, m, b)
			} else {
				all = inConfig(p, m, b, 1)
			}
			if len(all) == 0 {
				continue
			}
			en, zh := summary(all)
			f := finding.Finding{Where: all[0].where, Evidence: all[0].evidence,
				Title: finding.Tf("%[1]s gives every instance %[2]s", "%[1]s 会为每个实例设置%[3]s", credfile.Show(path.Base(m.Path)), en, zh)}
			if isSeed {
				risk := t("The seed may be what makes this image boot where there is no metadata service", "在没有元数据服务的环境中，该 seed 可能是镜像启动所必需的")
				f.Fix = &finding.Fix{Title: t("Remove the seed", "删除该 seed"), Risk: &risk, Edits: []finding.Edit{{Op: finding.Remove, Volume: f.Where.Volume, Path: m.Path}}}
			}
			p.Report(f)
		}
		return nil
	},
}
